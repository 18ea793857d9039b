/* SPDX-License-Identifier: BSD-2-Clause */
/* Advisory locks: fcntl's and flock's. */
#include "tests/kernel/files.h"

static int fd;

static void
lock(const char *what, int cmd, int type, int64_t start, int64_t len)
{
	struct rump_flock fl = {
	    .l_type = (int16_t)type, .l_whence = RUMP_SEEK_SET, .l_start = start, .l_len = len};

	ret(what, rump_sys_fcntl(fd, cmd, &fl));
}

/* What another process would meet. */
struct question {
	const char *what;
	int type;
	int64_t start, len;
};

static void
ask(void *arg)
{
	const struct question *q = arg;
	struct rump_flock fl = {
	    .l_type = (int16_t)q->type, .l_whence = RUMP_SEEK_SET, .l_start = q->start, .l_len = q->len};
	int mine = rump_sys_open("f", RUMP_O_RDWR);

	if (rump_sys_fcntl(mine, RUMP_F_GETLK, &fl) == -1)
		say("%s: -1 %s", q->what, errno_name());
	else if (fl.l_type == RUMP_F_UNLCK)
		say("%s: free", q->what);
	else
		say("%s: %s from %lld, %lld long", q->what, fl.l_type == RUMP_F_WRLCK ? "write" : "read",
		    (long long)fl.l_start, (long long)fl.l_len);
	rump_sys_close(mine);
}

static void
another_asks(const char *what, int type, int64_t start, int64_t len)
{
	struct question q = {what, type, start, len};

	in_child(ask, &q);
}

static void
ranges(void)
{
	on_tmpfs();
	put("f", "0123456789");
	fd = rump_sys_open("f", RUMP_O_RDWR);
	lock("write 10 to 19", RUMP_F_SETLK, RUMP_F_WRLCK, 10, 10);
	another_asks("all", RUMP_F_RDLCK, 0, 0);
	another_asks("before", RUMP_F_WRLCK, 0, 10);
	another_asks("after", RUMP_F_WRLCK, 20, 0);
	another_asks("its last byte", RUMP_F_WRLCK, 19, 1);
	lock("unlock the middle", RUMP_F_SETLK, RUMP_F_UNLCK, 13, 3);
	another_asks("the middle", RUMP_F_WRLCK, 13, 3);
	another_asks("the first part", RUMP_F_WRLCK, 0, 14);
	another_asks("the second part", RUMP_F_WRLCK, 15, 0);
	lock("join them", RUMP_F_SETLK, RUMP_F_WRLCK, 12, 5);
	another_asks("joined", RUMP_F_WRLCK, 0, 0);
	lock("read in the middle", RUMP_F_SETLK, RUMP_F_RDLCK, 13, 2);
	another_asks("to read there", RUMP_F_RDLCK, 13, 2);
	another_asks("to write there", RUMP_F_WRLCK, 13, 2);
	lock("neighbours join", RUMP_F_SETLK, RUMP_F_WRLCK, 20, 5);
	another_asks("from 16", RUMP_F_WRLCK, 16, 0);
	lock("to the end", RUMP_F_SETLK, RUMP_F_RDLCK, 100, 0);
	another_asks("far", RUMP_F_WRLCK, 5000, 1);
	lock("unlock everything", RUMP_F_SETLK, RUMP_F_UNLCK, 0, 0);
	another_asks("all", RUMP_F_WRLCK, 0, 0);
}

static void
arguments(void)
{
	struct rump_flock fl = {.l_type = RUMP_F_WRLCK, .l_whence = 9};
	int reader, p[2];

	on_tmpfs();
	put("f", "0123456789");
	fd = rump_sys_open("f", RUMP_O_WRONLY);
	reader = rump_sys_open("f", RUMP_O_RDONLY);
	ret("whence", rump_sys_fcntl(fd, RUMP_F_SETLK, &fl));
	lock("type", RUMP_F_SETLK, 77, 0, 0);
	lock("negative start", RUMP_F_SETLK, RUMP_F_WRLCK, -1, 5);
	lock("backwards", RUMP_F_SETLK, RUMP_F_WRLCK, 5, -3);
	another_asks("two to four", RUMP_F_WRLCK, 0, 0);
	lock("backwards beyond the beginning", RUMP_F_SETLK, RUMP_F_WRLCK, 2, -3);
	lock("to read, open for writing", RUMP_F_SETLK, RUMP_F_RDLCK, 0, 0);
	fl = (struct rump_flock){.l_type = RUMP_F_WRLCK, .l_whence = RUMP_SEEK_SET};
	ret("to write, open for reading", rump_sys_fcntl(reader, RUMP_F_SETLK, &fl));
	rump_sys_lseek(fd, 4, RUMP_SEEK_SET);
	fl =
	    (struct rump_flock){.l_type = RUMP_F_WRLCK, .l_whence = RUMP_SEEK_CUR, .l_start = 10, .l_len = 1};
	ret("from the offset", rump_sys_fcntl(fd, RUMP_F_SETLK, &fl));
	another_asks("fourteen", RUMP_F_WRLCK, 14, 0);
	fl =
	    (struct rump_flock){.l_type = RUMP_F_WRLCK, .l_whence = RUMP_SEEK_END, .l_start = -3, .l_len = 1};
	ret("from the end", rump_sys_fcntl(fd, RUMP_F_SETLK, &fl));
	another_asks("seven", RUMP_F_WRLCK, 6, 3);
	rump_sys_pipe(p);
	ret("a pipe", rump_sys_fcntl(p[0], RUMP_F_SETLK, &fl));
}

