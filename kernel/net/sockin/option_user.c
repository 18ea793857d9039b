/* SPDX-License-Identifier: BSD-2-Clause */
/* Options, to the host's and back. */
#include "config.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <rump/rumpuser_component.h>
#include "kernel/net/sockin/user.h"

#ifndef IP_RECVORIGDSTADDR
#define IP_RECVORIGDSTADDR 20
#endif

/* What an option's value is. */
enum kind {
	INT,  /* the same on both sides */
	BYTE, /* read as a byte, set as a byte or an int; an int to the host */
	SAME, /* a structure or a text that is the same on both sides */
};

static const struct option {
	int level, name;
	int hostlevel, hostname;
	enum kind kind;
} options[] = {
    {RUMP_IPPROTO_TCP, RUMP_TCP_NODELAY, IPPROTO_TCP, TCP_NODELAY, INT},
    {RUMP_IPPROTO_TCP, RUMP_TCP_MAXSEG, IPPROTO_TCP, TCP_MAXSEG, INT},
    {RUMP_IPPROTO_TCP, RUMP_TCP_KEEPIDLE, IPPROTO_TCP, TCP_KEEPIDLE, INT},
    {RUMP_IPPROTO_TCP, RUMP_TCP_KEEPINTVL, IPPROTO_TCP, TCP_KEEPINTVL, INT},
    {RUMP_IPPROTO_TCP, RUMP_TCP_KEEPCNT, IPPROTO_TCP, TCP_KEEPCNT, INT},
    {RUMP_IPPROTO_TCP, RUMP_TCP_CONGCTL, IPPROTO_TCP, TCP_CONGESTION, SAME},
    {RUMP_IPPROTO_IP, RUMP_IP_TOS, IPPROTO_IP, IP_TOS, INT},
    {RUMP_IPPROTO_IP, RUMP_IP_TTL, IPPROTO_IP, IP_TTL, INT},
    {RUMP_IPPROTO_IP, RUMP_IP_MINTTL, IPPROTO_IP, IP_MINTTL, INT},
    {RUMP_IPPROTO_IP, RUMP_IP_RECVTTL, IPPROTO_IP, IP_RECVTTL, INT},
    {RUMP_IPPROTO_IP, RUMP_IP_RECVDSTADDR, IPPROTO_IP, IP_RECVORIGDSTADDR, INT},
    {RUMP_IPPROTO_IP, RUMP_IP_RECVPKTINFO, IPPROTO_IP, IP_PKTINFO, INT},
    {RUMP_IPPROTO_IP, RUMP_IP_MULTICAST_IF, IPPROTO_IP, IP_MULTICAST_IF, SAME},
    {RUMP_IPPROTO_IP, RUMP_IP_MULTICAST_TTL, IPPROTO_IP, IP_MULTICAST_TTL, BYTE},
    {RUMP_IPPROTO_IP, RUMP_IP_MULTICAST_LOOP, IPPROTO_IP, IP_MULTICAST_LOOP, BYTE},
    {RUMP_IPPROTO_IP, RUMP_IP_ADD_MEMBERSHIP, IPPROTO_IP, IP_ADD_MEMBERSHIP, SAME},
    {RUMP_IPPROTO_IP, RUMP_IP_DROP_MEMBERSHIP, IPPROTO_IP, IP_DROP_MEMBERSHIP, SAME},
    {RUMP_IPPROTO_IPV6, RUMP_IPV6_UNICAST_HOPS, IPPROTO_IPV6, IPV6_UNICAST_HOPS, INT},
    {RUMP_IPPROTO_IPV6, RUMP_IPV6_MULTICAST_IF, IPPROTO_IPV6, IPV6_MULTICAST_IF, INT},
    {RUMP_IPPROTO_IPV6, RUMP_IPV6_MULTICAST_HOPS, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, INT},
    {RUMP_IPPROTO_IPV6, RUMP_IPV6_MULTICAST_LOOP, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, INT},
    {RUMP_IPPROTO_IPV6, RUMP_IPV6_JOIN_GROUP, IPPROTO_IPV6, IPV6_JOIN_GROUP, SAME},
    {RUMP_IPPROTO_IPV6, RUMP_IPV6_LEAVE_GROUP, IPPROTO_IPV6, IPV6_LEAVE_GROUP, SAME},
    {RUMP_IPPROTO_IPV6, RUMP_IPV6_V6ONLY, IPPROTO_IPV6, IPV6_V6ONLY, INT},
    {RUMP_IPPROTO_IPV6, RUMP_IPV6_TCLASS, IPPROTO_IPV6, IPV6_TCLASS, INT},
    {RUMP_IPPROTO_IPV6, RUMP_IPV6_DONTFRAG, IPPROTO_IPV6, IPV6_DONTFRAG, INT},
    {RUMP_IPPROTO_IPV6, RUMP_IPV6_RECVPKTINFO, IPPROTO_IPV6, IPV6_RECVPKTINFO, INT},
    {RUMP_IPPROTO_IPV6, RUMP_IPV6_RECVHOPLIMIT, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, INT},
    {RUMP_IPPROTO_IPV6, RUMP_IPV6_RECVTCLASS, IPPROTO_IPV6, IPV6_RECVTCLASS, INT},
};

