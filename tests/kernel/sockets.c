/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/kernel/sockets.h"
#include <arpa/inet.h>
#include <string.h>
#include "tests/kernel/case.h"

#define PATIENCE 20000

void
loopback(union address *addr, int family, int port)
{
	memset(addr, 0, sizeof(*addr));
	addr->any.sa_family = (uint8_t)family;
	if (family == RUMP_AF_INET6) {
		addr->any.sa_len = sizeof(addr->in6);
		addr->in6.sin6_port = htons((uint16_t)port);
		addr->in6.sin6_addr[15] = 1;
	} else {
		addr->any.sa_len = sizeof(addr->in);
		addr->in.sin_port = htons((uint16_t)port);
		addr->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	}
}

int
listener(int family, int flags, union address *addr)
{
	int fd = rump_sys_socket(family, RUMP_SOCK_STREAM | flags, 0);
	uint32_t len = sizeof(*addr);

	loopback(addr, family, 0);
	if (fd == -1 || rump_sys_bind(fd, &addr->any, addr->any.sa_len) != 0 || rump_sys_listen(fd, 5) != 0 ||
	    rump_sys_getsockname(fd, &addr->any, &len) != 0) {
		say("no listener: %s", errno_name());
		return -1;
	}
	return fd;
}

bool
connected(int family, int fds[2])
{
	union address addr;
	int server = listener(family, 0, &addr);

	fds[0] = rump_sys_socket(family, RUMP_SOCK_STREAM, 0);
	if (server == -1 || rump_sys_connect(fds[0], &addr.any, addr.any.sa_len) != 0) {
		say("no connection: %s", errno_name());
		return false;
	}
	fds[1] = rump_sys_accept(server, NULL, NULL);
	rump_sys_close(server);
	if (fds[1] == -1)
		say("nothing to accept: %s", errno_name());
	return fds[1] != -1;
}

int
poll_one(int fd, int events, int timeout)
{
	struct rump_pollfd pfd = {.fd = fd, .events = (int16_t)events};

	return rump_sys_poll(&pfd, 1, timeout) == -1 ? -1 : (uint16_t)pfd.revents;
}

void
until(int fd, int events)
{
	/* One after the other: any of them ends a poll. */
	for (int event = 1; event <= events; event <<= 1) {
		int got = (events & event) == 0 ? event : poll_one(fd, event, PATIENCE);

		if ((got & event) == 0)
			say("waited in vain for %x: %x", (unsigned)event, (unsigned)got);
	}
}

long
read_all(int fd, void *buf, size_t len)
{
	size_t at = 0;

	while (at < len) {
		ssize_t n = rump_sys_read(fd, (char *)buf + at, len - at);

		if (n == -1)
			return -1;
		if (n == 0)
			break;
		at += (size_t)n;
	}
	return (long)at;
}

long
set(int fd, int level, int name, int value)
{
	return rump_sys_setsockopt(fd, level, name, &value, sizeof(value));
}

long
get(const char *what, int fd, int level, int name)
{
	int value = -1;
	uint32_t len = sizeof(value);

	if (rump_sys_getsockopt(fd, level, name, &value, &len) == -1)
		return ret(what, -1);
	say("%s: %d, %u bytes", what, value, len);
	return value;
}

void
say_address(const char *what, const union address *addr, uint32_t len, const union address *other)
{
	union address expected;
	bool same = other == NULL || other->in.sin_port == addr->in.sin_port;

	loopback(&expected, addr->any.sa_family, ntohs(addr->in.sin_port));
	say("%s: family %u length %u of %u, %s, port %s", what, addr->any.sa_family, addr->any.sa_len, len,
	    memcmp(&expected, addr, addr->any.sa_len) == 0 ? "loopback" : "another address",
	    addr->in.sin_port == 0 ? "zero"
	    : other == NULL        ? "some"
	    : same                 ? "same"
				   : "other");
}
