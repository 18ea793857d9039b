/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measures the hypercalls of one librumpuser, or of two beside each other:
 *
 *	bench/hypercalls [-r rounds] [-m match] ours [other]
 *
 * Every figure is taken in a fresh process that loads one library, pinned to as many cores as the row says;
 * the two libraries take turns, and the best of the rounds counts. The last column says how many times as
 * fast as the other one ours is.
 */
#include "config.h"

#include <dlfcn.h>
#include <err.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/hypercalls.h"

static const struct bench_row *const groups[] = {
    bench_sync_rows,
    bench_host_rows,
    bench_bio_rows,
};

double
bench_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Short enough to pass between two interruptions, long enough for the clock not to count. */
#define BATCH 5000
#define BATCHES 800

double
bench_fast(void (*operation)(const void *arg, int times), const void *arg)
{
	double best = -1;

	for (int batch = 0; batch < BATCHES; batch++) {
		double start = bench_now();

		operation(arg, BATCH);
		double took = (bench_now() - start) / BATCH;
		if (best < 0 || took < best)
			best = took;
	}
	return best;
}

static void
no_schedule(void)
{
}

static void
no_backend_unschedule(int nlocks, int *countp, void *interlock)
{
	(void)nlocks;
	(void)interlock;
	*countp = 0;
}

static void
no_backend_schedule(int nlocks, void *interlock)
{
	(void)nlocks;
	(void)interlock;
}

static int
no_newlwp(pid_t pid)
{
	(void)pid;
	return 0;
}

static const struct rumpuser_hyperup idle_kernel = {
    .hyp_lwproc_newlwp = no_newlwp,
    .hyp_schedule = no_schedule,
    .hyp_unschedule = no_schedule,
    .hyp_backend_unschedule = no_backend_unschedule,
    .hyp_backend_schedule = no_backend_schedule,
};

/* Keeps the first count of the CPUs that the process may use. */
static void
pin(int count)
{
	cpu_set_t all, some;

	if (sched_getaffinity(0, sizeof(all), &all) != 0)
		err(1, "sched_getaffinity");
	CPU_ZERO(&some);
	for (int cpu = 0; cpu < CPU_SETSIZE && count > 0; cpu++) {
		if (CPU_ISSET(cpu, &all)) {
			CPU_SET(cpu, &some);
			count--;
		}
	}
	if (sched_setaffinity(0, sizeof(some), &some) != 0)
		err(1, "sched_setaffinity");
}

static void
load(struct hypercalls *call, const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (library == NULL)
		errx(1, "%s", dlerror());
#define X(name) \
	if ((call->name = (__typeof__(call->name))dlsym(library, "rumpuser_" #name)) == NULL) \
		errx(1, "%s", dlerror());
	HYPERCALLS(X)
#undef X
	if (call->init(RUMPUSER_VERSION, &idle_kernel) != 0)
		errx(1, "%s does not take version %d", path, RUMPUSER_VERSION);
	call->curlwpop(RUMPUSER_LWP_SET, (struct lwp *)call);
}

static void *
idle(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* One measurement in a process of its own. */
static double
measure(const struct bench_row *row, const char *path)
{
	struct hypercalls call;
	void *cookie;
	double result = -1;
	int fds[2], status;
	pid_t child;

	if (pipe(fds) != 0)
		err(1, "pipe");
	child = fork();
	if (child == -1)
		err(1, "fork");
	if (child == 0) {
		pin(row->cores);
		load(&call, path);
		if (!row->alone && call.thread_create(idle, NULL, "idle", 1, 0, -1, &cookie) != 0)
			errx(1, "no second thread");
		result = row->measure(&call);
		_exit(write(fds[1], &result, sizeof(result)) != (ssize_t)sizeof(result));
	}
	close(fds[1]);
	if (read(fds[0], &result, sizeof(result)) != (ssize_t)sizeof(result))
		result = -1;
	close(fds[0]);
	if (waitpid(child, &status, 0) != child || status != 0)
		errx(1, "%s: %s: measuring failed", path, row->name);
	return result;
}

static void
print_figure(double nanoseconds)
{
	if (nanoseconds < 0)
		printf(" %12s", "-");
	else
		printf(" %12.1f", nanoseconds);
}

static void
compare(const struct bench_row *row, const char *const *paths, int libraries, int rounds)
{
	double best[2] = {-1, -1};

	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < libraries; i++) {
			double took = measure(row, paths[i]);

			if (best[i] < 0 || took < best[i])
				best[i] = took;
		}
	}
	printf("%-32s %5d", row->name, row->cores);
	for (int i = 0; i < libraries; i++)
		print_figure(best[i]);
	if (libraries == 2 && best[0] > 0 && best[1] > 0)
		printf(" %7.2fx", best[1] / best[0]);
	putchar('\n');
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	const char *match = "";
	int rounds = 5, option, libraries;

	while ((option = getopt(argc, argv, "m:r:")) != -1) {
		switch (option) {
		case 'm':
			match = optarg;
			break;
		case 'r':
			rounds = atoi(optarg);
			break;
		default:
			goto usage;
		}
	}
	libraries = argc - optind;
	if (libraries < 1 || libraries > 2 || rounds < 1)
		goto usage;
	printf("%-32s %5s %12s%s\n", "ns an operation", "cores", "ours",
	    libraries == 2 ? "        other    faster" : "");
	fflush(stdout);
	for (size_t group = 0; group < sizeof(groups) / sizeof(groups[0]); group++) {
		for (const struct bench_row *row = groups[group]; row->name != NULL; row++) {
			if (strstr(row->name, match) != NULL)
				compare(row, (const char *const *)&argv[optind], libraries, rounds);
		}
	}
	return 0;
usage:
	fprintf(stderr, "usage: hypercalls [-r rounds] [-m match] ours [other]\n");
	return 2;
}
