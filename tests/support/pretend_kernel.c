/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/support/pretend_kernel.h"

#include <stdio.h>
#include <stdlib.h>

#include <rump/rumpdefs.h>

#define LOCKS 5

pthread_mutex_t pretend_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t pretend_changed = PTHREAD_COND_INITIALIZER;
__thread struct lwp *pretend_curlwp;

static __thread bool has_cpu;
static struct pretend_proc first = {.pid = 1};
static struct pretend_proc *procs = &first;
static pid_t last_pid = 1;
static long sleepers;
static bool never_sleep;

void
pretend_fail(const char *why)
{
	fprintf(stderr, "pretend kernel: %s\n", why);
	abort();
}

static void
must(bool holds, const char *why)
{
	if (!holds)
		pretend_fail(why);
}

static struct lwp *
new_lwp(struct pretend_proc *p)
{
	struct lwp *l = calloc(1, sizeof(*l));

	must(l != NULL, "no memory");
	l->proc = p;
	p->lwps++;
	return l;
}

/* With the lock. */
static void
free_lwp(struct lwp *l)
{
	struct pretend_proc *p = l->proc, **at;

	free(l);
	if (--p->lwps != 0 || p == &first)
		return;
	for (at = &procs; *at != p; at = &(*at)->next)
		;
	*at = p->next;
	pretend_close_all(p);
	free(p);
	pthread_cond_broadcast(&pretend_changed);
}

/* Makes l current; with the lock. */
static void
become(struct lwp *l)
{
	struct lwp *old = pretend_curlwp;

	must(!l->running, "an lwp is current in two threads");
	must(!l->released, "a released lwp becomes current");
	l->running = true;
	pretend_curlwp = l;
	if (old == NULL)
		return;
	old->running = false;
	if (old->released)
		free_lwp(old);
}

static void
up_schedule(void)
{
	must(!has_cpu, "schedule: has a CPU");
	has_cpu = true;
	if (pretend_curlwp != NULL)
		return;
	pthread_mutex_lock(&pretend_lock);
	become(new_lwp(&first));
	pretend_curlwp->released = true; /* goes when the thread leaves, or becomes another */
	pthread_mutex_unlock(&pretend_lock);
}

static void
up_unschedule(void)
{
	struct lwp *l = pretend_curlwp;

	must(has_cpu && l != NULL, "unschedule: has no CPU");
	has_cpu = false;
	pthread_mutex_lock(&pretend_lock);
	if (l->released || l->clear) {
		pretend_curlwp = NULL;
		l->running = l->clear = false;
		if (l->released)
			free_lwp(l);
	}
	pthread_mutex_unlock(&pretend_lock);
}

static void
up_backend_unschedule(int nlocks, int *countp, void *interlock)
{
	must(nlocks == 0 && interlock == NULL, "backend_unschedule: other arguments");
	must(has_cpu, "backend_unschedule: has no CPU");
	has_cpu = false;
	*countp = LOCKS;
}

static void
up_backend_schedule(int nlocks, void *interlock)
{
	must(nlocks == LOCKS && interlock == NULL, "backend_schedule: other arguments");
	must(!has_cpu, "backend_schedule: has a CPU");
	has_cpu = true;
}

static void
up_switch(struct lwp *l)
{
	must(has_cpu, "switch: has no CPU");
	pthread_mutex_lock(&pretend_lock);
	if (l != NULL) {
		become(l);
	} else {
		must(!pretend_curlwp->released, "switch to none after a release");
		pretend_curlwp->clear = true;
	}
	pthread_mutex_unlock(&pretend_lock);
}

static void
up_release(void)
{
	must(has_cpu && pretend_curlwp != NULL, "release: has no CPU");
	must(!pretend_curlwp->released, "release: released already");
	pretend_curlwp->released = true;
}

/* The files of a new process; with the lock. */
static void
inherit(struct pretend_proc *p, struct pretend_proc *from, int flags)
{
	if (flags == RUMP_RFFD_SHARE) {
		p->fd = from->fd;
		p->fd_users = from->fd_users;
		(*p->fd_users)++;
		return;
	}
	p->fd = calloc(PRETEND_FDS, sizeof(struct pretend_file *));
	p->fd_users = calloc(1, sizeof(int));
	must(p->fd != NULL && p->fd_users != NULL, "no memory");
	*p->fd_users = 1;
	for (int i = 0; flags == RUMP_RFFD_COPY && i < PRETEND_FDS; i++) {
		p->fd[i] = from->fd[i];
		if (p->fd[i] != NULL)
			p->fd[i]->refs++;
	}
}

