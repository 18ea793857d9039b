/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation: a process has a table of timers, the first of which are those of
 * setitimer(2); each is a callout that sends its signal from the timer thread. The table's lock
 * guards the settings; a callout takes it, so timers are cancelled without it.
 */
#include "kernel/base/ptimer.h"
#include "kernel/base/boot.h"
#include "kernel/base/clock.h"
#include "kernel/base/clockcalls.h"
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"
#include "kernel/base/sleep.h"
#include "kernel/base/syscall.h"

#define NITIMERS 4
#define NTIMERS 32
#define OVERRUN_MAX INT32_MAX

struct ptimer {
	struct rumpk_callout callout;
	struct proc *proc;
	struct timers *timers;
	int clock;
	/* 0: none. */
	int signo;
	/* Guarded by the table's lock. Monotonic; 0 when it is not set. */
	int64_t when;
	int64_t interval;
	int32_t overruns;
};

struct timers {
	rumpk_mutex lock;
	struct ptimer *slot[NTIMERS];
};

/* The process's table, made when it is needed; NULL without memory. */
static struct timers *
table_of(struct proc *p, bool make)
{
	struct timers *t;

	rumpk_lock(p->lock);
	if (p->timers == NULL && make) {
		p->timers = rumpk_zalloc(sizeof(*p->timers));
		if (p->timers != NULL)
			rumpk_mutex_init(&p->timers->lock);
	}
	t = p->timers;
	rumpk_unlock(p->lock);
	return t;
}

static void
fire(struct rumpk_callout *c)
{
	struct ptimer *pt = (struct ptimer *)c;
	int64_t now = rumpk_monotonic(), missed;

	rumpk_lock(pt->timers->lock);
	if (pt->when == 0 || pt->when > now) {
		/* Stopped, or set anew, while this was under way. */
		rumpk_unlock(pt->timers->lock);
		return;
	}
	pt->overruns = 0;
	if (pt->interval > 0) {
		pt->when += pt->interval;
		if (pt->when <= now) {
			missed = (now - pt->when) / pt->interval + 1;
			pt->when += missed * pt->interval;
			pt->overruns = missed < OVERRUN_MAX ? (int32_t)missed : OVERRUN_MAX;
		}
		rumpk_callout_set(c, pt->when);
	} else {
		pt->when = 0;
	}
	rumpk_unlock(pt->timers->lock);
	if (pt->signo != 0)
		rumpk_psignal(pt->proc, pt->signo);
}

/* The timer in a slot, or NULL; with the lock. */
static struct ptimer *
timer_at(struct timers *t, int id)
{
	return t != NULL && id >= 0 && id < NTIMERS ? t->slot[id] : NULL;
}

static struct ptimer *
timer_make(struct proc *p, struct timers *t, int clock, int signo)
{
	struct ptimer *pt = rumpk_zalloc(sizeof(*pt));

	if (pt == NULL)
		return NULL;
	pt->callout.f = fire;
	pt->proc = p;
	pt->timers = t;
	pt->clock = clock;
	pt->signo = signo;
	return pt;
}

/* With the lock: what getting the timer shows. */
static void
timer_show(const struct ptimer *pt, struct rump_itimerspec *its)
{
	int64_t left = 0;

	if (pt != NULL && pt->when != 0) {
		left = pt->when - rumpk_monotonic();
		if (left <= 0)
			left = 1000;
	}
	rumpk_ns_timespec(left, &its->it_value);
	rumpk_ns_timespec(pt != NULL ? pt->interval : 0, &its->it_interval);
}

/* With the lock. */
static int
timer_set(struct ptimer *pt, bool absolute, const struct rump_itimerspec *its)
{
	int64_t value = rumpk_timespec_ns(&its->it_value);

	pt->interval = rumpk_timespec_ns(&its->it_interval);
	pt->overruns = 0;
	if (value == 0) {
		pt->when = 0;
		rumpk_callout_unset(&pt->callout);
		return 0;
	}
	if (absolute)
		value -= pt->clock == RUMP_CLOCK_REALTIME ? rumpk_walltime() : rumpk_monotonic();
	pt->when = rumpk_deadline(value > 0 ? value : 0);
	return rumpk_callout_set(&pt->callout, pt->when);
}

void
rumpk_ptimers_exit(struct proc *p)
{
	struct timers *t = table_of(p, false);

	if (t == NULL)
		return;
	for (int i = 0; i < NTIMERS; i++) {
		if (t->slot[i] == NULL)
			continue;
		rumpk_callout_cancel(&t->slot[i]->callout);
		rumpk_free(t->slot[i], sizeof(*t->slot[i]));
	}
	rumpk_mutex_destroy(&t->lock);
	rumpk_free(t, sizeof(*t));
	p->timers = NULL;
}

