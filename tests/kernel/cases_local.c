/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets of the local domain: pairs, and names in the file system. */
#include <string.h>
#include "tests/kernel/case.h"
#include "tests/kernel/sockets.h"

static uint32_t
named(union address *addr, const char *path)
{
	memset(addr, 0, sizeof(*addr));
	addr->un.sun_len = (uint8_t)(2 + strlen(path));
	addr->un.sun_family = RUMP_AF_LOCAL;
	memcpy(addr->un.sun_path, path, strlen(path));
	return addr->un.sun_len;
}

static long
bind_to(int fd, const char *path)
{
	union address addr;
	uint32_t len = named(&addr, path);

	return rump_sys_bind(fd, &addr.any, len);
}

static long
connect_to(int fd, const char *path)
{
	union address addr;
	uint32_t len = named(&addr, path);

	return rump_sys_connect(fd, &addr.any, len);
}

static void
say_name(const char *what, const union address *addr, uint32_t len)
{
	say("%s: len %u of %u family %u [%.*s]", what, addr->un.sun_len, len, addr->un.sun_family,
	    len > 2 ? (int)len - 2 : 0, addr->un.sun_path);
}

static int
local_socket(int type)
{
	return rump_sys_socket(RUMP_AF_LOCAL, type, 0);
}

static void
pair_stream(void)
{
	char buf[16] = {0};
	int s[2];

	ret("socketpair", rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, s));
	ret("write", rump_sys_write(s[0], "hello", 5));
	ret("write", rump_sys_write(s[0], " there", 6));
	ret("peek", rump_sys_recvfrom(s[1], buf, 7, RUMP_MSG_PEEK, NULL, NULL));
	say("[%s]", buf);
	ret("read", rump_sys_read(s[1], buf, 3));
	ret("read the rest", rump_sys_read(s[1], buf, sizeof(buf)));
	say("[%s]", buf);
	ret("other direction", rump_sys_write(s[1], "x", 1));
	ret("read", rump_sys_read(s[0], buf, sizeof(buf)));
	ret("nothing", rump_sys_recvfrom(s[0], buf, 1, RUMP_MSG_DONTWAIT, NULL, NULL));
	ret("no bytes of nothing", rump_sys_read(s[0], buf, 0));
	rump_sys_write(s[1], "last", 4);
	ret("close", rump_sys_close(s[1]));
	ret("what was there", rump_sys_read(s[0], buf, sizeof(buf)));
	ret("end", rump_sys_read(s[0], buf, sizeof(buf)));
	ret("write", rump_sys_sendto(s[0], "x", 1, RUMP_MSG_NOSIGNAL, NULL, 0));
	ret("out of band", rump_sys_sendto(s[0], "x", 1, RUMP_MSG_OOB | RUMP_MSG_NOSIGNAL, NULL, 0));
}

static void
named_stream(void)
{
	union address addr;
	uint32_t len = sizeof(addr);
	int server = local_socket(RUMP_SOCK_STREAM), client = local_socket(RUMP_SOCK_STREAM), conn;
	struct rump_stat st;
	char buf[8] = {0};

	ret("name", rump_sys_getsockname(server, &addr.any, &len));
	say_name("none", &addr, len);
	ret("listen unbound", rump_sys_listen(server, 2));
	ret("bind", bind_to(server, "name"));
	ret("stat", rump_sys_stat("name", &st));
	say("type %o mode %o", st.st_mode & RUMP_S_IFMT, st.st_mode & 0777);
	ret("not listening", connect_to(client, "name"));
	ret("listen", rump_sys_listen(server, 2));
	ret("connect", connect_to(client, "name"));
	ret("write before accept", rump_sys_write(client, "early", 5));
	len = sizeof(addr);
	conn = (int)good("accept", rump_sys_accept(server, &addr.any, &len));
	say_name("client", &addr, len);
	len = sizeof(addr);
	ret("peer", rump_sys_getpeername(client, &addr.any, &len));
	say_name("peer", &addr, len);
	len = sizeof(addr);
	ret("own name", rump_sys_getsockname(conn, &addr.any, &len));
	say_name("accepted", &addr, len);
	ret("read", rump_sys_read(conn, buf, sizeof(buf)));
	say("[%s]", buf);
	ret("again", connect_to(client, "name"));
	rump_sys_close(server);
	ret("still connected", rump_sys_write(conn, "x", 1));
	client = local_socket(RUMP_SOCK_STREAM);
	ret("nobody", connect_to(client, "name"));
	ret("open", rump_sys_open("name", RUMP_O_RDWR, 0));
	ret("unlink", rump_sys_unlink("name"));
	ret("no name", connect_to(client, "name"));
}

