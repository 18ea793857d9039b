/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping and waking.
 *
 * Theory of operation: a waitq belongs to an object and is guarded by the object's mutex. A
 * sleeper is a mutex and a condition variable of its own, taken from a pool for the time of the
 * sleep, put on the waitq and on its process's list; so it can be woken by the object's owner
 * (holding the object's mutex) and by whoever ends sleeps of the process or of the lwp (holding
 * the process's), without either knowing the other.
 */
#ifndef KERNEL_BASE_SLEEP_H
#define KERNEL_BASE_SLEEP_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/base/component.h"
#include "kernel/base/lock.h"

struct rumpk_sleeper;

/* Zeroed memory is an empty queue. */
struct rumpk_waitq {
	struct rumpk_sleeper *first, *last;
};

/* Not ended by signals, exit or an interrupt: for waits that the kernel itself will end soon. */
#define RUMPK_SLEEP_UNINTERRUPTIBLE 0x01

/* No deadline. */
#define RUMPK_FOREVER INT64_MAX

/*
 * Sleeps until woken, with mtx (held by the caller) released meanwhile and held again on return.
 * deadline is in nanoseconds of the monotonic clock (rumpk_monotonic()). Returns 0 when woken,
 * RUMP_EWOULDBLOCK at the deadline, RUMP_EINTR when the process exits or the lwp is interrupted.
 * The caller checks its condition again in every case: a wake that came together with an
 * interrupt is passed on only as far as rumpk_waitq_wake_one()'s caller asked for one sleeper.
 */
RUMPK_EXPORT int rumpk_waitq_sleep(struct rumpk_waitq *wq, rumpk_mutex mtx, int flags, int64_t deadline);

/* Both with the waitq's mutex held. */
RUMPK_EXPORT void rumpk_waitq_wake(struct rumpk_waitq *wq);
RUMPK_EXPORT void rumpk_waitq_wake_one(struct rumpk_waitq *wq);

static inline bool
rumpk_waitq_empty(const struct rumpk_waitq *wq)
{
	return wq->first == NULL;
}

#endif
