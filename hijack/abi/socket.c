/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/abi/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "abi/pairs.h"

#define COUNT(pairs) (sizeof(pairs) / sizeof((pairs)[0]))

static const struct abi_pair domains[] = {{AF_UNSPEC, RUMP_AF_UNSPEC}, {AF_UNIX, RUMP_AF_LOCAL},
    {AF_INET, RUMP_AF_INET}, {AF_INET6, RUMP_AF_INET6}};

/* NetBSD heeds MSG_DONTWAIT in receiving alone; sending has a flag of its own. */
static const struct abi_pair message_flags[] = {{MSG_OOB, RUMP_MSG_OOB}, {MSG_PEEK, RUMP_MSG_PEEK},
    {MSG_DONTROUTE, RUMP_MSG_DONTROUTE}, {MSG_EOR, RUMP_MSG_EOR}, {MSG_TRUNC, RUMP_MSG_TRUNC},
    {MSG_CTRUNC, RUMP_MSG_CTRUNC}, {MSG_WAITALL, RUMP_MSG_WAITALL},
    {MSG_DONTWAIT, RUMP_MSG_DONTWAIT | RUMP_MSG_NBIO}, {MSG_NOSIGNAL, RUMP_MSG_NOSIGNAL},
    {MSG_CMSG_CLOEXEC, RUMP_MSG_CMSG_CLOEXEC}};

static const struct abi_pair socket_options[] = {{SO_DEBUG, RUMP_SO_DEBUG}, {SO_REUSEADDR, RUMP_SO_REUSEADDR},
    {SO_TYPE, RUMP_SO_TYPE}, {SO_ERROR, RUMP_SO_ERROR}, {SO_DONTROUTE, RUMP_SO_DONTROUTE},
    {SO_BROADCAST, RUMP_SO_BROADCAST}, {SO_SNDBUF, RUMP_SO_SNDBUF}, {SO_RCVBUF, RUMP_SO_RCVBUF},
    {SO_KEEPALIVE, RUMP_SO_KEEPALIVE}, {SO_OOBINLINE, RUMP_SO_OOBINLINE}, {SO_LINGER, RUMP_SO_LINGER},
    {SO_REUSEPORT, RUMP_SO_REUSEPORT}, {SO_RCVLOWAT, RUMP_SO_RCVLOWAT}, {SO_SNDLOWAT, RUMP_SO_SNDLOWAT},
    {SO_RCVTIMEO, RUMP_SO_RCVTIMEO}, {SO_SNDTIMEO, RUMP_SO_SNDTIMEO}, {SO_TIMESTAMP, RUMP_SO_TIMESTAMP},
    {SO_ACCEPTCONN, RUMP_SO_ACCEPTCONN}};

static const struct abi_pair ip_options[] = {{IP_TOS, RUMP_IP_TOS}, {IP_TTL, RUMP_IP_TTL},
    {IP_HDRINCL, RUMP_IP_HDRINCL}, {IP_OPTIONS, RUMP_IP_OPTIONS}, {IP_RECVTTL, RUMP_IP_RECVTTL},
    {IP_PKTINFO, RUMP_IP_RECVPKTINFO}, {IP_MULTICAST_IF, RUMP_IP_MULTICAST_IF},
    {IP_MULTICAST_TTL, RUMP_IP_MULTICAST_TTL}, {IP_MULTICAST_LOOP, RUMP_IP_MULTICAST_LOOP},
    {IP_ADD_MEMBERSHIP, RUMP_IP_ADD_MEMBERSHIP}, {IP_DROP_MEMBERSHIP, RUMP_IP_DROP_MEMBERSHIP}};

static const struct abi_pair ip6_options[] = {{IPV6_V6ONLY, RUMP_IPV6_V6ONLY},
    {IPV6_UNICAST_HOPS, RUMP_IPV6_UNICAST_HOPS}, {IPV6_MULTICAST_IF, RUMP_IPV6_MULTICAST_IF},
    {IPV6_MULTICAST_HOPS, RUMP_IPV6_MULTICAST_HOPS}, {IPV6_MULTICAST_LOOP, RUMP_IPV6_MULTICAST_LOOP},
    {IPV6_JOIN_GROUP, RUMP_IPV6_JOIN_GROUP}, {IPV6_LEAVE_GROUP, RUMP_IPV6_LEAVE_GROUP},
    {IPV6_RECVPKTINFO, RUMP_IPV6_RECVPKTINFO}, {IPV6_RECVHOPLIMIT, RUMP_IPV6_RECVHOPLIMIT},
    {IPV6_RECVTCLASS, RUMP_IPV6_RECVTCLASS}, {IPV6_TCLASS, RUMP_IPV6_TCLASS}};

