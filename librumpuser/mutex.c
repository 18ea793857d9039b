/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * A mutex is one word for futex(2): who holds it, and whether anybody sleeps for it. A release that finds
 * sleepers wakes one, who competes with whoever comes by; whoever has seen the mutex taken marks it contended
 * before sleeping, and whoever gets it after having slept leaves the mark, since there may be more sleepers.
 *
 * That the word names its holder lets a condition variable see that a signal comes from the holder of its
 * waiters' mutex. They are then put on the mutex's list and woken after the release: woken earlier, they
 * would preempt the holder, find the mutex taken, and go back to sleep.
 *
 * Nothing of a mutex is touched after its release: who takes it next may destroy it.
 */
#include "config.h"

#include <assert.h>

#include <rump/rumpdefs.h>

#include "librumpuser/annotate.h"
#include "librumpuser/hyp.h"
#include "librumpuser/line.h"
#include "librumpuser/mutex.h"

static_assert(sizeof(struct rumpuser_mtx) <= LINE_SIZE, "a mutex fits into a line");

void
rumpuser_mutex_init(struct rumpuser_mtx **mtxp, int flags)
{
	struct rumpuser_mtx *mtx = line_get();

	if (mtx == NULL)
		host_fatal("out of memory for a mutex");
	mtx->flags = flags;
	annotate_created(mtx, sizeof(*mtx));
	*mtxp = mtx;
}

void
rumpuser_mutex_destroy(struct rumpuser_mtx *mtx)
{
	annotate_destroyed(mtx, sizeof(*mtx));
	line_put(mtx);
}

static inline bool
take_free(struct rumpuser_mtx *mtx, uint32_t as)
{
	uint32_t expected = 0;

	if (host_alone()) {
		if (atomic_load_explicit(&mtx->word, memory_order_relaxed) != 0)
			return false;
		atomic_store_explicit(&mtx->word, as, memory_order_relaxed);
		return true;
	}
	return atomic_compare_exchange_strong_explicit(
	    &mtx->word, &expected, as, memory_order_acquire, memory_order_relaxed);
}

static inline void
set_owner(struct rumpuser_mtx *mtx)
{
	atomic_store_explicit(&mtx->owner, host_self.lwp, memory_order_relaxed);
}

static __attribute__((noinline)) void
take_slowly(struct rumpuser_mtx *mtx)
{
	uint32_t self = host_id();
	uint32_t word;

	if (mutex_held_by_caller(mtx))
		host_fatal("mutex %p: locking against myself", (void *)mtx);
	for (unsigned look = 0; look < host_spins; look++) {
		if (atomic_load_explicit(&mtx->word, memory_order_relaxed) == 0 && take_free(mtx, self))
			return;
		host_relax();
	}
	while (!take_free(mtx, self | MUTEX_CONTENDED)) {
		word = atomic_load_explicit(&mtx->word, memory_order_relaxed);
		if (word == 0)
			continue;
		if (!(word & MUTEX_CONTENDED) &&
		    !atomic_compare_exchange_strong_explicit(&mtx->word, &word, word | MUTEX_CONTENDED,
			memory_order_relaxed, memory_order_relaxed))
			continue;
		(void)host_wait(&mtx->word, word | MUTEX_CONTENDED, NULL);
	}
}

void
mutex_acquire(struct rumpuser_mtx *mtx)
{
	annotate_wanted(mtx, ANNOTATE_EXCLUSIVE);
	if (host_unlikely(!take_free(mtx, host_id())))
		take_slowly(mtx);
	set_owner(mtx);
	annotate_taken(mtx, ANNOTATE_EXCLUSIVE);
}

static inline void
give_back(struct rumpuser_mtx *mtx)
{
	atomic_store_explicit(&mtx->owner, NULL, memory_order_relaxed);
	annotate_releasing(mtx, ANNOTATE_EXCLUSIVE);
	if (host_alone())
		atomic_store_explicit(&mtx->word, 0, memory_order_relaxed);
	else if (host_unlikely(
		     atomic_exchange_explicit(&mtx->word, 0, memory_order_release) & MUTEX_CONTENDED))
		(void)host_wake(&mtx->word, 1);
	annotate_released(mtx, ANNOTATE_EXCLUSIVE);
}

static __attribute__((noinline)) void
give_back_and_resume(struct rumpuser_mtx *mtx)
{
	struct cv_waiter *resumed = mtx->resumed;

	mtx->resumed = NULL;
	give_back(mtx);
	cv_wake_resumed(resumed);
}

static inline void
release(struct rumpuser_mtx *mtx)
{
	if (host_unlikely(mtx->resumed != NULL))
		give_back_and_resume(mtx);
	else
		give_back(mtx);
}

void
mutex_release(struct rumpuser_mtx *mtx)
{
	release(mtx);
}

/* False also for a thread whose number is not known yet: whoever then goes the slow way finds it. */
static inline bool
try_acquire(struct rumpuser_mtx *mtx)
{
	bool taken;

	annotate_tried(mtx, ANNOTATE_EXCLUSIVE);
	taken = host_likely(host_self.id != 0) && take_free(mtx, host_self.id);
	if (host_likely(taken))
		set_owner(mtx);
	annotate_try_ended(mtx, ANNOTATE_EXCLUSIVE, taken);
	return taken;
}

int
rumpuser_mutex_tryenter(struct rumpuser_mtx *mtx)
{
	(void)host_id();
	return try_acquire(mtx) ? 0 : RUMP_EBUSY;
}

void
rumpuser_mutex_enter_nowrap(struct rumpuser_mtx *mtx)
{
	mutex_acquire(mtx);
}

static __attribute__((noinline)) void
enter_slowly(struct rumpuser_mtx *mtx)
{
	int locks;

	if (mtx->flags & RUMPUSER_MTX_SPIN) {
		mutex_acquire(mtx);
		return;
	}
	/* A thread's first mutex may well be free. */
	(void)host_id();
	if (try_acquire(mtx))
		return;
	locks = hyp_release_cpu(NULL);
	mutex_acquire(mtx);
	hyp_retake_cpu(locks, NULL);
}

void
rumpuser_mutex_enter(struct rumpuser_mtx *mtx)
{
	if (host_unlikely(!try_acquire(mtx)))
		enter_slowly(mtx);
}

void
rumpuser_mutex_exit(struct rumpuser_mtx *mtx)
{
	release(mtx);
}

void
rumpuser_mutex_owner(struct rumpuser_mtx *mtx, struct lwp **lp)
{
	*lp = atomic_load_explicit(&mtx->owner, memory_order_relaxed);
}
