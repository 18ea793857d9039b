/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors and credentials in messages. */
#include <string.h>
#include "tests/kernel/case.h"
#include "tests/kernel/sockets.h"

#define HEADER 16

/* Sends some bytes with descriptors. */
static long
send_fds(int to, const void *data, size_t len, const int *fds, int n)
{
	_Alignas(8) uint8_t control[256] = {0};
	struct rump_cmsghdr header = {.cmsg_len = (uint32_t)(HEADER + (size_t)n * sizeof(int)),
	    .cmsg_level = RUMP_SOL_SOCKET,
	    .cmsg_type = RUMP_SCM_RIGHTS};
	struct rump_iovec iov = {(void *)(uintptr_t)data, len};
	struct rump_msghdr msg = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = header.cmsg_len};

	memcpy(control, &header, sizeof(header));
	memcpy(control + HEADER, fds, (size_t)n * sizeof(int));
	return rump_sys_sendmsg(to, &msg, RUMP_MSG_NOSIGNAL);
}

/* Receives bytes and descriptors: how many of these came. */
static int
receive_fds(const char *what, int from, size_t room, int *fds, int flags)
{
	_Alignas(8) uint8_t control[256] = {0};
	char data[16] = {0};
	struct rump_cmsghdr header = {0};
	struct rump_iovec iov = {data, sizeof(data)};
	struct rump_msghdr msg = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = (uint32_t)room};
	int n = 0;

	ret(what, rump_sys_recvmsg(from, &msg, flags));
	if (msg.msg_controllen >= sizeof(header))
		memcpy(&header, control, sizeof(header));
	if (header.cmsg_len >= HEADER)
		n = (int)((header.cmsg_len - HEADER) / sizeof(int));
	memcpy(fds, control + HEADER, (size_t)n * sizeof(int));
	say("  [%s] %d descriptors, flags %x", data, n, (unsigned)msg.msg_flags);
	return n;
}

static void
pass(void)
{
	char c = 0;
	int s[2], p[2], got[8];

	rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, s);
	rump_sys_pipe(p);
	ret("send", send_fds(s[0], "both", 4, p, 2));
	rump_sys_close(p[0]);
	rump_sys_close(p[1]);
	if (receive_fds("receive", s[1], 64, got, 0) != 2)
		return;
	say("cloexec %d", rump_sys_fcntl(got[0], RUMP_F_GETFD));
	ret("write", rump_sys_write(got[1], "!", 1));
	ret("read", rump_sys_read(got[0], &c, 1));
	say("[%c]", c);
	send_fds(s[0], "x", 1, got, 1);
	receive_fds("close on exec", s[1], 64, got, RUMP_MSG_CMSG_CLOEXEC);
	say("cloexec %d", rump_sys_fcntl(got[0], RUMP_F_GETFD));
	ret("bad descriptor", send_fds(s[0], "x", 1, (int[]){999}, 1));
	receive_fds("nothing of it", s[1], 64, got, RUMP_MSG_DONTWAIT);
}

/* Data without descriptors, with, and without again: each apart, or with what comes before. */
static void
borders(void)
{
	int s[2], p[2], got[8];

	rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, s);
	rump_sys_pipe(p);
	rump_sys_write(s[0], "before", 6);
	send_fds(s[0], "with", 4, p, 1);
	send_fds(s[0], "too", 3, p, 2);
	receive_fds("first", s[1], 64, got, 0);
	receive_fds("second", s[1], 64, got, 0);
	receive_fds("third", s[1], 64, got, 0);
}

/* The write end of a pipe is passed, and lost on the way: the reader sees the end. */
static void
lost(void)
{
	char c;
	int s[2], p[2];

	rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, s);
	rump_sys_pipe2(p, RUMP_O_NONBLOCK);
	send_fds(s[0], "x", 1, &p[1], 1);
	rump_sys_close(p[1]);
	ret("not wanted", rump_sys_read(s[1], &c, 1));
	ret("end", rump_sys_read(p[0], &c, 1));
	rump_sys_pipe(p);
	send_fds(s[0], "x", 1, &p[1], 1);
	rump_sys_close(p[1]);
	rump_sys_close(s[1]);
	until(p[0], RUMP_POLLIN);
	ret("end", rump_sys_read(p[0], &c, 1));
}

static void
datagram_rights(void)
{
	int s[2], p[2], got[8];
	char c;

	rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_DGRAM, 0, s);
	rump_sys_pipe2(p, RUMP_O_NONBLOCK);
	ret("send", send_fds(s[0], "x", 1, &p[1], 1));
	ret("send", send_fds(s[0], "y", 1, &p[1], 1));
	rump_sys_close(p[1]);
	receive_fds("receive", s[1], 64, got, 0);
	rump_sys_close(got[0]);
	ret("read alone", rump_sys_read(s[1], &c, 1));
	ret("end", rump_sys_read(p[0], &c, 1));
}

