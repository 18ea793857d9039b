/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/kernel/case.h"
#include <string.h>

static void
poll_one(const char *what, int fd, int events)
{
	struct rump_pollfd pfd = {.fd = fd, .events = (int16_t)events};
	int n = rump_sys_poll(&pfd, 1, 0);

	ret(what, n);
	say("  revents %x", (unsigned)pfd.revents);
}

static void
pipes(void)
{
	static char big[16384];
	int all = RUMP_POLLIN | RUMP_POLLRDNORM | RUMP_POLLOUT | RUMP_POLLWRNORM | RUMP_POLLPRI, p[2];

	rump_sys_pipe2(p, RUMP_O_NOSIGPIPE);
	poll_one("empty, read end", p[0], all);
	poll_one("empty, write end", p[1], all);
	rump_sys_write(p[1], "x", 1);
	poll_one("data, read end", p[0], all);
	poll_one("data, nothing asked", p[0], 0);
	rump_sys_write(p[1], big, sizeof(big) - 1);
	poll_one("full, write end", p[1], all);
	rump_sys_close(p[1]);
	poll_one("writer gone, data left", p[0], all);
	rump_sys_read(p[0], big, sizeof(big));
	poll_one("writer gone", p[0], all);
	rump_sys_close(p[0]);
	rump_sys_pipe2(p, RUMP_O_NOSIGPIPE);
	rump_sys_close(p[0]);
	poll_one("reader gone", p[1], all);
}

static void
others(void)
{
	int kq = rump_sys_kqueue();

	poll_one("closed", 77, RUMP_POLLIN);
	poll_one("negative", -5, RUMP_POLLIN);
	poll_one("console", 1, RUMP_POLLIN | RUMP_POLLOUT);
	poll_one("kqueue", kq, RUMP_POLLIN | RUMP_POLLOUT);
	ret("none", rump_sys_poll(NULL, 0, 0));
	ret("nowhere", rump_sys_poll(NULL, 1, 0));
}

static void
several(void)
{
	struct rump_pollfd pfd[3];
	int p[2];

	rump_sys_pipe(p);
	rump_sys_write(p[1], "x", 1);
	pfd[0] = (struct rump_pollfd){p[0], RUMP_POLLIN, 0};
	pfd[1] = (struct rump_pollfd){88, RUMP_POLLIN, 0};
	pfd[2] = (struct rump_pollfd){p[1], RUMP_POLLOUT, 0};
	ret("all three", rump_sys_poll(pfd, 3, -1));
	say("%x %x %x", (unsigned)pfd[0].revents, (unsigned)pfd[1].revents, (unsigned)pfd[2].revents);
}

static void
timeouts(void)
{
	struct rump_pollfd pfd;
	int p[2];

	rump_sys_pipe(p);
	pfd = (struct rump_pollfd){p[0], RUMP_POLLIN, 0x77};
	ret("poll", rump_sys_poll(&pfd, 1, 5));
	say("%x", (unsigned)pfd.revents);
	ret("pollts", rump_sys_pollts(&pfd, 1, &(struct rump_timespec){0, 5000000}, NULL));
	ret("pollts, bad time", rump_sys_pollts(&pfd, 1, &(struct rump_timespec){0, -1}, NULL));
	ret("select", rump_sys_select(0, NULL, NULL, NULL, &(struct rump_timeval){0, 5000}));
	ret("select, bad time", rump_sys_select(0, NULL, NULL, NULL, &(struct rump_timeval){0, 1000000}));
	ret("pselect", rump_sys_pselect(0, NULL, NULL, NULL, &(struct rump_timespec){0, 5000000}, NULL));
}

static void
writes_later(void *arg)
{
	rump_sys_nanosleep(&(struct rump_timespec){0, 20000000}, NULL);
	rump_sys_write(*(int *)arg, "x", 1);
}

static void
waits(void)
{
	struct rump_pollfd pfd[2];
	struct case_thread *writer;
	int p[2], q[2];

	rump_sys_pipe(p);
	rump_sys_pipe(q);
	pfd[0] = (struct rump_pollfd){p[0], RUMP_POLLIN, 0};
	pfd[1] = (struct rump_pollfd){q[0], RUMP_POLLIN, 0};
	writer = case_thread(writes_later, &q[1]);
	ret("woken", rump_sys_poll(pfd, 2, -1));
	say("%x %x", (unsigned)pfd[0].revents, (unsigned)pfd[1].revents);
	case_join(writer);
}

static void
closes_later(void *arg)
{
	rump_sys_nanosleep(&(struct rump_timespec){0, 20000000}, NULL);
	rump_sys_close(*(int *)arg);
}

static void
hangup_wakes(void)
{
	struct rump_pollfd pfd;
	struct case_thread *closer;
	int p[2];

	rump_sys_pipe(p);
	pfd = (struct rump_pollfd){p[0], 0, 0};
	closer = case_thread(closes_later, &p[1]);
	ret("woken", rump_sys_poll(&pfd, 1, 3000));
	say("%x", (unsigned)pfd.revents);
	case_join(closer);
}

static void
show_sets(const char *what, int n, const fd_set *in, const fd_set *out, int fd0, int fd1)
{
	ret(what, n);
	say("  in %d %d out %d %d", FD_ISSET(fd0, in) != 0, FD_ISSET(fd1, in) != 0, FD_ISSET(fd0, out) != 0,
	    FD_ISSET(fd1, out) != 0);
}

static void
select_pipes(void)
{
	struct rump_timeval now = {0, 0};
	fd_set in, out, ex;
	int p[2];

	rump_sys_pipe(p);
	for (int round = 0; round < 2; round++) {
		FD_ZERO(&in);
		FD_ZERO(&out);
		FD_ZERO(&ex);
		FD_SET(p[0], &in);
		FD_SET(p[1], &in);
		FD_SET(p[1], &out);
		FD_SET(p[0], &ex);
		show_sets(round == 0 ? "empty" : "data", rump_sys_select(p[1] + 1, &in, &out, &ex, &now), &in,
		    &out, p[0], p[1]);
		say("  ex %d", FD_ISSET(p[0], &ex) != 0);
		rump_sys_write(p[1], "x", 1);
	}
	FD_ZERO(&in);
	FD_SET(12, &in);
	ret("closed", rump_sys_select(13, &in, NULL, NULL, &now));
	FD_ZERO(&in);
	FD_SET(p[0], &in);
	ret("not looked at", rump_sys_select(p[0], &in, NULL, NULL, &now));
	say("  in %d", FD_ISSET(p[0], &in) != 0);
	ret("negative", rump_sys_select(-1, &in, NULL, NULL, &now));
	FD_SET(p[0], &in);
	ret("no timeout", rump_sys_select(p[0] + 1, &in, NULL, NULL, NULL));
}

const struct testcase poll_cases[] = {
    {"poll_pipes", pipes},
    {"poll_others", others},
    {"poll_several", several},
    {"poll_timeouts", timeouts},
    {"poll_waits", waits},
    {"poll_hangup_wakes", hangup_wakes},
    {"select_pipes", select_pipes},
    {NULL, NULL},
};
