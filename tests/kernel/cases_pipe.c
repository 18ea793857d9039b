/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/kernel/case.h"
#include <stdlib.h>
#include <string.h>

#define CAPACITY 16384

static void
bytes(void)
{
	char buf[16] = {0};
	int p[2];

	rump_sys_pipe(p);
	ret("write", rump_sys_write(p[1], "hello", 5));
	ret("write", rump_sys_write(p[1], " there", 6));
	ret("read some", rump_sys_read(p[0], buf, 3));
	say("[%s]", buf);
	memset(buf, 0, sizeof(buf));
	ret("read more than there is", rump_sys_read(p[0], buf, sizeof(buf)));
	say("[%s]", buf);
	ret("read nothing", rump_sys_read(p[0], buf, 0));
}

static void
ends(void)
{
	char buf[8];
	int p[2];

	rump_sys_pipe2(p, RUMP_O_NOSIGPIPE);
	rump_sys_write(p[1], "last", 4);
	ret("close the write end", rump_sys_close(p[1]));
	ret("what was there", rump_sys_read(p[0], buf, 8));
	ret("end of file", rump_sys_read(p[0], buf, 8));
	rump_sys_close(p[0]);
	rump_sys_pipe2(p, RUMP_O_NOSIGPIPE);
	ret("close the read end", rump_sys_close(p[0]));
	ret("write", rump_sys_write(p[1], "x", 1));
	ret("write nothing", rump_sys_write(p[1], "", 0));
}

static void
nonblocking(void)
{
	static char big[70000];
	char c;
	int p[2];

	ret("pipe2", rump_sys_pipe2(p, RUMP_O_NONBLOCK));
	ret("read empty", rump_sys_read(p[0], &c, 1));
	ret("fill", rump_sys_write(p[1], big, CAPACITY));
	ret("full", rump_sys_write(p[1], big, 1));
	ret("drain 100", rump_sys_read(p[0], big, 100));
	ret("atomic does not fit", rump_sys_write(p[1], big, 101));
	ret("atomic of PIPE_BUF does not fit", rump_sys_write(p[1], big, 512));
	ret("more than PIPE_BUF goes in part", rump_sys_write(p[1], big, 513));
	ret("drain", rump_sys_read(p[0], big, sizeof(big)));
	ret("empty", rump_sys_read(p[0], big, sizeof(big)));
}

static void
large_write_grows(void)
{
	static char big[100000];
	struct rump_stat st;
	int p[2];

	rump_sys_pipe2(p, RUMP_O_NONBLOCK);
	rump_sys_fstat(p[0], &st);
	say("size %d", st.st_blksize);
	ret("write", rump_sys_write(p[1], big, sizeof(big)));
	rump_sys_fstat(p[0], &st);
	say("size %d holds %lld", st.st_blksize, (long long)st.st_size);
}

static void
status(void)
{
	struct rump_stat st;
	int p[2];

	rump_sys_pipe(p);
	rump_sys_write(p[1], "four", 4);
	ret("read end", rump_sys_fstat(p[0], &st));
	say("mode %o size %lld blocks %lld nlink %u uid %u", st.st_mode, (long long)st.st_size,
	    (long long)st.st_blocks, st.st_nlink, st.st_uid);
	ret("write end", rump_sys_fstat(p[1], &st));
	say("mode %o size %lld blocks %lld", st.st_mode, (long long)st.st_size, (long long)st.st_blocks);
}

static void
creation_flags(void)
{
	int p[2];

	ret("pipe2", rump_sys_pipe2(p, RUMP_O_CLOEXEC | RUMP_O_NONBLOCK));
	for (int i = 0; i < 2; i++) {
		ret("cloexec", rump_sys_fcntl(p[i], RUMP_F_GETFD));
		ret("flags", rump_sys_fcntl(p[i], RUMP_F_GETFL));
	}
	ret("unknown flag", rump_sys_pipe2(p, RUMP_O_APPEND));
}

/* A whole stream through a pipe, with a reader and a writer that wait for each other. */
#define STREAM (1024 * 1024)

