/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/kernel/case.h"

static void
lowest_first(void)
{
	int p[2], q[2];

	ret("pipe", rump_sys_pipe(p));
	say("ends %d %d", p[0], p[1]);
	ret("close first", rump_sys_close(p[0]));
	ret("dup", rump_sys_dup(p[1]));
	ret("pipe", rump_sys_pipe(q));
	say("ends %d %d", q[0], q[1]);
	ret("close again", rump_sys_close(p[0]));
	ret("close twice", rump_sys_close(p[0]));
	ret("close -1", rump_sys_close(-1));
	ret("close far", rump_sys_close(100));
	ret("close beyond", rump_sys_close(1 << 30));
}

static void
dup_onto(void)
{
	int p[2];
	char c = 'x', d = 0;

	rump_sys_pipe(p);
	ret("dup2 to free", rump_sys_dup2(p[1], 20));
	ret("write through it", rump_sys_write(20, &c, 1));
	ret("read", rump_sys_read(p[0], &d, 1));
	say("got %c", d);
	ret("dup2 onto itself", rump_sys_dup2(p[1], p[1]));
	ret("dup2 of closed", rump_sys_dup2(77, 20));
	ret("dup2 to -1", rump_sys_dup2(p[1], -1));
	ret("dup2 far", rump_sys_dup2(p[1], 1 << 24));
	ret("dup2 replaces", rump_sys_dup2(p[0], 20));
	ret("write to read end", rump_sys_write(20, &c, 1));
	ret("dup3 cloexec", rump_sys_dup3(p[0], 21, RUMP_O_CLOEXEC));
	ret("its flag", rump_sys_fcntl(21, RUMP_F_GETFD));
	ret("dup3 onto itself", rump_sys_dup3(21, 21, 0));
	ret("dup3 nonblock", rump_sys_dup3(p[0], 22, RUMP_O_NONBLOCK));
	ret("flags", rump_sys_fcntl(22, RUMP_F_GETFL));
	ret("dup of closed", rump_sys_dup(99));
	rump_sys_fcntl(21, RUMP_F_SETFD, RUMP_FD_CLOEXEC);
	ret("dup2 onto itself", rump_sys_dup2(21, 21));
	ret("keeps its flag", rump_sys_fcntl(21, RUMP_F_GETFD));
	ret("dup3 onto itself", rump_sys_dup3(20, 20, RUMP_O_CLOEXEC));
	ret("changes nothing", rump_sys_fcntl(20, RUMP_F_GETFD));
	ret("dup3 with other flags", rump_sys_dup3(20, 23, RUMP_O_APPEND));
	ret("all flags", rump_sys_fcntl(22, RUMP_F_SETFL, -1));
	ret("are none", rump_sys_fcntl(22, RUMP_F_GETFL));
}

static void
fcntl_dupfd(void)
{
	int p[2];

	rump_sys_pipe(p);
	ret("from 10", rump_sys_fcntl(p[0], RUMP_F_DUPFD, 10));
	ret("from 10 again", rump_sys_fcntl(p[0], RUMP_F_DUPFD, 10));
	ret("from 0", rump_sys_fcntl(p[0], RUMP_F_DUPFD, 0));
	ret("from -1", rump_sys_fcntl(p[0], RUMP_F_DUPFD, -1));
	ret("from far", rump_sys_fcntl(p[0], RUMP_F_DUPFD, 1 << 24));
	ret("cloexec from 12", rump_sys_fcntl(p[0], RUMP_F_DUPFD_CLOEXEC, 12));
	ret("flag", rump_sys_fcntl(12, RUMP_F_GETFD));
	ret("flag of plain", rump_sys_fcntl(10, RUMP_F_GETFD));
	ret("max", rump_sys_fcntl(p[0], RUMP_F_MAXFD));
	ret("closem", rump_sys_fcntl(10, RUMP_F_CLOSEM));
	ret("max", rump_sys_fcntl(p[0], RUMP_F_MAXFD));
	ret("closem -1", rump_sys_fcntl(-1, RUMP_F_CLOSEM));
	ret("of closed", rump_sys_fcntl(50, RUMP_F_DUPFD, 0));
	ret("unknown command", rump_sys_fcntl(p[0], 99, 0));
}

