/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors that are closed under calls that sleep on them. The sleepers answer EBADF; NetBSD lets most of
 * them sleep on, so there are no answers of its to compare with. Whether a thread sleeps already when its
 * descriptor goes is not known, and makes no difference.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>

static char big[200000];
static int count, failures;

struct sleeper {
	int fd, error;
	ssize_t n;
};

static void *
reads(void *arg)
{
	struct sleeper *s = arg;
	char c;

	s->n = rump_sys_read(s->fd, &c, 1);
	s->error = errno;
	return NULL;
}

/* What fits is a short transfer, or was never begun. */
static void *
writes(void *arg)
{
	struct sleeper *s = arg;

	do
		s->n = rump_sys_write(s->fd, big, sizeof(big));
	while (s->n > 0);
	s->error = errno;
	return NULL;
}

static void *
waits_for_events(void *arg)
{
	struct sleeper *s = arg;
	struct rump_kevent event;

	s->n = rump_sys_kevent(s->fd, NULL, 0, &event, 1, NULL);
	s->error = errno;
	return NULL;
}

static void
test(const char *name, void *(*sleep)(void *), int fd)
{
	struct sleeper s = {.fd = fd};
	pthread_t thread;
	int closed;

	if (pthread_create(&thread, NULL, sleep, &s) != 0)
		return;
	for (int i = 0; i < 3000; i++)
		sched_yield();
	closed = rump_sys_close(fd);
	pthread_join(thread, NULL);
	if (closed == 0 && s.n == -1 && s.error == EBADF) {
		printf("ok %d - %s\n", ++count, name);
		return;
	}
	printf("not ok %d - %s\n# close %d, the call %zd, errno %d\n", ++count, name, closed, s.n, s.error);
	failures++;
}

int
main(void)
{
	int reader[2], writer[2];

	if (rump_init() != 0 || rump_sys_pipe(reader) != 0 || rump_sys_pipe(writer) != 0)
		return 1;
	printf("1..5\n");
	fflush(stdout);
	rump_sys_dup(reader[0]);
	test("a pipe that is read", reads, reader[0]);
	rump_sys_dup(writer[1]);
	test("a pipe that is written", writes, writer[1]);
	test("a kqueue that is waited for", waits_for_events, rump_sys_kqueue());
	rump_sys_mkfifo("/fifo", 0600);
	reader[0] = rump_sys_open("/fifo", RUMP_O_RDONLY | RUMP_O_NONBLOCK);
	writer[1] = rump_sys_open("/fifo", RUMP_O_WRONLY);
	rump_sys_fcntl(reader[0], RUMP_F_SETFL, (void *)0);
	rump_sys_dup(reader[0]);
	test("a fifo that is read", reads, reader[0]);
	test("a fifo that is written", writes, writer[1]);
	return failures != 0;
}
