/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for one of several files: what poll and select share. */
#ifndef KERNEL_BASE_POLL_H
#define KERNEL_BASE_POLL_H

#include <stddef.h>
#include <stdint.h>
#include "kernel/base/file.h"

/* One descriptor to wait for. */
struct rumpk_pollent {
	int fd;
	/* RUMP_POLL*: what is asked, and what holds. */
	int events;
	int revents;
};

/*
 * Waits until at least one of the entries has revents, or until the deadline (0: does not wait).
 * *ready counts them. Negative descriptors are passed over; one that is not open has POLLNVAL.
 * Returns 0, EINTR or ENOMEM.
 */
int rumpk_poll_wait(struct lwp *l, struct rumpk_pollent *ents, size_t n, int64_t deadline, size_t *ready);

#endif
