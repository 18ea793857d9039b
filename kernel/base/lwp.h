/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes and lwps.
 *
 * Theory of operation: a thread of the host is in the kernel on behalf of an lwp. Threads that
 * were given one (rump_pub_lwproc_*, the system call server) have it until they switch; any
 * other thread has an implicit one of process 1, which lives in its thread-local storage: it
 * costs nothing to make and is gone with the thread. So nothing may keep a pointer to an lwp
 * after the call that it was passed to; what has to last refers to the process.
 *
 * A process is referenced by its lwps and by rumpk_proc_hold(); its descriptors and its
 * directories go when the last lwp does.
 */
#ifndef KERNEL_BASE_LWP_H
#define KERNEL_BASE_LWP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <rump/rumpdefs.h>
#include "kernel/base/component.h"
#include "kernel/base/cred.h"
#include "kernel/base/lock.h"

struct fdtable;
struct pgrp;
struct rumpk_notelist;
struct rumpk_sleeper;
struct timers;
struct vfs_cwd;

#define RUMPK_COMM_MAX 17
#define RUMPK_NLIMITS 12

struct proc {
	int32_t pid;
	/* What rfork was given: the system call server's client, NULL for the programs of this process. */
	void *priv;
	struct fdtable *fdtable;
	/* librumpvfs keeps the root and current directory here; guarded by its own lock. */
	struct vfs_cwd *cwd;
	/* What NetBSD's umask sets; file creation applies it. */
	_Atomic(uint32_t) umask;
	/* Read it with rumpk_proc_cred(). */
	_Atomic(const struct rumpk_cred *) cred;
	/* RLIMIT_NOFILE, as far as the table goes, and RLIMIT_FSIZE: as limits below has them. */
	_Atomic(int32_t) nofile;
	_Atomic(uint64_t) fsize;
	/* Nobody may sleep any more: the process is being torn down or executes a new program. */
	atomic_bool exiting;

	/* Guards what follows. */
	rumpk_mutex lock;
	unsigned nlwps;
	unsigned holds;
	int32_t next_lid;
	struct rumpk_sleeper *sleepers;
	struct rump_rlimit limits[RUMPK_NLIMITS];
	char comm[RUMPK_COMM_MAX];
	uint32_t flags;
	struct timers *timers;
	/* EVFILT_PROC knotes. */
	struct rumpk_notelist *notes;

	/* Guarded by the process list's lock. */
	struct proc *hash_next;
	struct proc *all_next, *all_prev;
	struct proc *parent;
	struct proc *children, *sibling_next, *sibling_prev;
	struct pgrp *pgrp;
	struct proc *pgrp_next, *pgrp_prev;
	int64_t start_sec;
	long start_nsec;
};

/* proc.flags */
#define RUMPK_P_SUGID 0x01 /* has changed credentials since it was started: issetugid() */

struct lwp {
	struct proc *proc;
	/* Counts from 1 in its process; 0 for implicit ones. */
	int32_t lid;
	/* Picks free lists and the like, so that threads do not meet. */
	uint32_t shard;
	/* Set by hyp_lwpinterrupt: the sleep under way, or the next in this system call, ends with EINTR. */
	atomic_bool interrupted;
	bool implicit;
	/* Some thread runs as it. */
	bool running;
	/* The descriptor that was last looked up, and its file: its own, for rumpk_fd_gone(). */
	int fd;
	struct file *file;
	/* Where it sleeps; guarded by proc->lock. */
	struct rumpk_sleeper *sleeper;
	void *pool_link;
};

/* The calling thread's lwp; never NULL. */
RUMPK_EXPORT struct lwp *rumpk_curlwp(void);

static inline struct proc *
rumpk_curproc(void)
{
	return rumpk_curlwp()->proc;
}

/* The process's credential: a snapshot that stays valid. One call uses one snapshot. */
static inline const struct rumpk_cred *
rumpk_proc_cred(struct proc *p)
{
	return atomic_load_explicit(&p->cred, memory_order_acquire);
}

/* Whether user addresses of the process are addresses of this one. */
static inline bool
rumpk_proc_islocal(const struct proc *p)
{
	return p->priv == NULL;
}

/* The process of that number with a hold on it, or NULL. */
RUMPK_EXPORT struct proc *rumpk_proc_find(int32_t pid);
RUMPK_EXPORT void rumpk_proc_hold(struct proc *p);
RUMPK_EXPORT void rumpk_proc_rele(struct proc *p);

/*
 * What a component keeps in a process. fork runs while the child is not yet visible, and
 * returns 0 or an errno; exit runs when the last lwp goes, after the descriptors have been closed.
 * Registered at boot, by components' init functions only. hooks stays the caller's and must last.
 */
struct rumpk_proc_hooks {
	int (*fork)(struct proc *parent, struct proc *child);
	void (*exit)(struct proc *p);
	struct rumpk_proc_hooks *next;
};
RUMPK_EXPORT void rumpk_proc_hooks_register(struct rumpk_proc_hooks *hooks);

/* The kernel's own process, 0, and the parent of all others, 1. */
RUMPK_EXPORT extern struct proc *rumpk_proc0;
RUMPK_EXPORT extern struct proc *rumpk_proc1;

/*
 * Sends NetBSD's signal signo to the process: to the client that it belongs to, or to this host
 * process when there is none. No lock may be held.
 */
RUMPK_EXPORT void rumpk_psignal(struct proc *p, int signo);

/* Starts a thread of the kernel (an lwp of process 0) that runs f(arg) and must not return before halt. */
RUMPK_EXPORT int rumpk_kthread_create(void (*f)(void *), void *arg, const char *name);

#endif
