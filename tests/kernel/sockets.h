/* SPDX-License-Identifier: BSD-2-Clause */
/* What the cases on sockets share. */
#ifndef TESTS_KERNEL_SOCKETS_H
#define TESTS_KERNEL_SOCKETS_H

#include <rump/rump_syscalls.h>
#include <stdbool.h>
#include <stdint.h>

/* The loopback address of a family, with that port (host order). */
union address {
	struct rump_sockaddr any;
	struct rump_sockaddr_in in;
	struct rump_sockaddr_in6 in6;
	struct rump_sockaddr_un un;
	uint8_t room[256];
};
void loopback(union address *addr, int family, int port);

/* A listening stream socket on the loopback address, and where; -1 with a line said. */
int listener(int family, int flags, union address *addr);

/* A connected pair over it: fds[0] has connected to fds[1]'s end. */
bool connected(int family, int fds[2]);

/* poll(2) for some events of one descriptor; milliseconds as there. The events that hold, -1. */
int poll_one(int fd, int events, int timeout);

/* Waits until the events hold; says so when they do not come. */
void until(int fd, int events);

/* Reads until so much has come or the end has. */
long read_all(int fd, void *buf, size_t len);

/* int options. */
long set(int fd, int level, int name, int value);
long get(const char *what, int fd, int level, int name);

/* "what: family 2 length 16 loopback port same": port as that of other, when there is one. */
void say_address(const char *what, const union address *addr, uint32_t len, const union address *other);

#endif