/* Two sockets, each in the other's queue with the write end of a pipe, and closed. */
static void
cycle(void)
{
	int s[2], p[2];
	char c;

	rump_sys_pipe(p);
	rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, s);
	ret("send", send_fds(s[0], "x", 1, (int[]){s[0], p[1]}, 2));
	ret("send", send_fds(s[1], "y", 1, (int[]){s[1], p[1]}, 2));
	rump_sys_close(s[0]);
	rump_sys_close(s[1]);
	rump_sys_close(p[1]);
	/* Sockets that come and go have what has become unreachable looked for. */
	rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, s);
	ret("send", send_fds(s[0], "x", 1, (int[]){s[0]}, 1));
	rump_sys_close(s[0]);
	rump_sys_close(s[1]);
	until(p[0], RUMP_POLLIN);
	ret("end", rump_sys_read(p[0], &c, 1));
}

/* What lies in the queue of one that can still be received from is not collected. */
static void
reachable(void)
{
	int outer[2], inner[2], p[2], got[8];
	char c;

	rump_sys_pipe(p);
	rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, outer);
	rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, inner);
	send_fds(inner[0], "in", 2, &p[1], 1);
	send_fds(inner[1], "self", 4, inner, 2);
	send_fds(outer[0], "out", 3, inner, 2);
	rump_sys_close(inner[0]);
	rump_sys_close(inner[1]);
	rump_sys_close(p[1]);
	rump_sys_close(rump_sys_socket(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0));
	if (receive_fds("inner ones", outer[1], 64, got, 0) != 2)
		return;
	if (receive_fds("in it", got[1], 64, got, 0) != 1)
		return;
	ret("write", rump_sys_write(got[0], "!", 1));
	ret("read", rump_sys_read(p[0], &c, 1));
}

#define DEEP 2000

/* A long chain of sockets in each other's queues goes with its first. */
static void
chain(void)
{
	int s[2], next[2], p[2];
	char c;

	rump_sys_pipe(p);
	rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, s);
	send_fds(s[0], "x", 1, &p[1], 1);
	rump_sys_close(p[1]);
	for (int i = 0; i < DEEP; i++) {
		rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, next);
		if (send_fds(next[0], "x", 1, s, 2) != 1)
			say("not sent: %s", errno_name());
		rump_sys_close(s[0]);
		rump_sys_close(s[1]);
		memcpy(s, next, sizeof(s));
	}
	rump_sys_close(s[0]);
	rump_sys_close(s[1]);
	until(p[0], RUMP_POLLIN);
	ret("end", rump_sys_read(p[0], &c, 1));
}

static void
credentials_of(const char *what, int from)
{
	_Alignas(8) uint8_t control[128] = {0};
	struct rump_cmsghdr header = {0};
	struct rump_sockcred cred;
	char data[4];
	struct rump_iovec iov = {data, sizeof(data)};
	struct rump_msghdr msg = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};

	ret(what, rump_sys_recvmsg(from, &msg, 0));
	if (msg.msg_controllen < sizeof(header)) {
		say("  none");
		return;
	}
	memcpy(&header, control, sizeof(header));
	memcpy(&cred, control + HEADER, sizeof(cred));
	say("  level %x type %d pid %s uid %u euid %u gid %u", (unsigned)header.cmsg_level, header.cmsg_type,
	    cred.sc_pid == rump_sys_getpid() ? "right" : "wrong", cred.sc_uid, cred.sc_euid, cred.sc_gid);
}

static void
credentials(void)
{
	_Alignas(8) uint8_t control[64] = {0};
	struct rump_cmsghdr header = {
	    .cmsg_len = 44, .cmsg_level = RUMP_SOL_SOCKET, .cmsg_type = RUMP_SCM_CREDS};
	struct rump_iovec iov = {(void *)(uintptr_t) "x", 1};
	struct rump_msghdr msg = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = 44};
	int s[2], d[2];

	rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, s);
	rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_DGRAM, 0, d);
	ret("want", set(s[1], 0, RUMP_LOCAL_CREDS, 1));
	ret("want", set(d[1], 0, RUMP_LOCAL_CREDS, 1));
	for (int i = 0; i < 2; i++) {
		rump_sys_write(s[0], "x", 1);
		rump_sys_write(d[0], "x", 1);
		credentials_of("stream", s[1]);
		credentials_of("datagram", d[1]);
	}
	memcpy(control, &header, sizeof(header));
	ret("forged", rump_sys_sendmsg(s[0], &msg, 0));
}

const struct testcase rights_cases[] = {
    {"rights_pass", pass},
    {"rights_borders", borders},
    {"rights_lost", lost},
    {"rights_datagram", datagram_rights},
    {"rights_cycle", cycle},
    {"rights_reachable", reachable},
    {"rights_chain", chain},
    {"rights_credentials", credentials},
    {NULL, NULL},
};
