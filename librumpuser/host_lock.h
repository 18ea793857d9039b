/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lock and a condition for librumpuser's own use. Neither is ever held or waited for across an upcall.
 * All bytes zero is the initial state, and nothing has to be destroyed.
 */
#ifndef LIBRUMPUSER_HOST_LOCK_H
#define LIBRUMPUSER_HOST_LOCK_H

#include "librumpuser/annotate.h"
#include "librumpuser/host.h"

#pragma GCC visibility push(hidden)

struct host_lock {
	_Atomic uint32_t word; /* 0 free, 1 held, 2 held and somebody sleeps */
};

void host_lock_slow(struct host_lock *lock);

static inline void
host_lock_enter(struct host_lock *lock)
{
	uint32_t expected = 0;

	annotate_wanted(lock, ANNOTATE_EXCLUSIVE);
	if (!atomic_compare_exchange_strong_explicit(
		&lock->word, &expected, 1, memory_order_acquire, memory_order_relaxed))
		host_lock_slow(lock);
	annotate_taken(lock, ANNOTATE_EXCLUSIVE);
}

static inline void
host_lock_exit(struct host_lock *lock)
{
	annotate_releasing(lock, ANNOTATE_EXCLUSIVE);
	if (atomic_exchange_explicit(&lock->word, 0, memory_order_release) == 2)
		host_wake(&lock->word, 1);
	annotate_released(lock, ANNOTATE_EXCLUSIVE);
}

struct host_cond {
	_Atomic uint32_t turns;
};

/*
 * Releases the lock, sleeps until host_cond_wake() or the deadline (NULL: none), and takes the lock again.
 * Returns 0 or -ETIMEDOUT; may return 0 for no reason.
 */
int host_cond_wait(struct host_cond *cond, struct host_lock *lock, const struct timespec *deadline);

/* Wakes one or all (HOST_WAKE_ALL) of those who wait now. Best called after the lock has been released. */
void host_cond_wake(struct host_cond *cond, int count);

#pragma GCC visibility pop

#endif