static void
fcntl_flags(void)
{
	int p[2];

	rump_sys_pipe(p);
	ret("getfl read end", rump_sys_fcntl(p[0], RUMP_F_GETFL));
	ret("getfl write end", rump_sys_fcntl(p[1], RUMP_F_GETFL));
	ret("nonblock", rump_sys_fcntl(p[0], RUMP_F_SETFL, RUMP_O_NONBLOCK));
	ret("getfl", rump_sys_fcntl(p[0], RUMP_F_GETFL));
	ret("access mode cannot change", rump_sys_fcntl(p[0], RUMP_F_SETFL, RUMP_O_RDWR | RUMP_O_APPEND));
	ret("getfl", rump_sys_fcntl(p[0], RUMP_F_GETFL));
	ret("cloexec off", rump_sys_fcntl(p[0], RUMP_F_GETFD));
	ret("setfd", rump_sys_fcntl(p[0], RUMP_F_SETFD, RUMP_FD_CLOEXEC));
	ret("cloexec on", rump_sys_fcntl(p[0], RUMP_F_GETFD));
	ret("setfd other bits", rump_sys_fcntl(p[0], RUMP_F_SETFD, 0x10));
	ret("cloexec off", rump_sys_fcntl(p[0], RUMP_F_GETFD));
	ret("nosigpipe", rump_sys_fcntl(p[1], RUMP_F_GETNOSIGPIPE));
	ret("set", rump_sys_fcntl(p[1], RUMP_F_SETNOSIGPIPE, 1));
	ret("nosigpipe", rump_sys_fcntl(p[1], RUMP_F_GETNOSIGPIPE));
	ret("of closed", rump_sys_fcntl(50, RUMP_F_GETFL));
}

static void
flags_are_of_the_file(void)
{
	int p[2], d;

	rump_sys_pipe(p);
	d = rump_sys_dup(p[0]);
	ret("nonblock on one", rump_sys_fcntl(p[0], RUMP_F_SETFL, RUMP_O_NONBLOCK));
	ret("seen through the other", rump_sys_fcntl(d, RUMP_F_GETFL));
	ret("cloexec on one", rump_sys_fcntl(p[0], RUMP_F_SETFD, 1));
	ret("not on the other", rump_sys_fcntl(d, RUMP_F_GETFD));
}

static void
ioctl_common(void)
{
	int p[2], on = 1, count = -1;

	rump_sys_pipe(p);
	ret("cloexec", rump_sys_ioctl(p[0], RUMP_FIOCLEX, NULL));
	ret("flag", rump_sys_fcntl(p[0], RUMP_F_GETFD));
	ret("not cloexec", rump_sys_ioctl(p[0], RUMP_FIONCLEX, NULL));
	ret("flag", rump_sys_fcntl(p[0], RUMP_F_GETFD));
	ret("nonblock", rump_sys_ioctl(p[0], RUMP_FIONBIO, &on));
	ret("flags", rump_sys_fcntl(p[0], RUMP_F_GETFL));
	on = 0;
	ret("block", rump_sys_ioctl(p[0], RUMP_FIONBIO, &on));
	ret("flags", rump_sys_fcntl(p[0], RUMP_F_GETFL));
	rump_sys_write(p[1], "hello", 5);
	ret("to read", rump_sys_ioctl(p[0], RUMP_FIONREAD, &count));
	say("count %d", count);
	ret("written", rump_sys_ioctl(p[1], RUMP_FIONWRITE, &count));
	say("count %d", count);
	ret("space", rump_sys_ioctl(p[1], RUMP_FIONSPACE, &count));
	say("count %d", count);
	ret("unknown", rump_sys_ioctl(p[0], 0x20007a7a, NULL));
	ret("closed", rump_sys_ioctl(60, RUMP_FIONREAD, &count));
	ret("nowhere", rump_sys_ioctl(p[0], RUMP_FIONREAD, NULL));
}

static void
offsets_of_pipes(void)
{
	int p[2];
	char c;

	rump_sys_pipe(p);
	ret("lseek", rump_sys_lseek(p[0], 0, RUMP_SEEK_SET));
	ret("pread", rump_sys_pread(p[0], &c, 1, 0));
	ret("pwrite", rump_sys_pwrite(p[1], &c, 1, 0));
	ret("lseek closed", rump_sys_lseek(70, 0, RUMP_SEEK_SET));
}

