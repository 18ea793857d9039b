/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks, and callouts: functions that one thread of the kernel calls at a given time. */
#ifndef KERNEL_BASE_CLOCK_H
#define KERNEL_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <rump/rumpdefs.h>
#include "kernel/base/component.h"

#define RUMPK_NSEC INT64_C(1000000000)

/* Nanoseconds of the monotonic clock. */
RUMPK_EXPORT int64_t rumpk_monotonic(void);

/* Wall time, as clock_settime left it: for timestamps. */
RUMPK_EXPORT void rumpk_nanotime(struct rump_timespec *ts);

/* 0, or EINVAL unless 0 <= tv_nsec < 10^9 and tv_sec >= 0. */
RUMPK_EXPORT int rumpk_timespec_check(const struct rump_timespec *ts);
/* Saturates. */
RUMPK_EXPORT int64_t rumpk_timespec_ns(const struct rump_timespec *ts);
RUMPK_EXPORT void rumpk_ns_timespec(int64_t ns, struct rump_timespec *ts);
/* monotonic now + ns, saturating to RUMPK_FOREVER. */
RUMPK_EXPORT int64_t rumpk_deadline(int64_t ns);

struct rumpk_callout {
	/* Set by the owner, before rumpk_callout_set(). */
	void (*f)(struct rumpk_callout *);
	/* Guarded by the callouts' lock. index is the place in the heap, 0 when it is not set. */
	int64_t when;
	uint32_t index;
};

/*
 * Calls c->f(c) at the time (of the monotonic clock) from the timer thread, with no lock held; f
 * must not sleep, and may set c again. A callout that is already set moves. Returns 0 or ENOMEM.
 */
RUMPK_EXPORT int rumpk_callout_set(struct rumpk_callout *c, int64_t when);

/* Unsets it, but does not wait when it is running just now. */
RUMPK_EXPORT void rumpk_callout_unset(struct rumpk_callout *c);

/*
 * Unsets it and waits until it does not run; whether it was set. Not from f itself, and with no
 * lock held that f takes.
 */
RUMPK_EXPORT bool rumpk_callout_cancel(struct rumpk_callout *c);

#endif
