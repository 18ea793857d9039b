/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the hypervisor asks of the embedded kernel, which no system call shows: ending one call's
 * sleep, ordering a process's lwps out, exec. usage: upcalls library...; TAP.
 *
 * The kernel hands its upcalls to rumpuser_init(), which this program defines before librumpuser does.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpuser.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>
#include "tests/kernel/kernel.h"

static struct rumpuser_hyperup hyp;
static void (*interrupt)(struct lwp *l);
static int number, failures;

__attribute__((__visibility__("default"))) int
rumpuser_init(int version, const struct rumpuser_hyperup *up)
{
	int (*next)(int, const struct rumpuser_hyperup *) = dlsym(RTLD_NEXT, "rumpuser_init");

	if (next == NULL)
		next = dlsym(dlopen("librumpuser.so.0", RTLD_LAZY), "rumpuser_init");
	hyp = *up;
	interrupt = (void (*)(struct lwp *))hyp.hyp__extra[0];
	return next(version, up);
}

static void
check(bool holds, const char *what)
{
	printf("%s %d - %s\n", holds ? "ok" : "not ok", ++number, what);
	failures += !holds;
}

/* A call that sleeps, made by an lwp of its own in a given process. */
struct sleeper {
	pthread_t handle;
	pid_t pid;
	int fd;
	_Atomic(struct lwp *) lwp;
	ssize_t result;
	int error;
	atomic_bool done;
};

static void *
sleeper_main(void *arg)
{
	struct sleeper *s = arg;
	char c;

	if (hyp.hyp_lwproc_newlwp(s->pid) != 0)
		errx(1, "no lwp");
	atomic_store(&s->lwp, hyp.hyp_lwproc_curlwp());
	s->result = rump_sys_read(s->fd, &c, 1);
	s->error = errno;
	atomic_store(&s->done, true);
	hyp.hyp_lwproc_release();
	return NULL;
}

static void
start(struct sleeper *s, pid_t pid, int fd)
{
	*s = (struct sleeper){.pid = pid, .fd = fd};
	if (pthread_create(&s->handle, NULL, sleeper_main, s) != 0)
		errx(1, "no thread");
	while (atomic_load(&s->lwp) == NULL)
		sched_yield();
}

static void
interrupted(void)
{
	struct sleeper one, other;
	int p[2];
	char c;

	rump_sys_pipe(p);
	start(&one, rump_sys_getpid(), p[0]);
	/* Whether it sleeps already or not: the next sleep of the call ends. */
	interrupt(atomic_load(&one.lwp));
	pthread_join(one.handle, NULL);
	check(one.result == -1 && one.error == EINTR, "an interrupted call answers EINTR");

	start(&one, rump_sys_getpid(), p[0]);
	start(&other, rump_sys_getpid(), p[0]);
	interrupt(atomic_load(&one.lwp));
	pthread_join(one.handle, NULL);
	check(one.result == -1 && !atomic_load(&other.done), "another call of the process sleeps on");
	rump_sys_write(p[1], "x", 1);
	pthread_join(other.handle, NULL);
	check(other.result == 1, "and is woken by what it waits for");

	hyp.hyp_lwproc_newlwp(rump_sys_getpid());
	interrupt(hyp.hyp_lwproc_curlwp());
	rump_sys_getpid();
	rump_sys_write(p[1], "y", 1);
	check(rump_sys_read(p[0], &c, 1) == 1, "an interrupt is over with its call");
	hyp.hyp_lwproc_release();
}

static void
ordered_out(void)
{
	struct sleeper s[3];
	struct lwp *self;
	int p[2], kept[2], status = 0;
	pid_t pid;

	if (hyp.hyp_lwproc_rfork(NULL, RUMP_RFFD_CLEAR, "first") != 0)
		errx(1, "rfork");
	self = hyp.hyp_lwproc_curlwp();
	pid = rump_sys_getpid();
	rump_sys_pipe(p);
	rump_sys_pipe(kept);
	rump_sys_fcntl(p[0], RUMP_F_SETFD, RUMP_FD_CLOEXEC);
	for (int i = 0; i < 3; i++)
		start(&s[i], pid, p[0]);
	hyp.hyp_lwpexit();
	for (int i = 0; i < 3; i++) {
		pthread_join(s[i].handle, NULL);
		status += s[i].result == -1 && s[i].error == EINTR;
	}
	check(status == 3, "every sleep of the process ends");
	check(hyp.hyp_lwproc_newlwp(pid) == RUMP_EBUSY, "it gets no new lwp");
	hyp.hyp_execnotify("second");
	check(rump_sys_fcntl(p[0], RUMP_F_GETFD) == -1 && errno == EBADF, "exec closes what is to be closed");
	check(rump_sys_fcntl(kept[0], RUMP_F_GETFD) == 0, "and nothing else");
	check(hyp.hyp_lwproc_newlwp(pid) == 0, "afterwards it gets lwps again");
	hyp.hyp_lwproc_release();
	hyp.hyp_lwproc_switch(self);
	hyp.hyp_lwproc_release();
	check(hyp.hyp_lwproc_newlwp(pid) == RUMP_ESRCH, "with its last lwp the process is gone");
}

static void
strange_numbers(void)
{
	uint64_t slots[8] = {0};
	long retval[2];

	check(hyp.hyp_syscall(-1, slots, retval) == RUMP_ENOSYS, "a negative call");
	check(hyp.hyp_syscall(512, slots, retval) == RUMP_ENOSYS, "a call beyond the table");
	check(hyp.hyp_syscall(511, slots, retval) == RUMP_ENOSYS, "a call that is not there");
	check(hyp.hyp_lwproc_rfork(NULL, 3, NULL) == RUMP_EINVAL, "a fork of no kind");
}

int
main(int argc, char *argv[])
{
	if (argc < 2)
		errx(2, "usage: upcalls library...");
	alarm(60);
	kernel_load(argv + 1, argc - 1);
	kernel_start();
	kernel_process();
	interrupted();
	ordered_out();
	kernel_process();
	strange_numbers();
	printf("1..%d\n", number);
	return failures != 0;
}
