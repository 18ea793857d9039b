/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll sets with sockets of the rump kernel's among their members. */
#ifndef HIJACK_EPOLL_H
#define HIJACK_EPOLL_H

#include <stdbool.h>

#include "hijack/descriptor.h"

/* Whether the process has had any: without sockets there may still be an event of the library's in a set. */
extern bool hijack_epoll_any;

/* Whether a wait for a set may be for more than the host's. */
static inline bool
hijack_epoll_concerned(void)
{
	return hijack_sockets() || __atomic_load_n(&hijack_epoll_any, __ATOMIC_RELAXED);
}

/* A number is about to be closed or reused: it is no member and no set any more. */
void hijack_epoll_forget(long fd);

/* The program made this call on the descriptor: edges may count again. */
void hijack_epoll_used(long fd, long number, long result);

/* Whether the set has, or had, members that are not the host's. */
bool hijack_epoll_has_members(int fd);

/* A child of fork has copies of the sets, and eventfds that it must not share. */
void hijack_epoll_forked(void);

/* Whether the number is an eventfd of the library's. */
bool hijack_epoll_owns(int fd);

#endif
