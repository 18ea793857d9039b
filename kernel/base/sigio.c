/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation: who wants signals puts a watch on the object's notelist. Objects notify with their
 * locks held, and a signal in this process may run a handler that makes calls, so the watch only sets a
 * callout: the timer thread, which no handler interrupts, sends the signals. It does so with the process list
 * locked, for who has left that list may have taken its connection along.
 */
#include "kernel/base/sigio.h"
#include <stdbool.h>
#include "kernel/base/clock.h"
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"
#include "kernel/base/proc.h"

struct rumpk_sigio {
	rumpk_mutex lock;
	/* Guarded by lock: whether the watch is on the list. */
	bool on;
	struct rumpk_watch watch;
	struct rumpk_callout callout, urgent;
	/* A process, minus a group, or 0 for nobody. */
	_Atomic(int32_t) owner;
};

/* To a process, minus a group, or nobody. */
static void
send(int32_t owner, int signo)
{
	struct proc *p;
	struct pgrp *pg;

	rumpk_lock(rumpk_proclist_lock);
	if (owner > 0 && (p = rumpk_proc_lookup(owner)) != NULL)
		rumpk_psignal(p, signo);
	if (owner < 0 && (pg = rumpk_pgrp_lookup(-owner)) != NULL)
		for (p = pg->members; p != NULL; p = p->pgrp_next)
			rumpk_psignal(p, signo);
	rumpk_unlock(rumpk_proclist_lock);
}

static void
send_io(struct rumpk_callout *c)
{
	struct rumpk_sigio *s = (void *)((char *)c - offsetof(struct rumpk_sigio, callout));

	send(atomic_load_explicit(&s->owner, memory_order_relaxed), RUMP_SIGIO);
}

static void
send_urgent(struct rumpk_callout *c)
{
	struct rumpk_sigio *s = (void *)((char *)c - offsetof(struct rumpk_sigio, urgent));

	send(atomic_load_explicit(&s->owner, memory_order_relaxed), RUMP_SIGURG);
}

static void
fire(struct rumpk_watch *watch, uint32_t what)
{
	struct rumpk_sigio *s = (void *)((char *)watch - offsetof(struct rumpk_sigio, watch));

	(void)what;
	/* Without memory a signal is lost, as one is that comes while another is pending. */
	if (atomic_load_explicit(&s->owner, memory_order_relaxed) != 0)
		(void)rumpk_callout_set(&s->callout, 0);
}

/* The object's, made by whoever needs it first; NULL without memory. */
static struct rumpk_sigio *
get(rumpk_sigio_slot *slot, uint32_t interest)
{
	struct rumpk_sigio *s = atomic_load_explicit(slot, memory_order_acquire), *made;

	if (s != NULL)
		return s;
	made = rumpk_zalloc(sizeof(*made));
	if (made == NULL)
		return NULL;
	rumpk_mutex_init(&made->lock);
	made->watch.interest = interest;
	made->watch.fire = fire;
	made->callout.f = send_io;
	made->urgent.f = send_urgent;
	if (atomic_compare_exchange_strong_explicit(
		slot, &s, made, memory_order_acq_rel, memory_order_acquire))
		return made;
	rumpk_mutex_destroy(&made->lock);
	rumpk_free(made, sizeof(*made));
	return s;
}

static void
turn(struct rumpk_sigio *s, struct rumpk_notelist *list, bool on)
{
	rumpk_lock(s->lock);
	if (on && !s->on)
		rumpk_watch_add(list, &s->watch);
	else if (!on && s->on)
		rumpk_watch_remove(list, &s->watch);
	s->on = on;
	rumpk_unlock(s->lock);
}

/* Whether the caller may have that owner signalled. */
static int
check_owner(int32_t owner)
{
	const struct pgrp *pg;
	int error = 0;

	if (owner == INT32_MIN)
		return RUMP_EINVAL;
	rumpk_lock(rumpk_proclist_lock);
	if (owner > 0) {
		error = rumpk_proc_lookup(owner) != NULL ? 0 : RUMP_ESRCH;
	} else if (owner < 0) {
		pg = rumpk_pgrp_lookup(-owner);
		error = pg != NULL && pg->session == rumpk_curproc()->pgrp->session ? 0 : RUMP_EINVAL;
	}
	rumpk_unlock(rumpk_proclist_lock);
	return error;
}

