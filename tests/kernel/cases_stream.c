/* SPDX-License-Identifier: BSD-2-Clause */
/* Stream sockets of the Internet domain, over the loopback. */
#include <string.h>
#include "tests/kernel/case.h"
#include "tests/kernel/sockets.h"

static void
conversation(void)
{
	union address addr, peer;
	uint32_t len = sizeof(peer);
	int server = listener(RUMP_AF_INET, 0, &addr), client, conn;
	char buf[32] = {0};

	say_address("listening", &addr, addr.any.sa_len, NULL);
	client = rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_STREAM, 0);
	ret("connect", rump_sys_connect(client, &addr.any, sizeof(addr.in)));
	conn = (int)good("accept", rump_sys_accept(server, &peer.any, &len));
	say_address("from", &peer, len, NULL);
	len = sizeof(addr);
	ret("client's name", rump_sys_getsockname(client, &addr.any, &len));
	say_address("client", &addr, len, &peer);
	len = sizeof(addr);
	ret("server's peer", rump_sys_getpeername(conn, &addr.any, &len));
	say_address("peer", &addr, len, &peer);
	ret("write", rump_sys_write(client, "request", 7));
	ret("read", read_all(conn, buf, 7));
	say("[%s]", buf);
	ret("sendto", rump_sys_sendto(conn, "answer", 6, 0, NULL, 0));
	memset(buf, 0, sizeof(buf));
	ret("recv all", rump_sys_recvfrom(client, buf, 6, RUMP_MSG_WAITALL, NULL, NULL));
	say("[%s]", buf);
	ret("close", rump_sys_close(client));
	ret("end", rump_sys_read(conn, buf, sizeof(buf)));
	ret("end again", rump_sys_read(conn, buf, sizeof(buf)));
}

/* The first part and both pieces of the second: more than a client's calls move at once. */
#define PART (1024 * 1024 + 7)
#define STREAM (4 * PART)

static unsigned char
stream_byte(size_t at)
{
	return (unsigned char)(at * 13 + at / 251);
}

static void
stream_writer(void *arg)
{
	static unsigned char all[STREAM];
	struct rump_iovec iov[] = {{all + PART, PART + 5}, {all + 2 * PART + 5, 2 * PART - 5}};
	struct rump_msghdr message = {.msg_iov = iov, .msg_iovlen = 2};
	int fd = *(int *)arg;

	for (size_t i = 0; i < STREAM; i++)
		all[i] = stream_byte(i);
	ret("write all", rump_sys_write(fd, all, PART));
	ret("send all", rump_sys_sendmsg(fd, &message, 0));
	ret("shutdown", rump_sys_shutdown(fd, RUMP_SHUT_WR));
}

static void
stream_both_wait(void)
{
	static unsigned char buf[9001];
	struct case_thread *writer;
	size_t at = 0;
	ssize_t n;
	int fds[2];

	if (!connected(RUMP_AF_INET, fds))
		return;
	writer = case_thread(stream_writer, &fds[0]);
	while ((n = rump_sys_read(fds[1], buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++, at++)
			if (buf[i] != stream_byte(at)) {
				say("wrong byte at %zu", at);
				return;
			}
	case_join(writer);
	ret("end", n);
	say("read %zu", at);
}

static void
nonblocking(void)
{
	union address addr;
	int server = listener(RUMP_AF_INET, RUMP_SOCK_NONBLOCK, &addr), client, conn;
	static char big[65536];
	char c;

	ret("accept nothing", rump_sys_accept(server, NULL, NULL));
	client = rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_STREAM, 0);
	ret("connect", rump_sys_connect(client, &addr.any, sizeof(addr.in)));
	until(server, RUMP_POLLIN);
	conn = (int)good("accept", rump_sys_accept(server, NULL, NULL));
	ret("accepted is non-blocking too", rump_sys_fcntl(conn, RUMP_F_GETFL) & RUMP_O_NONBLOCK);
	ret("read nothing", rump_sys_read(conn, &c, 1));
	ret("dontwait", rump_sys_recvfrom(client, &c, 1, RUMP_MSG_DONTWAIT, NULL, NULL));
	while (rump_sys_write(conn, big, sizeof(big)) > 0)
		continue;
	say("full: %s", errno_name());
	ret("fcntl", rump_sys_fcntl(client, RUMP_F_SETFL, RUMP_O_NONBLOCK));
	while (poll_one(conn, RUMP_POLLOUT, 0) == 0 && poll_one(client, RUMP_POLLIN, 1000) > 0)
		while (rump_sys_read(client, big, sizeof(big)) > 0)
			continue;
	say("writable: %x", (unsigned)poll_one(conn, RUMP_POLLOUT, 0));
}

static void
nonblocking_connect(void)
{
	union address addr;
	int server = listener(RUMP_AF_INET, 0, &addr), client;

	client = rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_STREAM | RUMP_SOCK_NONBLOCK, 0);
	if (rump_sys_connect(client, &addr.any, sizeof(addr.in)) == -1 &&
	    strcmp(errno_name(), "EINPROGRESS") != 0)
		say("connect: %s", errno_name());
	until(client, RUMP_POLLOUT);
	get("error", client, RUMP_SOL_SOCKET, RUMP_SO_ERROR);
	ret("again", rump_sys_connect(client, &addr.any, sizeof(addr.in)));
	good("accept", rump_sys_accept(server, NULL, NULL));
	ret("write", rump_sys_write(client, "x", 1));
}

