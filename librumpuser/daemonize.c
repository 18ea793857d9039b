/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Going to the background in two steps.
 *
 * Theory of operation. rumpuser_daemonize_begin() forks before the kernel has any thread. The child goes on
 * as the kernel, with stdin, stdout and stderr as they were, so that what goes wrong at start-up is seen.
 * The parent waits on a socket for the child's verdict, an errno of NetBSD's or 0, and exits with it; when
 * the child ends without one, the socket says so. rumpuser_daemonize_done() sends the verdict.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <paths.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rump/rumpdefs.h>
#include <rump/rumpuser.h>

#include "abi/errno.h"
#include "librumpuser/daemonize.h"

static enum { FOREGROUND, BEGUN, BACKGROUND } state;
static int verdict_fd = -1;

bool
daemonized(void)
{
	return state == BACKGROUND;
}

/* Waits for what the child says and returns the exit status that it means. */
static int
await_verdict(int fd, pid_t child)
{
	int verdict, status;
	ssize_t n;

	do
		n = read(fd, &verdict, sizeof(verdict));
	while (n == -1 && errno == EINTR);
	if (n == (ssize_t)sizeof(verdict))
		return verdict >= 0 && verdict <= 255 ? verdict : 1;

	/* It ended without a word: its own status, when that tells of a failure. */
	while (waitpid(child, &status, 0) == -1)
		if (errno != EINTR)
			return 1;
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : 1;
}

/* The socket must not get the number of a standard descriptor that was closed: done() replaces those. */
static int
above_standard(int fd)
{
	int copy, error;

	if (fd > STDERR_FILENO)
		return fd;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	error = errno;
	close(fd);
	errno = error;
	return copy;
}

int
rumpuser_daemonize_begin(void)
{
	int pair[2], error;
	pid_t child;

	if (state != FOREGROUND)
		return RUMP_EINPROGRESS;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		return abi_errno_to_netbsd(errno);

	child = fork();
	if (child == -1) {
		error = errno;
		close(pair[0]);
		close(pair[1]);
		return abi_errno_to_netbsd(error);
	}
	if (child != 0) {
		close(pair[1]);
		/* Without flushing: what is buffered is the child's now. */
		_exit(await_verdict(pair[0], child));
	}
	close(pair[0]);
	verdict_fd = above_standard(pair[1]);
	if (verdict_fd == -1)
		return abi_errno_to_netbsd(errno);
	state = BEGUN;
	(void)setsid();
	return 0;
}

/* Makes stdin, stdout and stderr /dev/null. Returns 0 or an errno of NetBSD's. */
static int
leave_terminal(void)
{
	int fd, error = 0;

	(void)fflush(NULL);
	fd = open(_PATH_DEVNULL, O_RDWR);
	if (fd == -1)
		return abi_errno_to_netbsd(errno);
	for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++)
		if (dup2(fd, standard) == -1)
			error = abi_errno_to_netbsd(errno);
	if (fd > STDERR_FILENO)
		close(fd);
	return error;
}

int
rumpuser_daemonize_done(int error)
{
	ssize_t n;

	if (state != BEGUN)
		return RUMP_ENOENT;
	if (error == 0) {
		error = leave_terminal();
		state = error == 0 ? BACKGROUND : FOREGROUND;
	} else {
		state = FOREGROUND;
	}
	do
		n = send(verdict_fd, &error, sizeof(error), MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	close(verdict_fd);
	verdict_fd = -1;
	return n == (ssize_t)sizeof(error) ? 0 : RUMP_EPIPE;
}