static int
set_owner(rumpk_sigio_slot *slot, uint32_t interest, int32_t owner)
{
	struct rumpk_sigio *s;
	int error = check_owner(owner);

	if (error != 0)
		return error;
	s = get(slot, interest);
	if (s == NULL)
		return RUMP_ENOMEM;
	atomic_store_explicit(&s->owner, owner, memory_order_relaxed);
	return 0;
}

static int32_t
owner_of(rumpk_sigio_slot *slot)
{
	struct rumpk_sigio *s = atomic_load_explicit(slot, memory_order_acquire);

	return s != NULL ? atomic_load_explicit(&s->owner, memory_order_relaxed) : 0;
}

static int
set_async(rumpk_sigio_slot *slot, struct rumpk_notelist *list, uint32_t interest, bool on)
{
	struct rumpk_sigio *s = on ? get(slot, interest) : atomic_load_explicit(slot, memory_order_acquire);

	if (s == NULL)
		return on ? RUMP_ENOMEM : 0;
	turn(s, list, on);
	return 0;
}

int
rumpk_sigio_ioctl(
    rumpk_sigio_slot *slot, struct rumpk_notelist *list, uint32_t interest, unsigned long cmd, int32_t *value)
{
	switch (cmd) {
	case RUMP_FIOASYNC:
		return set_async(slot, list, interest, *value != 0);
	case RUMP_FIOSETOWN:
	case RUMP_SIOCSPGRP:
		return set_owner(slot, interest, *value);
	case RUMP_TIOCSPGRP:
		return *value < 0 ? RUMP_EINVAL : set_owner(slot, interest, -*value);
	case RUMP_FIOGETOWN:
	case RUMP_SIOCGPGRP:
		*value = owner_of(slot);
		return 0;
	case RUMP_TIOCGPGRP:
		*value = -owner_of(slot);
		return 0;
	default:
		return RUMP_ENOTTY;
	}
}

void
rumpk_sigio_urgent(rumpk_sigio_slot *slot)
{
	if (owner_of(slot) != 0)
		(void)rumpk_callout_set(&atomic_load_explicit(slot, memory_order_acquire)->urgent, 0);
}

void
rumpk_sigio_reset(rumpk_sigio_slot *slot, struct rumpk_notelist *list)
{
	struct rumpk_sigio *s = atomic_load_explicit(slot, memory_order_acquire);

	if (s == NULL)
		return;
	atomic_store_explicit(&s->owner, 0, memory_order_relaxed);
	turn(s, list, false);
}

int
rumpk_sigio_inherit(
    rumpk_sigio_slot *slot, struct rumpk_notelist *list, uint32_t interest, rumpk_sigio_slot *from)
{
	struct rumpk_sigio *theirs = atomic_load_explicit(from, memory_order_acquire), *s;
	bool on;

	if (theirs == NULL)
		return 0;
	s = get(slot, interest);
	if (s == NULL)
		return RUMP_ENOMEM;
	atomic_store_explicit(&s->owner, owner_of(from), memory_order_relaxed);
	rumpk_lock(theirs->lock);
	on = theirs->on;
	rumpk_unlock(theirs->lock);
	turn(s, list, on);
	return 0;
}

void
rumpk_sigio_fini(rumpk_sigio_slot *slot, struct rumpk_notelist *list)
{
	struct rumpk_sigio *s = atomic_load_explicit(slot, memory_order_acquire);

	if (s == NULL)
		return;
	turn(s, list, false);
	(void)rumpk_callout_cancel(&s->callout);
	(void)rumpk_callout_cancel(&s->urgent);
	rumpk_mutex_destroy(&s->lock);
	rumpk_free(s, sizeof(*s));
	atomic_store_explicit(slot, NULL, memory_order_relaxed);
}
