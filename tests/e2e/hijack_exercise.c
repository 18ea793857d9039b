/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What programs do that is hard on an interception: each exercise prints what it sees, which must be the same
 * with and without.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 100
#define ROUNDS 200

static volatile sig_atomic_t caught;

static void
count(int signal)
{
	(void)signal;
	caught++;
}

/* A call that no rewriting can know of. */
static long
raw_call(long number, long a1, long a2, long a3)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a1), "S"(a2), "d"(a3)
			 : "rcx", "r11", "memory");
	return result;
}

static void *
busy(void *arg)
{
	int *fds = arg;
	char byte = 'x';

	for (int i = 0; i < ROUNDS; i++) {
		if (raw_call(SYS_getpid, 0, 0, 0) != getpid())
			errx(1, "pid");
		while (write(fds[1], &byte, 1) != 1)
			;
		while (read(fds[0], &byte, 1) != 1)
			;
		if (byte != 'x')
			errx(1, "byte");
		if (i % 10 == 0)
			pthread_kill(pthread_self(), SIGUSR1);
		raise(SIGUSR2);
	}
	return NULL;
}

static void
threads(void)
{
	pthread_t thread[THREADS];
	struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
	int fds[2];

	sigaction(SIGUSR1, &action, NULL);
	action.sa_flags = SA_RESTART | SA_NODEFER;
	sigaction(SIGUSR2, &action, NULL);
	if (pipe(fds) != 0)
		err(1, "pipe");
	for (int i = 0; i < THREADS; i++) {
		if (pthread_create(&thread[i], NULL, busy, fds) != 0)
			errx(1, "thread");
	}
	for (int i = 0; i < THREADS; i++) {
		kill(getpid(), SIGUSR1);
		pthread_join(thread[i], NULL);
	}
	puts(caught > THREADS ? "all joined" : "signals lost");
}

static void
vforks(void)
{
	char *arguments[] = {(char *)(uintptr_t) "/nonexistent", NULL};
	volatile int failed = 0;
	pid_t pid;
	int status;

	for (volatile int i = 0; i < 50; i++) {
		pid = vfork();
		if (pid == 0) {
			execv(arguments[0], arguments);
			failed = errno;
			_exit(3);
		}
		waitpid(pid, &status, 0);
		printf("%d %d\n", WEXITSTATUS(status), failed);
	}
	printf("%d\n", posix_spawn(&pid, arguments[0], NULL, NULL, arguments, NULL));
	printf("%ld\n", raw_call(SYS_getppid, 0, 0, 0) == getppid() ? 0L : 1L);
	fflush(stdout);
	/* A vfork made by a call that is trapped: nothing may be on the stack across it. */
	pid = fork();
	if (pid == 0) {
		long child = raw_call(SYS_fork, 0, 0, 0);

		if (child == 0)
			_exit(4);
		waitpid((pid_t)child, &status, 0);
		_exit(WEXITSTATUS(status) + 1);
	}
	waitpid(pid, &status, 0);
	printf("%d\n", WEXITSTATUS(status));
}

static void
on_sigsys(int signal, siginfo_t *info, void *context)
{
	(void)context;
	printf("%d %d\n", signal, info->si_code);
}

static void
sigsys(void)
{
	struct sigaction action = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO}, old;
	sigset_t set, pending, before;
	pid_t pid;
	int status;

	sigaction(SIGSYS, &action, &old);
	printf("%d\n", old.sa_handler == SIG_DFL);
	raise(SIGSYS);
	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	printf("%ld\n", raw_call(SYS_getpid, 0, 0, 0) == getpid() ? 0L : 1L);
	raise(SIGSYS);
	sigpending(&pending);
	printf("pending %d\n", sigismember(&pending, SIGSYS));
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, &before);
	printf("was blocked %d\n", sigismember(&before, SIGSYS));
	sigaction(SIGSYS, NULL, &old);
	printf("%d\n", old.sa_sigaction == on_sigsys);
	signal(SIGSYS, SIG_IGN);
	raise(SIGSYS);
	printf("%ld\n", raw_call(SYS_getpid, 0, 0, 0) == getpid() ? 0L : 1L);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		signal(SIGSYS, SIG_DFL);
		raise(SIGSYS);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	printf("%d %d\n", WIFSIGNALED(status), WTERMSIG(status));
}

static char *alternate;
static sigjmp_buf back;

static void
on_alternate(int signal)
{
	char here;

	(void)signal;
	printf("%d %ld\n", &here >= alternate && &here < alternate + 65536,
	    raw_call(SYS_getpid, 0, 0, 0) == getpid() ? 0L : 1L);
}

static void
jump(int signal)
{
	(void)signal;
	siglongjmp(back, 1);
}

static void
altstack(void)
{
	stack_t stack;
	struct sigaction action = {.sa_handler = on_alternate, .sa_flags = SA_ONSTACK};

	alternate = malloc(65536);
	stack = (stack_t){.ss_sp = alternate, .ss_size = 65536};
	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	printf("%ld\n", raw_call(SYS_getpid, 0, 0, 0) == getpid() ? 0L : 1L);
	raise(SIGUSR1);
	signal(SIGALRM, jump);
	if (sigsetjmp(back, 1) == 0) {
		alarm(1);
		pause();
	}
	puts("jumped");
	raise(SIGUSR1);
}

