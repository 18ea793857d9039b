/* SPDX-License-Identifier: BSD-2-Clause */
/* What poll and kqueue say of sockets. */
#include <string.h>
#include "tests/kernel/case.h"
#include "tests/kernel/sockets.h"

#define MANY 500
#define PATIENCE 20

static void
watch(int kq, int fd, uint32_t filter, uint32_t flags)
{
	struct rump_kevent kev = {
	    .ident = (uint64_t)fd, .filter = filter, .flags = RUMP_EV_ADD | flags, .udata = fd};

	if (rump_sys_kevent(kq, &kev, 1, NULL, 0, NULL) != 0)
		say("no watch: %s", errno_name());
}

/* Waits for one event; *kev is what came. */
static bool
next(int kq, struct rump_kevent *kev)
{
	const struct rump_timespec limit = {.tv_sec = PATIENCE};

	memset(kev, 0, sizeof(*kev));
	return rump_sys_kevent(kq, NULL, 0, kev, 1, &limit) == 1;
}

static void
say_next(const char *what, int kq)
{
	struct rump_kevent kev;

	if (!next(kq, &kev))
		say("%s: nothing", what);
	else
		say("%s: filter %u flags %x fflags %x data %lld", what, kev.filter, kev.flags, kev.fflags,
		    (long long)kev.data);
}

static void
say_nothing(const char *what, int kq)
{
	const struct rump_timespec at_once = {0};
	struct rump_kevent kev;

	ret(what, rump_sys_kevent(kq, NULL, 0, &kev, 1, &at_once));
}

static void
kqueue_stream(void)
{
	union address addr;
	int kq = rump_sys_kqueue(), server = listener(RUMP_AF_INET, 0, &addr), client, conn;

	watch(kq, server, RUMP_EVFILT_READ, 0);
	say_nothing("nobody yet", kq);
	client = rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_STREAM, 0);
	ret("connect", rump_sys_connect(client, &addr.any, sizeof(addr.in)));
	say_next("to accept", kq);
	conn = (int)good("accept", rump_sys_accept(server, NULL, NULL));
	say_nothing("accepted", kq);
	rump_sys_close(server);
	watch(kq, conn, RUMP_EVFILT_READ, 0);
	say_nothing("no data", kq);
	rump_sys_write(client, "abcde", 5);
	say_next("data", kq);
	read_all(conn, (char[8]){0}, 5);
	say_nothing("read", kq);
	rump_sys_shutdown(client, RUMP_SHUT_WR);
	say_next("end", kq);
}

static void
kqueue_write(void)
{
	const struct rump_timespec moment = {.tv_nsec = 10000000};
	static char big[65536];
	struct rump_kevent kev;
	int kq = rump_sys_kqueue(), fds[2];

	if (!connected(RUMP_AF_INET, fds))
		return;
	rump_sys_fcntl(fds[0], RUMP_F_SETFL, RUMP_O_NONBLOCK);
	rump_sys_fcntl(fds[1], RUMP_F_SETFL, RUMP_O_NONBLOCK);
	watch(kq, fds[0], RUMP_EVFILT_WRITE, 0);
	say("room: %d", next(kq, &kev) && kev.filter == RUMP_EVFILT_WRITE && kev.data > 0);
	while (rump_sys_write(fds[0], big, sizeof(big)) > 0)
		continue;
	say_nothing("full", kq);
	for (int i = 0; i < 2000 && rump_sys_kevent(kq, NULL, 0, &kev, 1, &moment) == 0; i++)
		while (rump_sys_read(fds[1], big, sizeof(big)) > 0)
			continue;
	say("room again: %d", next(kq, &kev) && kev.filter == RUMP_EVFILT_WRITE && kev.data > 0);
}