static void
wrong_names(void)
{
	int fd = local_socket(RUMP_SOCK_STREAM), other = local_socket(RUMP_SOCK_DGRAM);

	ret("bind", bind_to(fd, "name"));
	ret("twice", bind_to(fd, "other"));
	ret("taken", bind_to(other, "name"));
	ret("no directory", bind_to(other, "none/name"));
	ret("empty", bind_to(other, ""));
	rump_sys_close((int)good("file", rump_sys_open("file", RUMP_O_CREAT | RUMP_O_RDWR, 0600)));
	ret("through a file", bind_to(other, "file/name"));
	ret("to a file", connect_to(other, "file"));
	rump_sys_mkdir("dir", 0755);
	ret("to a directory", connect_to(other, "dir"));
	ret("over a directory", bind_to(other, "dir"));
	ret("wrong type", connect_to(other, "name"));
	ret("pair of another type", rump_sys_socketpair(RUMP_AF_LOCAL, 77, 0, (int[2]){0}));
	ret("another protocol", rump_sys_socket(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 6));
	ret("slash", bind_to(other, "new/"));
}

static void
datagrams(void)
{
	union address to, from;
	uint32_t tolen = named(&to, "there"), len = sizeof(from);
	int a = local_socket(RUMP_SOCK_DGRAM), b = local_socket(RUMP_SOCK_DGRAM);
	char buf[8] = {0};

	ret("to none", rump_sys_sendto(a, "x", 1, 0, &to.any, tolen));
	ret("bind", bind_to(b, "there"));
	ret("send", rump_sys_sendto(a, "one", 3, 0, &to.any, tolen));
	ret("receive", rump_sys_recvfrom(b, buf, sizeof(buf), 0, &from.any, &len));
	say_name("from one without", &from, len);
	ret("bind", bind_to(a, "here"));
	ret("send", rump_sys_sendto(a, "two", 3, 0, &to.any, tolen));
	rump_sys_sendto(a, "three", 5, 0, &to.any, tolen);
	len = sizeof(from);
	ret("receive", rump_sys_recvfrom(b, buf, sizeof(buf), 0, &from.any, &len));
	say_name("from", &from, len);
	ret("truncated", rump_sys_recvfrom(b, buf, 2, 0, NULL, NULL));
	ret("nothing", rump_sys_recvfrom(b, buf, 2, RUMP_MSG_DONTWAIT, NULL, NULL));
	ret("connect", connect_to(a, "there"));
	ret("write", rump_sys_write(a, "four", 4));
	ret("elsewhere", rump_sys_sendto(a, "x", 1, 0, &to.any, tolen));
	ret("read", rump_sys_read(b, buf, sizeof(buf)));
	rump_sys_close(b);
	ret("peer has gone", rump_sys_write(a, "x", 1));
	ret("and now", rump_sys_write(a, "x", 1));
}

static void
pair_datagram(void)
{
	char buf[8];
	int s[2];

	ret("socketpair", rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_DGRAM, 0, s));
	rump_sys_write(s[0], "ab", 2);
	rump_sys_write(s[0], "", 0);
	rump_sys_write(s[0], "cde", 3);
	ret("first", rump_sys_read(s[1], buf, sizeof(buf)));
	ret("empty", rump_sys_read(s[1], buf, sizeof(buf)));
	ret("third", rump_sys_read(s[1], buf, sizeof(buf)));
	rump_sys_close(s[0]);
	ret("gone", rump_sys_read(s[1], buf, sizeof(buf)));
}

static void
pair_seqpacket(void)
{
	char buf[8];
	int s[2];

	ret("socketpair", rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_SEQPACKET, 0, s));
	rump_sys_write(s[0], "ab", 2);
	rump_sys_write(s[0], "cdefg", 5);
	rump_sys_write(s[0], "h", 1);
	ret("first", rump_sys_read(s[1], buf, sizeof(buf)));
	ret("truncated", rump_sys_read(s[1], buf, 2));
	ret("third", rump_sys_read(s[1], buf, sizeof(buf)));
	rump_sys_close(s[0]);
	ret("end", rump_sys_read(s[1], buf, sizeof(buf)));
	ret("write", rump_sys_sendto(s[1], "x", 1, RUMP_MSG_NOSIGNAL, NULL, 0));
}

#define STREAM (512 * 1024)

