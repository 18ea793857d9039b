/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/proc.h"
#include <string.h>
#include "kernel/base/boot.h"
#include "kernel/base/fdtable.h"
#include "kernel/base/mem.h"
#include "kernel/base/notify.h"
#include "kernel/base/print.h"
#include "kernel/base/ptimer.h"

#define BUCKETS 256
#define PID_MAX 30000

rumpk_mutex rumpk_proclist_lock;
struct proc *rumpk_allproc;
struct proc *rumpk_proc0, *rumpk_proc1;

static struct proc *buckets[BUCKETS];
static int32_t last_pid;
static unsigned nprocs;
static struct rumpk_proc_hooks *hooks;

void
rumpk_proc_hooks_register(struct rumpk_proc_hooks *h)
{
	h->next = hooks;
	hooks = h;
}

struct proc *
rumpk_proc_lookup(int32_t pid)
{
	struct proc *p = buckets[(uint32_t)pid % BUCKETS];

	while (p != NULL && p->pid != pid)
		p = p->hash_next;
	return p;
}

void
rumpk_proc_hold(struct proc *p)
{
	rumpk_lock(p->lock);
	p->holds++;
	rumpk_unlock(p->lock);
}

struct proc *
rumpk_proc_find(int32_t pid)
{
	struct proc *p;

	rumpk_lock(rumpk_proclist_lock);
	p = rumpk_proc_lookup(pid);
	if (p != NULL)
		rumpk_proc_hold(p);
	rumpk_unlock(rumpk_proclist_lock);
	return p;
}

void
rumpk_proc_rele(struct proc *p)
{
	bool last;

	rumpk_lock(p->lock);
	last = --p->holds == 0;
	rumpk_unlock(p->lock);
	if (!last)
		return;
	rumpk_notelist_fini(p->notes);
	rumpk_free(p->notes, sizeof(*p->notes));
	rumpk_mutex_destroy(&p->lock);
	rumpk_free(p, sizeof(*p));
}

/* With the list's lock: numbers go up and around, past those in use as process or group. */
static int32_t
new_pid(void)
{
	do {
		if (++last_pid > PID_MAX)
			last_pid = 2;
	} while (rumpk_proc_lookup(last_pid) != NULL || rumpk_pgrp_lookup(last_pid) != NULL);
	return last_pid;
}

/* With the list's lock. */
static void
adopt(struct proc *parent, struct proc *child)
{
	child->parent = parent;
	child->sibling_prev = NULL;
	child->sibling_next = parent->children;
	if (parent->children != NULL)
		parent->children->sibling_prev = child;
	parent->children = child;
}

/* With the list's lock. */
static void
publish(struct proc *p, struct proc *parent)
{
	struct proc **bucket = &buckets[(uint32_t)p->pid % BUCKETS];

	p->hash_next = *bucket;
	*bucket = p;
	p->all_prev = NULL;
	p->all_next = rumpk_allproc;
	if (rumpk_allproc != NULL)
		rumpk_allproc->all_prev = p;
	rumpk_allproc = p;
	if (parent != NULL)
		adopt(parent, p);
	nprocs++;
}

/* With the list's lock. */
static void
orphan(struct proc *p)
{
	if (p->sibling_prev != NULL)
		p->sibling_prev->sibling_next = p->sibling_next;
	else
		p->parent->children = p->sibling_next;
	if (p->sibling_next != NULL)
		p->sibling_next->sibling_prev = p->sibling_prev;
}

/* With the list's lock. */
static void
unpublish(struct proc *p)
{
	struct proc **pp = &buckets[(uint32_t)p->pid % BUCKETS], *child;

	while (*pp != p)
		pp = &(*pp)->hash_next;
	*pp = p->hash_next;
	if (p->all_prev != NULL)
		p->all_prev->all_next = p->all_next;
	else
		rumpk_allproc = p->all_next;
	if (p->all_next != NULL)
		p->all_next->all_prev = p->all_prev;
	orphan(p);
	while ((child = p->children) != NULL) {
		orphan(child);
		adopt(rumpk_proc1, child);
	}
	nprocs--;
}

void
rumpk_proc_promote(struct proc *p)
{
	rumpk_lock(rumpk_proclist_lock);
	if (p->parent->parent != NULL && p->parent != rumpk_proc1) {
		struct proc *grandparent = p->parent->parent;

		orphan(p);
		adopt(grandparent, p);
	}
	rumpk_unlock(rumpk_proclist_lock);
}

static struct proc *
proc_alloc(void)
{
	struct proc *p = rumpk_zalloc(sizeof(*p));

	if (p == NULL)
		return NULL;
	p->notes = rumpk_zalloc(sizeof(*p->notes));
	if (p->notes == NULL) {
		rumpk_free(p, sizeof(*p));
		return NULL;
	}
	rumpk_mutex_init(&p->lock);
	p->holds = 1;
	rumpuser_clock_gettime(RUMPUSER_CLOCK_RELWALL, &p->start_sec, &p->start_nsec);
	return p;
}

