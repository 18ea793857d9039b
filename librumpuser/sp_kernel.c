/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * A thread without an lwp gets an implicit one whenever it enters the kernel, which is slow and goes through
 * a lock that all share. So each worker has one, in process 1, for as long as it lives: it enters with that,
 * becomes an lwp of the client for the call, and becomes itself again. The client's lwps stay with the client
 * between calls (sp_lwps.c). Only workers come here.
 */
#include "librumpuser/sp_kernel.h"

#include <stddef.h>

#include "librumpuser/hyp.h"
#include "librumpuser/sp_pool.h"

#define PROCESS_OF_WORKERS 1
#define RETRY_NS 10000000

void
kernel_attach(struct worker *worker)
{
	for (;;) {
		struct timespec later;

		hyp.hyp_schedule();
		if (hyp.hyp_lwproc_newlwp(PROCESS_OF_WORKERS) == 0)
			worker->lwp = hyp.hyp_lwproc_curlwp();
		hyp.hyp_unschedule();
		if (worker->lwp != NULL)
			return;
		/* The kernel is short of memory. */
		host_deadline(&later, 0, RETRY_NS);
		host_sleep_until(&later);
	}
}

void
kernel_detach(struct worker *worker)
{
	hyp.hyp_schedule();
	hyp.hyp_lwproc_release();
	hyp.hyp_unschedule();
	worker->lwp = NULL;
}

void
kernel_enter(void)
{
	hyp.hyp_schedule();
}

void
kernel_leave(void)
{
	hyp.hyp_unschedule();
}

void
kernel_become(struct lwp *lwp)
{
	hyp.hyp_lwproc_switch(lwp != NULL ? lwp : worker_self->lwp);
}

struct lwp *
kernel_become_new(pid_t pid, int *error)
{
	*error = hyp.hyp_lwproc_newlwp(pid);
	return *error == 0 ? hyp.hyp_lwproc_curlwp() : NULL;
}

void
kernel_release(struct lwp *lwp)
{
	hyp.hyp_lwproc_switch(lwp);
	hyp.hyp_lwproc_release();
	hyp.hyp_lwproc_switch(worker_self->lwp);
}

struct lwp *
kernel_rfork(void *priv, int flags, const char *comm, pid_t *pid, int *error)
{
	struct lwp *lwp;

	*error = hyp.hyp_lwproc_rfork(priv, flags, comm);
	if (*error != 0)
		return NULL;
	lwp = hyp.hyp_lwproc_curlwp();
	*pid = hyp.hyp_getpid();
	return lwp;
}

void
kernel_enter_release(struct lwp *lwp)
{
	kernel_enter();
	kernel_release(lwp);
	kernel_leave();
}

bool
kernel_can_interrupt(void)
{
	return hyp.hyp__extra[0] != NULL;
}

void
kernel_interrupt(struct lwp *lwp)
{
	void (*interrupt)(struct lwp *) = (void (*)(struct lwp *))(uintptr_t)hyp.hyp__extra[0];

	interrupt(lwp);
}