/* setitimer's kinds that there are: 0, or the clock and signal of one. Time of the processor is not counted.
 */
static int
itimer_kind(int which, int *clock, int *signo)
{
	switch (which) {
	case RUMP_ITIMER_REAL:
		*clock = RUMP_CLOCK_REALTIME;
		break;
	case RUMP_ITIMER_MONOTONIC:
		*clock = RUMP_CLOCK_MONOTONIC;
		break;
	default:
		return RUMP_EINVAL;
	}
	*signo = RUMP_SIGALRM;
	return 0;
}

static void
to_timeval(const struct rump_timespec *ts, struct rump_timeval *tv)
{
	tv->tv_sec = ts->tv_sec;
	tv->tv_usec = (int32_t)(ts->tv_nsec / 1000);
}

static int
from_timeval(const struct rump_timeval *tv, struct rump_timespec *ts)
{
	ts->tv_sec = tv->tv_sec;
	ts->tv_nsec = tv->tv_usec * INT64_C(1000);
	return rumpk_timespec_check(ts);
}

static int
copyout_itimer(struct lwp *l, const struct rump_itimerspec *its, rumpk_uaddr uaddr)
{
	struct rump_itimerval itv = {0};

	to_timeval(&its->it_interval, &itv.it_interval);
	to_timeval(&its->it_value, &itv.it_value);
	return rumpk_copyout(l, &itv, uaddr, sizeof(itv));
}

static int
sys_getitimer(struct lwp *l, rumpk_args args, long *retval)
{
	struct timers *t = table_of(l->proc, false);
	struct rump_itimerspec its;
	int clock, signo, error;

	(void)retval;
	error = itimer_kind(rumpk_arg_int(args, 0), &clock, &signo);
	if (error != 0)
		return error;
	if (t != NULL)
		rumpk_lock(t->lock);
	timer_show(timer_at(t, rumpk_arg_int(args, 0)), &its);
	if (t != NULL)
		rumpk_unlock(t->lock);
	return copyout_itimer(l, &its, args[1]);
}

/* With the lock: the timer that goes into the slot, made if there is none. */
static struct ptimer *
need_timer(struct proc *p, struct timers *t, int id, int clock, int signo)
{
	if (t->slot[id] == NULL)
		t->slot[id] = timer_make(p, t, clock, signo);
	return t->slot[id];
}

static int
sys_setitimer(struct lwp *l, rumpk_args args, long *retval)
{
	int which = rumpk_arg_int(args, 0), clock, signo, error;
	struct rump_itimerval itv;
	struct rump_itimerspec its, old;
	struct timers *t;
	struct ptimer *pt;

	error = itimer_kind(which, &clock, &signo);
	if (error != 0)
		return error;
	if (args[1] == 0) {
		const uint64_t get[] = {args[0], args[2]};

		return args[2] == 0 ? 0 : sys_getitimer(l, get, retval);
	}
	error = rumpk_copyin(l, args[1], &itv, sizeof(itv));
	if (error != 0)
		return error;
	if (from_timeval(&itv.it_interval, &its.it_interval) != 0 ||
	    from_timeval(&itv.it_value, &its.it_value) != 0)
		return RUMP_EINVAL;
	t = table_of(l->proc, true);
	if (t == NULL)
		return RUMP_ENOMEM;
	rumpk_lock(t->lock);
	pt = need_timer(l->proc, t, which, clock, signo);
	if (pt != NULL) {
		timer_show(pt, &old);
		error = timer_set(pt, false, &its);
	}
	rumpk_unlock(t->lock);
	if (pt == NULL)
		return RUMP_ENOMEM;
	return error == 0 && args[2] != 0 ? copyout_itimer(l, &old, args[2]) : error;
}

static int
timer_signal(struct lwp *l, rumpk_uaddr uaddr, int clock, int *signo)
{
	struct rump_sigevent event;
	int error;

	if (clock != RUMP_CLOCK_REALTIME && clock != RUMP_CLOCK_MONOTONIC)
		return RUMP_EINVAL;
	*signo = RUMP_SIGALRM;
	if (uaddr == 0)
		return 0;
	error = rumpk_copyin(l, uaddr, &event, sizeof(event));
	if (error != 0)
		return error;
	*signo = event.sigev_signo;
	if (event.sigev_notify == RUMP_SIGEV_NONE)
		*signo = 0;
	else if (event.sigev_notify != RUMP_SIGEV_SIGNAL || *signo <= 0 || *signo > 63)
		return RUMP_EINVAL;
	return 0;
}

