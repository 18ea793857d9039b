/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage: kernel_calls -l library...
 * System calls of a kernel in this process: nanoseconds a call, best of several rounds, one
 * "name<tab>value" a line; then how much more two threads do than one.
 */
#define _GNU_SOURCE
#include <err.h>
#include <pthread.h>
#include <rump/rump_syscalls.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "tests/kernel/kernel.h"

#define ROUNDS 15
#define CALLS 20000
/* Two threads need both cores at once, which is rare on a busy machine: many short rounds. */
#define TEAM_ROUNDS 300
#define TEAM_CALLS 4000
#define SIZE 4096

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

struct work {
	int fd;
	char path[32];
	char buf[SIZE];
};

typedef void (*call_fn)(struct work *w);

static void
call_getpid(struct work *w)
{
	(void)w;
	rump_sys_getpid();
}

static void
call_pread(struct work *w)
{
	if (rump_sys_pread(w->fd, w->buf, SIZE, 0) != SIZE)
		errx(1, "pread");
}

static void
call_pwrite(struct work *w)
{
	if (rump_sys_pwrite(w->fd, w->buf, SIZE, 0) != SIZE)
		errx(1, "pwrite");
}

static void
call_copy(struct work *w)
{
	static const char from[SIZE];

	memcpy(w->buf, from, SIZE);
	__asm__ volatile("" : : "r"(w->buf) : "memory");
}

static void
call_open_close(struct work *w)
{
	int fd = rump_sys_open(w->path, RUMP_O_RDONLY);

	if (fd == -1 || rump_sys_close(fd) != 0)
		errx(1, "open and close");
}

static double
round_of(call_fn call, struct work *w)
{
	double start = now();

	for (int i = 0; i < CALLS; i++)
		call(w);
	return (now() - start) / CALLS;
}

static void
measure(const char *name, call_fn call, struct work *w)
{
	double best = 1e18;

	for (int i = 0; i < ROUNDS; i++) {
		double took = round_of(call, w);

		if (took < best)
			best = took;
	}
	printf("%s\t%.1f\n", name, best);
	fflush(stdout);
}

/* How long it takes n threads, each on a file of its own, to do as much each as one. */
struct team {
	bool apart; /* each in a process of its own */
	call_fn call;
	struct work *work;
	int cpu;
	atomic_int *ready;
	int n;
	double start, end;
};

static void *
member(void *arg)
{
	struct team *t = arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(t->cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	if (t->apart)
		kernel_rfork(RUMP_RFFD_COPY);
	atomic_fetch_add(t->ready, 1);
	while (atomic_load(t->ready) < t->n)
		continue;
	t->start = now();
	for (int i = 0; i < TEAM_CALLS; i++)
		t->call(t->work);
	t->end = now();
	if (t->apart)
		kernel_releaselwp();
	return NULL;
}

/* From the first thread's start to the last one's end. */
static double
together(call_fn call, struct work *work, bool apart, int n)
{
	pthread_t handle[2];
	struct team team[2];
	atomic_int ready = 0;
	double start, end;

	for (int i = 0; i < n; i++) {
		team[i] = (struct team){
		    .apart = apart, .call = call, .work = &work[i], .cpu = i, .ready = &ready, .n = n};
		pthread_create(&handle[i], NULL, member, &team[i]);
	}
	for (int i = 0; i < n; i++)
		pthread_join(handle[i], NULL);
	start = team[0].start;
	end = team[0].end;
	for (int i = 1; i < n; i++) {
		start = team[i].start < start ? team[i].start : start;
		end = team[i].end > end ? team[i].end : end;
	}
	return end - start;
}

static void
measure_scaling(const char *name, call_fn call, struct work *work, bool apart)
{
	double one = 1e18, two = 1e18;

	for (int i = 0; i < TEAM_ROUNDS; i++) {
		double took = together(call, work, apart, 1);

		one = took < one ? took : one;
		took = together(call, work, apart, 2);
		two = took < two ? took : two;
	}
	printf("%s\t%.2f\n", name, 2 * one / two);
	fflush(stdout);
}

static void
prepare(struct work *w, int number)
{
	snprintf(w->path, sizeof(w->path), "/bench/file%d", number);
	w->fd = rump_sys_open(w->path, RUMP_O_CREAT | RUMP_O_RDWR, 0666);
	if (w->fd == -1)
		errx(1, "%s", w->path);
	call_pwrite(w);
}

int
main(int argc, char *argv[])
{
	static struct work work[2];
	struct rump_tmpfs_args tmpfs;
	char *libraries[16];
	int n = 0, option;

	while ((option = getopt(argc, argv, "l:")) != -1)
		if (option == 'l' && n < 16)
			libraries[n++] = optarg;
	kernel_load(libraries, n);
	kernel_start();
	measure("getpid, thread without an lwp", call_getpid, work);
	kernel_rfork(RUMP_RFFD_CLEAR);
	measure("getpid, own lwp", call_getpid, work);
	kernel_releaselwp();
	memset(&tmpfs, 0, sizeof(tmpfs));
	tmpfs.ta_version = RUMP_TMPFS_ARGS_VERSION;
	tmpfs.ta_root_mode = 0755;
	if (rump_sys_mkdir("/bench", 0755) != 0 ||
	    rump_sys_mount("tmpfs", "/bench", 0, &tmpfs, sizeof(tmpfs)) != 0)
		errx(1, "no tmpfs");
	prepare(&work[0], 0);
	prepare(&work[1], 1);
	kernel_rfork(RUMP_RFFD_COPY);
	measure("pread 4 KiB, tmpfs", call_pread, work);
	measure("pwrite 4 KiB, tmpfs", call_pwrite, work);
	measure("open and close, tmpfs", call_open_close, work);
	kernel_releaselwp();
	/* What the machine makes of it. */
	measure_scaling("two threads, bare copy of 4 KiB: times one", call_copy, work, false);
	measure_scaling("two threads, pread: times one", call_pread, work, false);
	measure_scaling("two threads, pwrite: times one", call_pwrite, work, false);
	measure_scaling("two threads, open and close: times one", call_open_close, work, false);
	measure_scaling("two processes, open and close: times one", call_open_close, work, true);
	return 0;
}
