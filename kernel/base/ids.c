/* SPDX-License-Identifier: BSD-2-Clause */
/* Who a process is: user and group ids, supplementary groups. */
#include <string.h>
#include "kernel/base/boot.h"
#include "kernel/base/lwp.h"
#include "kernel/base/syscall.h"

#define UNCHANGED UINT32_MAX

/*
 * A change of credentials: a function says what becomes of the old one, and whether that is
 * allowed; it runs under the process's lock, so that changes do not overlap.
 */
typedef int (*change_fn)(struct rumpk_cred *cred, const void *arg);

static int
change(struct lwp *l, change_fn f, const void *arg)
{
	struct proc *p = l->proc;
	const struct rumpk_cred *made;
	struct rumpk_cred cred;
	int error;

	rumpk_lock(p->lock);
	cred = *rumpk_proc_cred(p);
	error = f(&cred, arg);
	if (error == 0) {
		made = rumpk_cred_intern(&cred);
		if (made == NULL) {
			error = RUMP_ENOMEM;
		} else if (made != rumpk_proc_cred(p)) {
			atomic_store_explicit(&p->cred, made, memory_order_release);
			p->flags |= RUMPK_P_SUGID;
		}
	}
	rumpk_unlock(p->lock);
	return error;
}

/* What the set*id family boils down to: new values, and which of the old ones each may be without privilege.
 */
#define MAY_BE_REAL 0x1
#define MAY_BE_EFFECTIVE 0x2
#define MAY_BE_SAVED 0x4

struct triple {
	uint32_t *real, *effective, *saved;
};

struct wish {
	/* UNCHANGED: as it is. */
	uint32_t real, effective, saved;
	/* What an unprivileged process may choose each from. */
	int real_from, effective_from, saved_from;
	bool group;
};

static bool
among(const struct triple *old, uint32_t id, int from)
{
	return id == UNCHANGED || ((from & MAY_BE_REAL) != 0 && id == *old->real) ||
	       ((from & MAY_BE_EFFECTIVE) != 0 && id == *old->effective) ||
	       ((from & MAY_BE_SAVED) != 0 && id == *old->saved);
}

static int
set_triple(struct rumpk_cred *cred, const void *arg)
{
	const struct wish *wish = arg;
	struct triple ids = {&cred->uid, &cred->euid, &cred->svuid};
	bool allowed;

	if (wish->group)
		ids = (struct triple){&cred->gid, &cred->egid, &cred->svgid};
	allowed = among(&ids, wish->real, wish->real_from) &&
		  among(&ids, wish->effective, wish->effective_from) &&
		  among(&ids, wish->saved, wish->saved_from);
	if (!allowed && !rumpk_cred_issuper(cred))
		return RUMP_EPERM;
	if (wish->real != UNCHANGED)
		*ids.real = wish->real;
	if (wish->effective != UNCHANGED)
		*ids.effective = wish->effective;
	if (wish->saved != UNCHANGED)
		*ids.saved = wish->saved;
	return 0;
}

/* All three become the id. */
static int
set_all(struct lwp *l, uint32_t id, bool group)
{
	const struct wish wish = {id, id, id, MAY_BE_REAL, MAY_BE_REAL, MAY_BE_REAL, group};

	return change(l, set_triple, &wish);
}

static int
set_effective(struct lwp *l, uint32_t id, bool group)
{
	const struct wish wish = {UNCHANGED, id, UNCHANGED, 0, MAY_BE_REAL | MAY_BE_SAVED, 0, group};

	return change(l, set_triple, &wish);
}

/* setreuid: the saved id follows the new effective one when the real one changes. */
static int
set_real_effective(struct lwp *l, uint32_t real, uint32_t effective, bool group)
{
	const struct rumpk_cred *cred = rumpk_proc_cred(l->proc);
	uint32_t old_real = group ? cred->gid : cred->uid, old_effective = group ? cred->egid : cred->euid;
	int any = MAY_BE_REAL | MAY_BE_EFFECTIVE | MAY_BE_SAVED;
	struct wish wish = {real, effective, UNCHANGED, MAY_BE_REAL | MAY_BE_EFFECTIVE, any, any, group};

	if (real != UNCHANGED && real != old_real)
		wish.saved = effective != UNCHANGED ? effective : old_effective;
	return change(l, set_triple, &wish);
}

