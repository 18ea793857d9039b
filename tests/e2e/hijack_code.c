/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Code that appears while a program runs and makes system calls of its own: each way prints what it sees,
 * which must be the same with an interception and without; a tracer sees where the calls come from.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4
#define ROUNDS 100
#define PAGE 4096

/* mov $SYS_getppid, %eax; syscall; ret */
static const unsigned char code[] = {0xb8, SYS_getppid, 0, 0, 0, 0x0f, 0x05, 0xc3};

typedef int call_fn(void);
static _Atomic(call_fn *) made;
static atomic_int ready;
static int pipes[2];

static void
use(call_fn *call)
{
	for (int i = 0; i < ROUNDS; i++) {
		if (call() != getppid())
			errx(1, "another answer");
	}
}

/* Not in a call when the code appears. */
static void *
spinner(void *arg)
{
	call_fn *call;

	atomic_fetch_add(&ready, 1);
	while ((call = atomic_load_explicit(&made, memory_order_acquire)) == NULL)
		;
	use(call);
	return arg;
}

/* In one. */
static void *
sleeper(void *arg)
{
	char byte;

	atomic_fetch_add(&ready, 1);
	if (read(pipes[0], &byte, 1) != 1)
		err(1, "read");
	use(atomic_load(&made));
	return arg;
}

static call_fn *
make(void)
{
	unsigned char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		err(1, "mmap");
	memcpy(page, code, sizeof(code));
	if (mprotect(page, PAGE, PROT_READ | PROT_EXEC) != 0)
		err(1, "mprotect");
	return (call_fn *)(void *)page;
}

static void
jit(void)
{
	use(make());
	puts("made");
}

static void
threads(void)
{
	pthread_t thread[THREADS];
	call_fn *call;

	if (pipe(pipes) != 0)
		err(1, "pipe");
	for (int i = 0; i < THREADS; i++) {
		if (pthread_create(&thread[i], NULL, i == 0 ? spinner : sleeper, NULL) != 0)
			errx(1, "thread");
	}
	while (atomic_load(&ready) < THREADS)
		(void)sched_yield();
	call = make();
	atomic_store_explicit(&made, call, memory_order_release);
	if (write(pipes[1], "xxxx", THREADS - 1) != THREADS - 1)
		err(1, "write");
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	use(call);
	puts("all called");
}

/* As a loader maps a library. */
static void
mapped(void)
{
	char name[] = "/tmp/hijack_code.XXXXXX";
	unsigned char page[PAGE] = {0};
	int fd = mkstemp(name);
	void *memory;

	memcpy(page + 100, code, sizeof(code));
	if (fd == -1 || write(fd, page, sizeof(page)) != (ssize_t)sizeof(page) || close(fd) != 0)
		err(1, "%s", name);
	fd = open(name, O_RDONLY);
	memory = mmap(NULL, 4UL * PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	(void)unlink(name);
	if (memory == MAP_FAILED)
		err(1, "mmap");
	close(fd);
	use((call_fn *)(void *)((unsigned char *)memory + 100));
	puts("mapped");
}

/* A child makes it in its parent's memory. */
static void
vforked(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		atomic_store(&made, make());
		_exit(0);
	}
	if (pid == -1 || waitpid(pid, NULL, 0) != pid)
		err(1, "vfork");
	use(atomic_load(&made));
	pid = fork();
	if (pid == 0) {
		use(atomic_load(&made));
		_exit(7);
	}
	if (pid == -1 || waitpid(pid, NULL, 0) != pid)
		err(1, "fork");
	puts("both");
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} ways[] = {{"jit", jit}, {"threads", threads}, {"mapped", mapped}, {"vfork", vforked}};

	for (size_t i = 0; argc == 2 && i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(argv[1], ways[i].name) != 0)
			continue;
		ways[i].run();
		return fflush(stdout) != 0;
	}
	errx(2, "usage: hijack_code name");
}
