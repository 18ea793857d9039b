/* SPDX-License-Identifier: BSD-2-Clause */
/* The filters of kqueue that are not on descriptors: timers, processes, the user's own; and EVFILT_VNODE's
 * test. */
#include "kernel/base/clock.h"
#include "kernel/base/knote.h"
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"

static bool
vnode_event(struct rumpk_knote *kn)
{
	kn->fflags |= kn->noted & kn->sfflags;
	return kn->fflags != 0;
}

const struct rumpk_filterops rumpk_vnode_filterops = {.event = vnode_event};

/* EVFILT_TIMER: data is a period in milliseconds; what is reported is how often it has passed. */

struct ktimer {
	struct rumpk_callout callout;
	struct rumpk_knote *kn;
	int64_t when, period;
	bool once;
	_Atomic(int64_t) passed;
};

static void
timer_fire(struct rumpk_callout *c)
{
	struct ktimer *t = (struct ktimer *)c;
	int64_t now = rumpk_monotonic(), n = 1;

	if (!t->once) {
		n += (now - t->when) / t->period;
		t->when += n * t->period;
		rumpk_callout_set(c, t->when);
	}
	atomic_fetch_add_explicit(&t->passed, n, memory_order_relaxed);
	rumpk_knote_activate(t->kn, 0);
}

static bool
timer_event(struct rumpk_knote *kn)
{
	struct ktimer *t = kn->hook;

	kn->data += atomic_exchange_explicit(&t->passed, 0, memory_order_relaxed);
	return kn->data != 0;
}

static void
timer_detach(struct rumpk_knote *kn)
{
	struct ktimer *t = kn->hook;

	rumpk_callout_cancel(&t->callout);
	rumpk_free(t, sizeof(*t));
}

static int
timer_attach(struct rumpk_knote *kn)
{
	static const struct rumpk_filterops ops = {.event = timer_event, .detach = timer_detach};
	struct ktimer *t;
	int error;

	if (kn->sdata <= 0 || kn->sdata > INT64_MAX / 1000000)
		return RUMP_EINVAL;
	t = rumpk_zalloc(sizeof(*t));
	if (t == NULL)
		return RUMP_ENOMEM;
	t->callout.f = timer_fire;
	t->kn = kn;
	t->period = kn->sdata * 1000000;
	t->when = rumpk_deadline(t->period);
	t->once = (kn->flags & RUMP_EV_ONESHOT) != 0;
	kn->flags |= RUMP_EV_CLEAR;
	error = rumpk_callout_set(&t->callout, t->when);
	if (error != 0) {
		rumpk_free(t, sizeof(*t));
		return error;
	}
	kn->hook = t;
	kn->ops = &ops;
	return 0;
}

/* EVFILT_PROC. */

static bool
proc_event(struct rumpk_knote *kn)
{
	kn->fflags |= kn->noted & kn->sfflags;
	if ((kn->noted & RUMP_NOTE_EXIT) == 0)
		return kn->fflags != 0;
	kn->flags |= RUMP_EV_EOF | RUMP_EV_ONESHOT;
	return true;
}

static void
proc_detach(struct rumpk_knote *kn)
{
	rumpk_proc_rele(kn->hook);
}

static int
proc_attach(struct rumpk_knote *kn)
{
	static const struct rumpk_filterops ops = {.event = proc_event, .detach = proc_detach};
	const struct rumpk_cred *cred = rumpk_proc_cred(rumpk_curproc());
	struct proc *p;

	/* Following children is not there. */
	if ((kn->sfflags & RUMP_NOTE_TRACK) != 0)
		return RUMP_EOPNOTSUPP;
	p = kn->ident <= INT32_MAX ? rumpk_proc_find((int32_t)kn->ident) : NULL;
	if (p == NULL)
		return RUMP_ESRCH;
	if (!rumpk_cred_issuper(cred) && rumpk_proc_cred(p)->uid != cred->uid) {
		rumpk_proc_rele(p);
		return RUMP_EACCES;
	}
	kn->flags |= RUMP_EV_CLEAR;
	kn->hook = p;
	kn->ops = &ops;
	rumpk_knote_watch(kn, p->notes, (uint32_t)RUMP_NOTE_PCTRLMASK);
	return 0;
}

/* EVFILT_USER: hook is not NULL while it is triggered. */

static bool
user_event(struct rumpk_knote *kn)
{
	kn->fflags = kn->sfflags;
	kn->data = kn->sdata;
	return kn->hook != NULL;
}

static void
user_clear(struct rumpk_knote *kn)
{
	kn->hook = NULL;
}

static void
user_touch(struct rumpk_knote *kn, uint32_t fflags, int64_t data)
{
	uint32_t bits = fflags & RUMP_NOTE_FFLAGSMASK;

	switch (fflags & RUMP_NOTE_FFCTRLMASK) {
	case RUMP_NOTE_FFAND:
		kn->sfflags &= bits;
		break;
	case RUMP_NOTE_FFOR:
		kn->sfflags |= bits;
		break;
	case RUMP_NOTE_FFCOPY:
		kn->sfflags = bits;
		break;
	default:
		break;
	}
	kn->sdata = data;
	if ((fflags & RUMP_NOTE_TRIGGER) != 0)
		kn->hook = kn;
}

static int
user_attach(struct rumpk_knote *kn)
{
	static const struct rumpk_filterops ops = {
	    .event = user_event, .touch = user_touch, .clear = user_clear};

	kn->hook = (kn->sfflags & RUMP_NOTE_TRIGGER) != 0 ? kn : NULL;
	kn->sfflags &= RUMP_NOTE_FFLAGSMASK;
	kn->ops = &ops;
	return 0;
}

int
rumpk_filter_attach(struct rumpk_knote *kn)
{
	switch (kn->filter) {
	case RUMP_EVFILT_TIMER:
		return timer_attach(kn);
	case RUMP_EVFILT_PROC:
		return proc_attach(kn);
	case RUMP_EVFILT_USER:
		return user_attach(kn);
	case RUMP_EVFILT_SIGNAL:
	case RUMP_EVFILT_AIO:
		return RUMP_EOPNOTSUPP;
	default:
		return RUMP_EINVAL;
	}
}