static int
sys_setuid(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return set_all(l, (uint32_t)args[0], false);
}

static int
sys_setgid(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return set_all(l, (uint32_t)args[0], true);
}

static int
sys_seteuid(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return set_effective(l, (uint32_t)args[0], false);
}

static int
sys_setegid(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return set_effective(l, (uint32_t)args[0], true);
}

static int
sys_setreuid(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return set_real_effective(l, (uint32_t)args[0], (uint32_t)args[1], false);
}

static int
sys_setregid(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return set_real_effective(l, (uint32_t)args[0], (uint32_t)args[1], true);
}

static int
sys_getuid(struct lwp *l, rumpk_args args, long *retval)
{
	(void)args;
	retval[0] = rumpk_proc_cred(l->proc)->uid;
	retval[1] = rumpk_proc_cred(l->proc)->euid;
	return 0;
}

static int
sys_geteuid(struct lwp *l, rumpk_args args, long *retval)
{
	(void)args;
	*retval = rumpk_proc_cred(l->proc)->euid;
	return 0;
}

static int
sys_getgid(struct lwp *l, rumpk_args args, long *retval)
{
	(void)args;
	retval[0] = rumpk_proc_cred(l->proc)->gid;
	retval[1] = rumpk_proc_cred(l->proc)->egid;
	return 0;
}

static int
sys_getegid(struct lwp *l, rumpk_args args, long *retval)
{
	(void)args;
	*retval = rumpk_proc_cred(l->proc)->egid;
	return 0;
}

static int
sys_getgroups(struct lwp *l, rumpk_args args, long *retval)
{
	const struct rumpk_cred *cred = rumpk_proc_cred(l->proc);
	int room = rumpk_arg_int(args, 0);

	*retval = cred->ngroups;
	if (room == 0)
		return 0;
	if (room < (int)cred->ngroups)
		return RUMP_EINVAL;
	return rumpk_copyout(l, cred->groups, args[1], cred->ngroups * sizeof(*cred->groups));
}

static int
set_groups(struct rumpk_cred *cred, const void *arg)
{
	const struct rumpk_cred *model = arg;

	if (!rumpk_cred_issuper(cred))
		return RUMP_EPERM;
	cred->ngroups = model->ngroups;
	memcpy(cred->groups, model->groups, sizeof(cred->groups));
	return 0;
}

static int
sys_setgroups(struct lwp *l, rumpk_args args, long *retval)
{
	struct rumpk_cred model = {0};
	uint32_t count = (uint32_t)args[0];
	int error;

	(void)retval;
	if (count > RUMPK_NGROUPS)
		return RUMP_EINVAL;
	model.ngroups = count;
	error = rumpk_copyin(l, args[1], model.groups, count * sizeof(*model.groups));
	return error != 0 ? error : change(l, set_groups, &model);
}

static int
sys_issetugid(struct lwp *l, rumpk_args args, long *retval)
{
	(void)args;
	rumpk_lock(l->proc->lock);
	*retval = (l->proc->flags & RUMPK_P_SUGID) != 0;
	rumpk_unlock(l->proc->lock);
	return 0;
}

static const struct rumpk_syscall calls[] = {
    {RUMPK_SYS_setuid, sys_setuid},
    {RUMPK_SYS_setgid, sys_setgid},
    {RUMPK_SYS_seteuid, sys_seteuid},
    {RUMPK_SYS_setegid, sys_setegid},
    {RUMPK_SYS_setreuid, sys_setreuid},
    {RUMPK_SYS_setregid, sys_setregid},
    {RUMPK_SYS_getuid_with_euid, sys_getuid},
    {RUMPK_SYS_geteuid, sys_geteuid},
    {RUMPK_SYS_getgid_with_egid, sys_getgid},
    {RUMPK_SYS_getegid, sys_getegid},
    {RUMPK_SYS_getgroups, sys_getgroups},
    {RUMPK_SYS_setgroups, sys_setgroups},
    {RUMPK_SYS_issetugid, sys_issetugid},
};

void
rumpk_ids_init(void)
{
	rumpk_syscall_register(calls, sizeof(calls) / sizeof(*calls));
}
