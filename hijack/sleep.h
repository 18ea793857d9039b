/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that may sleep, in a rump kernel that cannot end them for a signal. */
#ifndef HIJACK_SLEEP_H
#define HIJACK_SLEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "hijack/dispatch.h"
#include "hijack/interruption.h"
#include "hijack/wait.h"

/* One call of the program's. */
struct hijack_sleep {
	bool outside; /* it is to sleep here; else it is one call, of the rump kernel's */
	bool settled; /* how long is known */
	int rump;
	short events;
	int flags;    /* for calls on sockets, besides the program's */
	bool in_vain; /* the last wait was */
	size_t done;  /* bytes */
	long result;  /* in the end */
	struct hijack_deadline deadline;
	struct hijack_interruption held;
	struct timespec delay; /* between attempts, where nothing tells when one is worth it */
};

/* Whether calls that may sleep are to do so here. */
bool hijack_sleeps_outside(void);

/*
 * Begins a call that may sleep until the events are there. It is to be made with the flags, which keep it
 * from sleeping, as long as hijack_sleep_again() says so. Until that says no, or hijack_sleep_end(), signals
 * are held.
 */
struct hijack_sleep hijack_sleep_begin(int rump, short events);

/* The same with flags of the program's, of which MSG_DONTWAIT counts. */
struct hijack_sleep hijack_sleep_message(int rump, short events, int flags);

/*
 * What an attempt came to. Returns whether to make another, for what is left of the wanted bytes: 0 for a
 * call that is content with what there is. Afterwards sleep->result is the call's.
 */
bool hijack_sleep_again(struct hijack_sleep *sleep, long result, size_t wanted);

/* Returns the result given. */
long hijack_sleep_end(struct hijack_sleep *sleep, long result);

/*
 * For calls that cannot be kept from sleeping: waits until one is likely not to, and ends. Returns 0, also
 * when the call may be made at once; or what it comes to: -EAGAIN, -EINTR, another errno.
 */
long hijack_sleep_before(struct hijack_sleep *sleep);

/* For calls that nothing can be waited for: lets some time pass. Returns 0 or -EINTR. */
long hijack_sleep_a_while(struct hijack_sleep *sleep);

/* connect, of which only the sleep is different. */
long hijack_sleep_connect(int rump, uint64_t address, uint64_t size);

/* Makes a call of NetBSD's that reads or writes a descriptor that is no socket, and may be no file. */
long hijack_sleep_stream(
    const struct hijack_call *call, int netbsd, const uint64_t *slots, size_t count, short events);

#endif
