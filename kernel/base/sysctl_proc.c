/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes, as ps and top ask for them.
 *
 * Theory of operation: users' memory is not touched with a lock held. So the records are made in the kernel's
 * memory, under the list's lock, and given afterwards; as many as there is room for, while the others are
 * counted only.
 */
#include <string.h>
#include "kernel/base/mem.h"
#include "kernel/base/print.h"
#include "kernel/base/proc.h"
#include "kernel/base/sleep_impl.h"
#include "kernel/base/sysctl_nodes.h"

#define MICROSECOND 1000
/* Who asks for the length alone is told of some more, for processes that are made in between. */
#define SLACK 5

struct selection {
	int32_t by, value;
	uint32_t record; /* bytes that each takes of the user's */
	struct rump_kinfo_proc2 *list;
	size_t room, matched;
};

static bool
is_selected(const struct proc *p, const struct selection *s)
{
	const struct rumpk_cred *cred = rumpk_proc_cred((struct proc *)(uintptr_t)p);

	switch (s->by) {
	case RUMP_KERN_PROC_ALL:
		return true;
	case RUMP_KERN_PROC_PID:
		return p->pid == s->value;
	case RUMP_KERN_PROC_PGRP:
		return p->pgrp->id == s->value;
	case RUMP_KERN_PROC_SESSION:
		return p->pgrp->session->id == s->value;
	case RUMP_KERN_PROC_TTY:
		return s->value == RUMP_KERN_PROC_TTY_NODEV; /* nobody has a terminal */
	case RUMP_KERN_PROC_UID:
		return cred->euid == (uint32_t)s->value;
	case RUMP_KERN_PROC_RUID:
		return cred->uid == (uint32_t)s->value;
	case RUMP_KERN_PROC_GID:
		return cred->egid == (uint32_t)s->value;
	case RUMP_KERN_PROC_RGID:
		return cred->gid == (uint32_t)s->value;
	default:
		return false;
	}
}

static void
describe_identity(const struct rumpk_cred *cred, struct rump_kinfo_proc2 *ki)
{
	ki->p_uid = cred->euid;
	ki->p_ruid = cred->uid;
	ki->p_svuid = cred->svuid;
	ki->p_gid = cred->egid;
	ki->p_rgid = cred->gid;
	ki->p_svgid = cred->svgid;
	ki->p_ngroups = (int16_t)cred->ngroups;
	memcpy(ki->p_groups, cred->groups, cred->ngroups * sizeof(*cred->groups));
}

/* With the process's lock. */
static void
describe_lwps(const struct proc *p, struct rump_kinfo_proc2 *ki)
{
	unsigned asleep = rumpk_sleepers_count(p);

	ki->p_nlwps = p->nlwps;
	ki->p_nrlwps = asleep < p->nlwps ? p->nlwps - asleep : 0;
	ki->p_stat = ki->p_nrlwps != 0 ? RUMP_LSRUN : RUMP_LSSLEEP;
	ki->p_realstat = RUMP_SACTIVE;
	ki->p_flag = RUMP_L_INMEM;
	ki->p_realflag = RUMP_L_INMEM;
	rumpk_snprintf(ki->p_comm, sizeof(ki->p_comm), "%s", p->comm);
}

/* With the list's lock. */
static void
describe(struct proc *p, struct rump_kinfo_proc2 *ki)
{
	const struct session *session = p->pgrp->session;

	memset(ki, 0, sizeof(*ki));
	ki->p_pid = p->pid;
	ki->p_ppid = p->parent != NULL ? p->parent->pid : 0;
	ki->p__pgid = p->pgrp->id;
	ki->p_sid = session->id;
	ki->p_tpgid = RUMP_NO_PGID;
	ki->p_eflag = session->leader == p ? RUMP_EPROC_SLEADER : 0;
	rumpk_snprintf(ki->p_login, sizeof(ki->p_login), "%s", session->login);
	rumpk_snprintf(ki->p_ename, sizeof(ki->p_ename), "netbsd-rump");
	describe_identity(rumpk_proc_cred(p), ki);
	ki->p_uvalid = 1;
	ki->p_ustart_sec = (uint32_t)p->start_sec;
	ki->p_ustart_usec = (uint32_t)(p->start_nsec / MICROSECOND);
	rumpk_lock(p->lock);
	describe_lwps(p, ki);
	rumpk_unlock(p->lock);
}

/* Describes what is selected as far as there is room, and counts all of it. */
static void
gather(struct selection *s)
{
	s->matched = 0;
	rumpk_lock(rumpk_proclist_lock);
	for (struct proc *p = rumpk_allproc; p != NULL; p = p->all_next) {
		if (!is_selected(p, s))
			continue;
		if (s->matched < s->room)
			describe(p, &s->list[s->matched]);
		s->matched++;
	}
	rumpk_unlock(rumpk_proclist_lock);
}

/* Gives the records; *len is how much room the user has, and then what was given. */
static int
give(struct lwp *l, struct selection *s, uint32_t most, rumpk_uaddr old, size_t *len)
{
	size_t size = s->record < sizeof(*s->list) ? s->record : sizeof(*s->list);
	size_t room = *len / s->record, count, i;
	int error = 0;

	room = room < most ? room : most;
	gather(s);
	room = room < s->matched ? room : s->matched;
	s->list = room != 0 ? rumpk_alloc(room * sizeof(*s->list)) : NULL;
	if (room != 0 && s->list == NULL)
		return RUMP_ENOMEM;
	s->room = room;
	gather(s);
	count = s->matched < room ? s->matched : room;
	for (i = 0; i < count && error == 0; i++)
		error = rumpk_copyout(l, &s->list[i], old + i * s->record, size);
	rumpk_free(s->list, room * sizeof(*s->list));
	*len = count * s->record;
	return error == 0 && count < s->matched ? RUMP_ENOMEM : error;
}

int
rumpk_sysctl_proc2(struct lwp *l, const int32_t *name, unsigned namelen, rumpk_uaddr old, size_t *len)
{
	struct selection s = {0};

	if (namelen != 4 || name[2] <= 0 || name[0] < RUMP_KERN_PROC_ALL || name[0] > RUMP_KERN_PROC_RGID)
		return RUMP_EINVAL;
	s.by = name[0];
	s.value = name[1];
	s.record = (uint32_t)name[2];
	if (old != 0)
		return give(l, &s, (uint32_t)name[3], old, len);
	gather(&s);
	*len = (s.matched + SLACK) * s.record;
	return 0;
}
