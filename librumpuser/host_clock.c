/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>

#include "librumpuser/host.h"

#define SECOND 1000000000

void
host_clock_wall(struct timespec *now)
{
	(void)clock_gettime(CLOCK_REALTIME, now);
}

void
host_clock_monotonic(struct timespec *now)
{
	(void)clock_gettime(CLOCK_MONOTONIC, now);
}

void
host_sleep_until(const struct timespec *deadline)
{
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, deadline, NULL) == EINTR)
		continue;
}

void
host_deadline(struct timespec *deadline, int64_t sec, int64_t nsec)
{
	int64_t whole, seconds;

	host_clock_monotonic(deadline);
	whole = nsec / SECOND;
	nsec = nsec % SECOND + deadline->tv_nsec;
	if (nsec < 0) {
		nsec += SECOND;
		whole--;
	} else if (nsec >= SECOND) {
		nsec -= SECOND;
		whole++;
	}
	if (__builtin_add_overflow(sec, whole, &seconds))
		seconds = sec < 0 ? INT64_MIN : INT64_MAX;
	if (seconds < 0)
		return;
	if (__builtin_add_overflow(deadline->tv_sec, seconds, &deadline->tv_sec)) {
		deadline->tv_sec = INT64_MAX;
		nsec = SECOND - 1;
	}
	deadline->tv_nsec = (long)nsec;
}

int64_t
host_nanoseconds(void)
{
	struct timespec now;

	host_clock_monotonic(&now);
	return now.tv_sec * SECOND + now.tv_nsec;
}
