/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests in a child of their own, for what a process has only once. */
#ifndef TESTS_UNIT_IN_CHILD_H
#define TESTS_UNIT_IN_CHILD_H

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __SANITIZE_THREAD__
/* Children of fork start threads. The runtime is a shared library, and looks the name up. */
__attribute__((visibility("default"))) const char *__tsan_default_options(void);

const char *
__tsan_default_options(void)
{
	return "die_after_fork=0";
}
#endif

/* Runs the function in a child, which exits with 0 when all was well. */
static inline void
in_child(int (*fn)(void))
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	fflush(stderr);
	pid = fork();
	if (pid == 0)
		_exit(fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("the child's line %d, status %#x", WEXITSTATUS(status), status);
}

/* Of the program's own: /proc/self/fd has those of valgrind too, which come and go. Not inline for the sake
 * of callers with a vfork. */
static __attribute__((noinline, unused)) int
descriptors_open(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) != -1;
	return count;
}

/* The child's exit status is the line, less 100, that went wrong. */
#define CHECK(condition) \
	do { \
		if (!(condition)) \
			return __LINE__ - 100 > 0 && __LINE__ - 100 < 256 ? __LINE__ - 100 : 255; \
	} while (0)

#endif
