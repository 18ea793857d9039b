/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the hijack library costs: host calls with and without it, and the rump kernel's beside the host's.
 * Each row is measured in both ways in turn, in processes of their own on one core, and the best of several
 * rounds counts.
 *
 * usage: hijack library [directory of the rump kernel's, as /rump/tmp]
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 5
#define BATCHES 40

extern char **environ;

static char directory[256];
static char file[300];
static char buffer[4096];
static int zero, data;

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void
call_getppid(void)
{
	(void)getppid();
}

static void
call_read(void)
{
	if (read(zero, buffer, 1) != 1)
		err(1, "read");
}

static void
call_fstat(void)
{
	struct stat st;

	if (fstat(zero, &st) != 0)
		err(1, "fstat");
}

static void
call_pread(void)
{
	if (pread(data, buffer, sizeof(buffer), 0) != (ssize_t)sizeof(buffer))
		err(1, "pread");
}

static void
call_stat(void)
{
	struct stat st;

	if (stat(file, &st) != 0)
		err(1, "%s", file);
}

static void
call_open(void)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd == -1 || close(fd) != 0)
		err(1, "%s", file);
}

/* Not of this process but of another: the time from spawning a program to its end. */
static void
call_start(void)
{
	char *arguments[] = {(char *)(void *)(size_t) "/bin/true", NULL};
	pid_t pid;
	int status;

	if (posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid)
		err(1, "/bin/true");
}

static const struct row {
	const char *name;
	void (*call)(void);
	int times;  /* a batch */
	int inside; /* compares the host's directory with the rump kernel's */
} rows[] = {
    {"getppid", call_getppid, 5000, 0},
    {"read 1 byte of /dev/zero", call_read, 5000, 0},
    {"fstat", call_fstat, 5000, 0},
    {"start of /bin/true", call_start, 5, 0},
    {"pread 4 KiB", call_pread, 500, 1},
    {"stat", call_stat, 500, 1},
    {"open and close", call_open, 500, 1},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* In the process that is measured: prints the nanoseconds of one call. */
static int
measure(const struct row *row)
{
	double best = -1;

	zero = open("/dev/zero", O_RDONLY);
	snprintf(file, sizeof(file), "%s/bench.%d", directory, (int)getpid());
	data = open(file, O_RDWR | O_CREAT, 0600);
	if (zero == -1 || data == -1 || write(data, buffer, sizeof(buffer)) != (ssize_t)sizeof(buffer))
		err(1, "%s", file);
	for (int batch = 0; batch < BATCHES; batch++) {
		double start = now(), took;

		for (int i = 0; i < row->times; i++)
			row->call();
		took = (now() - start) / row->times;
		if (best < 0 || took < best)
			best = took;
	}
	(void)unlink(file);
	printf("%.1f\n", best);
	return 0;
}

/* Measures a row in a new process. */
static double
run(const char *self, size_t row, const char *library, const char *where)
{
	char command[1024], line[64] = "";
	FILE *output;

	snprintf(command, sizeof(command), "%s%s exec '%s' --row %zu '%s'",
	    library != NULL ? "LD_PRELOAD=" : "", library != NULL ? library : "", self, row, where);
	output = popen(command, "re");
	if (output == NULL || fgets(line, sizeof(line), output) == NULL || pclose(output) != 0)
		errx(1, "%s: failed", rows[row].name);
	return strtod(line, NULL);
}

static double
smaller(double a, double b)
{
	return a < 0 || b < a ? b : a;
}

int
main(int argc, char **argv)
{
	cpu_set_t one;

	if (argc == 4 && strcmp(argv[1], "--row") == 0) {
		snprintf(directory, sizeof(directory), "%s", argv[3]);
		return measure(&rows[strtoul(argv[2], NULL, 10) % ROWS]);
	}
	if (argc < 2 || argc > 3)
		errx(2, "usage: hijack library [directory of the rump kernel's]");
	setvbuf(stdout, NULL, _IOLBF, 0);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu() > 0 ? sched_getcpu() : 0, &one);
	(void)sched_setaffinity(0, sizeof(one), &one);
	printf("%-28s %12s %12s %12s %8s\n", "", "without, ns", "with, ns", "more, ns", "ratio");
	for (size_t i = 0; i < ROWS; i++) {
		const char *where = rows[i].inside && argc == 3 ? argv[2] : "/tmp";
		double without = -1, with_it = -1;

		for (int round = 0; round < ROUNDS && (!rows[i].inside || argc == 3); round++) {
			without = smaller(without, run(argv[0], i, NULL, "/tmp"));
			with_it = smaller(with_it, run(argv[0], i, argv[1], where));
		}
		if (without >= 0)
			printf("%-28s %12.1f %12.1f %12.1f %8.2f\n", rows[i].name, without, with_it,
			    with_it - without, with_it / without);
	}
	return 0;
}