static const struct abi_pair tcp_options[] = {{TCP_NODELAY, RUMP_TCP_NODELAY}, {TCP_MAXSEG, RUMP_TCP_MAXSEG},
    {TCP_KEEPIDLE, RUMP_TCP_KEEPIDLE}, {TCP_KEEPINTVL, RUMP_TCP_KEEPINTVL}, {TCP_KEEPCNT, RUMP_TCP_KEEPCNT}};

static const struct {
	struct abi_pair level;
	const struct abi_pair *options;
	size_t count;
} levels[] = {{{SOL_SOCKET, RUMP_SOL_SOCKET}, socket_options, COUNT(socket_options)},
    {{IPPROTO_IP, RUMP_IPPROTO_IP}, ip_options, COUNT(ip_options)},
    {{IPPROTO_IPV6, RUMP_IPPROTO_IPV6}, ip6_options, COUNT(ip6_options)},
    {{IPPROTO_TCP, RUMP_IPPROTO_TCP}, tcp_options, COUNT(tcp_options)}};

static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct rump_sockaddr_in, sin_port) &&
		  offsetof(struct sockaddr_in6, sin6_addr) == offsetof(struct rump_sockaddr_in6, sin6_addr) &&
		  offsetof(struct sockaddr_un, sun_path) == offsetof(struct rump_sockaddr_un, sun_path) &&
		  sizeof(struct sockaddr_in6) == sizeof(struct rump_sockaddr_in6),
    "only the first two bytes of an address differ");

int
hijack_abi_domain(int domain)
{
	return abi_pairs_to_netbsd(ABI_PAIRS(domains), domain, -1);
}

int
hijack_abi_domain_back(int domain)
{
	return abi_pairs_to_host(ABI_PAIRS(domains), domain, domain);
}

int
hijack_abi_address(union hijack_address *to, const union hijack_address *from, uint32_t size)
{
	int domain;

	if (size < sizeof(sa_family_t))
		return -EINVAL;
	domain = hijack_abi_domain(from->host.ss_family);
	if (domain < 0)
		return -EAFNOSUPPORT;
	memset(to, 0, sizeof(*to));
	memcpy(to, from, size < sizeof(*to) ? size : sizeof(*to));
	if (domain == RUMP_AF_INET && size >= sizeof(to->netbsd_in))
		size = sizeof(to->netbsd_in);
	else if (domain == RUMP_AF_INET6 && size >= sizeof(to->netbsd_in6))
		size = sizeof(to->netbsd_in6);
	else if (domain == RUMP_AF_LOCAL && size > sizeof(to->netbsd_un))
		return -ENAMETOOLONG;
	to->netbsd.sa_len = (uint8_t)size;
	to->netbsd.sa_family = (uint8_t)domain;
	return (int)size;
}

int
hijack_abi_address_back(union hijack_address *to, const union hijack_address *from, uint32_t size)
{
	if (size > sizeof(*to))
		size = sizeof(*to);
	memcpy(to, from, size);
	if (size >= 2)
		to->host.ss_family = (sa_family_t)hijack_abi_domain_back(from->netbsd.sa_family);
	return (int)size;
}

int
hijack_abi_message_flags(int flags)
{
	int result = 0;

	for (size_t i = 0; i < COUNT(message_flags); i++) {
		if (flags & message_flags[i].host)
			result |= message_flags[i].netbsd;
		flags &= ~message_flags[i].host;
	}
	/* Hints only. */
	flags &= ~(MSG_MORE | MSG_CONFIRM | MSG_WAITFORONE);
	return flags == 0 ? result : -EOPNOTSUPP;
}

int
hijack_abi_message_flags_back(int flags)
{
	return abi_pairs_flags_to_host(ABI_PAIRS(message_flags), flags);
}

bool
hijack_abi_option(int *level, int *name)
{
	for (size_t i = 0; i < COUNT(levels); i++) {
		if (levels[i].level.host != *level)
			continue;
		for (size_t n = 0; n < levels[i].count; n++) {
			if (levels[i].options[n].host == *name) {
				*level = levels[i].level.netbsd;
				*name = levels[i].options[n].netbsd;
				return true;
			}
		}
	}
	return false;
}
