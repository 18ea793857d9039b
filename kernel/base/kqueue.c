/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation: a kqueue has a table of knotes and a queue of those that may have something
 * to report. A notification queues its knote; whoever collects events takes knotes off the queue,
 * asks each whether its event holds, and puts those back that stay true (the level-triggered).
 *
 * Locks: kq->table guards which knotes there are; it is taken by registration, by the close of a
 * descriptor and by the kqueue's own. kq->lock guards the queue and the knotes' state, is taken from
 * notifications, and is held for moments only. A knote that is being asked is BUSY: it is neither
 * changed nor freed meanwhile; a notification then leaves AGAIN. file_lock guards the files' lists
 * of knotes. A kqueue may watch another; nest_lock and a check keep that free of circles.
 * Order: nest_lock, table, (object, notelist), kq->lock; table, file_lock.
 */
#include "kernel/base/kqueue.h"
#include <string.h>
#include "kernel/base/boot.h"
#include "kernel/base/fdtable.h"
#include "kernel/base/knote.h"
#include "kernel/base/kqueue_impl.h"
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"

#define KN_QUEUED 0x01
#define KN_DISABLED 0x02
#define KN_BUSY 0x04
#define KN_AGAIN 0x08
/* Reported once, and to be removed. */
#define KN_DEAD 0x10

#define NEST_MAX 5
#define INITIAL_BUCKETS 16

struct kqueue {
	rumpk_mutex table;
	struct rumpk_knote **buckets;
	uint32_t nbuckets, nknotes;
	/* Guarded by file_lock. */
	unsigned refs;

	rumpk_mutex lock;
	struct rumpk_knote *first, *last;
	uint32_t count;
	struct rumpk_waitq collectors, busy_waiters;
	struct rumpk_notelist notes;
};

static rumpk_mutex file_lock, nest_lock;

void
rumpk_kqueue_init(void)
{
	rumpk_mutex_init(&file_lock);
	rumpk_mutex_init(&nest_lock);
	rumpk_kevent_init();
}

/* The queue; with kq->lock. */

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

static void
dequeue(struct kqueue *kq, struct rumpk_knote *kn)
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

static void
wait_idle(struct kqueue *kq, struct rumpk_knote *kn)
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
			dequeue(kq, kn);
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
			dequeue(kq, kn);
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

		dequeue(kq, kn);
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

/* The table; with kq->table. */

static uint32_t
hash(const struct kqueue *kq, uint64_t ident, uint32_t filter)
{
	return (uint32_t)((ident * UINT64_C(0x9e3779b97f4a7c15) >> 32) + filter) & (kq->nbuckets - 1);
}

static struct rumpk_knote *
find(struct kqueue *kq, uint64_t ident, uint32_t filter, const struct fdtable *t)
{
	struct rumpk_knote *kn;

	if (kq->nbuckets == 0)
		return NULL;
	kn = kq->buckets[hash(kq, ident, filter)];
	while (kn != NULL && (kn->ident != ident || kn->filter != filter || kn->fdtable != t))
		kn = kn->hash_next;
	return kn;
}

static int
grow(struct kqueue *kq)
{
	struct rumpk_knote **old = kq->buckets, **made, *kn;
	uint32_t nold = kq->nbuckets, n = nold == 0 ? INITIAL_BUCKETS : nold * 2;

	if (kq->nknotes < nold)
		return 0;
	made = rumpk_zalloc(n * sizeof(struct rumpk_knote *));
	if (made == NULL)
		return RUMP_ENOMEM;
	kq->buckets = made;
	kq->nbuckets = n;
	for (uint32_t i = 0; i < nold; i++) {
		while ((kn = old[i]) != NULL) {
			struct rumpk_knote **bucket = &made[hash(kq, kn->ident, kn->filter)];

			old[i] = kn->hash_next;
			kn->hash_next = *bucket;
			*bucket = kn;
		}
	}
	rumpk_free(old, nold * sizeof(struct rumpk_knote *));
	return 0;
}

static void
list_on_file(struct rumpk_knote *kn)
{
	struct rumpk_knote *first;

	rumpk_lock(file_lock);
	first = atomic_load_explicit(&kn->fp->knotes, memory_order_relaxed);
	kn->file_prev = NULL;
	kn->file_next = first;
	if (first != NULL)
		first->file_prev = kn;
	atomic_store_explicit(&kn->fp->knotes, kn, memory_order_release);
	rumpk_unlock(file_lock);
}

