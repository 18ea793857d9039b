/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "librumpuser/host_lock.h"

void
host_lock_slow(struct host_lock *lock)
{
	for (unsigned look = 0; look < host_spins; look++) {
		uint32_t expected = 0;

		if (atomic_compare_exchange_weak_explicit(
			&lock->word, &expected, 1, memory_order_acquire, memory_order_relaxed))
			return;
		host_relax();
	}
	/* Who has slept takes it as 2: there may be other sleepers, and nobody keeps count. */
	while (atomic_exchange_explicit(&lock->word, 2, memory_order_acquire) != 0)
		(void)host_wait(&lock->word, 2, NULL);
}

int
host_cond_wait(struct host_cond *cond, struct host_lock *lock, const struct timespec *deadline)
{
	uint32_t turn;
	int error;

	annotate_atomic(&cond->turns, sizeof(cond->turns));
	turn = atomic_load_explicit(&cond->turns, memory_order_relaxed);
	host_lock_exit(lock);
	error = host_wait(&cond->turns, turn, deadline);
	host_lock_enter(lock);
	return error;
}

void
host_cond_wake(struct host_cond *cond, int count)
{
	annotate_atomic(&cond->turns, sizeof(cond->turns));
	atomic_fetch_add_explicit(&cond->turns, 1, memory_order_relaxed);
	host_wake(&cond->turns, count);
}