static void
long_writer(void *arg)
{
	static unsigned char all[STREAM];
	int fd = *(int *)arg;

	for (size_t i = 0; i < STREAM; i++)
		all[i] = (unsigned char)(i * 7 + i / 253);
	ret("write all", rump_sys_write(fd, all, STREAM));
	ret("shutdown", rump_sys_shutdown(fd, RUMP_SHUT_WR));
}

static void
stream_both_wait(void)
{
	static unsigned char buf[5003];
	struct case_thread *writer;
	size_t at = 0;
	ssize_t n;
	int s[2];

	rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, s);
	writer = case_thread(long_writer, &s[0]);
	while ((n = rump_sys_read(s[1], buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++, at++)
			if (buf[i] != (unsigned char)(at * 7 + at / 253)) {
				say("wrong byte at %zu", at);
				return;
			}
	case_join(writer);
	ret("end", n);
	say("read %zu", at);
}

static void
packet_writer(void *arg)
{
	static char packet[1000];
	int fd = *(int *)arg, calls = 0;
	ssize_t n;

	for (int i = 0; i < 300; i++) {
		/* NetBSD 7.99.34 has this for a packet that there is no room for now. */
		do
			n = rump_sys_write(fd, packet, (size_t)(700 + i));
		while (n == -1 && strcmp(errno_name(), "EMSGSIZE") == 0 && case_yield(&calls));
		if (n != 700 + i)
			say("short packet");
	}
	rump_sys_close(fd);
}

static void
packets_both_wait(void)
{
	static char buf[2000];
	struct case_thread *writer;
	int s[2], right = 0;
	ssize_t n;

	rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_SEQPACKET, 0, s);
	writer = case_thread(packet_writer, &s[0]);
	while ((n = rump_sys_read(s[1], buf, sizeof(buf))) > 0)
		right += n == 700 + right;
	case_join(writer);
	say("right: %d", right);
}

static void
readiness(void)
{
	const int all = RUMP_POLLIN | RUMP_POLLOUT;
	int server = local_socket(RUMP_SOCK_STREAM), client = local_socket(RUMP_SOCK_STREAM), conn;
	static char big[65536];

	say("fresh: %x", (unsigned)poll_one(client, all, 0));
	bind_to(server, "name");
	rump_sys_listen(server, 1);
	say("listening: %x", (unsigned)poll_one(server, all, 0));
	connect_to(client, "name");
	say("to accept: %x", (unsigned)poll_one(server, all, 0));
	conn = rump_sys_accept(server, NULL, NULL);
	say("accepted: %x", (unsigned)poll_one(server, all, 0));
	say("connected: %x", (unsigned)poll_one(client, all, 0));
	rump_sys_fcntl(client, RUMP_F_SETFL, RUMP_O_NONBLOCK);
	while (rump_sys_write(client, big, sizeof(big)) > 0)
		continue;
	say("full: %x", (unsigned)poll_one(client, all, 0));
	say("readable: %x", (unsigned)poll_one(conn, RUMP_POLLIN, 0));
	rump_sys_fcntl(conn, RUMP_F_SETFL, RUMP_O_NONBLOCK);
	while (rump_sys_read(conn, big, sizeof(big)) > 0)
		continue;
	say("empty: %x", (unsigned)poll_one(client, all, 0));
	rump_sys_shutdown(conn, RUMP_SHUT_WR);
	say("peer has ended: %x", (unsigned)poll_one(client, all, 0));
	rump_sys_close(conn);
	say("peer has gone: %x", (unsigned)poll_one(client, all, 0));
}

static void
backlog(void)
{
	int server = local_socket(RUMP_SOCK_STREAM), made = 0, fd;

	bind_to(server, "name");
	rump_sys_listen(server, 4);
	while (made < 100 && connect_to(fd = local_socket(RUMP_SOCK_STREAM), "name") == 0)
		made++;
	say("%d, then %s", made, errno_name());
	good("accept", rump_sys_accept(server, NULL, NULL));
	ret("one more", connect_to(fd, "name"));
	rump_sys_close(server);
	ret("dropped", rump_sys_read(fd, (char[1]){0}, 1));
}