static void
unlist_from_file(struct rumpk_knote *kn)
{
	rumpk_lock(file_lock);
	if (kn->file_prev != NULL)
		kn->file_prev->file_next = kn->file_next;
	else
		atomic_store_explicit(&kn->fp->knotes, kn->file_next, memory_order_relaxed);
	if (kn->file_next != NULL)
		kn->file_next->file_prev = kn->file_prev;
	rumpk_unlock(file_lock);
}

/* Takes a knote out of everything and frees it. */
static void
knote_remove(struct kqueue *kq, struct rumpk_knote *kn)
{
	struct rumpk_knote **pp = &kq->buckets[hash(kq, kn->ident, kn->filter)];

	if (kn->list != NULL)
		rumpk_watch_remove(kn->list, &kn->watch);
	rumpk_lock(kq->lock);
	kn->state |= KN_DISABLED;
	wait_idle(kq, kn);
	rumpk_unlock(kq->lock);
	if (kn->ops != NULL && kn->ops->detach != NULL)
		kn->ops->detach(kn);
	rumpk_lock(kq->lock);
	if ((kn->state & KN_QUEUED) != 0)
		dequeue(kq, kn);
	rumpk_unlock(kq->lock);
	if (kn->fp != NULL)
		unlist_from_file(kn);
	while (*pp != kn)
		pp = &(*pp)->hash_next;
	*pp = kn->hash_next;
	kq->nknotes--;
	rumpk_free(kn, sizeof(*kn));
}

static void
kq_rele(struct kqueue *kq)
{
	bool last;

	rumpk_lock(file_lock);
	last = --kq->refs == 0;
	rumpk_unlock(file_lock);
	if (!last)
		return;
	rumpk_free(kq->buckets, kq->nbuckets * sizeof(struct rumpk_knote *));
	rumpk_notelist_fini(&kq->notes);
	rumpk_mutex_destroy(&kq->lock);
	rumpk_mutex_destroy(&kq->table);
	rumpk_free(kq, sizeof(*kq));
}

/* A kqueue, held, that has a knote on this descriptor; NULL when there is none. */
static struct kqueue *
kqueue_on(struct fdtable *t, int fd, struct file *fp)
{
	struct rumpk_knote *kn;
	struct kqueue *kq = NULL;

	rumpk_lock(file_lock);
	for (kn = atomic_load_explicit(&fp->knotes, memory_order_relaxed); kn != NULL; kn = kn->file_next) {
		if (kn->fdtable == t && kn->ident == (uint64_t)fd) {
			kq = kn->kq;
			kq->refs++;
			break;
		}
	}
	rumpk_unlock(file_lock);
	return kq;
}

void
rumpk_knotes_fdclose_slow(struct fdtable *t, int fd, struct file *fp)
{
	static const uint32_t filters[] = {RUMP_EVFILT_READ, RUMP_EVFILT_WRITE, RUMP_EVFILT_VNODE};
	struct kqueue *kq;

	while ((kq = kqueue_on(t, fd, fp)) != NULL) {
		rumpk_lock(kq->table);
		for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
			struct rumpk_knote *kn = find(kq, (uint64_t)fd, filters[i], t);

			if (kn != NULL && kn->fp == fp)
				knote_remove(kq, kn);
		}
		rumpk_unlock(kq->table);
		kq_rele(kq);
	}
}

/* Registration. */

/* With nest_lock: whether watching fp from kq would close a circle, or go too deep. */
static bool
circular(const struct kqueue *kq, struct file *fp, int depth)
{
	struct kqueue *inner = fp->data;
	bool found = inner == kq || depth > NEST_MAX;

	if (found)
		return true;
	rumpk_lock(inner->table);
	for (uint32_t i = 0; i < inner->nbuckets && !found; i++)
		for (struct rumpk_knote *kn = inner->buckets[i]; kn != NULL && !found; kn = kn->hash_next)
			found = kn->fp != NULL && kn->fp->ops->type == RUMPK_FT_KQUEUE &&
				circular(kq, kn->fp, depth + 1);
	rumpk_unlock(inner->table);
	return found;
}

static int
knote_attach(struct rumpk_knote *kn)
{
	if (kn->fp == NULL)
		return rumpk_filter_attach(kn);
	if (kn->fp->ops->kqfilter == NULL)
		return RUMP_EOPNOTSUPP;
	return kn->fp->ops->kqfilter(kn->fp, kn);
}

/* With kq->table: a new knote. */
static int
knote_add(struct kqueue *kq, const struct rump_kevent *kev, struct file *fp, struct fdtable *t,
    struct rumpk_knote **knp)
{
	struct rumpk_knote *kn, **bucket;
	int error;