static void
contend(void *arg)
{
	struct rump_flock fl = {.l_type = RUMP_F_WRLCK, .l_whence = RUMP_SEEK_SET};
	int mine = rump_sys_open("f", RUMP_O_RDWR);

	(void)arg;
	ret("another's write", rump_sys_fcntl(mine, RUMP_F_SETLK, &fl));
	fl.l_type = RUMP_F_RDLCK;
	ret("another's read", rump_sys_fcntl(mine, RUMP_F_SETLK, &fl));
	rump_sys_close(mine);
}

static void
conflicts(void)
{
	on_tmpfs();
	put("f", "0123456789");
	fd = rump_sys_open("f", RUMP_O_RDWR);
	lock("write", RUMP_F_SETLK, RUMP_F_WRLCK, 0, 5);
	in_child(contend, NULL);
	lock("read instead", RUMP_F_SETLK, RUMP_F_RDLCK, 0, 5);
	in_child(contend, NULL);
	rump_sys_close(rump_sys_open("f", RUMP_O_RDONLY));
	in_child(contend, NULL);
	lock("write", RUMP_F_SETLK, RUMP_F_WRLCK, 0, 5);
	rump_sys_close(fd);
	in_child(contend, NULL);
}

static void
flock_child(void *arg)
{
	int mine = rump_sys_open("f", RUMP_O_RDONLY);

	ret("inherited, exclusive again", rump_sys_flock(*(int *)arg, RUMP_LOCK_EX | RUMP_LOCK_NB));
	ret("own, shared", rump_sys_flock(mine, RUMP_LOCK_SH | RUMP_LOCK_NB));
	ret("own, exclusive", rump_sys_flock(mine, RUMP_LOCK_EX | RUMP_LOCK_NB));
	rump_sys_close(mine);
}

static void
flocks(void)
{
	int other, p[2];

	on_tmpfs();
	put("f", "x");
	fd = rump_sys_open("f", RUMP_O_RDONLY);
	other = rump_sys_open("f", RUMP_O_RDONLY);
	ret("shared", rump_sys_flock(fd, RUMP_LOCK_SH));
	ret("shared too", rump_sys_flock(other, RUMP_LOCK_SH | RUMP_LOCK_NB));
	ret("exclusive", rump_sys_flock(other, RUMP_LOCK_EX | RUMP_LOCK_NB));
	ret("unlock", rump_sys_flock(fd, RUMP_LOCK_UN));
	ret("exclusive", rump_sys_flock(other, RUMP_LOCK_EX | RUMP_LOCK_NB));
	ret("the first", rump_sys_flock(fd, RUMP_LOCK_SH | RUMP_LOCK_NB));
	in_child(flock_child, &other);
	rump_sys_close(other);
	ret("after close", rump_sys_flock(fd, RUMP_LOCK_EX | RUMP_LOCK_NB));
	ret("nothing", rump_sys_flock(fd, 0));
	rump_sys_pipe(p);
	ret("a pipe", rump_sys_flock(p[0], RUMP_LOCK_SH));
	rump_sys_close(fd);
	fd = rump_sys_open("f", RUMP_O_RDONLY | RUMP_O_EXLOCK);
	good("opened locked", fd);
	ret("opened again", rump_sys_open("f", RUMP_O_RDONLY | RUMP_O_SHLOCK | RUMP_O_NONBLOCK));
}

static void
wait_for_it(void *arg)
{
	struct rump_flock fl = {.l_type = RUMP_F_WRLCK, .l_whence = RUMP_SEEK_SET};

	(void)arg;
	ret("flock in a thread", rump_sys_flock(*(int *)arg, RUMP_LOCK_EX));
	(void)fl;
}

static void
waiting(void)
{
	struct case_thread *thread;
	int other;

	on_tmpfs();
	put("f", "x");
	fd = rump_sys_open("f", RUMP_O_RDWR);
	other = rump_sys_open("f", RUMP_O_RDWR);
	rump_sys_flock(fd, RUMP_LOCK_EX);
	thread = case_thread(wait_for_it, &other);
	say("unlocking");
	rump_sys_flock(fd, RUMP_LOCK_UN);
	case_join(thread);
	ret("now it is the other's", rump_sys_flock(fd, RUMP_LOCK_EX | RUMP_LOCK_NB));
}

const struct testcase filelock_cases[] = {
    {"filelock_ranges", ranges},
    {"filelock_arguments", arguments},
    {"filelock_conflicts", conflicts},
    {"filelock_flock", flocks},
    {"filelock_waiting", waiting},
    {NULL, NULL},
};
