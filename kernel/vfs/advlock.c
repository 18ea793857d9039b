/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"
#include "kernel/base/sleep.h"
#include "kernel/vfs/advlock.h"

/* How many one owner may have on one vnode. */
#define LOCKS_MAX 1024
#define TO_END INT64_MAX

/* Whose a lock is: a process (fcntl) or an open file (flock). */
struct owner {
	const void *who;
	struct proc *process; /* NULL for flock */
};

struct held {
	struct held *next;
	struct owner owner;
	int64_t start, end; /* end is the last byte */
	bool exclusive;
};

/* A process that sleeps for a fcntl lock, and whose lock it is that it saw first. */
struct waiter {
	struct waiter *next;       /* of the same vnode */
	struct waiter *graph_next; /* of all */
	const struct proc *process, *blocker;
	bool cancelled; /* its process has closed the file meanwhile */
};

struct advlock {
	rumpk_mutex lock;
	struct rumpk_waitq released;
	struct held *held;
	struct waiter *waiters;
};

static rumpk_mutex graph_lock;
static struct waiter *graph;

void
advlock_init(void)
{
	rumpk_mutex_init(&graph_lock);
}

/* The vnode's list, made when there is none; NULL without memory. */
static struct advlock *
list_of(struct vnode *vp)
{
	struct advlock *al = __atomic_load_n(&vp->v_advlock, __ATOMIC_ACQUIRE), *new;

	if (al != NULL)
		return al;
	new = rumpk_zalloc(sizeof(*new));
	if (new == NULL)
		return NULL;
	rumpk_mutex_init(&new->lock);
	if (__atomic_compare_exchange_n(&vp->v_advlock, &al, new, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return new;
	rumpk_mutex_destroy(&new->lock);
	rumpk_free(new, sizeof(*new));
	return al;
}

static bool
overlap(const struct held *a, const struct held *b)
{
	return a->start <= b->end && b->start <= a->end;
}

static const struct held *
conflict(const struct advlock *al, const struct held *want)
{
	const struct held *h;

	for (h = al->held; h != NULL; h = h->next)
		if (h->owner.who != want->owner.who && overlap(h, want) && (h->exclusive || want->exclusive))
			break;
	return h;
}

static unsigned
count_of(const struct advlock *al, const struct owner *owner)
{
	unsigned count = 0;

	for (const struct held *h = al->held; h != NULL; h = h->next)
		count += h->owner.who == owner->who;
	return count;
}

static void
drop(struct held **where)
{
	struct held *h = *where;

	*where = h->next;
	rumpk_free(h, sizeof(*h));
}

/*
 * Takes the range of `want` out of what its owner holds; with merge, locks of the same kind that touch it are
 * taken in instead, want growing. spare becomes the second half when a lock is split.
 */
static void
carve(struct advlock *al, struct held *want, bool merge, struct held **spare)
{
	struct held **where = &al->held, *h, *half;

	while ((h = *where) != NULL) {
		bool touches = h->start <= (want->end == TO_END ? TO_END : want->end + 1) &&
			       (h->end == TO_END ? TO_END : h->end + 1) >= want->start;

		if (h->owner.who != want->owner.who || !touches) {
			where = &h->next;
		} else if (merge && h->exclusive == want->exclusive) {
			want->start = h->start < want->start ? h->start : want->start;
			want->end = h->end > want->end ? h->end : want->end;
			drop(where);
		} else if (!overlap(h, want)) {
			where = &h->next;
		} else if (h->start < want->start && h->end > want->end) {
			half = *spare;
			*spare = NULL;
			*half = *h;
			half->start = want->end + 1;
			h->end = want->start - 1;
			h->next = half;
			where = &half->next;
		} else if (h->start < want->start) {
			h->end = want->start - 1;
			where = &h->next;
		} else if (h->end > want->end) {
			h->start = want->end + 1;
			where = &h->next;
		} else {
			drop(where);
		}
	}
}

/* Sets or clears. [al->lock] */
static int
apply(struct advlock *al, const struct held *want, bool clear)
{
	struct held *spare = rumpk_alloc(sizeof(*spare)), *entry = NULL, range = *want;

	if (spare == NULL)
		return RUMP_ENOLCK;
	if (!clear) {
		entry = rumpk_alloc(sizeof(*entry));
		if (entry == NULL || count_of(al, &want->owner) >= LOCKS_MAX) {
			rumpk_free(entry, sizeof(*entry));
			rumpk_free(spare, sizeof(*spare));
			return RUMP_ENOLCK;
		}
	}
	carve(al, &range, !clear, &spare);
	rumpk_free(spare, sizeof(*spare));
	if (entry != NULL) {
		*entry = range;
		entry->next = al->held;
		al->held = entry;
	}
	rumpk_waitq_wake(&al->released);
	return 0;
}

/* Whether `from` waits, through however many others, for `target`. [graph_lock] */
static bool
waits_for(const struct proc *from, const struct proc *target, unsigned depth)
{
	if (from == target)
		return true;
	if (depth == 0)
		return false;
	for (const struct waiter *w = graph; w != NULL; w = w->graph_next)
		if (w->process == from && w->blocker != NULL && waits_for(w->blocker, target, depth - 1))
			return true;
	return false;
}

#define CHAIN_MAX 16

static int
graph_enter(struct waiter *w, const struct proc *blocker)
{
	int error = 0;

	rumpk_lock(graph_lock);
	if (blocker != NULL && waits_for(blocker, w->process, CHAIN_MAX)) {
		error = RUMP_EDEADLK;
	} else {
		w->blocker = blocker;
		w->graph_next = graph;
		graph = w;
	}
	rumpk_unlock(graph_lock);
	return error;
}

static void
graph_leave(struct waiter *w)
{
	struct waiter **where;

	rumpk_lock(graph_lock);
	for (where = &graph; *where != w; where = &(*where)->graph_next)
		;
	*where = w->graph_next;
	rumpk_unlock(graph_lock);
}

/* One sleep of somebody who is in the way of `blocker`. [al->lock, released meanwhile] */
static int
sleep_once(struct advlock *al, struct waiter *w, const struct proc *blocker)
{
	struct waiter **where;
	int error = 0;

	if (w->process != NULL)
		error = graph_enter(w, blocker);
	if (error != 0)
		return error;
	w->next = al->waiters;
	al->waiters = w;
	error = rumpk_waitq_sleep(&al->released, al->lock, 0, RUMPK_FOREVER);
	for (where = &al->waiters; *where != w; where = &(*where)->next)
		;
	*where = w->next;
	if (w->process != NULL)
		graph_leave(w);
	return w->cancelled ? RUMP_EBADF : error;
}

/* [al->lock] */
static int
acquire(struct advlock *al, const struct held *want, bool wait)
{
	struct waiter w = {.process = want->owner.process};
	const struct held *other;
	int error;

	while ((other = conflict(al, want)) != NULL) {
		if (!wait)
			return RUMP_EAGAIN;
		/* flock gives up what it has before it waits for more. */
		if (want->owner.process == NULL && want->exclusive && count_of(al, &want->owner) != 0) {
			error = apply(al, want, true);
			if (error != 0)
				return error;
			continue;
		}
		error = sleep_once(al, &w, other->owner.process);
		if (error != 0)
			return error;
	}
	return apply(al, want, false);
}

/* What fcntl means by whence, start and len. */
static int
range_of(struct file *fp, const struct rump_flock *fl, struct held *range)
{
	struct vnode *vp = fp->data;
	int64_t start, base = 0;

	if (fl->l_whence == RUMP_SEEK_CUR) {
		rumpk_lock(fp->lock);
		base = fp->offset;
		rumpk_unlock(fp->lock);
	} else if (fl->l_whence == RUMP_SEEK_END) {
		base = __atomic_load_n(&vp->v_size, __ATOMIC_RELAXED);
	} else if (fl->l_whence != RUMP_SEEK_SET) {
		return RUMP_EINVAL;
	}
	if (__builtin_add_overflow(base, fl->l_start, &start))
		return RUMP_EINVAL;
	range->start = start;
	range->end = TO_END;
	if (fl->l_len < 0) {
		range->end = start - 1;
		if (__builtin_add_overflow(start, fl->l_len, &range->start))
			return RUMP_EINVAL;
	} else if (fl->l_len > 0 && __builtin_add_overflow(start, fl->l_len - 1, &range->end)) {
		return RUMP_EINVAL;
	}
	return range->start < 0 ? RUMP_EINVAL : 0;
}

static void
describe(const struct held *h, struct rump_flock *fl)
{
	fl->l_whence = RUMP_SEEK_SET;
	fl->l_start = h->start;
	fl->l_len = h->end == TO_END ? 0 : h->end - h->start + 1;
	fl->l_type = h->exclusive ? RUMP_F_WRLCK : RUMP_F_RDLCK;
	fl->l_pid = h->owner.process != NULL ? h->owner.process->pid : -1;
}

int
advlock_fcntl(struct file *fp, int cmd, void *arg)
{
	struct rump_flock *fl = arg;
	struct proc *p = rumpk_curproc();
	struct held want = {.owner = {p, p}, .exclusive = fl->l_type == RUMP_F_WRLCK};
	uint32_t flags = atomic_load(&fp->flags);
	const struct held *other;
	struct advlock *al;
	int error = range_of(fp, fl, &want);

	if (error != 0)
		return error;
	if (fl->l_type != RUMP_F_RDLCK && fl->l_type != RUMP_F_WRLCK && fl->l_type != RUMP_F_UNLCK)
		return RUMP_EINVAL;
	if (cmd != RUMP_F_GETLK && ((fl->l_type == RUMP_F_RDLCK && !(flags & RUMPK_FREAD)) ||
				       (fl->l_type == RUMP_F_WRLCK && !(flags & RUMPK_FWRITE))))
		return RUMP_EBADF;
	al = list_of(fp->data);
	if (al == NULL)
		return RUMP_ENOLCK;
	rumpk_lock(al->lock);
	if (cmd == RUMP_F_GETLK) {
		other = conflict(al, &want);
		if (other != NULL)
			describe(other, fl);
		else
			fl->l_type = RUMP_F_UNLCK;
	} else if (fl->l_type == RUMP_F_UNLCK) {
		error = apply(al, &want, true);
	} else {
		error = acquire(al, &want, cmd == RUMP_F_SETLKW);
	}
	rumpk_unlock(al->lock);
	return error;
}

int
advlock_flock(struct file *fp, int how)
{
	struct held want = {
	    .owner = {fp, NULL}, .start = 0, .end = TO_END, .exclusive = (how & RUMP_LOCK_EX) != 0};
	struct advlock *al = list_of(fp->data);
	int error;

	if (al == NULL)
		return RUMP_ENOLCK;
	rumpk_lock(al->lock);
	if (how & RUMP_LOCK_UN)
		error = apply(al, &want, true);
	else
		error = acquire(al, &want, !(how & RUMP_LOCK_NB));
	rumpk_unlock(al->lock);
	return error;
}

/* Everything that an owner has. */
static void
release_all(struct vnode *vp, const void *who)
{
	struct advlock *al = __atomic_load_n(&vp->v_advlock, __ATOMIC_ACQUIRE);
	struct held **where;
	bool any = false;

	if (al == NULL)
		return;
	rumpk_lock(al->lock);
	for (where = &al->held; *where != NULL;) {
		if ((*where)->owner.who == who) {
			drop(where);
			any = true;
		} else {
			where = &(*where)->next;
		}
	}
	for (struct waiter *w = al->waiters; w != NULL; w = w->next)
		if (w->process == who)
			any = w->cancelled = true;
	if (any)
		rumpk_waitq_wake(&al->released);
	rumpk_unlock(al->lock);
}

void
advlock_release_process(struct vnode *vp, struct proc *p)
{
	release_all(vp, p);
}

void
advlock_release_file(struct file *fp)
{
	release_all(fp->data, fp);
}

void
advlock_free(struct vnode *vp)
{
	struct advlock *al = vp->v_advlock;

	while (al->held != NULL)
		drop(&al->held);
	rumpk_mutex_destroy(&al->lock);
	rumpk_free(al, sizeof(*al));
	vp->v_advlock = NULL;
}
