/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/kernel/case.h"
#include <string.h>

static int64_t
ns(const struct rump_timespec *ts)
{
	return ts->tv_sec * 1000000000 + ts->tv_nsec;
}

static void
clocks(void)
{
	struct rump_timespec a, b;
	struct rump_timeval tv;

	ret("realtime", rump_sys_clock_gettime(RUMP_CLOCK_REALTIME, &a));
	say("%s", a.tv_sec > 1400000000 ? "after 2014" : "before");
	ret("gettimeofday", rump_sys_gettimeofday(&tv, NULL));
	say("%s", tv.tv_sec - a.tv_sec >= 0 && tv.tv_sec - a.tv_sec < 30 ? "the same" : "another");
	ret("monotonic", rump_sys_clock_gettime(RUMP_CLOCK_MONOTONIC, &a));
	ret("monotonic", rump_sys_clock_gettime(RUMP_CLOCK_MONOTONIC, &b));
	say("%s", ns(&b) >= ns(&a) ? "does not go back" : "goes back");
	ret("no such clock", rump_sys_clock_gettime(77, &a));
	ret("nowhere", rump_sys_clock_gettime(RUMP_CLOCK_REALTIME, NULL));
	ret("resolution", rump_sys_clock_getres(RUMP_CLOCK_MONOTONIC, &a));
	say("%s", a.tv_sec == 0 && a.tv_nsec > 0 ? "below a second" : "odd");
	ret("resolution to nowhere", rump_sys_clock_getres(RUMP_CLOCK_MONOTONIC, NULL));
	ret("resolution of none", rump_sys_clock_getres(77, &a));
}

static void
setting(void)
{
	struct rump_timespec ts = {1000000000, 5}, now;
	struct rump_timeval tv = {1100000000, 5};

	ret("settime", rump_sys_clock_settime(RUMP_CLOCK_REALTIME, &ts));
	rump_sys_clock_gettime(RUMP_CLOCK_REALTIME, &now);
	say("%s", now.tv_sec - 1000000000 >= 0 && now.tv_sec - 1000000000 < 30 ? "it is 2001" : "it is not");
	ret("monotonic", rump_sys_clock_settime(RUMP_CLOCK_MONOTONIC, &ts));
	ret("settimeofday", rump_sys_settimeofday(&tv, NULL));
	rump_sys_clock_gettime(RUMP_CLOCK_REALTIME, &now);
	say("%s", now.tv_sec - 1100000000 >= 0 && now.tv_sec - 1100000000 < 30 ? "it is 2004" : "it is not");
}

static void
sleeping(void)
{
	struct rump_timespec a, b, left = {7, 7};

	rump_sys_clock_gettime(RUMP_CLOCK_MONOTONIC, &a);
	ret("nanosleep", rump_sys_nanosleep(&(struct rump_timespec){0, 20000000}, &left));
	rump_sys_clock_gettime(RUMP_CLOCK_MONOTONIC, &b);
	say("%s", ns(&b) - ns(&a) >= 20000000 ? "long enough" : "too short");
	say("left %lld %lld", (long long)left.tv_sec, (long long)left.tv_nsec);
	ret("bad nanoseconds", rump_sys_nanosleep(&(struct rump_timespec){0, 1000000000}, NULL));
	ret("nothing", rump_sys_nanosleep(&(struct rump_timespec){0, 0}, NULL));
	ret("nowhere", rump_sys_nanosleep(NULL, NULL));
	ret_error("clock_nanosleep",
	    rump_sys_clock_nanosleep(RUMP_CLOCK_MONOTONIC, 0, &(struct rump_timespec){0, 1000000}, NULL));
	rump_sys_clock_gettime(RUMP_CLOCK_MONOTONIC, &a);
	a.tv_nsec += 20000000;
	if (a.tv_nsec >= 1000000000) {
		a.tv_nsec -= 1000000000;
		a.tv_sec++;
	}
	ret_error("until", rump_sys_clock_nanosleep(RUMP_CLOCK_MONOTONIC, RUMP_TIMER_ABSTIME, &a, NULL));
	rump_sys_clock_gettime(RUMP_CLOCK_MONOTONIC, &b);
	say("%s", ns(&b) >= ns(&a) ? "long enough" : "too short");
	a.tv_sec = 1;
	ret_error(
	    "in the past", rump_sys_clock_nanosleep(RUMP_CLOCK_MONOTONIC, RUMP_TIMER_ABSTIME, &a, NULL));
	ret_error("no such clock", rump_sys_clock_nanosleep(77, 0, &a, NULL));
}

static void
interval_timers(void)
{
	struct rump_itimerval itv = {{0, 0}, {1000, 0}}, old;

	memset(&old, 0xff, sizeof(old));
	ret("setitimer", rump_sys_setitimer(RUMP_ITIMER_REAL, &itv, &old));
	say("was %lld %d %lld %d", (long long)old.it_value.tv_sec, old.it_value.tv_usec,
	    (long long)old.it_interval.tv_sec, old.it_interval.tv_usec);
	ret("getitimer", rump_sys_getitimer(RUMP_ITIMER_REAL, &old));
	say("%s", old.it_value.tv_sec > 900 && old.it_value.tv_sec <= 1000 ? "running" : "not running");
	itv.it_value.tv_sec = 0;
	ret("stop", rump_sys_setitimer(RUMP_ITIMER_REAL, &itv, NULL));
	ret("getitimer", rump_sys_getitimer(RUMP_ITIMER_REAL, &old));
	say("%lld %d", (long long)old.it_value.tv_sec, old.it_value.tv_usec);
	ret("no such timer", rump_sys_setitimer(9, &itv, NULL));
	itv.it_value.tv_usec = 1000000;
	ret("bad microseconds", rump_sys_setitimer(RUMP_ITIMER_REAL, &itv, NULL));
}

static void
posix_timers(void)
{
	struct rump_sigevent none;
	struct rump_itimerspec its = {{0, 0}, {1000, 0}}, old;
	int32_t id = -1, second = -1;

	memset(&none, 0, sizeof(none));
	none.sigev_notify = RUMP_SIGEV_NONE;
	ret("create", rump_sys_timer_create(RUMP_CLOCK_MONOTONIC, &none, &id));
	ret("create another", rump_sys_timer_create(RUMP_CLOCK_REALTIME, &none, &second));
	say("%s", second == id + 1 ? "the next number" : "another number");
	ret("settime", rump_sys_timer_settime(id, 0, &its, &old));
	say("was %lld", (long long)old.it_value.tv_sec);
	ret("gettime", rump_sys_timer_gettime(id, &old));
	say("%s", old.it_value.tv_sec > 900 && old.it_value.tv_sec <= 1000 ? "running" : "not running");
	ret("overrun", rump_sys_timer_getoverrun(id));
	ret("delete", rump_sys_timer_delete(id));
	ret("delete twice", rump_sys_timer_delete(id));
	ret("gettime of none", rump_sys_timer_gettime(99, &old));
	ret("no such clock", rump_sys_timer_create(77, &none, &id));
	ret("to nowhere", rump_sys_timer_create(RUMP_CLOCK_REALTIME, &none, NULL));
}

const struct testcase time_cases[] = {
    {"clocks", clocks},
    {"clock_setting", setting},
    {"sleeping", sleeping},
    {"interval_timers", interval_timers},
    {"posix_timers", posix_timers},
    {NULL, NULL},
};