static int
sys_timer_create(struct lwp *l, rumpk_args args, long *retval)
{
	int clock = rumpk_arg_int(args, 0), signo, error;
	struct timers *t;
	int32_t id = NITIMERS;

	(void)retval;
	error = timer_signal(l, args[1], clock, &signo);
	if (error != 0)
		return error;
	t = table_of(l->proc, true);
	if (t == NULL)
		return RUMP_ENOMEM;
	rumpk_lock(t->lock);
	while (id < NTIMERS && t->slot[id] != NULL)
		id++;
	if (id == NTIMERS || need_timer(l->proc, t, id, clock, signo) == NULL)
		error = RUMP_EAGAIN;
	rumpk_unlock(t->lock);
	return error != 0 ? error : rumpk_copyout(l, &id, args[2], sizeof(id));
}

static int
sys_timer_delete(struct lwp *l, rumpk_args args, long *retval)
{
	int id = rumpk_arg_int(args, 0);
	struct timers *t = table_of(l->proc, false);
	struct ptimer *pt;

	(void)retval;
	if (t == NULL || id < NITIMERS)
		return RUMP_EINVAL;
	rumpk_lock(t->lock);
	pt = timer_at(t, id);
	if (pt != NULL) {
		t->slot[id] = NULL;
		pt->when = 0;
		pt->interval = 0;
	}
	rumpk_unlock(t->lock);
	if (pt == NULL)
		return RUMP_EINVAL;
	rumpk_callout_cancel(&pt->callout);
	rumpk_free(pt, sizeof(*pt));
	return 0;
}

static int
sys_timer_settime(struct lwp *l, rumpk_args args, long *retval)
{
	int id = rumpk_arg_int(args, 0), error;
	struct timers *t = table_of(l->proc, false);
	struct rump_itimerspec its, old;
	struct ptimer *pt;

	(void)retval;
	error = rumpk_copyin(l, args[2], &its, sizeof(its));
	if (error != 0)
		return error;
	if (rumpk_timespec_check(&its.it_value) != 0 || rumpk_timespec_check(&its.it_interval) != 0)
		return RUMP_EINVAL;
	if (t == NULL || id < NITIMERS)
		return RUMP_EINVAL;
	rumpk_lock(t->lock);
	pt = timer_at(t, id);
	if (pt != NULL) {
		timer_show(pt, &old);
		error = timer_set(pt, (args[1] & RUMP_TIMER_ABSTIME) != 0, &its);
	}
	rumpk_unlock(t->lock);
	if (pt == NULL)
		return RUMP_EINVAL;
	return error == 0 && args[3] != 0 ? rumpk_copyout(l, &old, args[3], sizeof(old)) : error;
}

static int
sys_timer_gettime(struct lwp *l, rumpk_args args, long *retval)
{
	struct timers *t = table_of(l->proc, false);
	int id = rumpk_arg_int(args, 0);
	struct rump_itimerspec its;
	struct ptimer *pt;

	(void)retval;
	if (t == NULL || id < NITIMERS)
		return RUMP_EINVAL;
	rumpk_lock(t->lock);
	pt = timer_at(t, id);
	timer_show(pt, &its);
	rumpk_unlock(t->lock);
	return pt == NULL ? RUMP_EINVAL : rumpk_copyout(l, &its, args[1], sizeof(its));
}

static int
sys_timer_getoverrun(struct lwp *l, rumpk_args args, long *retval)
{
	struct timers *t = table_of(l->proc, false);
	int id = rumpk_arg_int(args, 0);
	struct ptimer *pt;

	if (t == NULL || id < NITIMERS)
		return RUMP_EINVAL;
	rumpk_lock(t->lock);
	pt = timer_at(t, id);
	if (pt != NULL)
		*retval = pt->overruns;
	rumpk_unlock(t->lock);
	return pt == NULL ? RUMP_EINVAL : 0;
}

static const struct rumpk_syscall calls[] = {
    {RUMPK_SYS___setitimer50, sys_setitimer},
    {RUMPK_SYS___getitimer50, sys_getitimer},
    {RUMPK_SYS_timer_create, sys_timer_create},
    {RUMPK_SYS_timer_delete, sys_timer_delete},
    {RUMPK_SYS___timer_settime50, sys_timer_settime},
    {RUMPK_SYS___timer_gettime50, sys_timer_gettime},
    {RUMPK_SYS_timer_getoverrun, sys_timer_getoverrun},
};

void
rumpk_ptimer_init(void)
{
	rumpk_syscall_register(calls, sizeof(calls) / sizeof(*calls));
}
