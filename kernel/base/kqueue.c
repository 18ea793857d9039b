/* SPDX-License-Identifier: BSD-2-Clause */
/* Registration. */
#include "kernel/base/boot.h"
#include "kernel/base/fdtable.h"
#include "kernel/base/knote.h"
#include "kernel/base/kqueue_impl.h"
#include "kernel/base/kqueue_parts.h"
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"

#define NEST_MAX 5

static rumpk_mutex nest_lock;

void
rumpk_kqueue_init(void)
{
	rumpk_mutex_init(&nest_lock);
	rumpk_kq_table_init();
	rumpk_kevent_init();
}

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
	struct rumpk_knote *kn;
	int error;

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
	error = rumpk_kq_insert(kq, kn);
	if (error != 0) {
		rumpk_free(kn, sizeof(*kn));
		return error;
	}
	error = knote_attach(kn);
	/* The descriptor may have been closed before its file knew of the knote. */
	if (error == 0 && fp != NULL && !rumpk_fd_is(t, (int)kn->ident, fp))
		error = RUMP_EBADF;
	if (error != 0) {
		rumpk_kq_remove(kq, kn);
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
	rumpk_kq_wait_idle(kq, kn);
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
			rumpk_kq_dequeue(kq, kn);
	}
	look = (kn->state & KN_DISABLED) == 0;
	rumpk_unlock(kq->lock);
	if (look && (changed || (flags & RUMP_EV_ENABLE) != 0))
		rumpk_knote_activate(kn, 0);
}

/* With kq->table. */
static int
register_locked(struct kqueue *kq, const struct rump_kevent *kev, struct file *fp, struct fdtable *t)
{
	struct rumpk_knote *kn = rumpk_kq_find(kq, kev->ident, kev->filter, t);
	/* EVFILT_USER is told of any change, not only of EV_ADD. */
	bool changes = (kev->flags & RUMP_EV_ADD) != 0 || kev->filter == RUMP_EVFILT_USER;
	bool added = false;
	int error;

	if (kn != NULL && rumpk_kq_is_dead(kq, kn)) {
		rumpk_kq_remove(kq, kn);
		kn = NULL;
	}
	if (kn == NULL && (kev->flags & RUMP_EV_ADD) == 0)
		return RUMP_ENOENT;
	if (kn != NULL && (kev->flags & (RUMP_EV_ADD | RUMP_EV_DELETE)) == RUMP_EV_DELETE) {
		rumpk_kq_remove(kq, kn);
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
