/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that get in each other's way on purpose: what is seen here is seen by the sanitizers. */
#include "tests/kernel/case.h"
#include <stdatomic.h>
#include <string.h>

#define ROUNDS 400
#define THREADS 3
/* The numbers that all fight for. */
#define FIRST 40
#define NUMBERS 4

static atomic_int unexpected;

static void
expect(long value, const char *allowed)
{
	if (value == -1 && strstr(allowed, errno_name()) == NULL)
		atomic_fetch_add(&unexpected, 1);
}

static void
fight(void *arg)
{
	int *pipe_ends = arg;
	char c = 0;

	for (int i = 0; i < ROUNDS; i++) {
		int fd = FIRST + i % NUMBERS;

		expect(rump_sys_dup2(pipe_ends[i & 1], fd), "EBUSY");
		expect(rump_sys_write(fd, &c, 1), "EBADF EAGAIN");
		expect(rump_sys_read(fd, &c, 1), "EBADF EAGAIN");
		expect(rump_sys_fcntl(fd, RUMP_F_SETFD, i & 1), "EBADF");
		if (i % 3 == 0)
			expect(rump_sys_close(fd), "EBADF");
	}
}

static void
descriptors(void)
{
	struct case_thread *thread[THREADS];
	int p[2], left = 0;

	rump_sys_pipe2(p, RUMP_O_NONBLOCK);
	for (int i = 0; i < THREADS; i++)
		thread[i] = case_thread(fight, p);
	for (int i = 0; i < THREADS; i++)
		case_join(thread[i]);
	for (int i = 0; i < NUMBERS; i++)
		rump_sys_close(FIRST + i);
	for (int fd = 0; fd < 64; fd++)
		left += rump_sys_fcntl(fd, RUMP_F_GETFD) != -1;
	say("unexpected %d, left %d", atomic_load(&unexpected), left);
}

struct watched {
	int kq;
	int pipe_ends[2];
};

static void
change_watches(void *arg)
{
	const struct watched *w = arg;
	struct rump_kevent kev;

	for (int i = 0; i < ROUNDS; i++) {
		static const uint32_t kinds[] = {0, RUMP_EV_CLEAR, RUMP_EV_ONESHOT, RUMP_EV_DISPATCH};

		memset(&kev, 0, sizeof(kev));
		kev.ident = (uint64_t)(FIRST + i % NUMBERS);
		kev.filter = RUMP_EVFILT_READ;
		kev.flags = RUMP_EV_ADD | kinds[i / NUMBERS % 4];
		expect(rump_sys_kevent(w->kq, &kev, 1, NULL, 0, NULL), "EBADF");
		if (i % 5 == 0) {
			kev.flags = RUMP_EV_DELETE;
			expect(rump_sys_kevent(w->kq, &kev, 1, NULL, 0, NULL), "EBADF ENOENT");
		}
	}
}

static void
change_files(void *arg)
{
	const struct watched *w = arg;
	char c = 0;

	for (int i = 0; i < ROUNDS; i++) {
		expect(rump_sys_dup2(w->pipe_ends[0], FIRST + i % NUMBERS), "EBUSY");
		expect(rump_sys_write(w->pipe_ends[1], &c, 1), "EAGAIN");
		if (i % 2 == 0)
			expect(rump_sys_read(w->pipe_ends[0], &c, 1), "EAGAIN");
		if (i % 3 == 0)
			expect(rump_sys_close(FIRST + (i + 1) % NUMBERS), "EBADF");
	}
}

static void
collect(void *arg)
{
	const struct rump_timespec at_once = {0, 0};
	const struct watched *w = arg;
	struct rump_kevent kev[8];

	for (int i = 0; i < ROUNDS; i++)
		expect(rump_sys_kevent(w->kq, NULL, 0, kev, 8, &at_once), "");
}

static void
events(void)
{
	struct watched w = {.kq = rump_sys_kqueue()};
	struct case_thread *thread[4];

	rump_sys_pipe2(w.pipe_ends, RUMP_O_NONBLOCK);
	thread[0] = case_thread(change_watches, &w);
	thread[1] = case_thread(change_files, &w);
	thread[2] = case_thread(collect, &w);
	thread[3] = case_thread(collect, &w);
	for (int i = 0; i < 4; i++)
		case_join(thread[i]);
	say("unexpected %d", atomic_load(&unexpected));
	ret("close", rump_sys_close(w.kq));
}

const struct testcase stress_cases[] = {
    {"stress_descriptors", descriptors},
    {"stress_events", events},
    {NULL, NULL},
};