static unsigned char
stream_byte(size_t at)
{
	return (unsigned char)(at * 31 + at / 257);
}

static void
stream_writer(void *arg)
{
	static unsigned char chunk[3001];
	int fd = *(int *)arg;

	for (size_t at = 0; at < STREAM;) {
		size_t n = STREAM - at < sizeof(chunk) ? STREAM - at : sizeof(chunk);

		for (size_t i = 0; i < n; i++)
			chunk[i] = stream_byte(at + i);
		if (rump_sys_write(fd, chunk, n) != (ssize_t)n) {
			say("short write");
			break;
		}
		at += n;
	}
	rump_sys_close(fd);
}

static void
stream(void)
{
	unsigned char buf[7000];
	struct case_thread *writer;
	size_t at = 0;
	ssize_t n;
	int p[2];

	rump_sys_pipe(p);
	writer = case_thread(stream_writer, &p[1]);
	while ((n = rump_sys_read(p[0], buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++, at++)
			if (buf[i] != stream_byte(at)) {
				say("wrong byte at %zu", at);
				return;
			}
	ret("end", n);
	say("read %zu", at);
	case_join(writer);
}

static void
one_large_writer(void *arg)
{
	static char big[200000];

	ret("blocking large write", rump_sys_write(*(int *)arg, big, sizeof(big)));
	rump_sys_close(*(int *)arg);
}

static void
large_blocking_write(void)
{
	static char buf[1000];
	struct case_thread *writer;
	size_t total = 0;
	ssize_t n;
	int p[2];

	rump_sys_pipe(p);
	writer = case_thread(one_large_writer, &p[1]);
	while ((n = rump_sys_read(p[0], buf, sizeof(buf))) > 0)
		total += (size_t)n;
	case_join(writer);
	say("read %zu", total);
}

static void
reader_that_waits(void *arg)
{
	int *fd = arg;
	char c;

	*fd = (int)rump_sys_read(*fd, &c, 1);
}

static void
last_writer_closes(void)
{
	struct case_thread *reader;
	int p[2], d;

	rump_sys_pipe(p);
	d = rump_sys_dup(p[1]);
	reader = case_thread(reader_that_waits, p);
	ret("close one", rump_sys_close(p[1]));
	ret("close the other", rump_sys_close(d));
	case_join(reader);
	ret("woken", p[0]);
}

struct closed_read {
	int fd;
	long n;
	char *error;
};

static void
read_closed(void *arg)
{
	struct closed_read *r = arg;
	char c;

	r->n = rump_sys_read(r->fd, &c, 1);
	r->error = r->n == -1 ? strdup(errno_name()) : NULL;
}

/* A thread sleeps on the descriptor, or is about to: it is told either way. */
static void
closed_under_reader(void)
{
	struct closed_read sleeper, other;
	struct case_thread *reader;
	int p[2], calls = 0;

	rump_sys_pipe(p);
	sleeper.fd = p[0];
	other.fd = rump_sys_dup(p[0]);
	reader = case_thread(read_closed, &sleeper);
	/* So that it does sleep. */
	while (case_yield(&calls) && calls < 2100)
		continue;
	ret("close", rump_sys_close(p[0]));
	case_join(reader);
	say("read: %ld %s", sleeper.n, sleeper.error != NULL ? sleeper.error : "");
	free(sleeper.error);
	ret("write for the other", rump_sys_write(p[1], "x", 1));
	read_closed(&other);
	say("read: %ld", other.n);
	free(other.error);
}

const struct testcase pipe_cases[] = {
    {"pipe_bytes", bytes},
    {"pipe_ends", ends},
    {"pipe_nonblocking", nonblocking},
    {"pipe_large_write_grows", large_write_grows},
    {"pipe_status", status},
    {"pipe_creation_flags", creation_flags},
    {"pipe_stream", stream},
    {"pipe_large_blocking_write", large_blocking_write},
    {"pipe_last_writer_closes", last_writer_closes},
    {"pipe_closed_under_reader", closed_under_reader},
    {NULL, NULL},
};
