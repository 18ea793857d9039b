/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/clock.h"
#include <stdatomic.h>
#include <rump/rumpuser.h>
#include "kernel/base/clockcalls.h"
#include "kernel/base/sleep.h"

/* What clock_settime has made wall time differ from the host's. */
static _Atomic(int64_t) wall_offset;

static int64_t
host_clock(int clk)
{
	int64_t sec;
	long nsec;

	rumpuser_clock_gettime(clk, &sec, &nsec);
	return sec * RUMPK_NSEC + nsec;
}

int64_t
rumpk_monotonic(void)
{
	return host_clock(RUMPUSER_CLOCK_ABSMONO);
}

int64_t
rumpk_walltime(void)
{
	return host_clock(RUMPUSER_CLOCK_RELWALL) + atomic_load_explicit(&wall_offset, memory_order_relaxed);
}

void
rumpk_walltime_set(int64_t ns)
{
	atomic_store_explicit(&wall_offset, ns - host_clock(RUMPUSER_CLOCK_RELWALL), memory_order_relaxed);
}

void
rumpk_nanotime(struct rump_timespec *ts)
{
	rumpk_ns_timespec(rumpk_walltime(), ts);
}

int
rumpk_timespec_check(const struct rump_timespec *ts)
{
	return ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= RUMPK_NSEC ? RUMP_EINVAL : 0;
}

int64_t
rumpk_timespec_ns(const struct rump_timespec *ts)
{
	int64_t ns;

	if (__builtin_mul_overflow(ts->tv_sec, RUMPK_NSEC, &ns) ||
	    __builtin_add_overflow(ns, ts->tv_nsec, &ns))
		return ts->tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

void
rumpk_ns_timespec(int64_t ns, struct rump_timespec *ts)
{
	int64_t sec = ns / RUMPK_NSEC, rest = ns % RUMPK_NSEC;

	if (rest < 0) {
		sec--;
		rest += RUMPK_NSEC;
	}
	ts->tv_sec = sec;
	ts->tv_nsec = rest;
}

int64_t
rumpk_deadline(int64_t ns)
{
	int64_t when;

	return __builtin_add_overflow(rumpk_monotonic(), ns, &when) ? RUMPK_FOREVER : when;
}
