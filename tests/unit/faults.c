/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/unit/faults.h"

#include <err.h>
#include <ftw.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef HAVE_VALGRIND
#include <valgrind/valgrind.h>
#endif

#define NOBODY 65534

static char *directory;
static pid_t owner;

bool
faults_instrumented(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
	return true;
#endif
#endif
#ifdef HAVE_VALGRIND
	if (RUNNING_ON_VALGRIND)
		return true;
#endif
	return false;
}

bool
faults_can_limit_memory(void)
{
	return !faults_instrumented();
}

int
faults_in_child(int (*function)(void *arg), void *arg)
{
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	if (child == -1)
		err(1, "fork");
	if (child == 0) {
#ifdef HAVE_VALGRIND
		/* What the parent holds in its registers the child has lost: no leak that could be mended. */
		VALGRIND_CLO_CHANGE("--leak-check=no");
#endif
		_exit(function(arg));
	}
	while (waitpid(child, &status, 0) == -1)
		continue;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void
faults_leave_root(void)
{
	if (getuid() != 0)
		return;
	if (setgroups(0, NULL) == -1 || setgid(NOBODY) == -1 || setuid(NOBODY) == -1)
		err(1, "leaving root");
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static void
remove_directory(void)
{
	if (getpid() == owner)
		nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(directory);
}

char *
faults_path(const char *name)
{
	const char *base = getenv("TMPDIR");
	char *path;

	if (directory == NULL) {
		if (asprintf(&directory, "%s/rumpuser.XXXXXX", base != NULL ? base : "/tmp") == -1 ||
		    mkdtemp(directory) == NULL)
			err(1, "mkdtemp");
		owner = getpid();
		atexit(remove_directory);
	}
	if (asprintf(&path, "%s/%s", directory, name) == -1)
		err(1, "asprintf");
	return path;
}
