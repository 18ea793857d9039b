/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs one test program: in a temporary directory of its own (TMPDIR), with a time limit, and with a look at
 * what it leaves behind.
 *
 * usage: run_test program [argument...]
 *
 * The exit status is the program's; 1 when it ran out of time or left a process behind, which is said in a
 * comment on standard output, with that process's open files. RUMPKIT_TEST_SECONDS sets the limit.
 *
 * Theory of operation: the runner is the reaper of all orphans among its descendants, so that whatever
 * outlives the test becomes its child, however it detached. Processes that are about to end have a few
 * seconds to do so.
 */
#include "config.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_SECONDS 600
#define ALL_SECONDS 86400 /* when RUMPKIT_TEST_ALL asks for the long tests */
#define GRACE_SECONDS 5

static char directory[64];

static int
open_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status;
	(void)walk;
	if (kind == FTW_D || kind == FTW_DNR)
		chmod(path, 0700);
	return 0;
}

static int
remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	/* What cannot be removed stays; that is no result of the test. */
	(void)!remove(path);
	return 0;
}

static void
make_directory(void)
{
	/* Short, whatever TMPDIR says: socket addresses are. */
	strcpy(directory, "/tmp/rumpkit.XXXXXX");
	/* Tests that leave root must still reach what they know the name of. */
	if (mkdtemp(directory) == NULL || chmod(directory, 0711) == -1)
		err(1, "%s", directory);
	if (setenv("TMPDIR", directory, 1) == -1)
		err(1, NULL);
}

static void
deadline_in(struct timespec *deadline, long seconds)
{
	clock_gettime(CLOCK_MONOTONIC, deadline);
	deadline->tv_sec += seconds;
}

/* Waits for the next SIGCHLD, which is blocked. Returns false when the deadline has passed. */
static bool
await_child(const struct timespec *deadline)
{
	struct timespec now, left;
	sigset_t signals;

	clock_gettime(CLOCK_MONOTONIC, &now);
	left.tv_sec = deadline->tv_sec - now.tv_sec;
	left.tv_nsec = deadline->tv_nsec - now.tv_nsec;
	if (left.tv_nsec < 0) {
		left.tv_sec--;
		left.tv_nsec += 1000000000;
	}
	if (left.tv_sec < 0)
		return false;
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	return sigtimedwait(&signals, NULL, &left) != -1 || errno == EINTR;
}

static pid_t
start(char **argv)
{
	sigset_t none;
	pid_t pid = fork();

	if (pid == -1)
		err(1, "fork");
	if (pid != 0)
		return pid;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Whoever started all this may have had signals ignored, as nohup(1) does: programs inherit it. */
	for (int number = 1; number < NSIG; number++)
		(void)signal(number, SIG_DFL);
	execvp(argv[0], argv);
	warn("%s", argv[0]);
	_exit(127);
}

/* Waits for the program itself, reaping others on the way. Returns its wait status, or -1 after the deadline.
 */
static int
wait_for(pid_t program, const struct timespec *deadline)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid == program)
			return status;
		if (pid == -1 && errno != EINTR)
			err(1, "waitpid");
		if (pid == 0 && !await_child(deadline))
			return -1;
	}
}

static pid_t
parent_of(const char *entry)
{
	char path[PATH_MAX], line[512], *end;
	FILE *file;
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%s/stat", entry);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	/* The name, in parentheses, may hold anything. */
	if (fgets(line, sizeof(line), file) != NULL && (end = strrchr(line, ')')) != NULL &&
	    sscanf(end, ") %*c %d", &parent) != 1)
		parent = 0;
	fclose(file);
	return parent;
}

static void
describe(pid_t pid)
{
	char path[64], text[4096];
	struct dirent *entry;
	FILE *file;
	DIR *files;
	size_t length;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	file = fopen(path, "re");
	length = file == NULL ? 0 : fread(text, 1, sizeof(text) - 1, file);
	if (file != NULL)
		fclose(file);
	for (size_t i = 0; i + 1 < length; i++)
		text[i] = text[i] == '\0' ? ' ' : text[i];
	text[length] = '\0';
	printf("# run_test: process %d outlives the test: %s\n", (int)pid, text);
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	files = opendir(path);
	while (files != NULL && (entry = readdir(files)) != NULL) {
		ssize_t n = readlinkat(dirfd(files), entry->d_name, text, sizeof(text) - 1);

		if (n == -1)
			continue;
		text[n] = '\0';
		printf("# run_test:   descriptor %s: %s\n", entry->d_name, text);
	}
	if (files != NULL)
		closedir(files);
}

/* Kills what became our child, and says so. Its own children come to us next. Returns how many there were. */
static unsigned
kill_children(bool say)
{
	unsigned count = 0;
	struct dirent *entry;
	DIR *processes = opendir("/proc");

	if (processes == NULL)
		err(1, "/proc");
	while ((entry = readdir(processes)) != NULL) {
		pid_t pid;

		if (parent_of(entry->d_name) != getpid())
			continue;
		pid = (pid_t)atoi(entry->d_name);
		if (say)
			describe(pid);
		kill(pid, SIGKILL);
		count++;
	}
	closedir(processes);
	return count;
}

/* Waits until no descendant is left, or the deadline. Returns whether none is. */
static bool
wait_for_all(const struct timespec *deadline)
{
	for (;;) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid == -1 && errno == ECHILD)
			return true;
		if (pid == 0 && !await_child(deadline))
			return false;
	}
}

/* Returns whether the test left nothing behind. */
static bool
clean_up(void)
{
	struct timespec deadline;
	bool clean;

	deadline_in(&deadline, GRACE_SECONDS);
	clean = wait_for_all(&deadline);
	for (unsigned round = 0; round < 100 && !wait_for_all(&deadline); round++) {
		kill_children(true);
		deadline_in(&deadline, 1);
	}
	/* What lies in a directory that cannot be read is seen the next time. */
	for (unsigned round = 0; round < 3 && access(directory, F_OK) == 0; round++) {
		nftw(directory, open_one, 16, FTW_PHYS);
		nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	}
	return clean;
}

int
main(int argc, char **argv)
{
	const char *limit = getenv("RUMPKIT_TEST_SECONDS");
	long seconds = getenv("RUMPKIT_TEST_ALL") == NULL ? DEFAULT_SECONDS : ALL_SECONDS;
	struct timespec deadline;
	sigset_t child;
	pid_t program;
	int status, result;

	if (limit != NULL)
		seconds = strtol(limit, NULL, 10);
	if (argc < 2)
		errx(1, "usage: run_test program [argument...]");
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == -1)
		err(1, "PR_SET_CHILD_SUBREAPER");
	make_directory();
	deadline_in(&deadline, seconds);
	program = start(argv + 1);
	status = wait_for(program, &deadline);
	if (status == -1) {
		printf("# run_test: %s: not done after %ld seconds\n", argv[1], seconds);
		describe(program);
		kill(program, SIGKILL);
		result = 1;
	} else if (WIFSIGNALED(status)) {
		printf("# run_test: %s: killed by signal %d (%s)\n", argv[1], WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
		result = 128 + WTERMSIG(status);
	} else {
		result = WEXITSTATUS(status);
	}
	if (!clean_up() && result == 0)
		result = 1;
	return result;
}
