/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals for descriptors: who owns one, and what is told whom. */
#include <signal.h>
#include <string.h>
#include "tests/kernel/case.h"
#include "tests/kernel/files.h"
#include "tests/kernel/sockets.h"

static volatile sig_atomic_t signals;

static void
count(int number)
{
	(void)number;
	signals++;
}

/* Whether a signal comes, or has come, since the last time. Calls let a client look for it. */
static void
comes(const char *what)
{
	int calls = 0;

	while (signals == 0 && case_yield(&calls))
		rump_sys_getpid();
	say("%s: %s", what, signals != 0 ? "signal" : "waited in vain");
	signals = 0;
}

static long
set_owner(int fd, int32_t owner)
{
	return rump_sys_fcntl(fd, RUMP_F_SETOWN, (void *)(intptr_t)owner);
}

static void
owners(int fd)
{
	int32_t id = -5;

	ret("nobody", rump_sys_fcntl(fd, RUMP_F_GETOWN, NULL));
	ret("no such process", set_owner(fd, 31999));
	ret("no such group", set_owner(fd, -31999));
	ret("the least number", set_owner(fd, INT32_MIN));
	ret("still nobody", rump_sys_fcntl(fd, RUMP_F_GETOWN, NULL));
	ret("a group of its own", rump_sys_setpgid(0, 0));
	ret("this process", set_owner(fd, rump_sys_getpid()));
	say("that is told: %d", rump_sys_fcntl(fd, RUMP_F_GETOWN, NULL) == rump_sys_getpid());
	ret("minus one by ioctl", rump_sys_ioctl(fd, RUMP_TIOCSPGRP, &id));
	id = rump_sys_getpgrp();
	ret("this group", rump_sys_ioctl(fd, RUMP_TIOCSPGRP, &id));
	say("it is a group: %d", rump_sys_fcntl(fd, RUMP_F_GETOWN, NULL) == -id);
	id = 0;
	ret("asked by ioctl", rump_sys_ioctl(fd, RUMP_TIOCGPGRP, &id));
	say("it is the same: %d", id == rump_sys_getpgrp());
	ret("nobody again", set_owner(fd, 0));
	ret("told", rump_sys_fcntl(fd, RUMP_F_GETOWN, NULL));
}

static void
sigio_owners(void)
{
	int fd[2];

	ret("pipe", rump_sys_pipe(fd));
	owners(fd[0]);
	set_owner(fd[0], rump_sys_getpid());
	ret("of the other end", rump_sys_fcntl(fd[1], RUMP_F_GETOWN, NULL));
	ret("kqueue's", set_owner(rump_sys_kqueue(), 0));
}

static void
sigio_pipe(void)
{
	char byte;
	int fd[2];

	signal(SIGIO, count);
	ret("pipe", rump_sys_pipe(fd));
	set_owner(fd[0], rump_sys_getpid());
	ret("on", rump_sys_fcntl(fd[0], RUMP_F_SETFL, (void *)RUMP_O_ASYNC));
	say("flags %lx", (long)rump_sys_fcntl(fd[0], RUMP_F_GETFL, NULL));
	ret("write", rump_sys_write(fd[1], "x", 1));
	comes("to the reader");
	ret("off", rump_sys_fcntl(fd[0], RUMP_F_SETFL, NULL));
	set_owner(fd[1], rump_sys_getpid());
	ret("writer's on", rump_sys_ioctl(fd[1], RUMP_FIOASYNC, &(int32_t){1}));
	ret("read", rump_sys_read(fd[0], &byte, 1));
	ret("reader's end", rump_sys_close(fd[0]));
	comes("to the writer");
}

static void
sigio_socket(void)
{
	char byte;
	int fd[2];

	if (rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, fd) != 0) {
		say("no sockets");
		return;
	}
	signal(SIGIO, count);
	owners(fd[0]);
	ret("own group", set_owner(fd[0], -rump_sys_getpgrp()));
	ret("on", rump_sys_ioctl(fd[0], RUMP_FIOASYNC, &(int32_t){1}));
	ret("write", rump_sys_write(fd[1], "x", 1));
	comes("by group");
	ret("read", rump_sys_read(fd[0], &byte, 1));
	ret("other end", rump_sys_close(fd[1]));
	comes("at the end");
	ret("close", rump_sys_close(fd[0]));
}

/* A connection's signals are its listener's. */
static void
sigio_accepted(void)
{
	struct rump_sockaddr_un un = {.sun_family = RUMP_AF_LOCAL, .sun_path = "name"};
	int ls = rump_sys_socket(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0), s, c;

	un.sun_len = sizeof(un);
	signal(SIGIO, count);
	ret("bind", rump_sys_bind(ls, (struct rump_sockaddr *)&un, sizeof(un)));
	ret("listen", rump_sys_listen(ls, 5));
	set_owner(ls, rump_sys_getpid());
	ret("on", rump_sys_ioctl(ls, RUMP_FIOASYNC, &(int32_t){1}));
	s = rump_sys_socket(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	ret("connect", rump_sys_connect(s, (struct rump_sockaddr *)&un, sizeof(un)));
	comes("to the listener");
	c = rump_sys_accept(ls, NULL, NULL);
	say("owner: %d", rump_sys_fcntl(c, RUMP_F_GETOWN, NULL) == rump_sys_getpid());
	/* What was for the listener has come. */
	rump_sys_ioctl(ls, RUMP_FIOASYNC, &(int32_t){0});
	ret("close", rump_sys_close(ls));
	signals = 0;
	ret("write", rump_sys_write(s, "x", 1));
	comes("to the connection");
}

/* Nobody has looked at the connection before. */
static void
sigio_internet(void)
{
	int fds[2];

	if (!connected(RUMP_AF_INET, fds))
		return;
	signal(SIGIO, count);
	ret("owner", set_owner(fds[1], rump_sys_getpid()));
	ret("on", rump_sys_ioctl(fds[1], RUMP_FIOASYNC, &(int32_t){1}));
	signals = 0;
	ret("write", rump_sys_write(fds[0], "x", 1));
	comes("to the reader");
}

/* The owner is told of urgent data without having asked for signals. */
static void
sigio_urgent(void)
{
	char byte = 0;
	int fds[2];

	if (!connected(RUMP_AF_INET, fds))
		return;
	signal(SIGURG, count);
	ret("owner", set_owner(fds[1], rump_sys_getpid()));
	ret("write", rump_sys_write(fds[0], "ab", 2));
	until(fds[1], RUMP_POLLIN);
	say("for that no signal: %d", signals == 0);
	ret("urgent", rump_sys_sendto(fds[0], "!", 1, RUMP_MSG_OOB, NULL, 0));
	comes("of that");
	ret("receive", rump_sys_recvfrom(fds[1], &byte, 1, RUMP_MSG_OOB, NULL, NULL));
	say("[%c]", byte);
}

const struct testcase sigio_cases[] = {
    {"sigio_owners", sigio_owners},
    {"sigio_pipe", sigio_pipe},
    {"sigio_socket", sigio_socket},
    {"sigio_accepted", sigio_accepted},
    {"sigio_internet", sigio_internet},
    {"sigio_urgent", sigio_urgent},
    {NULL, NULL},
};
