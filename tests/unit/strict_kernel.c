/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/unit/strict_kernel.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <rump/rumpuser.h>

#define NLOCKS 3

static __thread bool has_cpu, has_lwp;
static __thread unsigned releases;
static _Atomic unsigned visits;

static void
check(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "Bail out! %s\n", what);
	abort();
}

static void
schedule(void)
{
	check(!has_cpu, "hyp_schedule by a thread that has the CPU");
	has_cpu = true;
	visits++;
}

static void
unschedule(void)
{
	check(has_cpu, "hyp_unschedule by a thread without the CPU");
	has_cpu = false;
}

static void
backend_unschedule(int nlocks, int *countp, void *interlock)
{
	(void)interlock;
	check(nlocks == 0, "hyp_backend_unschedule with locks");
	check(has_cpu, "hyp_backend_unschedule by a thread without the CPU");
	has_cpu = false;
	releases++;
	*countp = NLOCKS;
}

static void
backend_schedule(int nlocks, void *interlock)
{
	(void)interlock;
	check(nlocks == NLOCKS, "hyp_backend_schedule with other locks than were released");
	check(!has_cpu, "hyp_backend_schedule by a thread that has the CPU");
	has_cpu = true;
}

static int
newlwp(pid_t pid)
{
	check(has_cpu, "hyp_lwproc_newlwp without the CPU");
	check(!has_lwp, "hyp_lwproc_newlwp by a thread that has an lwp");
	check(pid == 0, "hyp_lwproc_newlwp for a process");
	has_lwp = true;
	return 0;
}

void
strict_kernel_start(void)
{
	static const struct rumpuser_hyperup upcalls = {
	    .hyp_schedule = schedule,
	    .hyp_unschedule = unschedule,
	    .hyp_backend_unschedule = backend_unschedule,
	    .hyp_backend_schedule = backend_schedule,
	    .hyp_lwproc_newlwp = newlwp,
	};

	check(rumpuser_init(RUMPUSER_VERSION, &upcalls) == 0, "rumpuser_init");
	has_cpu = true;
}

void
strict_kernel_enter(void)
{
	has_cpu = true;
}

bool
strict_kernel_has_cpu(void)
{
	return has_cpu;
}

unsigned
strict_kernel_releases(void)
{
	return releases;
}

unsigned
strict_kernel_visits(void)
{
	return visits;
}
