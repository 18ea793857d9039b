/* SPDX-License-Identifier: BSD-2-Clause */
/* Process numbers, groups, sessions and login names: the system calls. */
#include <string.h>
#include "kernel/base/boot.h"
#include "kernel/base/proc.h"
#include "kernel/base/syscall.h"

static int
sys_getpid(struct lwp *l, rumpk_args args, long *retval)
{
	(void)args;
	retval[0] = l->proc->pid;
	return 0;
}

static int
sys_getppid(struct lwp *l, rumpk_args args, long *retval)
{
	(void)args;
	rumpk_lock(rumpk_proclist_lock);
	*retval = l->proc->parent != NULL ? l->proc->parent->pid : 0;
	rumpk_unlock(rumpk_proclist_lock);
	return 0;
}

static int
sys_getpgrp(struct lwp *l, rumpk_args args, long *retval)
{
	(void)args;
	rumpk_lock(rumpk_proclist_lock);
	*retval = l->proc->pgrp->id;
	rumpk_unlock(rumpk_proclist_lock);
	return 0;
}

/* With the list's lock: the process, the caller's own for 0. */
static struct proc *
lookup(struct lwp *l, int32_t pid)
{
	return pid == 0 ? l->proc : rumpk_proc_lookup(pid);
}

static int
sys_getpgid(struct lwp *l, rumpk_args args, long *retval)
{
	struct proc *p;

	rumpk_lock(rumpk_proclist_lock);
	p = lookup(l, rumpk_arg_int(args, 0));
	if (p != NULL)
		*retval = p->pgrp->id;
	rumpk_unlock(rumpk_proclist_lock);
	return p != NULL ? 0 : RUMP_ESRCH;
}

static int
sys_getsid(struct lwp *l, rumpk_args args, long *retval)
{
	struct proc *p;

	rumpk_lock(rumpk_proclist_lock);
	p = lookup(l, rumpk_arg_int(args, 0));
	if (p != NULL)
		*retval = p->pgrp->session->id;
	rumpk_unlock(rumpk_proclist_lock);
	return p != NULL ? 0 : RUMP_ESRCH;
}

static bool
descends(const struct proc *p, const struct proc *from)
{
	while (p != NULL && p != from)
		p = p->parent;
	return p != NULL;
}

/* With the list's lock: whether l may move p into group id, which may be pg. */
static int
may_move(struct lwp *l, struct proc *p, int32_t id, const struct pgrp *pg)
{
	if (p == NULL || !descends(p, l->proc))
		return RUMP_ESRCH;
	if (p != l->proc && p->pgrp->session != l->proc->pgrp->session)
		return RUMP_EPERM;
	if (p->pgrp->session->leader == p)
		return p->pgrp == pg ? 0 : RUMP_EPERM;
	if (pg == NULL)
		return id == p->pid ? 0 : RUMP_EPERM;
	return pg->session == p->pgrp->session ? 0 : RUMP_EPERM;
}

static int
sys_setpgid(struct lwp *l, rumpk_args args, long *retval)
{
	int32_t id = rumpk_arg_int(args, 1);
	struct pgrp *pg;
	struct proc *p;
	int error;

	(void)retval;
	if (id < 0)
		return RUMP_EINVAL;
	rumpk_lock(rumpk_proclist_lock);
	p = lookup(l, rumpk_arg_int(args, 0));
	if (id == 0 && p != NULL)
		id = p->pid;
	pg = rumpk_pgrp_lookup(id);
	error = may_move(l, p, id, pg);
	if (error == 0 && pg == NULL) {
		pg = rumpk_pgrp_create(id, p->pgrp->session);
		error = pg != NULL ? 0 : RUMP_ENOMEM;
	}
	if (error == 0 && p->pgrp != pg) {
		rumpk_pgrp_leave(p);
		rumpk_pgrp_join(p, pg);
	}
	rumpk_unlock(rumpk_proclist_lock);
	return error;
}

static int
sys_setsid(struct lwp *l, rumpk_args args, long *retval)
{
	struct proc *p = l->proc;
	struct pgrp *pg = NULL;
	int error = 0;

	(void)args;
	rumpk_lock(rumpk_proclist_lock);
	if (rumpk_pgrp_lookup(p->pid) != NULL)
		error = RUMP_EPERM;
	else if ((pg = rumpk_pgrp_create(p->pid, NULL)) == NULL)
		error = RUMP_ENOMEM;
	if (error == 0) {
		memcpy(pg->session->login, p->pgrp->session->login, sizeof(pg->session->login));
		rumpk_pgrp_leave(p);
		rumpk_pgrp_join(p, pg);
		pg->session->leader = p;
		*retval = p->pid;
	}
	rumpk_unlock(rumpk_proclist_lock);
	return error;
}

static int
sys_getlogin(struct lwp *l, rumpk_args args, long *retval)
{
	char login[sizeof(((struct session *)NULL)->login)];
	size_t len = args[1] < sizeof(login) ? args[1] : sizeof(login);

	(void)retval;
	rumpk_lock(rumpk_proclist_lock);
	memcpy(login, l->proc->pgrp->session->login, sizeof(login));
	rumpk_unlock(rumpk_proclist_lock);
	return rumpk_copyout(l, login, args[0], len);
}

static int
sys_setlogin(struct lwp *l, rumpk_args args, long *retval)
{
	char login[sizeof(((struct session *)NULL)->login) + 1];
	int error;

	(void)retval;
	if (!rumpk_cred_issuper(rumpk_proc_cred(l->proc)))
		return RUMP_EPERM;
	memset(login, 0, sizeof(login));
	error = rumpk_copyinstr(l, args[0], login, sizeof(login), NULL);
	if (error != 0)
		return error == RUMP_ENAMETOOLONG ? RUMP_EINVAL : error;
	rumpk_lock(rumpk_proclist_lock);
	memcpy(l->proc->pgrp->session->login, login, sizeof(login) - 1);
	rumpk_unlock(rumpk_proclist_lock);
	return 0;
}

static const struct rumpk_syscall calls[] = {
    {RUMPK_SYS_getpid_with_ppid, sys_getpid},
    {RUMPK_SYS_getppid, sys_getppid},
    {RUMPK_SYS_getpgrp, sys_getpgrp},
    {RUMPK_SYS_getpgid, sys_getpgid},
    {RUMPK_SYS_getsid, sys_getsid},
    {RUMPK_SYS_setpgid, sys_setpgid},
    {RUMPK_SYS_setsid, sys_setsid},
    {RUMPK_SYS___getlogin, sys_getlogin},
    {RUMPK_SYS___setlogin, sys_setlogin},
};

void
rumpk_session_init(void)
{
	rumpk_syscall_register(calls, sizeof(calls) / sizeof(*calls));
}