static void
cleanup(void *arg)
{
	puts(arg);
	fflush(stdout);
}

static void *
sleeper(void *arg)
{
	char byte;
	int *fds = arg;

	pthread_cleanup_push(cleanup, (void *)(uintptr_t) "cleaned up");
	if (write(fds[1], "x", 1) == 1 && read(fds[2], &byte, 1) == 1)
		puts("read");
	pthread_cleanup_pop(0);
	return NULL;
}

static void
cancel(void)
{
	pthread_t thread;
	void *result;
	int fds[4];
	char byte;

	for (int i = 0; i < 20; i++) {
		if (pipe(fds) != 0 || pipe(fds + 2) != 0)
			err(1, "pipe");
		pthread_create(&thread, NULL, sleeper, fds);
		if (read(fds[0], &byte, 1) != 1)
			err(1, "read");
		pthread_cancel(thread);
		pthread_join(thread, &result);
		printf("%d\n", result == PTHREAD_CANCELED);
		for (int n = 0; n < 4; n++)
			close(fds[n]);
	}
}

static void
seccomp(void)
{
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EDOM),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 4, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 3, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 2, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigprocmask, 1, 0),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
	sigset_t set;

	puts("filtered");
	fflush(stdout);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		err(1, "prctl");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	errno = 0;
	printf("%d %d\n", getppid(), errno);
	printf("%ld\n", raw_call(SYS_getppid, 0, 0, 0));
	fflush(stdout);
	(void)raw_call(SYS_getuid, 0, 0, 0);
	puts("not reached");
}

static void
raw(void)
{
	static const char text[] = "raw write\n";
	int local = 42;

	for (int i = 0; i < 1000; i++) {
		if (raw_call(SYS_getpid, 0, 0, 0) != getpid() || local != 42)
			errx(1, "raw");
	}
	printf("%ld\n", raw_call(SYS_write, 1, (long)text, sizeof(text) - 1));
	printf("%ld\n", raw_call(SYS_close, -1, 0, 0));
	printf("%ld\n", raw_call(100000, 0, 0, 0));
}

static int
clone_main(void *arg)
{
	*(int *)arg += 1;
	return raw_call(SYS_getpid, 0, 0, 0) == getpid() ? 9 : 8;
}

static void
clones(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	static const int flags[] = {SIGCHLD, CLONE_VM | CLONE_VFORK | SIGCHLD, CLONE_VFORK | SIGCHLD};
	int value = 0, status;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		pid_t pid = clone(clone_main, stack + sizeof(stack), flags[i], &value);

		if (pid < 0)
			err(1, "clone");
		waitpid(pid, &status, 0);
		printf("%d %d\n", WEXITSTATUS(status), value);
	}
}

static void
mask(void)
{
	struct sigaction action = {.sa_handler = count}, old;
	sigset_t set, now;

	sigfillset(&action.sa_mask);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR1, NULL, &old);
	printf("%d\n", old.sa_handler == count);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGSYS);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	sigprocmask(SIG_BLOCK, NULL, &now);
	printf("%d %d %d\n", (int)caught, sigismember(&now, SIGUSR1), sigismember(&now, SIGSYS));
	sigfillset(&set);
	sigdelset(&set, SIGUSR1);
	printf("%d\n", sigsuspend(&set));
	sigprocmask(SIG_UNBLOCK, NULL, &now);
	printf("%d %d %d\n", (int)caught, sigismember(&now, SIGUSR1), sigismember(&now, SIGSYS));
	printf("%ld %d\n", syscall(SYS_rt_sigprocmask, SIG_BLOCK, 1L, NULL, 8), errno);
	printf("%ld %d\n", syscall(SYS_rt_sigaction, SIGUSR1, 1L, NULL, 8), errno);
	printf("%ld\n", syscall(SYS_rt_sigprocmask, 77, &set, NULL, 8));
}

static void
executes(const char *self)
{
	char *arguments[] = {(char *)(uintptr_t)self, (char *)(uintptr_t) "raw", NULL},
	     *environment[] = {NULL};

	printf("%d %d\n", execve("/nonexistent", arguments, environment), errno);
	printf("%d %d\n", (int)syscall(SYS_execve, self, arguments, 8L), errno);
	fflush(stdout);
	execve(self, arguments, environment);
	err(1, "%s", self);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} exercises[] = {{"threads", threads}, {"vfork", vforks}, {"sigsys", sigsys}, {"altstack", altstack},
	    {"cancel", cancel}, {"seccomp", seccomp}, {"raw", raw}, {"clone", clones}, {"mask", mask}};

	if (argc == 2 && strcmp(argv[1], "exec") == 0)
		executes(argv[0]);
	for (size_t i = 0; argc == 2 && i < sizeof(exercises) / sizeof(exercises[0]); i++) {
		if (strcmp(argv[1], exercises[i].name) != 0)
			continue;
		setvbuf(stdout, NULL, _IOFBF, 1 << 16);
		exercises[i].run();
		return fflush(stdout) != 0;
	}
	errx(2, "usage: hijack_exercise name");
}
