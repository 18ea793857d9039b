/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * A condition variable is a queue of waiters, first come, first woken. Each sleeps on a word of its own, so a
 * signal reaches the waiter that it was meant for and nobody else, and has_waiters() is exact: who has been
 * signalled is no waiter any more.
 *
 * A waiter enters the queue with the mutex held. Whoever signals chooses it and takes it out, and either
 * wakes it or, when the signal comes from the holder of the mutex that the waiter will want, leaves that to
 * the mutex's release. A waiter whose time is up turns to leaving, unless it has been chosen, and takes
 * itself out. So only one who leaves by itself looks at the condition variable after its sleep, and the count
 * of waiters is the last that it touches: destroying waits for that count, and signalling everybody and
 * destroying is safe.
 *
 * The queue's lock is held for a few instructions and never across an upcall.
 *
 * The upcalls: giving up the CPU comes first, as the scheduler's own mutex (SPIN alone) is taken by that and
 * not by the caller. It comes back last, except that a mutex which is SPIN and KMUTEX ranks below the CPU:
 * waiting for the CPU with it held would block those that have the CPU and wait for the mutex.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include <rump/rumpdefs.h>

#include "librumpuser/host_lock.h"
#include "librumpuser/hyp.h"
#include "librumpuser/mutex.h"

enum waiter_state { WAITING, LEAVING, CHOSEN, SIGNALLED };

/* Beside the state: the waiter sleeps or is about to. Whoever wakes it otherwise needs no system call. */
#define ASLEEP 0x100u

struct cv_waiter {
	TAILQ_ENTRY(cv_waiter) queue;
	struct cv_waiter *next_resumed;
	struct rumpuser_mtx *mtx;
	_Atomic uint32_t state;
};

TAILQ_HEAD(cv_queue, cv_waiter);

struct rumpuser_cv {
	struct host_lock lock;
	_Atomic uint32_t waiters; /* in the queue, or just leaving it by themselves */
	struct cv_queue queue;
};

void
rumpuser_cv_init(struct rumpuser_cv **cvp)
{
	struct rumpuser_cv *cv = calloc(1, sizeof(*cv));

	if (cv == NULL)
		host_fatal("out of memory for a condition variable");
	TAILQ_INIT(&cv->queue);
	annotate_created(cv, sizeof(*cv));
	*cvp = cv;
}

void
rumpuser_cv_destroy(struct rumpuser_cv *cv)
{
	uint32_t waiters;

	while ((waiters = atomic_load_explicit(&cv->waiters, memory_order_acquire)) != 0)
		(void)host_wait(&cv->waiters, waiters, NULL);
	annotate_destroyed(cv, sizeof(*cv));
	free(cv);
}

static void
enqueue(struct rumpuser_cv *cv, struct cv_waiter *waiter)
{
	host_lock_enter(&cv->lock);
	TAILQ_INSERT_TAIL(&cv->queue, waiter, queue);
	atomic_fetch_add_explicit(&cv->waiters, 1, memory_order_relaxed);
	host_lock_exit(&cv->lock);
}

static inline uint32_t
count_waiters(const struct rumpuser_cv *cv)
{
	return atomic_load_explicit(&cv->waiters, memory_order_relaxed);
}

/* From waiting to another state; whether the waiter sleeps stays as it is. */
static bool
change_state(struct cv_waiter *waiter, uint32_t to)
{
	uint32_t state = atomic_load_explicit(&waiter->state, memory_order_relaxed);

	do {
		if ((state & ~ASLEEP) != WAITING)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
	    &waiter->state, &state, to | (state & ASLEEP), memory_order_acq_rel, memory_order_relaxed));
	return true;
}

/* Takes up to count waiters out of the queue and returns the list of them. */
static struct cv_waiter *
choose(struct rumpuser_cv *cv, uint32_t count)
{
	struct cv_waiter *chosen = NULL, **end = &chosen;
	struct cv_waiter *waiter, *next;

	host_lock_enter(&cv->lock);
	for (waiter = TAILQ_FIRST(&cv->queue); waiter != NULL && count > 0; waiter = next) {
		next = TAILQ_NEXT(waiter, queue);
		if (!change_state(waiter, CHOSEN))
			continue;
		TAILQ_REMOVE(&cv->queue, waiter, queue);
		atomic_fetch_sub_explicit(&cv->waiters, 1, memory_order_relaxed);
		waiter->next_resumed = NULL;
		*end = waiter;
		end = &waiter->next_resumed;
		count--;
	}
	host_lock_exit(&cv->lock);
	return chosen;
}