static int
up_rfork(void *priv, int flags, const char *comm)
{
	struct pretend_proc *from = pretend_curlwp->proc, *p;

	must(has_cpu, "rfork: has no CPU");
	must((from == &first) == (flags == RUMP_RFFD_CLEAR), "rfork: files of the wrong process");
	must(priv != NULL && (flags != RUMP_RFFD_CLEAR || comm != NULL), "rfork: without a client or a name");
	p = calloc(1, sizeof(*p));
	must(p != NULL, "no memory");
	pthread_mutex_lock(&pretend_lock);
	p->pid = ++last_pid;
	p->priv = priv;
	p->next = procs;
	procs = p;
	inherit(p, from, flags);
	become(new_lwp(p));
	pthread_mutex_unlock(&pretend_lock);
	return 0;
}

static int
up_newlwp(pid_t pid)
{
	struct pretend_proc *p;
	int error = 0;

	must(has_cpu, "newlwp: has no CPU");
	pthread_mutex_lock(&pretend_lock);
	for (p = procs; p != NULL && p->pid != pid; p = p->next)
		;
	if (p == NULL)
		error = RUMP_ESRCH;
	else if (p->exiting)
		error = RUMP_EBUSY;
	else
		become(new_lwp(p));
	pthread_mutex_unlock(&pretend_lock);
	return error;
}

static struct lwp *
up_curlwp(void)
{
	return pretend_curlwp != NULL && !pretend_curlwp->released ? pretend_curlwp : NULL;
}

static int
up_syscall(int number, void *args, long *retval)
{
	int error;

	must(has_cpu && pretend_curlwp->proc != &first, "syscall: by nobody");
	error = pretend_syscall(number, args, retval);
	pthread_mutex_lock(&pretend_lock);
	pretend_curlwp->interrupted = false;
	pthread_mutex_unlock(&pretend_lock);
	return error;
}

static void
up_lwpexit(void)
{
	must(has_cpu, "lwpexit: has no CPU");
	pthread_mutex_lock(&pretend_lock);
	pretend_curlwp->proc->exiting = true;
	pthread_cond_broadcast(&pretend_changed);
	pthread_mutex_unlock(&pretend_lock);
}

static void
up_execnotify(const char *comm)
{
	must(has_cpu && comm != NULL, "execnotify: has no CPU");
	pthread_mutex_lock(&pretend_lock);
	must(pretend_curlwp->proc->lwps == 1, "execnotify: other lwps are left");
	must(pretend_curlwp->proc->exiting, "execnotify: without lwpexit");
	pretend_curlwp->proc->exiting = false;
	pthread_mutex_unlock(&pretend_lock);
}

static pid_t
up_getpid(void)
{
	return pretend_curlwp->proc->pid;
}

static void
up_interrupt(struct lwp *l)
{
	must(has_cpu, "interrupt: has no CPU");
	pthread_mutex_lock(&pretend_lock);
	/* It may have left its call just now. */
	must(!l->released, "interrupt: of an lwp that is gone");
	l->interrupted = true;
	pthread_cond_broadcast(&pretend_changed);
	pthread_mutex_unlock(&pretend_lock);
}

void
pretend_never_sleep(void)
{
	never_sleep = true;
}

bool
pretend_never_sleeps(void)
{
	return never_sleep;
}

bool
pretend_sleep(void)
{
	struct lwp *l = pretend_curlwp;

	if (never_sleep || l->interrupted || l->proc->exiting)
		return false;
	has_cpu = false;
	sleepers++;
	pthread_cond_wait(&pretend_changed, &pretend_lock);
	sleepers--;
	has_cpu = true;
	return !l->interrupted && !l->proc->exiting;
}

void
pretend_count(long *process_count, long *lwps, long *sleeping)
{
	pthread_mutex_lock(&pretend_lock);
	*process_count = *lwps = 0;
	for (struct pretend_proc *p = procs; p != NULL; p = p->next) {
		*process_count += p != &first;
		*lwps += p != &first ? p->lwps : 0;
	}
	*sleeping = sleepers;
	pthread_mutex_unlock(&pretend_lock);
}

void
pretend_start(bool can_interrupt)
{
	struct rumpuser_hyperup upcalls = {
	    .hyp_schedule = up_schedule,
	    .hyp_unschedule = up_unschedule,
	    .hyp_backend_unschedule = up_backend_unschedule,
	    .hyp_backend_schedule = up_backend_schedule,
	    .hyp_lwproc_switch = up_switch,
	    .hyp_lwproc_release = up_release,
	    .hyp_lwproc_rfork = up_rfork,
	    .hyp_lwproc_newlwp = up_newlwp,
	    .hyp_lwproc_curlwp = up_curlwp,
	    .hyp_syscall = up_syscall,
	    .hyp_lwpexit = up_lwpexit,
	    .hyp_execnotify = up_execnotify,
	    .hyp_getpid = up_getpid,
	    .hyp__extra = {can_interrupt ? (void *)(uintptr_t)up_interrupt : NULL},
	};

	if (rumpuser_init(RUMPUSER_VERSION, &upcalls) != 0)
		pretend_fail("rumpuser_init");
}