/* A socket with the error of a connection that was refused. */
static int
refused_later(const union address *addr)
{
	int client = rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_STREAM | RUMP_SOCK_NONBLOCK, 0);

	if (rump_sys_connect(client, &addr->any, sizeof(addr->in)) == -1 &&
	    strcmp(errno_name(), "EINPROGRESS") != 0)
		say("connect: %s", errno_name());
	until(client, RUMP_POLLIN | RUMP_POLLOUT);
	return client;
}

static void
refused(void)
{
	union address addr;
	int server = listener(RUMP_AF_INET, 0, &addr), client;
	uint32_t len = sizeof(addr);

	rump_sys_close(server);
	client = rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_STREAM, 0);
	ret("connect", rump_sys_connect(client, &addr.any, sizeof(addr.in)));
	ret("no peer", rump_sys_getpeername(client, &(union address){0}.any, &len));
	rump_sys_close(client);
	client = refused_later(&addr);
	get("error", client, RUMP_SOL_SOCKET, RUMP_SO_ERROR);
	get("taken", client, RUMP_SOL_SOCKET, RUMP_SO_ERROR);
}

/* Who looks at what there is to be read does not take the error from who will ask for it. */
static void
refused_seen(void)
{
	union address addr;
	int server = listener(RUMP_AF_INET, 0, &addr), client;
	char c;

	rump_sys_close(server);
	client = refused_later(&addr);
	ret("peek", rump_sys_recvfrom(client, &c, 1, RUMP_MSG_PEEK, NULL, NULL));
	get("error", client, RUMP_SOL_SOCKET, RUMP_SO_ERROR);
	ret("taken", rump_sys_recvfrom(client, &c, 1, RUMP_MSG_PEEK, NULL, NULL));
}

static void
shutdowns(void)
{
	char buf[8];
	int fds[2];

	if (!connected(RUMP_AF_INET, fds))
		return;
	rump_sys_write(fds[0], "last", 4);
	ret("shut writing", rump_sys_shutdown(fds[0], RUMP_SHUT_WR));
	ret("write", rump_sys_sendto(fds[0], "x", 1, RUMP_MSG_NOSIGNAL, NULL, 0));
	ret("peer reads", read_all(fds[1], buf, 8));
	ret("other direction", rump_sys_write(fds[1], "back", 4));
	ret("read", read_all(fds[0], buf, 4));
	ret("shut reading", rump_sys_shutdown(fds[0], RUMP_SHUT_RD));
	ret("read", rump_sys_read(fds[0], buf, 8));
	ret("how", rump_sys_shutdown(fds[1], 3));
	ret("shut both", rump_sys_shutdown(fds[1], RUMP_SHUT_RDWR));
	ret("read", rump_sys_read(fds[1], buf, 8));
	rump_sys_close(fds[0]);
	fds[0] = rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_STREAM, 0);
	ret("not connected", rump_sys_shutdown(fds[0], RUMP_SHUT_WR));
}