static void
poll_states(void)
{
	union address addr;
	const int all = RUMP_POLLIN | RUMP_POLLOUT | RUMP_POLLRDNORM | RUMP_POLLWRNORM | RUMP_POLLPRI;
	int server = listener(RUMP_AF_INET, 0, &addr), fresh, fds[2];

	fresh = rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_STREAM, 0);
	say("fresh: %x", (unsigned)poll_one(fresh, all, 0));
	say("listening: %x", (unsigned)poll_one(server, all, 0));
	rump_sys_connect(fresh, &addr.any, sizeof(addr.in));
	say("connected: %x", (unsigned)poll_one(fresh, all, 0));
	until(server, RUMP_POLLIN);
	say("pending: %x", (unsigned)poll_one(server, all, 0));
	if (!connected(RUMP_AF_INET, fds))
		return;
	rump_sys_write(fds[0], "x", 1);
	until(fds[1], RUMP_POLLIN);
	say("data: %x", (unsigned)poll_one(fds[1], all, 0));
	read_all(fds[1], (char[2]){0}, 1);
	say("none: %x", (unsigned)poll_one(fds[1], all, 0));
	rump_sys_shutdown(fds[0], RUMP_SHUT_WR);
	until(fds[1], RUMP_POLLIN);
	say("peer has ended: %x", (unsigned)poll_one(fds[1], all, 0));
}

static void
poll_datagram(void)
{
	union address addr;
	const int all = RUMP_POLLIN | RUMP_POLLOUT;
	int fd = rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_DGRAM, 0), other;
	uint32_t len = sizeof(addr);

	say("fresh: %x", (unsigned)poll_one(fd, all, 0));
	loopback(&addr, RUMP_AF_INET, 0);
	rump_sys_bind(fd, &addr.any, sizeof(addr.in));
	rump_sys_getsockname(fd, &addr.any, &len);
	other = rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_DGRAM, 0);
	rump_sys_sendto(other, "x", 1, 0, &addr.any, sizeof(addr.in));
	until(fd, RUMP_POLLIN);
	say("datagram: %x", (unsigned)poll_one(fd, all, 0));
}

/* A byte on one of a thousand sockets, in turn: each is told of, and no other. */
static void
kqueue_many(void)
{
	const struct rump_rlimit enough = {.rlim_cur = 2 * MANY + 16, .rlim_max = 2 * MANY + 16};
	static int fds[MANY][2];
	struct rump_kevent kev;
	int kq = rump_sys_kqueue(), right = 0;

	ret("limit", rump_sys_setrlimit(RUMP_RLIMIT_NOFILE, &enough));
	for (int i = 0; i < MANY; i++) {
		if (!connected(RUMP_AF_INET, fds[i]))
			return;
		watch(kq, fds[i][0], RUMP_EVFILT_READ, 0);
		watch(kq, fds[i][1], RUMP_EVFILT_READ, 0);
	}
	for (int i = 0; i < MANY; i++) {
		int at = i * 7 % MANY;

		rump_sys_write(fds[at][0], "x", 1);
		right += next(kq, &kev) && kev.udata == fds[at][1] && kev.data == 1;
		read_all(fds[at][1], (char[1]){0}, 1);
	}
	say("right: %d", right);
	say_nothing("none left", kq);
}

static void
closed_while_watched(void)
{
	int kq = rump_sys_kqueue(), fds[2], other[2];

	if (!connected(RUMP_AF_INET, fds) || !connected(RUMP_AF_INET, other))
		return;
	watch(kq, fds[0], RUMP_EVFILT_READ, 0);
	watch(kq, other[0], RUMP_EVFILT_READ, 0);
	rump_sys_close(fds[0]);
	rump_sys_write(fds[1], "x", 1);
	say_nothing("gone", kq);
	rump_sys_write(other[1], "xy", 2);
	say_next("the other", kq);
}

const struct testcase readiness_cases[] = {
    {"readiness_kqueue_stream", kqueue_stream},
    {"readiness_kqueue_write", kqueue_write},
    {"readiness_poll_states", poll_states},
    {"readiness_poll_datagram", poll_datagram},
    {"readiness_kqueue_many", kqueue_many},
    {"readiness_closed_while_watched", closed_while_watched},
    {NULL, NULL},
};
