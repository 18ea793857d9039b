/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll sets with sockets of the rump kernel's among their members, and sets that have those in them. */
#ifndef HIJACK_EPOLL_H
#define HIJACK_EPOLL_H

#include <stdbool.h>

#include "hijack/arm.h"
#include "hijack/descriptor.h"
#include "hijack/dispatch.h"

/* Whether the process has made sets; nested one in another; had one with members of the rump kernel's. */
extern bool hijack_epoll_made, hijack_epoll_nests, hijack_epoll_any;

/* Whether a wait for a set may be for more than the host's. */
static inline bool
hijack_epoll_concerned(void)
{
	return hijack_waits() || __atomic_load_n(&hijack_epoll_any, __ATOMIC_RELAXED) ||
	       (__atomic_load_n(&hijack_epoll_nests, __ATOMIC_RELAXED) &&
		   __atomic_load_n(&hijack_threaded, __ATOMIC_RELAXED));
}

/* Whether poll and select may be: also when another thread makes it so. */
static inline bool
hijack_poll_concerned(void)
{
	return hijack_may_wait() || (__atomic_load_n(&hijack_epoll_made, __ATOMIC_RELAXED) &&
					__atomic_load_n(&hijack_threaded, __ATOMIC_RELAXED));
}

/*
 * A wait for the set is left to the host, while other threads may change the set: it is counted, so that the
 * bell is not silenced before all have heard it. By number, with others of the same remainder. To be begun
 * before looking whether the set is a concern.
 */
#define HIJACK_EPOLL_COUNTS 256
extern uint32_t hijack_epoll_passing[HIJACK_EPOLL_COUNTS];

static inline bool
hijack_epoll_pass_begin(long fd)
{
	bool counted = __atomic_load_n(&hijack_threaded, __ATOMIC_RELAXED);

	if (counted)
		__atomic_fetch_add(
		    &hijack_epoll_passing[(unsigned long)fd % HIJACK_EPOLL_COUNTS], 1, __ATOMIC_SEQ_CST);
	return counted;
}

static inline void
hijack_epoll_pass_end(long fd, bool counted)
{
	if (counted)
		__atomic_fetch_sub(
		    &hijack_epoll_passing[(unsigned long)fd % HIJACK_EPOLL_COUNTS], 1, __ATOMIC_SEQ_CST);
}

/* A wait for a set, by way of pass() as long as it is no concern of the library's. */
long hijack_epoll_left_to_host(const struct hijack_call *call, hijack_call_fn *pass);

/* A number is about to be closed or reused: it is no member and no set any more. */
void hijack_epoll_forget(long fd);

/* The second number is one more for the set that the first may be. */
void hijack_epoll_duplicated(long from, long to);

/* The program made this call on the descriptor: edges may count again. */
void hijack_epoll_used(long fd, long number, long result);

/* A child of fork has copies of the sets, and waits of its own. */
struct watch;
extern uint32_t hijack_epoll_lock_word;
extern struct watch *hijack_epoll_watches;
static inline void
hijack_epoll_forked(void)
{
	hijack_epoll_lock_word = 0;
	hijack_epoll_watches = NULL;
	for (size_t i = 0; i < HIJACK_EPOLL_COUNTS; i++)
		__atomic_store_n(&hijack_epoll_passing[i], 0, __ATOMIC_RELAXED);
}

/* Whether the number is an eventfd of the library's. */
bool hijack_epoll_owns(int fd);

#endif
