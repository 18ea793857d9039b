/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks and sleeping for a time: the system calls. */
#include "kernel/base/boot.h"
#include "kernel/base/clock.h"
#include "kernel/base/clockcalls.h"
#include "kernel/base/lwp.h"
#include "kernel/base/sleep.h"
#include "kernel/base/syscall.h"

/* Nobody wakes a nap: the lock is but what a sleep needs. */
static rumpk_mutex nap_lock;

static int
read_clock(int clock, int64_t *ns)
{
	switch (clock) {
	case RUMP_CLOCK_REALTIME:
		*ns = rumpk_walltime();
		return 0;
	case RUMP_CLOCK_MONOTONIC:
		*ns = rumpk_monotonic();
		return 0;
	default:
		return RUMP_EINVAL;
	}
}

static int
sys_clock_gettime(struct lwp *l, rumpk_args args, long *retval)
{
	struct rump_timespec ts;
	int64_t ns;
	int error;

	(void)retval;
	error = read_clock(rumpk_arg_int(args, 0), &ns);
	if (error != 0)
		return error;
	rumpk_ns_timespec(ns, &ts);
	return rumpk_copyout(l, &ts, args[1], sizeof(ts));
}

static int
sys_clock_settime(struct lwp *l, rumpk_args args, long *retval)
{
	struct rump_timespec ts;
	int error;

	(void)retval;
	error = rumpk_copyin(l, args[1], &ts, sizeof(ts));
	if (error != 0)
		return error;
	if (rumpk_arg_int(args, 0) != RUMP_CLOCK_REALTIME || rumpk_timespec_check(&ts) != 0)
		return RUMP_EINVAL;
	if (!rumpk_cred_issuper(rumpk_proc_cred(l->proc)))
		return RUMP_EPERM;
	rumpk_walltime_set(rumpk_timespec_ns(&ts));
	return 0;
}

static int
sys_clock_getres(struct lwp *l, rumpk_args args, long *retval)
{
	const struct rump_timespec resolution = {.tv_nsec = 1};
	int64_t ns;
	int error;

	(void)retval;
	error = read_clock(rumpk_arg_int(args, 0), &ns);
	if (error != 0 || args[1] == 0)
		return error;
	return rumpk_copyout(l, &resolution, args[1], sizeof(resolution));
}

static int
sys_gettimeofday(struct lwp *l, rumpk_args args, long *retval)
{
	struct rump_timespec ts;
	struct rump_timeval tv = {0};

	(void)retval;
	if (args[0] == 0)
		return 0;
	rumpk_nanotime(&ts);
	tv.tv_sec = ts.tv_sec;
	tv.tv_usec = (int32_t)(ts.tv_nsec / 1000);
	return rumpk_copyout(l, &tv, args[0], sizeof(tv));
}

static int
sys_settimeofday(struct lwp *l, rumpk_args args, long *retval)
{
	struct rump_timeval tv;
	int error;

	(void)retval;
	if (args[0] == 0)
		return 0;
	error = rumpk_copyin(l, args[0], &tv, sizeof(tv));
	if (error != 0)
		return error;
	if (tv.tv_sec < 0 || tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return RUMP_EINVAL;
	if (!rumpk_cred_issuper(rumpk_proc_cred(l->proc)))
		return RUMP_EPERM;
	rumpk_walltime_set(tv.tv_sec * RUMPK_NSEC + tv.tv_usec * INT64_C(1000));
	return 0;
}

/* Sleeps until the clock shows the time, or for so long; *left gets what an interrupt left of it. */
static int
nap(int clock, bool absolute, const struct rump_timespec *ts, int64_t *left)
{
	struct rumpk_waitq wq = {0};
	int64_t now, ns = rumpk_timespec_ns(ts), deadline;
	int error;

	error = read_clock(clock, &now);
	if (error != 0)
		return error;
	if (rumpk_timespec_check(ts) != 0)
		return RUMP_EINVAL;
	if (absolute)
		ns -= now;
	*left = 0;
	if (ns <= 0)
		return 0;
	deadline = rumpk_deadline(ns);
	rumpk_lock(nap_lock);
	error = rumpk_waitq_sleep(&wq, nap_lock, 0, deadline);
	rumpk_unlock(nap_lock);
	if (error == RUMP_EWOULDBLOCK)
		return 0;
	*left = deadline - rumpk_monotonic();
	if (*left < 0)
		*left = 0;
	return error;
}

static int
nap_call(struct lwp *l, int clock, bool absolute, rumpk_uaddr request, rumpk_uaddr remaining)
{
	struct rump_timespec ts;
	int64_t left = 0;
	int error, outerror;

	error = rumpk_copyin(l, request, &ts, sizeof(ts));
	if (error != 0)
		return error;
	error = nap(clock, absolute, &ts, &left);
	if ((error != 0 && error != RUMP_EINTR) || remaining == 0)
		return error;
	rumpk_ns_timespec(left, &ts);
	outerror = rumpk_copyout(l, &ts, remaining, sizeof(ts));
	return outerror != 0 ? outerror : error;
}

static int
sys_nanosleep(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return nap_call(l, RUMP_CLOCK_MONOTONIC, false, args[0], args[1]);
}

/* Returns its error as a value. */
static int
sys_clock_nanosleep(struct lwp *l, rumpk_args args, long *retval)
{
	bool absolute = (args[1] & RUMP_TIMER_ABSTIME) != 0;

	*retval = nap_call(l, rumpk_arg_int(args, 0), absolute, args[2], args[3]);
	return 0;
}

static const struct rumpk_syscall calls[] = {
    {RUMPK_SYS___clock_gettime50, sys_clock_gettime},
    {RUMPK_SYS___clock_settime50, sys_clock_settime},
    {RUMPK_SYS___clock_getres50, sys_clock_getres},
    {RUMPK_SYS___gettimeofday50, sys_gettimeofday},
    {RUMPK_SYS___settimeofday50, sys_settimeofday},
    {RUMPK_SYS___nanosleep50, sys_nanosleep},
    {RUMPK_SYS_clock_nanosleep, sys_clock_nanosleep},
};

void
rumpk_nap_init(void)
{
	rumpk_mutex_init(&nap_lock);
	rumpk_syscall_register(calls, sizeof(calls) / sizeof(*calls));
}