	error = grow(kq);
	if (error != 0)
		return error;
	kn = rumpk_zalloc(sizeof(*kn));
	if (kn == NULL)
		return RUMP_ENOMEM;
	kn->ident = kev->ident;
	kn->filter = kev->filter;
	kn->flags = kev->flags;
	kn->sfflags = kev->fflags;
	kn->sdata = kev->data;
	kn->udata = kev->udata;
	kn->kq = kq;
	kn->fp = fp;
	kn->fdtable = t;
	/* Notifications that come before it is complete wait for the look below. */
	kn->state = KN_DISABLED;
	bucket = &kq->buckets[hash(kq, kn->ident, kn->filter)];
	kn->hash_next = *bucket;
	*bucket = kn;
	kq->nknotes++;
	if (fp != NULL)
		list_on_file(kn);
	error = knote_attach(kn);
	/* The descriptor may have been closed before its file knew of the knote. */
	if (error == 0 && fp != NULL && !rumpk_fd_is(t, (int)kn->ident, fp))
		error = RUMP_EBADF;
	if (error != 0) {
		knote_remove(kq, kn);
		return error;
	}
	*knp = kn;
	return 0;
}

/* With kq->table: EV_ADD on a knote that there is. */
static void
knote_change(struct kqueue *kq, struct rumpk_knote *kn, const struct rump_kevent *kev)
{
	rumpk_lock(kq->lock);
	wait_idle(kq, kn);
	if (kn->ops->touch != NULL) {
		kn->ops->touch(kn, kev->fflags, kev->data);
	} else {
		kn->sfflags = kev->fflags;
		kn->sdata = kev->data;
	}
	kn->udata = kev->udata;
	rumpk_unlock(kq->lock);
}

/* With kq->table: EV_ENABLE, EV_DISABLE, and a look at what has been added or changed. */
static void
knote_switch(struct kqueue *kq, struct rumpk_knote *kn, uint32_t flags, bool added, bool changed)
{
	bool look;

	rumpk_lock(kq->lock);
	if ((flags & RUMP_EV_ENABLE) != 0 || added)
		kn->state &= ~(uint32_t)KN_DISABLED;
	if ((flags & RUMP_EV_DISABLE) != 0) {
		kn->state |= KN_DISABLED;
		if ((kn->state & KN_QUEUED) != 0)
			dequeue(kq, kn);
	}
	look = (kn->state & KN_DISABLED) == 0;
	rumpk_unlock(kq->lock);
	if (look && (changed || (flags & RUMP_EV_ENABLE) != 0))
		rumpk_knote_activate(kn, 0);
}

/* With kq->table: whether it has been reported for the last time. */
static bool
is_dead(struct kqueue *kq, const struct rumpk_knote *kn)
{
	bool dead;

	rumpk_lock(kq->lock);
	dead = (kn->state & KN_DEAD) != 0;
	rumpk_unlock(kq->lock);
	return dead;
}

/* With kq->table. */
static int
register_locked(struct kqueue *kq, const struct rump_kevent *kev, struct file *fp, struct fdtable *t)
{
	struct rumpk_knote *kn = find(kq, kev->ident, kev->filter, t);
	/* EVFILT_USER is told of any change, not only of EV_ADD. */
	bool changes = (kev->flags & RUMP_EV_ADD) != 0 || kev->filter == RUMP_EVFILT_USER;
	bool added = false;
	int error;

	if (kn != NULL && is_dead(kq, kn)) {
		knote_remove(kq, kn);
		kn = NULL;
	}
	if (kn == NULL && (kev->flags & RUMP_EV_ADD) == 0)
		return RUMP_ENOENT;
	if (kn != NULL && (kev->flags & (RUMP_EV_ADD | RUMP_EV_DELETE)) == RUMP_EV_DELETE) {
		knote_remove(kq, kn);
		return 0;
	}
	if (kn == NULL) {
		error = knote_add(kq, kev, fp, t, &kn);
		if (error != 0)
			return error;
		added = true;
	} else if (changes) {
		knote_change(kq, kn, kev);
	}
	knote_switch(kq, kn, kev->flags, added, changes);
	return 0;
}

int
rumpk_kqueue_register(struct lwp *l, struct kqueue *kq, const struct rump_kevent *kev)
{
	bool on_file = kev->filter == RUMP_EVFILT_READ || kev->filter == RUMP_EVFILT_WRITE ||
		       kev->filter == RUMP_EVFILT_VNODE;
	struct fdtable *t = on_file ? l->proc->fdtable : NULL;
	struct file *fp = NULL;
	bool nests;
	int error;

	if (on_file) {
		fp = kev->ident <= INT32_MAX ? rumpk_fdtable_get(l->proc->fdtable, (int)kev->ident) : NULL;
		if (fp == NULL)
			return RUMP_EBADF;
	}
	nests = fp != NULL && fp->ops->type == RUMPK_FT_KQUEUE && (kev->flags & RUMP_EV_ADD) != 0;
	if (nests)
		rumpk_lock(nest_lock);
	if (nests && circular(kq, fp, 1)) {
		error = RUMP_EINVAL;
	} else {
		rumpk_lock(kq->table);
		error = register_locked(kq, kev, fp, t);
		rumpk_unlock(kq->table);
	}
	if (nests)
		rumpk_unlock(nest_lock);
	if (fp != NULL)
		rumpk_file_rele(fp);
	return error;
}