/* Of SOL_SOCKET, those that the host has to know of; the common half keeps their values. */
static const struct {
	int name, hostname;
} socket_options[] = {
    {RUMP_SO_REUSEADDR, SO_REUSEADDR},
    {RUMP_SO_REUSEPORT, SO_REUSEPORT},
    {RUMP_SO_KEEPALIVE, SO_KEEPALIVE},
    {RUMP_SO_DONTROUTE, SO_DONTROUTE},
    {RUMP_SO_BROADCAST, SO_BROADCAST},
    {RUMP_SO_OOBINLINE, SO_OOBINLINE},
    {RUMP_SO_TIMESTAMP, SO_TIMESTAMP},
    {RUMP_SO_SNDBUF, SO_SNDBUF},
    {RUMP_SO_RCVBUF, SO_RCVBUF},
    {RUMP_SO_RCVLOWAT, SO_RCVLOWAT},
};

static const struct option *
find(int level, int name)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (options[i].level == level && options[i].name == name)
			return &options[i];
	return NULL;
}

static int
answer(int result)
{
	return result == -1 ? rumpuser_component_errtrans(errno) : 0;
}

int
sockin_user_sockopt(int fd, int name, int64_t value)
{
	int number = (int)value;

	if (name == RUMP_SO_LINGER) {
		struct linger linger = {.l_onoff = value >= 0, .l_linger = value >= 0 ? number : 0};

		return answer(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	}
	for (size_t i = 0; i < sizeof(socket_options) / sizeof(*socket_options); i++)
		if (socket_options[i].name == name)
			return answer(
			    setsockopt(fd, SOL_SOCKET, socket_options[i].hostname, &number, sizeof(number)));
	return 0;
}

int
sockin_user_setopt(int fd, int level, int name, const void *buf, size_t len)
{
	const struct option *option = find(level, name);
	int number;

	if (option == NULL)
		return RUMP_ENOPROTOOPT;
	if (option->kind == BYTE && len == 1) {
		number = *(const uint8_t *)buf;
		buf = &number;
		len = sizeof(number);
	}
	if (option->kind != SAME && len != sizeof(number))
		return RUMP_EINVAL;
	return answer(setsockopt(fd, option->hostlevel, option->hostname, buf, (socklen_t)len));
}

int
sockin_user_getopt(int fd, int level, int name, void *buf, size_t *len)
{
	const struct option *option = find(level, name);
	socklen_t hostlen = (socklen_t)*len;
	int number;

	if (option == NULL)
		return RUMP_ENOPROTOOPT;
	if (option->kind == BYTE) {
		hostlen = sizeof(number);
		if (getsockopt(fd, option->hostlevel, option->hostname, &number, &hostlen) == -1)
			return rumpuser_component_errtrans(errno);
		*(uint8_t *)buf = (uint8_t)number;
		*len = 1;
		return 0;
	}
	if (getsockopt(fd, option->hostlevel, option->hostname, buf, &hostlen) == -1)
		return rumpuser_component_errtrans(errno);
	*len = hostlen;
	return 0;
}
