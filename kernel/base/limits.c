/* SPDX-License-Identifier: BSD-2-Clause */
/* Resource limits, and the file mode mask. */
#include "kernel/base/boot.h"
#include "kernel/base/fdtable.h"
#include "kernel/base/lwp.h"
#include "kernel/base/proc.h"
#include "kernel/base/syscall.h"

#define RLIM_INFINITY UINT64_C(0x7fffffffffffffff)

/* Descriptors: as many as programs of the host are used to, and as the tables hold. */
#define NOFILE_SOFT 1024

static const struct rump_rlimit defaults[RUMPK_NLIMITS] = {
    [RUMP_RLIMIT_CPU] = {RLIM_INFINITY, RLIM_INFINITY},
    [RUMP_RLIMIT_FSIZE] = {RLIM_INFINITY, RLIM_INFINITY},
    [RUMP_RLIMIT_DATA] = {RLIM_INFINITY, RLIM_INFINITY},
    [RUMP_RLIMIT_STACK] = {0x400000, 0x8000000},
    [RUMP_RLIMIT_CORE] = {RLIM_INFINITY, RLIM_INFINITY},
    [RUMP_RLIMIT_RSS] = {RLIM_INFINITY, RLIM_INFINITY},
    [RUMP_RLIMIT_MEMLOCK] = {RLIM_INFINITY, RLIM_INFINITY},
    [RUMP_RLIMIT_NPROC] = {160, 532},
    [RUMP_RLIMIT_NOFILE] = {NOFILE_SOFT, RUMPK_FD_MAX},
    [RUMP_RLIMIT_SBSIZE] = {RLIM_INFINITY, RLIM_INFINITY},
    [RUMP_RLIMIT_AS] = {RLIM_INFINITY, RLIM_INFINITY},
    [RUMP_RLIMIT_NTHR] = {160, 2048},
};

void
rumpk_limits_init(struct proc *p)
{
	for (int i = 0; i < RUMPK_NLIMITS; i++)
		p->limits[i] = defaults[i];
	atomic_store_explicit(&p->nofile, NOFILE_SOFT, memory_order_relaxed);
	atomic_store_explicit(&p->fsize, RLIM_INFINITY, memory_order_relaxed);
}

static int
sys_getrlimit(struct lwp *l, rumpk_args args, long *retval)
{
	uint32_t which = (uint32_t)args[0];
	struct rump_rlimit limit;

	(void)retval;
	if (which >= RUMPK_NLIMITS)
		return RUMP_EINVAL;
	rumpk_lock(l->proc->lock);
	limit = l->proc->limits[which];
	rumpk_unlock(l->proc->lock);
	return rumpk_copyout(l, &limit, args[1], sizeof(limit));
}

static int
sys_setrlimit(struct lwp *l, rumpk_args args, long *retval)
{
	bool super = rumpk_cred_issuper(rumpk_proc_cred(l->proc));
	uint32_t which = (uint32_t)args[0];
	struct proc *p = l->proc;
	struct rump_rlimit limit;
	int error;

	(void)retval;
	error = rumpk_copyin(l, args[1], &limit, sizeof(limit));
	if (error != 0)
		return error;
	if (which >= RUMPK_NLIMITS || limit.rlim_cur > limit.rlim_max)
		return RUMP_EINVAL;
	if (which == RUMP_RLIMIT_NOFILE && limit.rlim_cur > RUMPK_FD_MAX)
		limit.rlim_cur = RUMPK_FD_MAX;
	if (which == RUMP_RLIMIT_NOFILE && limit.rlim_max > RUMPK_FD_MAX)
		limit.rlim_max = RUMPK_FD_MAX;
	rumpk_lock(p->lock);
	if (limit.rlim_max > p->limits[which].rlim_max && !super) {
		error = RUMP_EPERM;
	} else {
		p->limits[which] = limit;
		if (which == RUMP_RLIMIT_NOFILE)
			atomic_store_explicit(&p->nofile, (int32_t)limit.rlim_cur, memory_order_relaxed);
		else if (which == RUMP_RLIMIT_FSIZE)
			atomic_store_explicit(&p->fsize, limit.rlim_cur, memory_order_relaxed);
	}
	rumpk_unlock(p->lock);
	return error;
}

static int
sys_umask(struct lwp *l, rumpk_args args, long *retval)
{
	*retval = atomic_exchange_explicit(&l->proc->umask, (uint32_t)args[0] & 07777, memory_order_relaxed);
	return 0;
}

static const struct rumpk_syscall calls[] = {
    {RUMPK_SYS_getrlimit, sys_getrlimit},
    {RUMPK_SYS_setrlimit, sys_setrlimit},
    {RUMPK_SYS_umask, sys_umask},
};

void
rumpk_limits_calls_init(void)
{
	rumpk_syscall_register(calls, sizeof(calls) / sizeof(*calls));
}
