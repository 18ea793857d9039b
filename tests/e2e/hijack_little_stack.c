/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that makes its system calls itself, from stacks with hardly more room than the host needs, as
 * Go's goroutines do: threads work on files of the directory that is named, and make children, while signals
 * come whose handlers make calls as well.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4
#define ROUNDS 20
#define PAGE 4096
#define ROOM 512

static __thread uint8_t *top;
static const char *directory;
static sigset_t alarm_set;

static uint8_t *
map(size_t size)
{
	uint8_t *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(1, "mmap");
	return memory;
}

/* Nothing is left on the stack for a child of vfork to change. */
static inline __attribute__((always_inline)) long
call_from(void *stack, long number, long a1, long a2, long a3)
{
	long result;

	__asm__ volatile("mov %%rsp, %%rbx\n\tmov %[stack], %%rsp\n\tsyscall\n\tmov %%rbx, %%rsp"
			 : "=a"(result)
			 : "a"(number), "D"(a1), "S"(a2), "d"(a3), [stack] "r"(stack)
			 : "rbx", "rcx", "r11", "memory", "cc");
	return result;
}

#define call(number, a1, a2, a3) call_from(top, number, a1, a2, a3)

static void
require(bool good, const char *what)
{
	if (!good)
		errx(1, "%s", what);
}

/* On the stack of the thread's that is for signals, maybe in the middle of a call. */
static void
on_signal(int number)
{
	uint8_t little[2 * ROOM], *here = little + ROOM;
	char byte;
	long fd = call_from(here, SYS_open, (long)directory, O_RDONLY | O_CLOEXEC, 0);

	require(number == SIGALRM && fd >= 0, "open in a handler");
	require(call_from(here, SYS_read, fd, (long)&byte, 1) == -EISDIR, "read in a handler");
	require(call_from(here, SYS_close, fd, 0, 0) == 0, "close in a handler");
}

static void
files(const char *name)
{
	char text[8] = "";
	long fd = call(SYS_open, (long)name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	require(fd >= 0, name);
	require(call(SYS_write, fd, (long)"little", 7) == 7, "write");
	require(call(SYS_lseek, fd, 0, SEEK_SET) == 0, "lseek");
	require(call(SYS_read, fd, (long)text, 8) == 7 && strcmp(text, "little") == 0, "read");
	require(call(SYS_close, fd, 0, 0) == 0, "close");
	require(call(SYS_access, (long)name, R_OK, 0) == 0, "access");
}

/* One that executes a program, or cannot, and one that has memory of its own. */
static __attribute__((noinline)) void
children(const char *program, int wanted)
{
	char *const arguments[] = {(char *)(uintptr_t)program, NULL};
	long number, pid;
	int status = 0;

	for (number = SYS_vfork; number == SYS_vfork || number == SYS_fork; number += SYS_fork - SYS_vfork) {
		pid = call(number, 0, 0, 0);
		if (pid == 0) {
			(void)call(SYS_execve, (long)program, (long)arguments, (long)environ);
			(void)call(SYS_exit_group, 9, 0, 0);
		}
		require(pid > 0 && waitpid((pid_t)pid, &status, 0) == pid, "child");
		require(WIFEXITED(status) && WEXITSTATUS(status) == wanted, program);
	}
}

static void *
work(void *number)
{
	uint8_t *memory = map(2L * PAGE), *other = map(SIGSTKSZ + 64L * PAGE);
	stack_t stack = {.ss_sp = other, .ss_size = SIGSTKSZ + 64 * PAGE};
	char name[4096];

	top = memory + PAGE + ROOM;
	if (mprotect(memory, PAGE, PROT_NONE) != 0 || sigaltstack(&stack, NULL) != 0)
		err(1, "stack");
	pthread_sigmask(SIG_UNBLOCK, &alarm_set, NULL);
	snprintf(name, sizeof(name), "%s/%d", directory, (int)(intptr_t)number);
	for (int i = 0; i < ROUNDS; i++) {
		files(name);
		if (i % 10 == 0) {
			children("/bin/true", 0);
			children("/nonexistent", 9);
		}
	}
	require(call(SYS_unlink, (long)name, 0, 0) == 0, "unlink");
	pthread_sigmask(SIG_BLOCK, &alarm_set, NULL);
	return number;
}

int
main(int argc, char **argv)
{
	const struct itimerval often = {{0, 2000}, {0, 2000}};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_RESTART};
	pthread_t thread[THREADS];

	if (argc != 2)
		errx(2, "usage: hijack_little_stack directory");
	directory = argv[1];
	/* For the threads, which have stacks for it. */
	sigemptyset(&alarm_set);
	sigaddset(&alarm_set, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm_set, NULL);
	if (sigaction(SIGALRM, &action, NULL) != 0 || setitimer(ITIMER_REAL, &often, NULL) != 0)
		err(1, "signals");
	for (intptr_t i = 0; i < THREADS; i++) {
		if (pthread_create(&thread[i], NULL, work, (void *)i) != 0)
			errx(1, "thread");
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	puts("enough");
	return 0;
}
