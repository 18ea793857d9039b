/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/kernel/case.h"
#include <stdlib.h>
#include <string.h>

static void
numbers_in_child(void *arg)
{
	const int32_t *parent = arg;

	say("parent %s", rump_sys_getppid() == parent[0] ? "is" : "is not");
	say("group %s", rump_sys_getpgrp() == parent[1] ? "same" : "another");
	say("session %s", rump_sys_getsid(0) == parent[2] ? "same" : "another");
	say("number %s", rump_sys_getpid() != parent[0] ? "another" : "same");
}

static void
fork_numbers(void)
{
	int32_t self[3] = {rump_sys_getpid(), rump_sys_getpgrp(), rump_sys_getsid(0)};

	in_child(numbers_in_child, self);
	say("still %s", rump_sys_getpid() == self[0] ? "itself" : "another");
}

static void
descriptors_in_child(void *arg)
{
	int *p = arg;
	char c;

	ret("write", rump_sys_write(p[1], "x", 1));
	ret("close", rump_sys_close(p[1]));
	ret("cloexec", rump_sys_fcntl(p[0], RUMP_F_GETFD));
	ret("nonblock", rump_sys_fcntl(p[0], RUMP_F_SETFL, RUMP_O_NONBLOCK));
	ret("first free", rump_sys_dup(p[0]));
	ret("read", rump_sys_read(p[0], &c, 1));
}

static void
fork_descriptors(void)
{
	int p[2];

	rump_sys_pipe(p);
	rump_sys_fcntl(p[0], RUMP_F_SETFD, 1);
	in_child(descriptors_in_child, p);
	say("parent");
	ret("the descriptor is still there", rump_sys_write(p[1], "y", 1));
	ret("the file's flag is shared", rump_sys_fcntl(p[0], RUMP_F_GETFL));
	ret("what it took is free", rump_sys_dup(p[0]));
}

static void
mask_in_child(void *arg)
{
	(void)arg;
	say("inherited %o", rump_sys_umask(077));
}

static void
umask_inherits(void)
{
	say("at first %o", rump_sys_umask(027));
	in_child(mask_in_child, NULL);
	say("not changed by the child %o", rump_sys_umask(0));
	say("other bits %o", rump_sys_umask(07777));
	say("are dropped %o", rump_sys_umask(0));
}

static void
limits_in_child(void *arg)
{
	struct rump_rlimit limit;

	(void)arg;
	rump_sys_getrlimit(RUMP_RLIMIT_FSIZE, &limit);
	say("inherited %llu", (unsigned long long)limit.rlim_cur);
	limit.rlim_cur = 1;
	rump_sys_setrlimit(RUMP_RLIMIT_FSIZE, &limit);
}

