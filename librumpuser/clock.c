/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <rump/rumpdefs.h>
#include <rump/rumpuser.h>

#include "librumpuser/host.h"
#include "librumpuser/hyp.h"

#define SECOND 1000000000

int
rumpuser_clock_gettime(int clk, int64_t *sec, long *nsec)
{
	struct timespec now;

	switch (clk) {
	case RUMPUSER_CLOCK_RELWALL:
		host_clock_wall(&now);
		break;
	case RUMPUSER_CLOCK_ABSMONO:
		host_clock_monotonic(&now);
		break;
	default:
		return RUMP_EINVAL;
	}
	*sec = now.tv_sec;
	*nsec = now.tv_nsec;
	return 0;
}

int
rumpuser_clock_sleep(int clk, int64_t sec, long nsec)
{
	struct timespec until = {sec, nsec};
	int locks, error = 0;

	locks = hyp_release_cpu(NULL);
	if (nsec < 0 || nsec >= SECOND)
		error = RUMP_EINVAL;
	else if (clk == RUMPUSER_CLOCK_RELWALL)
		host_deadline(&until, sec, nsec);
	else if (clk != RUMPUSER_CLOCK_ABSMONO)
		error = RUMP_EINVAL;
	/* The monotonic clock starts at 0: there is nothing to wait for before that. */
	if (error == 0 && until.tv_sec >= 0)
		host_sleep_until(&until);
	hyp_retake_cpu(locks, NULL);
	return error;
}