/* Collecting. */

/* Removes the knotes of events that are reported only once. */
static void
bury(struct kqueue *kq, struct fdtable *t, const struct rump_kevent *events, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct rumpk_knote *kn;

		if ((events[i].flags & RUMP_EV_ONESHOT) == 0)
			continue;
		rumpk_lock(kq->table);
		kn = find(kq, events[i].ident, events[i].filter, t);
		if (kn == NULL)
			kn = find(kq, events[i].ident, events[i].filter, NULL);
		if (kn != NULL && is_dead(kq, kn))
			knote_remove(kq, kn);
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

/* The kqueue as a file. */

/* Whether an event holds; its knote stays first in the queue, others that turn out idle leave it. */
static bool
kq_ready(struct kqueue *kq, int64_t *count)
{
	bool ready = false;

	rumpk_lock(kq->lock);
	for (uint32_t budget = kq->count; budget > 0 && kq->first != NULL && !ready; budget--) {
		struct rumpk_knote *kn = kq->first;

		dequeue(kq, kn);
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

static int
kq_poll(struct file *fp, int events, struct rumpk_poll *rp)
{
	struct kqueue *kq = fp->data;
	int64_t count;

	if (rp != NULL)
		rumpk_poll_watch(rp, &kq->notes, RUMPK_NOTE_READABLE);
	return kq_ready(kq, &count) ? events & (RUMP_POLLIN | RUMP_POLLRDNORM) : 0;
}

static bool
kq_event(struct rumpk_knote *kn)
{
	return kq_ready(kn->fp->data, &kn->data);
}

static int
kq_kqfilter(struct file *fp, struct rumpk_knote *kn)
{
	static const struct rumpk_filterops ops = {.event = kq_event};
	struct kqueue *kq = fp->data;

	if (kn->filter != RUMP_EVFILT_READ)
		return RUMP_EINVAL;
	kn->ops = &ops;
	rumpk_knote_watch(kn, &kq->notes, RUMPK_NOTE_READABLE);
	return 0;
}

static int
kq_stat(struct file *fp, struct rump_stat *st)
{
	struct kqueue *kq = fp->data;

	rumpk_lock(kq->lock);
	st->st_size = kq->count;
	rumpk_unlock(kq->lock);
	st->st_blksize = sizeof(struct rump_kevent);
	st->st_mode = RUMP_S_IFIFO;
	return 0;
}

static int
kq_ioctl(struct file *fp, unsigned long cmd, void *data)
{
	(void)fp;
	(void)cmd;
	(void)data;
	return RUMP_ENOTTY;
}

static void
kq_fdclose(struct file *fp, struct proc *p)
{
	struct kqueue *kq = fp->data;

	(void)p;
	rumpk_lock(kq->lock);
	rumpk_waitq_wake(&kq->collectors);
	rumpk_unlock(kq->lock);
}

static int
kq_close(struct file *fp)
{
	struct kqueue *kq = fp->data;

	rumpk_lock(kq->table);
	for (uint32_t i = 0; i < kq->nbuckets; i++)
		while (kq->buckets[i] != NULL)
			knote_remove(kq, kq->buckets[i]);
	rumpk_unlock(kq->table);
	kq_rele(kq);
	return 0;
}

static int
kq_read(struct file *fp, struct rumpk_uio *uio, int flags)
{
	(void)fp;
	(void)uio;
	(void)flags;
	return RUMP_ENXIO;
}

const struct fileops rumpk_kqueue_ops = {
    .type = RUMPK_FT_KQUEUE,
    .read = kq_read,
    .write = kq_read,
    .ioctl = kq_ioctl,
    .poll = kq_poll,
    .kqfilter = kq_kqfilter,
    .stat = kq_stat,
    .fdclose = kq_fdclose,
    .close = kq_close,
};

struct kqueue *
rumpk_kqueue_create(void)
{
	struct kqueue *kq = rumpk_zalloc(sizeof(*kq));

	if (kq == NULL)
		return NULL;
	kq->refs = 1;
	rumpk_mutex_init(&kq->table);
	rumpk_mutex_init(&kq->lock);
	return kq;
}