/* Takes a waiter out that has turned to leaving. The condition variable may be gone afterwards. */
static void
leave(struct rumpuser_cv *cv, struct cv_waiter *waiter)
{
	host_lock_enter(&cv->lock);
	TAILQ_REMOVE(&cv->queue, waiter, queue);
	host_lock_exit(&cv->lock);
	if (atomic_fetch_sub_explicit(&cv->waiters, 1, memory_order_release) == 1)
		(void)host_wake(&cv->waiters, HOST_WAKE_ALL);
}

/* The waiter may be gone as soon as its state has changed; its word's address is all that is used then. */
static void
wake(struct cv_waiter *waiter)
{
	annotate_before(&waiter->mtx->resumed);
	if (atomic_exchange_explicit(&waiter->state, SIGNALLED, memory_order_release) & ASLEEP)
		(void)host_wake(&waiter->state, 1);
}

void
cv_wake_resumed(struct cv_waiter *resumed)
{
	struct cv_waiter *next;

	for (; resumed != NULL; resumed = next) {
		next = resumed->next_resumed;
		wake(resumed);
	}
}

/* Wakes the chosen waiters, now or at the release of the mutex. */
static void
resume(struct cv_waiter *chosen)
{
	struct cv_waiter *waiter, **end;

	while ((waiter = chosen) != NULL) {
		chosen = waiter->next_resumed;
		if (!mutex_held_by_caller(waiter->mtx)) {
			wake(waiter);
			continue;
		}
		for (end = &waiter->mtx->resumed; *end != NULL; end = &(*end)->next_resumed)
			continue;
		waiter->next_resumed = NULL;
		*end = waiter;
	}
}

/* The mutex is held, and is not afterwards. Returns 0, or RUMP_ETIMEDOUT when the deadline came first. */
static int
block(struct rumpuser_cv *cv, struct rumpuser_mtx *mtx, const struct timespec *deadline)
{
	struct cv_waiter waiter = {.mtx = mtx, .state = WAITING};
	uint32_t state;

	enqueue(cv, &waiter);
	mutex_release(mtx);
	while ((state = atomic_load_explicit(&waiter.state, memory_order_acquire)) != SIGNALLED) {
		if (!(state & ASLEEP)) {
			(void)atomic_compare_exchange_strong_explicit(&waiter.state, &state, state | ASLEEP,
			    memory_order_relaxed, memory_order_relaxed);
			continue;
		}
		if (host_wait(&waiter.state, state, state == (WAITING | ASLEEP) ? deadline : NULL) ==
			-ETIMEDOUT &&
		    change_state(&waiter, LEAVING)) {
			leave(cv, &waiter);
			return RUMP_ETIMEDOUT;
		}
	}
	annotate_after(&mtx->resumed);
	annotate_own(&waiter, sizeof(waiter));
	return 0;
}

static int
wait(struct rumpuser_cv *cv, struct rumpuser_mtx *mtx, const struct timespec *deadline)
{
	const int below_cpu = RUMPUSER_MTX_SPIN | RUMPUSER_MTX_KMUTEX;
	int locks = hyp_release_cpu(mtx);
	int error = block(cv, mtx, deadline);

	if ((mtx->flags & below_cpu) == below_cpu) {
		hyp_retake_cpu(locks, mtx);
		mutex_acquire(mtx);
	} else {
		mutex_acquire(mtx);
		hyp_retake_cpu(locks, mtx);
	}
	return error;
}

void
rumpuser_cv_wait(struct rumpuser_cv *cv, struct rumpuser_mtx *mtx)
{
	(void)wait(cv, mtx, NULL);
}

void
rumpuser_cv_wait_nowrap(struct rumpuser_cv *cv, struct rumpuser_mtx *mtx)
{
	(void)block(cv, mtx, NULL);
	mutex_acquire(mtx);
}

int
rumpuser_cv_timedwait(struct rumpuser_cv *cv, struct rumpuser_mtx *mtx, int64_t sec, int64_t nsec)
{
	struct timespec deadline;

	host_deadline(&deadline, sec, nsec);
	return wait(cv, mtx, &deadline);
}

void
rumpuser_cv_signal(struct rumpuser_cv *cv)
{
	if (host_unlikely(count_waiters(cv) != 0))
		resume(choose(cv, 1));
}

void
rumpuser_cv_broadcast(struct rumpuser_cv *cv)
{
	if (host_unlikely(count_waiters(cv) != 0))
		resume(choose(cv, UINT32_MAX));
}

void
rumpuser_cv_has_waiters(struct rumpuser_cv *cv, int *waiters)
{
	*waiters = (int)count_waiters(cv);
}