static void
wrong_uses(void)
{
	union address addr, other;
	int server = listener(RUMP_AF_INET, 0, &addr), fd;
	uint32_t len = sizeof(other);
	char c;

	fd = rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_STREAM, 0);
	ret("read", rump_sys_read(fd, &c, 1));
	ret("write", rump_sys_sendto(fd, "x", 1, RUMP_MSG_NOSIGNAL, NULL, 0));
	ret("peer", rump_sys_getpeername(fd, &other.any, &len));
	ret("accept without listening", rump_sys_accept(fd, NULL, NULL));
	ret("address in use", rump_sys_bind(fd, &addr.any, sizeof(addr.in)));
	ret("short address", rump_sys_bind(fd, &addr.any, sizeof(addr.in) - 1));
	addr.any.sa_family = RUMP_AF_INET6;
	ret("other family", rump_sys_bind(fd, &addr.any, sizeof(addr.in)));
	ret("connect to other family", rump_sys_connect(fd, &addr.any, sizeof(addr.in)));
	loopback(&addr, RUMP_AF_INET, 0);
	addr.in.sin_addr.s_addr = 0x01020304;
	ret("not ours", rump_sys_bind(fd, &addr.any, sizeof(addr.in)));
	loopback(&addr, RUMP_AF_INET, 0);
	ret("bind", rump_sys_bind(fd, &addr.any, sizeof(addr.in)));
	ret("bind twice", rump_sys_bind(fd, &addr.any, sizeof(addr.in)));
	ret("read from a listener", rump_sys_read(server, &c, 1));
	ret("connect a listener", rump_sys_connect(server, &addr.any, sizeof(addr.in)));
	ret("no such family", rump_sys_socket(200, RUMP_SOCK_STREAM, 0));
	ret("no such type", rump_sys_socket(RUMP_AF_INET, 77, 0));
	ret("another protocol's type", rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_STREAM, RUMP_IPPROTO_UDP));
	ret("no pairs", rump_sys_socketpair(RUMP_AF_INET, RUMP_SOCK_STREAM, 0, (int[2]){0}));
}

static void
options(void)
{
	int fd = rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_STREAM, 0);

	get("type", fd, RUMP_SOL_SOCKET, RUMP_SO_TYPE);
	get("accepting", fd, RUMP_SOL_SOCKET, RUMP_SO_ACCEPTCONN);
	get("reuse", fd, RUMP_SOL_SOCKET, RUMP_SO_REUSEADDR);
	ret("set", set(fd, RUMP_SOL_SOCKET, RUMP_SO_REUSEADDR, 1));
	get("reuse", fd, RUMP_SOL_SOCKET, RUMP_SO_REUSEADDR);
	ret("set", set(fd, RUMP_SOL_SOCKET, RUMP_SO_KEEPALIVE, 1));
	get("keepalive", fd, RUMP_SOL_SOCKET, RUMP_SO_KEEPALIVE);
	ret("set", set(fd, RUMP_SOL_SOCKET, RUMP_SO_SNDBUF, 20000));
	get("send buffer", fd, RUMP_SOL_SOCKET, RUMP_SO_SNDBUF);
	get("nodelay", fd, RUMP_IPPROTO_TCP, RUMP_TCP_NODELAY);
	ret("set", set(fd, RUMP_IPPROTO_TCP, RUMP_TCP_NODELAY, 1));
	get("nodelay", fd, RUMP_IPPROTO_TCP, RUMP_TCP_NODELAY);
	ret("set", set(fd, RUMP_IPPROTO_TCP, RUMP_TCP_KEEPIDLE, 100));
	get("keepidle", fd, RUMP_IPPROTO_TCP, RUMP_TCP_KEEPIDLE);
	ret("set", set(fd, RUMP_IPPROTO_IP, RUMP_IP_TTL, 17));
	get("ttl", fd, RUMP_IPPROTO_IP, RUMP_IP_TTL);
	get("unknown", fd, RUMP_SOL_SOCKET, 0x7777);
	get("unknown of TCP", fd, RUMP_IPPROTO_TCP, 0x7777);
	ret("set", set(fd, RUMP_IPPROTO_TCP, 0x7777, 1));
}

static void
urgent(void)
{
	int fds[2], at;
	char c = 0;

	if (!connected(RUMP_AF_INET, fds))
		return;
	ret("none", rump_sys_recvfrom(fds[1], &c, 1, RUMP_MSG_OOB, NULL, NULL));
	rump_sys_write(fds[0], "ab", 2);
	ret("send", rump_sys_sendto(fds[0], "!", 1, RUMP_MSG_OOB, NULL, 0));
	until(fds[1], RUMP_POLLPRI | RUMP_POLLIN);
	ret("receive", rump_sys_recvfrom(fds[1], &c, 1, RUMP_MSG_OOB, NULL, NULL));
	say("[%c]", c);
	ret("not at the mark", rump_sys_ioctl(fds[1], RUMP_SIOCATMARK, &at));
	say("%d", at);
	ret("read up to it", rump_sys_read(fds[1], (char[8]){0}, 8));
	ret("at the mark", rump_sys_ioctl(fds[1], RUMP_SIOCATMARK, &at));
	say("%d", at);
}

