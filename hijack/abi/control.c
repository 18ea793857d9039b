/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/abi/control.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <rump/rumpdefs.h>

/* NetBSD's struct in_pktinfo. */
struct netbsd_pktinfo {
	struct in_addr addr;
	uint32_t ifindex;
};

/* Those of IPv6 have the same data. */
static const struct {
	int host;
	int netbsd;
} ip6[] = {
    {IPV6_PKTINFO, RUMP_IPV6_PKTINFO}, {IPV6_HOPLIMIT, RUMP_IPV6_HOPLIMIT}, {IPV6_TCLASS, RUMP_IPV6_TCLASS}};
#define IP6 (sizeof(ip6) / sizeof(ip6[0]))

long
hijack_abi_control(int *level, int *type, void *to, const void *from, size_t length)
{
	struct in_pktinfo host;
	struct netbsd_pktinfo netbsd;

	if (*level == IPPROTO_IP && *type == IP_PKTINFO && length == sizeof(host)) {
		memcpy(&host, from, sizeof(host));
		netbsd = (struct netbsd_pktinfo){host.ipi_spec_dst, (uint32_t)host.ipi_ifindex};
		memcpy(to, &netbsd, sizeof(netbsd));
		*level = RUMP_IPPROTO_IP;
		*type = RUMP_IP_PKTINFO;
		return sizeof(netbsd);
	}
	for (size_t i = 0; *level == IPPROTO_IPV6 && i < IP6; i++) {
		if (ip6[i].host != *type)
			continue;
		memcpy(to, from, length);
		*level = RUMP_IPPROTO_IPV6;
		*type = ip6[i].netbsd;
		return (long)length;
	}
	return -EINVAL;
}

static long
ip_back(int *type, void *to, const void *from, size_t length)
{
	struct netbsd_pktinfo netbsd;
	struct in_pktinfo host = {0};
	int ttl;

	if (*type == RUMP_IP_RECVTTL && length >= 1) {
		ttl = *(const uint8_t *)from;
		memcpy(to, &ttl, sizeof(ttl));
		*type = IP_TTL;
		return sizeof(ttl);
	}
	if (*type != RUMP_IP_PKTINFO || length != sizeof(netbsd))
		return -EINVAL;
	memcpy(&netbsd, from, sizeof(netbsd));
	host.ipi_ifindex = (int)netbsd.ifindex;
	host.ipi_addr = host.ipi_spec_dst = netbsd.addr;
	memcpy(to, &host, sizeof(host));
	*type = IP_PKTINFO;
	return sizeof(host);
}

long
hijack_abi_control_back(int *level, int *type, void *to, const void *from, size_t length)
{
	struct rump_timeval netbsd;
	struct timeval host;

	if (*level == RUMP_SOL_SOCKET && *type == RUMP_SCM_TIMESTAMP && length >= sizeof(netbsd)) {
		memcpy(&netbsd, from, sizeof(netbsd));
		host = (struct timeval){netbsd.tv_sec, netbsd.tv_usec};
		memcpy(to, &host, sizeof(host));
		*level = SOL_SOCKET;
		*type = SCM_TIMESTAMP;
		return sizeof(host);
	}
	if (*level == RUMP_IPPROTO_IP) {
		*level = IPPROTO_IP;
		return ip_back(type, to, from, length);
	}
	for (size_t i = 0; *level == RUMP_IPPROTO_IPV6 && i < IP6; i++) {
		if (ip6[i].netbsd != *type)
			continue;
		memcpy(to, from, length);
		*level = IPPROTO_IPV6;
		*type = ip6[i].host;
		return (long)length;
	}
	return -EINVAL;
}
