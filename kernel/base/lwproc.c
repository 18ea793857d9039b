/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes and threads for programs (rump_pub_lwproc_*) and for the hypervisor (the upcalls). */
#include <rump/rump.h>
#include <string.h>
#include "kernel/base/boot.h"
#include "kernel/base/cons.h"
#include "kernel/base/fdtable.h"
#include "kernel/base/hyp.h"
#include "kernel/base/notify.h"
#include "kernel/base/print.h"
#include "kernel/base/proc.h"
#include "kernel/base/sleep_impl.h"
#include "kernel/base/syscall.h"

/* With p->lock: a new lwp, unless the process ends. */
static int
new_lwp(struct proc *p, struct lwp **lp)
{
	if (p->nlwps == 0)
		return RUMP_ESRCH;
	if (atomic_load_explicit(&p->exiting, memory_order_relaxed))
		return RUMP_EBUSY;
	*lp = rumpk_lwp_create(p);
	return *lp != NULL ? 0 : RUMP_ENOMEM;
}

int
rumpk_lwp_new(int32_t pid)
{
	struct lwp *l;
	struct proc *p;
	int error = RUMP_ESRCH;

	rumpk_lock(rumpk_proclist_lock);
	p = rumpk_proc_lookup(pid);
	if (p != NULL) {
		rumpk_lock(p->lock);
		error = new_lwp(p, &l);
		rumpk_unlock(p->lock);
	}
	rumpk_unlock(rumpk_proclist_lock);
	if (error == 0)
		rumpk_lwp_switch(l);
	return error;
}

int
rumpk_lwp_rfork(void *priv, int flags, const char *comm)
{
	struct proc *parent = rumpk_curproc(), *p;
	struct lwp *l;
	int error;

	error = rumpk_proc_fork(parent, flags, &p);
	if (error != 0)
		return error;
	rumpk_lock(p->lock);
	p->priv = priv;
	if (comm != NULL)
		rumpk_snprintf(p->comm, sizeof(p->comm), "%s", comm);
	l = rumpk_lwp_create(p);
	rumpk_unlock(p->lock);
	if (l == NULL) {
		rumpk_proc_exit(p);
		rumpk_proc_rele(p);
		return RUMP_ENOMEM;
	}
	rumpk_notify(parent->notes, RUMP_NOTE_FORK);
	rumpk_lwp_switch(l);
	return 0;
}

int
rump_pub_lwproc_rfork(int flags)
{
	return rumpk_lwp_rfork(NULL, flags, NULL);
}

int
rump_pub_lwproc_newlwp(pid_t pid)
{
	return rumpk_lwp_new(pid);
}

void
rump_pub_lwproc_switch(struct lwp *l)
{
	if (l != NULL && l->running)
		rumpk_panic("lwp %d.%d is running already", l->proc->pid, l->lid);
	rumpk_lwp_switch(l);
}

void
rump_pub_lwproc_releaselwp(void)
{
	rumpk_lwp_release();
}

struct lwp *
rump_pub_lwproc_curlwp(void)
{
	return rumpk_lwp_explicit();
}

/*
 * The scheduler that there is not: any thread may run in the kernel at any time, so entering and
 * leaving it changes nothing.
 */
static void
hyp_schedule(void)
{
}

static void
hyp_backend_unschedule(int nlocks, int *countp, void *interlock)
{
	(void)nlocks;
	(void)interlock;
	if (countp != NULL)
		*countp = 0;
}

static void
hyp_backend_schedule(int nlocks, void *interlock)
{
	(void)nlocks;
	(void)interlock;
}

static int
hyp_rfork(void *priv, int flags, const char *comm)
{
	bool guest = rumpk_curproc() == rumpk_proc1;
	int error = rumpk_lwp_rfork(priv, flags, comm);

	if (error == 0 && guest)
		rumpk_cons_open(rumpk_curlwp());
	/*
	 * A client's fork comes in two: a copy, which keeps the place, and from that one which shares
	 * with it, when the child is there. What forked the child is the parent of the first.
	 */
	if (error == 0 && flags == RUMP_RFFD_SHARE)
		rumpk_proc_promote(rumpk_curproc());
	return error;
}

static int
hyp_newlwp(pid_t pid)
{
	return rumpk_lwp_new(pid);
}

static int
hyp_syscall(int number, void *args, long *retval)
{
	return rumpk_syscall(rumpk_curlwp(), number, args, retval);
}

/* Orders the process's lwps out of their sleeps, and lets none sleep again. */
static void
hyp_lwpexit(void)
{
	struct proc *p = rumpk_curproc();

	rumpk_lock(p->lock);
	atomic_store_explicit(&p->exiting, true, memory_order_relaxed);
	rumpk_sleepers_wake(p);
	rumpk_unlock(p->lock);
}

/* The process executes a new program, and has no other lwp any more. */
static void
hyp_execnotify(const char *comm)
{
	struct proc *p = rumpk_curproc();

	rumpk_fdtable_exec(p->fdtable, p);
	rumpk_lock(p->lock);
	RUMPK_ASSERT(p->nlwps == 1);
	atomic_store_explicit(&p->exiting, false, memory_order_relaxed);
	if (comm != NULL)
		rumpk_snprintf(p->comm, sizeof(p->comm), "%s", comm);
	rumpk_unlock(p->lock);
	rumpk_notify(p->notes, RUMP_NOTE_EXEC);
}

static pid_t
hyp_getpid(void)
{
	return rumpk_curproc()->pid;
}

static void
hyp_lwpinterrupt(struct lwp *l)
{
	rumpk_lwp_interrupt(l);
}

const struct rumpuser_hyperup rumpk_hyp = {
    .hyp_schedule = hyp_schedule,
    .hyp_unschedule = hyp_schedule,
    .hyp_backend_unschedule = hyp_backend_unschedule,
    .hyp_backend_schedule = hyp_backend_schedule,
    .hyp_lwproc_switch = rump_pub_lwproc_switch,
    .hyp_lwproc_release = rump_pub_lwproc_releaselwp,
    .hyp_lwproc_rfork = hyp_rfork,
    .hyp_lwproc_newlwp = hyp_newlwp,
    .hyp_lwproc_curlwp = rump_pub_lwproc_curlwp,
    .hyp_syscall = hyp_syscall,
    .hyp_lwpexit = hyp_lwpexit,
    .hyp_execnotify = hyp_execnotify,
    .hyp_getpid = hyp_getpid,
    .hyp__extra = {(void *)hyp_lwpinterrupt},
};
