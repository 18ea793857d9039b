/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue of knotes that may have something to report, and who collects from it. */
#include <string.h>
#include "kernel/base/file.h"
#include "kernel/base/kqueue_impl.h"
#include "kernel/base/kqueue_parts.h"
#include "kernel/base/lwp.h"

static void
enqueue(struct kqueue *kq, struct rumpk_knote *kn)
{
	kn->queue_next = NULL;
	kn->queue_prev = kq->last;
	if (kq->last != NULL)
		kq->last->queue_next = kn;
	else
		kq->first = kn;
	kq->last = kn;
	kq->count++;
	kn->state |= KN_QUEUED;
}

void
rumpk_kq_dequeue(struct kqueue *kq, struct rumpk_knote *kn)
{
	if (kn->queue_prev != NULL)
		kn->queue_prev->queue_next = kn->queue_next;
	else
		kq->first = kn->queue_next;
	if (kn->queue_next != NULL)
		kn->queue_next->queue_prev = kn->queue_prev;
	else
		kq->last = kn->queue_prev;
	kq->count--;
	kn->state &= ~(uint32_t)KN_QUEUED;
}

void
rumpk_kq_wait_idle(struct kqueue *kq, struct rumpk_knote *kn)
{
	while ((kn->state & KN_BUSY) != 0)
		rumpk_waitq_sleep(&kq->busy_waiters, kq->lock, RUMPK_SLEEP_UNINTERRUPTIBLE, RUMPK_FOREVER);
}

void
rumpk_knote_activate(struct rumpk_knote *kn, uint32_t what)
{
	struct kqueue *kq = kn->kq;

	rumpk_lock(kq->lock);
	kn->pending |= what;
	if ((kn->state & KN_BUSY) != 0) {
		kn->state |= KN_AGAIN;
	} else if ((kn->state & (KN_QUEUED | KN_DISABLED)) == 0) {
		enqueue(kq, kn);
	}
	rumpk_waitq_wake(&kq->collectors);
	rumpk_unlock(kq->lock);
	rumpk_notify(&kq->notes, RUMPK_NOTE_READABLE);
}

static void
knote_fire(struct rumpk_watch *watch, uint32_t what)
{
	struct rumpk_knote *kn =
	    (struct rumpk_knote *)(void *)((char *)watch - offsetof(struct rumpk_knote, watch));

	rumpk_knote_activate(kn, what);
}

void
rumpk_knote_watch(struct rumpk_knote *kn, struct rumpk_notelist *list, uint32_t what)
{
	kn->list = list;
	kn->watch.interest = what;
	kn->watch.fire = knote_fire;
	rumpk_watch_add(list, &kn->watch);
}

/* With kq->lock, released meanwhile: whether the event of a knote off the queue holds. */
static bool
ask(struct kqueue *kq, struct rumpk_knote *kn)
{
	bool holds;

	kn->noted = kn->pending;
	kn->pending = 0;
	kn->state |= KN_BUSY;
	rumpk_unlock(kq->lock);
	holds = kn->ops->event(kn);
	rumpk_lock(kq->lock);
	kn->state &= ~(uint32_t)KN_BUSY;
	if ((kn->state & KN_AGAIN) != 0) {
		kn->state &= ~(uint32_t)KN_AGAIN;
		if ((kn->state & (KN_QUEUED | KN_DISABLED)) == 0)
			enqueue(kq, kn);
	}
	rumpk_waitq_wake(&kq->busy_waiters);
	return holds;
}

/* With kq->lock: the event has been reported. */
static void
reported(struct kqueue *kq, struct rumpk_knote *kn)
{
	if ((kn->flags & RUMP_EV_ONESHOT) != 0) {
		kn->state |= KN_DEAD | KN_DISABLED;
		if ((kn->state & KN_QUEUED) != 0)
			rumpk_kq_dequeue(kq, kn);
		return;
	}
	if ((kn->flags & (RUMP_EV_CLEAR | RUMP_EV_DISPATCH)) == 0) {
		if ((kn->state & KN_QUEUED) == 0)
			enqueue(kq, kn);
		return;
	}
	if ((kn->flags & RUMP_EV_CLEAR) != 0) {
		kn->data = 0;
		kn->fflags = 0;
		if (kn->ops->clear != NULL)
			kn->ops->clear(kn);
	} else {
		kn->state |= KN_DISABLED;
		if ((kn->state & KN_QUEUED) != 0)
			rumpk_kq_dequeue(kq, kn);
	}
}