static void
limit(void)
{
	struct rump_rlimit limit = {16, 16};
	int last = -1, fd;

	ret("setrlimit", rump_sys_setrlimit(RUMP_RLIMIT_NOFILE, &limit));
	while ((fd = rump_sys_kqueue()) != -1)
		last = fd;
	say("%s after %d", errno_name(), last);
	ret("pipe", rump_sys_pipe((int[2]){0, 0}));
	ret("dup", rump_sys_dup(0));
	ret("dup2 beyond", rump_sys_dup2(0, 16));
	ret("fcntl beyond", rump_sys_fcntl(0, RUMP_F_DUPFD, 16));
	rump_sys_close(7);
	ret("one is free", rump_sys_dup(0));
	ret("pipe takes none", rump_sys_close(7));
	ret("pipe needs two", rump_sys_pipe((int[2]){0, 0}));
	ret("the one is still free", rump_sys_dup(0));
	limit.rlim_cur = 17;
	ret("current above maximum", rump_sys_setrlimit(RUMP_RLIMIT_NOFILE, &limit));
	ret("no such limit", rump_sys_getrlimit(99, &limit));
}

static void
console(void)
{
	struct rump_stat st;
	struct rump_termios termios;
	char c;

	ret("fstat", rump_sys_fstat(1, &st));
	say("mode %o", st.st_mode);
	ret("flags of 0", rump_sys_fcntl(0, RUMP_F_GETFL));
	ret("flags of 2", rump_sys_fcntl(2, RUMP_F_GETFL));
	ret("read", rump_sys_read(0, &c, 1));
	ret("is a terminal", rump_sys_ioctl(1, RUMP_TIOCGETA, &termios));
	ret("first free", rump_sys_dup(0));
}

static void
console_closes(void)
{
	int p[2];

	for (int fd = 0; fd < 3; fd++)
		ret("close", rump_sys_close(fd));
	rump_sys_pipe(p);
	say("ends %d %d", p[0], p[1]);
}

static void
vectors(void)
{
	char a[4] = "abc", b[8] = "defgh", in[2][5] = {{0}};
	struct rump_iovec out[3] = {{a, 3}, {NULL, 0}, {b, 5}}, back[2] = {{in[0], 4}, {in[1], 4}};
	int p[2];

	rump_sys_pipe(p);
	ret("writev", rump_sys_writev(p[1], out, 3));
	ret("readv", rump_sys_readv(p[0], back, 2));
	say("%s %s", in[0], in[1]);
	ret("none", rump_sys_writev(p[1], out, 0));
	ret("negative", rump_sys_writev(p[1], out, -1));
	ret("too many", rump_sys_writev(p[1], out, 1025));
	out[0].iov_len = SIZE_MAX / 2;
	out[2].iov_len = SIZE_MAX / 2 + 2;
	ret("too much", rump_sys_writev(p[1], out, 3));
	ret("nowhere", rump_sys_writev(p[1], NULL, 1));
	ret("on closed", rump_sys_writev(66, out, 1));
	ret("preadv", rump_sys_preadv(p[0], back, 1, 0));
	ret("pwritev", rump_sys_pwritev(p[1], back, 1, 0));
	ret("wrong way", rump_sys_readv(p[1], back, 1));
}

static void
bad_buffers(void)
{
	int p[2];

	rump_sys_pipe(p);
	ret("write from nowhere", rump_sys_write(p[1], NULL, 5));
	ret("write nothing from nowhere", rump_sys_write(p[1], NULL, 0));
	ret("too long", rump_sys_write(p[1], "x", SIZE_MAX));
	ret("read with the wrong end", rump_sys_read(p[1], (char[1]){0}, 1));
	ret("write with the wrong end", rump_sys_write(p[0], "x", 1));
	ret("stat to nowhere", rump_sys_fstat(p[0], NULL));
	ret("stat of closed", rump_sys_fstat(50, &(struct rump_stat){0}));
	ret("pipe2 to nowhere", rump_sys_pipe2(NULL, 0));
	ret("next descriptor", rump_sys_dup(p[0]));
}

const struct testcase descriptor_cases[] = {
    {"lowest_first", lowest_first},
    {"dup_onto", dup_onto},
    {"fcntl_dupfd", fcntl_dupfd},
    {"fcntl_flags", fcntl_flags},
    {"flags_are_of_the_file", flags_are_of_the_file},
    {"ioctl_common", ioctl_common},
    {"offsets_of_pipes", offsets_of_pipes},
    {"descriptor_limit", limit},
    {"console", console},
    {"console_closes", console_closes},
    {"vectors", vectors},
    {"bad_buffers", bad_buffers},
    {NULL, NULL},
};