static void
messages(void)
{
	char a[4] = {0}, b[8] = {0};
	struct rump_iovec out[2] = {{(void *)(uintptr_t) "abc", 3}, {(void *)(uintptr_t) "defg", 4}};
	struct rump_iovec in[2] = {{a, 3}, {b, 8}};
	struct rump_msghdr msg = {.msg_iov = out, .msg_iovlen = 2};
	int fds[2];

	if (!connected(RUMP_AF_INET, fds))
		return;
	ret("sendmsg", rump_sys_sendmsg(fds[0], &msg, 0));
	until(fds[1], RUMP_POLLIN);
	msg = (struct rump_msghdr){.msg_iov = in, .msg_iovlen = 2};
	ret("peek", rump_sys_recvmsg(fds[1], &msg, RUMP_MSG_PEEK));
	say("[%s] [%s]", a, b);
	memset(b, 0, sizeof(b));
	ret("recvmsg", rump_sys_recvmsg(fds[1], &msg, 0));
	say("[%s] [%s] flags %x name %u", a, b, (unsigned)msg.msg_flags, msg.msg_namelen);
	ret("empty", rump_sys_recvmsg(fds[1], &msg, RUMP_MSG_DONTWAIT));
}

static void
reset(void)
{
	const struct rump_linger linger = {.l_onoff = 1, .l_linger = 0};
	char c;
	int fds[2];

	if (!connected(RUMP_AF_INET, fds))
		return;
	ret("linger", rump_sys_setsockopt(fds[0], RUMP_SOL_SOCKET, RUMP_SO_LINGER, &linger, sizeof(linger)));
	rump_sys_close(fds[0]);
	until(fds[1], RUMP_POLLIN);
	ret("read", rump_sys_read(fds[1], &c, 1));
	ret("once", rump_sys_read(fds[1], &c, 1));
	ret("write", rump_sys_sendto(fds[1], "x", 1, RUMP_MSG_NOSIGNAL, NULL, 0));
}

static void
waiting_reader(void *arg)
{
	char c;

	ret("read", rump_sys_read(*(int *)arg, &c, 1));
}

static void
shutdown_wakes(void)
{
	struct case_thread *reader;
	int fds[2];

	if (!connected(RUMP_AF_INET, fds))
		return;
	reader = case_thread(waiting_reader, &fds[0]);
	for (int i = 0; i < 100; i++)
		case_yield(&(int){0});
	rump_sys_shutdown(fds[0], RUMP_SHUT_RD);
	case_join(reader);
}

static void
receive_timeout(void)
{
	const struct rump_timeval tv = {.tv_sec = 0, .tv_usec = 20000};
	char c;
	int fds[2];

	if (!connected(RUMP_AF_INET, fds))
		return;
	ret("set", rump_sys_setsockopt(fds[0], RUMP_SOL_SOCKET, RUMP_SO_RCVTIMEO, &tv, sizeof(tv)));
	ret("read", rump_sys_read(fds[0], &c, 1));
}

static void
inet6_conversation(void)
{
	union address addr, peer;
	uint32_t len = sizeof(peer);
	int server = listener(RUMP_AF_INET6, 0, &addr), client, conn;
	char buf[8] = {0};

	say_address("listening", &addr, addr.any.sa_len, NULL);
	client = rump_sys_socket(RUMP_AF_INET6, RUMP_SOCK_STREAM, 0);
	get("for itself", client, RUMP_IPPROTO_IPV6, RUMP_IPV6_V6ONLY);
	ret("connect", rump_sys_connect(client, &addr.any, sizeof(addr.in6)));
	conn = (int)good("accept", rump_sys_accept(server, &peer.any, &len));
	say_address("from", &peer, len, NULL);
	ret("write", rump_sys_write(client, "request", 7));
	ret("read", read_all(conn, buf, 7));
	say("[%s]", buf);
	ret("short address", rump_sys_connect(client, &addr.any, sizeof(addr.in)));
}

const struct testcase stream_cases[] = {
    {"stream_conversation", conversation},
    {"stream_both_wait", stream_both_wait},
    {"stream_nonblocking", nonblocking},
    {"stream_nonblocking_connect", nonblocking_connect},
    {"stream_refused", refused},
    {"stream_refused_seen", refused_seen},
    {"stream_shutdowns", shutdowns},
    {"stream_wrong_uses", wrong_uses},
    {"stream_options", options},
    {"stream_urgent", urgent},
    {"stream_messages", messages},
    {"stream_reset", reset},
    {"stream_shutdown_wakes", shutdown_wakes},
    {"stream_receive_timeout", receive_timeout},
    {"stream_inet6", inet6_conversation},
    {NULL, NULL},
};