static void
fill(const struct rumpk_knote *kn, struct rump_kevent *kev)
{
	memset(kev, 0, sizeof(*kev));
	kev->ident = kn->ident;
	kev->filter = kn->filter;
	kev->flags = kn->flags;
	kev->fflags = kn->fflags;
	kev->data = kn->data;
	kev->udata = kn->udata;
}

/* With kq->lock: what holds now, each knote asked at most once. */
static size_t
harvest(struct kqueue *kq, struct rump_kevent *events, size_t max)
{
	uint32_t budget = kq->count;
	size_t n = 0;

	while (budget-- > 0 && n < max && kq->first != NULL) {
		struct rumpk_knote *kn = kq->first;

		rumpk_kq_dequeue(kq, kn);
		if ((kn->state & KN_BUSY) != 0) {
			kn->state |= KN_AGAIN;
			continue;
		}
		if (!ask(kq, kn) || (kn->state & KN_DISABLED) != 0)
			continue;
		fill(kn, &events[n++]);
		reported(kq, kn);
	}
	return n;
}

bool
rumpk_kq_ready(struct kqueue *kq, int64_t *count)
{
	bool ready = false;

	rumpk_lock(kq->lock);
	for (uint32_t budget = kq->count; budget > 0 && kq->first != NULL && !ready; budget--) {
		struct rumpk_knote *kn = kq->first;

		rumpk_kq_dequeue(kq, kn);
		if ((kn->state & KN_BUSY) != 0) {
			kn->state |= KN_AGAIN;
			continue;
		}
		ready = ask(kq, kn) && (kn->state & KN_DISABLED) == 0;
		if (ready && (kn->state & KN_QUEUED) == 0)
			enqueue(kq, kn);
	}
	*count = kq->count;
	rumpk_unlock(kq->lock);
	return ready;
}

bool
rumpk_kq_is_dead(struct kqueue *kq, const struct rumpk_knote *kn)
{
	bool dead;

	rumpk_lock(kq->lock);
	dead = (kn->state & KN_DEAD) != 0;
	rumpk_unlock(kq->lock);
	return dead;
}

/* Removes the knotes of events that are reported only once. */
static void
bury(struct kqueue *kq, struct fdtable *t, const struct rump_kevent *events, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct rumpk_knote *kn;

		if ((events[i].flags & RUMP_EV_ONESHOT) == 0)
			continue;
		rumpk_lock(kq->table);
		kn = rumpk_kq_find(kq, events[i].ident, events[i].filter, t);
		if (kn == NULL)
			kn = rumpk_kq_find(kq, events[i].ident, events[i].filter, NULL);
		if (kn != NULL && rumpk_kq_is_dead(kq, kn))
			rumpk_kq_remove(kq, kn);
		rumpk_unlock(kq->table);
	}
}

int
rumpk_kqueue_collect(
    struct lwp *l, struct kqueue *kq, struct rump_kevent *events, size_t max, int64_t deadline, size_t *count)
{
	int error = 0;
	size_t n;

	rumpk_lock(kq->lock);
	while ((n = harvest(kq, events, max)) == 0 && error == 0) {
		if (kq->count > 0)
			continue;
		if (deadline == 0)
			break;
		error = rumpk_fd_gone(kq) ? RUMP_EBADF
					  : rumpk_waitq_sleep(&kq->collectors, kq->lock, 0, deadline);
	}
	rumpk_unlock(kq->lock);
	bury(kq, l->proc->fdtable, events, n);
	*count = n;
	return error == RUMP_EWOULDBLOCK || n > 0 ? 0 : error;
}