static int
make_fdtable(struct proc *parent, struct proc *child, int flags)
{
	if (flags == RUMP_RFFD_SHARE) {
		child->fdtable = rumpk_fdtable_hold(parent->fdtable);
		return 0;
	}
	child->fdtable =
	    flags == RUMP_RFFD_COPY ? rumpk_fdtable_copy(parent->fdtable) : rumpk_fdtable_create();
	return child->fdtable != NULL ? 0 : RUMP_ENOMEM;
}

static int
run_fork_hooks(struct proc *parent, struct proc *child)
{
	for (struct rumpk_proc_hooks *h = hooks, *g; h != NULL; h = h->next) {
		int error = h->fork != NULL ? h->fork(parent, child) : 0;

		if (error == 0)
			continue;
		for (g = hooks; g != h; g = g->next)
			if (g->exit != NULL)
				g->exit(child);
		return error;
	}
	return 0;
}

static void
inherit(struct proc *parent, struct proc *child)
{
	atomic_store_explicit(
	    &child->umask, atomic_load_explicit(&parent->umask, memory_order_relaxed), memory_order_relaxed);
	rumpk_lock(parent->lock);
	atomic_store_explicit(&child->cred, rumpk_proc_cred(parent), memory_order_relaxed);
	memcpy(child->limits, parent->limits, sizeof(child->limits));
	memcpy(child->comm, parent->comm, sizeof(child->comm));
	rumpk_unlock(parent->lock);
	atomic_store_explicit(&child->nofile, atomic_load_explicit(&parent->nofile, memory_order_relaxed),
	    memory_order_relaxed);
	atomic_store_explicit(
	    &child->fsize, atomic_load_explicit(&parent->fsize, memory_order_relaxed), memory_order_relaxed);
}

int
rumpk_proc_fork(struct proc *parent, int flags, struct proc **childp)
{
	struct proc *p;
	int error;

	if (flags != RUMP_RFFD_SHARE && flags != RUMP_RFFD_COPY && flags != RUMP_RFFD_CLEAR)
		return RUMP_EINVAL;
	p = proc_alloc();
	if (p == NULL)
		return RUMP_ENOMEM;
	inherit(parent, p);
	error = make_fdtable(parent, p, flags);
	if (error != 0)
		goto out;
	error = run_fork_hooks(parent, p);
	if (error != 0)
		goto out_fdtable;
	rumpk_lock(rumpk_proclist_lock);
	if (nprocs >= PID_MAX / 2) {
		error = RUMP_EAGAIN;
	} else {
		p->pid = new_pid();
		rumpk_pgrp_join(p, parent->pgrp);
		publish(p, parent);
	}
	rumpk_unlock(rumpk_proclist_lock);
	if (error == 0) {
		*childp = p;
		return 0;
	}
	for (struct rumpk_proc_hooks *h = hooks; h != NULL; h = h->next)
		if (h->exit != NULL)
			h->exit(p);
out_fdtable:
	rumpk_fdtable_rele(p->fdtable, p);
out:
	rumpk_proc_rele(p);
	return error;
}

void
rumpk_proc_exit(struct proc *p)
{
	rumpk_ptimers_exit(p);
	rumpk_fdtable_rele(p->fdtable, p);
	for (struct rumpk_proc_hooks *h = hooks; h != NULL; h = h->next)
		if (h->exit != NULL)
			h->exit(p);
	rumpk_lock(rumpk_proclist_lock);
	rumpk_pgrp_leave(p);
	unpublish(p);
	rumpk_unlock(rumpk_proclist_lock);
	rumpk_notify(p->notes, RUMP_NOTE_EXIT);
}

/* A process that boot makes: no parent's hooks run, for components have not been initialized yet. */
static struct proc *
primordial(int32_t pid, const char *comm)
{
	struct proc *p = proc_alloc();

	if (p == NULL || (p->fdtable = rumpk_fdtable_create()) == NULL)
		rumpk_panic("no memory for process %d", pid);
	p->pid = pid;
	/* Never ends: kernel threads and implicit lwps run in it. */
	p->nlwps = 1;
	p->next_lid = 1;
	atomic_store_explicit(&p->umask, 022, memory_order_relaxed);
	atomic_store_explicit(&p->cred, rumpk_cred_root, memory_order_relaxed);
	rumpk_limits_init(p);
	memcpy(p->comm, comm, strlen(comm) + 1);
	return p;
}

void
rumpk_proc_init(void)
{
	struct pgrp *pg;

	rumpk_mutex_init(&rumpk_proclist_lock);
	rumpk_proc0 = primordial(0, "system");
	rumpk_proc1 = primordial(1, "init");
	last_pid = 1;
	rumpk_lock(rumpk_proclist_lock);
	pg = rumpk_pgrp_create(0, NULL);
	RUMPK_ASSERT(pg != NULL);
	rumpk_pgrp_join(rumpk_proc0, pg);
	rumpk_pgrp_join(rumpk_proc1, pg);
	publish(rumpk_proc0, NULL);
	publish(rumpk_proc1, rumpk_proc0);
	rumpk_unlock(rumpk_proclist_lock);
}