static void
limits_inherit(void)
{
	struct rump_rlimit limit = {12345, 23456};

	ret("setrlimit", rump_sys_setrlimit(RUMP_RLIMIT_FSIZE, &limit));
	in_child(limits_in_child, NULL);
	rump_sys_getrlimit(RUMP_RLIMIT_FSIZE, &limit);
	say("own %llu %llu", (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
	ret("nowhere", rump_sys_getrlimit(RUMP_RLIMIT_FSIZE, NULL));
	ret("from nowhere", rump_sys_setrlimit(RUMP_RLIMIT_FSIZE, NULL));
	ret("negative", rump_sys_getrlimit(-1, &limit));
}

static void
pipe_reader(void *arg)
{
	int *p = arg;
	char c = 0;

	rump_sys_close(p[1]);
	ret("child reads", rump_sys_read(p[0], &c, 1));
	say("%c", c);
}

static void
fork_pipe(void)
{
	int p[2];

	rump_sys_pipe(p);
	rump_sys_write(p[1], "q", 1);
	in_child(pipe_reader, p);
	ret("one end is left", rump_sys_close(p[1]));
	ret("so it is at its end", rump_sys_read(p[0], (char[1]){0}, 1));
}

static void
session_in_child(void *arg)
{
	int32_t self = rump_sys_getpid();

	(void)arg;
	say("setsid %s", rump_sys_setsid() == self ? "self" : errno_name());
	say("group %s", rump_sys_getpgrp() == self ? "self" : "other");
	say("session %s", rump_sys_getsid(0) == self ? "self" : "other");
	ret("setsid twice", rump_sys_setsid());
	ret("leader stays", rump_sys_setpgid(0, 0));
}

static void
group_in_child(void *arg)
{
	int32_t self = rump_sys_getpid();

	ret("setpgid", rump_sys_setpgid(0, 0));
	say("group %s", rump_sys_getpgrp() == self ? "self" : "other");
	ret("back", rump_sys_setpgid(0, *(int32_t *)arg));
	ret("to a group that is not there", rump_sys_setpgid(0, 29998));
	ret("negative", rump_sys_setpgid(0, -1));
	ret("somebody else", rump_sys_setpgid(29997, 0));
	ret("setsid after all", rump_sys_setsid() == self ? 0 : -1);
}

static void
sessions(void)
{
	int32_t group = rump_sys_getpgrp();

	in_child(session_in_child, NULL);
	in_child(group_in_child, &group);
	ret("getpgid of nobody", rump_sys_getpgid(29996));
	ret("getsid of nobody", rump_sys_getsid(29996));
	say("getpgid of self %s", rump_sys_getpgid(rump_sys_getpid()) == group ? "group" : "other");
}

static void
login_in_child(void *arg)
{
	char name[64] = "untouched";

	(void)arg;
	rump_sys_setsid();
	ret("getlogin", rump_sys___getlogin(name, sizeof(name)));
	say("[%s]", name);
	ret("setlogin", rump_sys___setlogin("somebody"));
	ret("getlogin", rump_sys___getlogin(name, sizeof(name)));
	say("[%s]", name);
	memset(name, 'x', sizeof(name));
	ret("short", rump_sys___getlogin(name, 4));
	say("[%.5s]", name);
	ret("too long", rump_sys___setlogin("a name of far more than the sixteen characters there are"));
	ret("nowhere", rump_sys___setlogin(NULL));
}

static void
login(void)
{
	in_child(login_in_child, NULL);
}

struct counting {
	int fd;
	int rounds;
};

static void
count(void *arg)
{
	const struct counting *c = arg;

	for (int i = 0; i < c->rounds; i++) {
		int fd = rump_sys_dup(c->fd);

		if (fd == -1 || rump_sys_write(fd, "x", 1) != 1 || rump_sys_close(fd) != 0) {
			say("failed at %d: %s", i, errno_name());
			return;
		}
	}
}

static void
threads(void)
{
	struct counting c = {.rounds = 1000};
	struct case_thread *thread[4];
	char buf[4096];
	size_t total = 0;
	int p[2];

	rump_sys_pipe(p);
	c.fd = p[1];
	for (int i = 0; i < 4; i++)
		thread[i] = case_thread(count, &c);
	while (total < 4000)
		total += (size_t)rump_sys_read(p[0], buf, sizeof(buf));
	for (int i = 0; i < 4; i++)
		case_join(thread[i]);
	say("read %zu", total);
	ret("descriptors are all closed", rump_sys_dup(p[0]));
}

static void
not_there(void)
{
	ret("ktrace", rump_sys_ktrace("x", 0, 0, 0));
	ret("utrace", rump_sys_utrace("x", NULL, 0));
}

const struct testcase process_cases[] = {
    {"fork_numbers", fork_numbers},
    {"fork_descriptors", fork_descriptors},
    {"fork_pipe", fork_pipe},
    {"umask_inherits", umask_inherits},
    {"limits_inherit", limits_inherit},
    {"sessions", sessions},
    {"login", login},
    {"threads", threads},
    {"not_there", not_there},
    {NULL, NULL},
};