static void
shutdowns(void)
{
	char buf[8];
	int s[2];

	rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, s);
	rump_sys_write(s[0], "abc", 3);
	ret("shut writing", rump_sys_shutdown(s[0], RUMP_SHUT_WR));
	ret("write", rump_sys_sendto(s[0], "x", 1, RUMP_MSG_NOSIGNAL, NULL, 0));
	ret("peer reads", rump_sys_read(s[1], buf, sizeof(buf)));
	ret("end", rump_sys_read(s[1], buf, sizeof(buf)));
	ret("peer writes", rump_sys_write(s[1], "y", 1));
	ret("read", rump_sys_read(s[0], buf, sizeof(buf)));
	rump_sys_write(s[1], "z", 1);
	ret("shut reading", rump_sys_shutdown(s[0], RUMP_SHUT_RD));
	ret("read", rump_sys_read(s[0], buf, sizeof(buf)));
	ret("peer writes what is not read", rump_sys_sendto(s[1], "q", 1, RUMP_MSG_NOSIGNAL, NULL, 0));
}

static void
waiting_reader(void *arg)
{
	char c;

	ret("read", rump_sys_read(*(int *)arg, &c, 1));
}

static void
close_wakes(void)
{
	struct case_thread *reader;
	int s[2];

	rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, s);
	reader = case_thread(waiting_reader, &s[0]);
	for (int i = 0; i < 100; i++)
		case_yield(&(int){0});
	rump_sys_close(s[1]);
	case_join(reader);
}

static void
identities(void)
{
	int server = local_socket(RUMP_SOCK_STREAM), client = local_socket(RUMP_SOCK_STREAM), conn, s[2];
	struct rump_unpcbid id;
	uint32_t len = sizeof(id);

	bind_to(server, "name");
	rump_sys_listen(server, 1);
	ret("listening", rump_sys_getsockopt(server, 0, RUMP_LOCAL_PEEREID, &id, &len));
	connect_to(client, "name");
	conn = rump_sys_accept(server, NULL, NULL);
	ret("client", rump_sys_getsockopt(client, 0, RUMP_LOCAL_PEEREID, &id, &len));
	say("%u bytes, pid %s, %u %u", len, id.unp_pid == rump_sys_getpid() ? "right" : "wrong", id.unp_euid,
	    id.unp_egid);
	ret("server", rump_sys_getsockopt(conn, 0, RUMP_LOCAL_PEEREID, &id, &len));
	say("%u bytes, pid %s, %u %u", len, id.unp_pid == rump_sys_getpid() ? "right" : "wrong", id.unp_euid,
	    id.unp_egid);
	rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, s);
	ret("pair", rump_sys_getsockopt(s[0], 0, RUMP_LOCAL_PEEREID, &id, &len));
	ret("unknown", rump_sys_getsockopt(s[0], 0, 77, &id, &len));
	get("wanted", s[0], 0, RUMP_LOCAL_CREDS);
	get("type", s[0], RUMP_SOL_SOCKET, RUMP_SO_TYPE);
}

static void
accepting(void *arg)
{
	good("accept", rump_sys_accept(*(int *)arg, NULL, NULL));
}

static void
connect_waits(void)
{
	int server = local_socket(RUMP_SOCK_STREAM),
	    client = local_socket(RUMP_SOCK_STREAM | RUMP_SOCK_NONBLOCK);
	struct case_thread *thread;
	long connected;

	bind_to(server, "name");
	rump_sys_listen(server, 2);
	ret("set", set(client, 0, RUMP_LOCAL_CONNWAIT, 1));
	ret("connect", connect_to(client, "name"));
	say("not yet: %x", (unsigned)poll_one(client, RUMP_POLLOUT, 0));
	ret("again", connect_to(client, "name"));
	good("accept", rump_sys_accept(server, NULL, NULL));
	say("now: %x", (unsigned)poll_one(client, RUMP_POLLOUT, 0));
	client = local_socket(RUMP_SOCK_STREAM);
	set(client, 0, RUMP_LOCAL_CONNWAIT, 1);
	thread = case_thread(accepting, &server);
	connected = connect_to(client, "name");
	case_join(thread);
	say("waits: %ld", connected);
}

const struct testcase local_cases[] = {
    {"local_pair_stream", pair_stream},
    {"local_named_stream", named_stream},
    {"local_wrong_names", wrong_names},
    {"local_datagrams", datagrams},
    {"local_pair_datagram", pair_datagram},
    {"local_pair_seqpacket", pair_seqpacket},
    {"local_stream_both_wait", stream_both_wait},
    {"local_packets_both_wait", packets_both_wait},
    {"local_readiness", readiness},
    {"local_backlog", backlog},
    {"local_shutdowns", shutdowns},
    {"local_close_wakes", close_wakes},
    {"local_identities", identities},
    {"local_connect_waits", connect_waits},
    {NULL, NULL},
};
