/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdint.h>

#include <rump/rumpuser_component.h>

#include "abi/errno.h"
#include "librumpuser/hyp.h"

void *
rumpuser_component_unschedule(void)
{
	return (void *)(intptr_t)hyp_release_cpu(NULL);
}

void
rumpuser_component_schedule(void *cookie)
{
	hyp_retake_cpu((int)(intptr_t)cookie, NULL);
}

void
rumpuser_component_kthread(void)
{
	hyp.hyp_schedule();
	(void)hyp.hyp_lwproc_newlwp(0);
	hyp.hyp_unschedule();
}

void
rumpuser_component_kthread_release(void)
{
	hyp.hyp_schedule();
	hyp.hyp_lwproc_release();
	hyp.hyp_unschedule();
}

struct lwp *
rumpuser_component_curlwp(void)
{
	struct lwp *l;

	hyp.hyp_schedule();
	l = hyp.hyp_lwproc_curlwp();
	hyp.hyp_unschedule();
	return l;
}

void
rumpuser_component_switchlwp(struct lwp *l)
{
	hyp.hyp_schedule();
	hyp.hyp_lwproc_switch(l);
	hyp.hyp_unschedule();
}

int
rumpuser_component_errtrans(int hosterr)
{
	return abi_errno_to_netbsd(hosterr);
}
