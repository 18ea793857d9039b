/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes and lwps, as the parts of librump that make and end them see them. */
#ifndef KERNEL_BASE_PROC_H
#define KERNEL_BASE_PROC_H

#include "kernel/base/lwp.h"

/* Guards the process table, parents and children, groups and sessions. Outermost of the process locks. */
extern rumpk_mutex rumpk_proclist_lock;
/* All processes, for those who hold it. */
extern struct proc *rumpk_allproc;

struct pgrp {
	int32_t id;
	struct session *session;
	struct proc *members;
	struct pgrp *next;
};

struct session {
	int32_t id;
	unsigned ngroups;
	struct proc *leader;
	char login[24];
};

/*
 * A new process, child of parent, with a hold for its (first) lwp; flags are RUMP_RFFD_*.
 * Returns 0 or an errno (EINVAL, ENOMEM, EAGAIN).
 */
int rumpk_proc_fork(struct proc *parent, int flags, struct proc **childp);

/* Makes p a child of its parent's parent, as if that had forked it. */
void rumpk_proc_promote(struct proc *p);

/* What the last lwp of a process does, while it still runs. */
void rumpk_proc_exit(struct proc *p);

/* With the list's lock: the process of that number, or NULL. */
struct proc *rumpk_proc_lookup(int32_t pid);
void rumpk_pgrp_join(struct proc *p, struct pgrp *pg);
void rumpk_pgrp_leave(struct proc *p);
struct pgrp *rumpk_pgrp_lookup(int32_t id);
/* A group of that number, in a session of its own when session is NULL. NULL without memory. */
struct pgrp *rumpk_pgrp_create(int32_t id, struct session *session);
/* For a group that could not be used after all. */
void rumpk_pgrp_discard(struct pgrp *pg);

/* limits.c: what process 1 has. */
void rumpk_limits_init(struct proc *p);

/* lwp.c. With p->lock held: a new lwp of the process, or NULL. */
struct lwp *rumpk_lwp_create(struct proc *p);
/* The thread's lwp, when it was given one; NULL when it has but an implicit one. */
struct lwp *rumpk_lwp_explicit(void);
/* Runs as l from now on; NULL: as the implicit one. */
void rumpk_lwp_switch(struct lwp *l);
/* Ends the thread's explicit lwp, and its process with the last. */
void rumpk_lwp_release(void);
/* Ends an lwp that no thread has run as, and that is not the only one of its process. */
void rumpk_lwp_abandon(struct lwp *l);
/* Ends l's sleep, or its next one within the same system call. */
void rumpk_lwp_interrupt(struct lwp *l);
/* A new lwp of process pid, switched to; ESRCH, EBUSY (the process ends), ENOMEM. */
int rumpk_lwp_new(int32_t pid);
/* A new process with one lwp, switched to. */
int rumpk_lwp_rfork(void *priv, int flags, const char *comm);

#endif
