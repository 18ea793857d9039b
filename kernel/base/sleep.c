/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/sleep.h"
#include "kernel/base/boot.h"
#include "kernel/base/clock.h"
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"
#include "kernel/base/sleep_impl.h"

struct rumpk_sleeper {
	rumpk_mutex lock;
	struct rumpuser_cv *cv;
	/* Guarded by lock. */
	bool woken;
	/* Guarded by the waitq's mutex. */
	bool queued;
	struct rumpk_sleeper *next, *prev;
	/* Guarded by the process's lock. */
	struct rumpk_sleeper *proc_next, *proc_prev;
	void *pool_link;
};

static int
sleeper_ctor(void *object)
{
	struct rumpk_sleeper *s = object;

	rumpk_mutex_init(&s->lock);
	rumpuser_cv_init(&s->cv);
	return 0;
}

static struct rumpk_pool pool = RUMPK_POOL_INIT("sleeper", struct rumpk_sleeper, pool_link, sleeper_ctor);

void
rumpk_sleep_init(void)
{
	rumpk_pool_init(&pool);
}

static void
enqueue(struct rumpk_waitq *wq, struct rumpk_sleeper *s)
{
	s->next = NULL;
	s->prev = wq->last;
	if (wq->last != NULL)
		wq->last->next = s;
	else
		wq->first = s;
	wq->last = s;
	s->queued = true;
}

static void
dequeue(struct rumpk_waitq *wq, struct rumpk_sleeper *s)
{
	if (s->prev != NULL)
		s->prev->next = s->next;
	else
		wq->first = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	else
		wq->last = s->prev;
	s->queued = false;
}

void
rumpk_sleeper_wake(struct rumpk_sleeper *s)
{
	rumpk_lock(s->lock);
	s->woken = true;
	rumpuser_cv_signal(s->cv);
	rumpk_unlock(s->lock);
}

unsigned
rumpk_sleepers_count(const struct proc *p)
{
	unsigned count = 0;

	for (const struct rumpk_sleeper *s = p->sleepers; s != NULL; s = s->proc_next)
		count++;
	return count;
}

void
rumpk_sleepers_wake(struct proc *p)
{
	for (struct rumpk_sleeper *s = p->sleepers; s != NULL; s = s->proc_next)
		rumpk_sleeper_wake(s);
}

/* Lets the process find the sleeper; false when it must not sleep. */
static bool
expose(struct lwp *l, struct rumpk_sleeper *s)
{
	struct proc *p = l->proc;
	bool may;

	rumpk_lock(p->lock);
	may = !atomic_load_explicit(&p->exiting, memory_order_relaxed) &&
	      !atomic_load_explicit(&l->interrupted, memory_order_relaxed);
	if (may) {
		s->proc_prev = NULL;
		s->proc_next = p->sleepers;
		if (p->sleepers != NULL)
			p->sleepers->proc_prev = s;
		p->sleepers = s;
		l->sleeper = s;
	}
	rumpk_unlock(p->lock);
	return may;
}

static void
hide(struct lwp *l, struct rumpk_sleeper *s)
{
	struct proc *p = l->proc;

	rumpk_lock(p->lock);
	if (s->proc_prev != NULL)
		s->proc_prev->proc_next = s->proc_next;
	else
		p->sleepers = s->proc_next;
	if (s->proc_next != NULL)
		s->proc_next->proc_prev = s->proc_prev;
	l->sleeper = NULL;
	rumpk_unlock(p->lock);
}

/* Whether it was woken before the deadline. */
static bool
block(struct rumpk_sleeper *s, int64_t deadline)
{
	bool woken;

	rumpk_lock(s->lock);
	while (!s->woken) {
		int64_t left;

		if (deadline == RUMPK_FOREVER) {
			rumpuser_cv_wait_nowrap(s->cv, s->lock);
			continue;
		}
		left = deadline - rumpk_monotonic();
		if (left <= 0)
			break;
		rumpuser_cv_timedwait(s->cv, s->lock, left / RUMPK_NSEC, left % RUMPK_NSEC);
	}
	woken = s->woken;
	rumpk_unlock(s->lock);
	return woken;
}

int
rumpk_waitq_sleep(struct rumpk_waitq *wq, rumpk_mutex mtx, int flags, int64_t deadline)
{
	struct lwp *l = rumpk_curlwp();
	struct rumpk_sleeper *s = rumpk_pool_get(&pool);
	bool interruptible = (flags & RUMPK_SLEEP_UNINTERRUPTIBLE) == 0;
	int error = RUMP_EINTR;

	if (s == NULL)
		return RUMP_ENOMEM;
	s->woken = false;
	enqueue(wq, s);
	if (!interruptible || expose(l, s)) {
		rumpk_unlock(mtx);
		error = block(s, deadline) ? RUMP_EINTR : RUMP_EWOULDBLOCK;
		if (interruptible)
			hide(l, s);
		rumpk_lock(mtx);
	}
	if (s->queued)
		dequeue(wq, s);
	else
		error = 0;
	rumpk_pool_put(&pool, s);
	return error;
}

void
rumpk_waitq_wake_one(struct rumpk_waitq *wq)
{
	struct rumpk_sleeper *s = wq->first;

	if (s == NULL)
		return;
	dequeue(wq, s);
	rumpk_sleeper_wake(s);
}

void
rumpk_waitq_wake(struct rumpk_waitq *wq)
{
	while (wq->first != NULL)
		rumpk_waitq_wake_one(wq);
}
