/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for descriptors of both sides. */
#ifndef HIJACK_WAIT_H
#define HIJACK_WAIT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* How long: a point in monotonic time, or for ever. */
struct hijack_deadline {
	bool forever;
	struct timespec at;
};

struct hijack_deadline hijack_deadline_in(const struct timespec *timeout); /* NULL: for ever */

/* What is left; 0 when it is over. */
struct timespec hijack_deadline_left(const struct hijack_deadline *deadline);

/*
 * poll(2) on numbers of the program's, shadows among them. mask: the signals that are blocked meanwhile, NULL
 * for no change. Returns how many are ready, or -errno.
 */
long hijack_wait(
    struct pollfd *fds, size_t count, const struct hijack_deadline *deadline, const uint64_t *mask);

/*
 * Waits for one descriptor of the rump kernel's, without a look at it first: 1 when it is worth a try; 0 when
 * the time is over; -errno. Signals are held. What lasts for ever is ended by no handler with SA_RESTART.
 */
struct hijack_interruption;
long hijack_wait_inside(
    int rump, short events, const struct hijack_deadline *deadline, struct hijack_interruption *held);

#endif
