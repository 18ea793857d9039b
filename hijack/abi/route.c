/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/abi/route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

/* Its address in the network's order, of the family wanted; unspecified ones are 0.0.0.0. */
static int
read_address(const struct sockaddr *from, uint32_t *address)
{
	struct sockaddr_in in;

	memcpy(&in, from, sizeof(in));
	if (in.sin_family != AF_INET && in.sin_family != AF_UNSPEC)
		return -EINVAL;
	*address = in.sin_family == AF_INET ? in.sin_addr.s_addr : 0;
	return 0;
}

static void
append(struct hijack_route_message *to, size_t *count, int which, uint32_t address)
{
	to->address[(*count)++] = (struct rump_sockaddr_in){.sin_len = sizeof(struct rump_sockaddr_in),
	    .sin_family = RUMP_AF_INET,
	    .sin_addr = {.s_addr = address}};
	to->header.rtm_addrs |= which;
}

int
hijack_abi_route(struct hijack_route_message *to, const struct rtentry *from, int type, uint32_t through)
{
	uint32_t destination, gateway, mask;
	size_t count = 0;
	bool is_host = from->rt_flags & RTF_HOST;

	if (read_address(&from->rt_dst, &destination) != 0 ||
	    read_address(&from->rt_gateway, &gateway) != 0 || read_address(&from->rt_genmask, &mask) != 0)
		return -EINVAL;
	if (is_host)
		mask = UINT32_MAX;
	if (~ntohl(mask) & (~ntohl(mask) + 1) || destination & ~mask)
		return -EINVAL;
	if (from->rt_flags & RTF_GATEWAY && gateway == 0)
		return -EINVAL;
	if (from->rt_flags & ~(RTF_UP | RTF_GATEWAY | RTF_HOST | RTF_REJECT))
		return -EOPNOTSUPP;
	memset(to, 0, sizeof(*to));
	to->header.rtm_version = RUMP_RTM_VERSION;
	to->header.rtm_type = (uint8_t)type;
	to->header.rtm_seq = 1;
	to->header.rtm_flags = RUMP_RTF_UP | RUMP_RTF_STATIC | (is_host ? RUMP_RTF_HOST : 0);
	/* A route that refuses leads to the loopback interface in NetBSD. */
	if (from->rt_flags & RTF_REJECT) {
		to->header.rtm_flags |= RUMP_RTF_REJECT;
		gateway = htonl(INADDR_LOOPBACK);
	}
	if (from->rt_flags & (RTF_GATEWAY | RTF_REJECT))
		to->header.rtm_flags |= RUMP_RTF_GATEWAY;
	else
		gateway = through;
	append(to, &count, RUMP_RTA_DST, destination);
	if (gateway != 0)
		append(to, &count, RUMP_RTA_GATEWAY, gateway);
	if (!is_host)
		append(to, &count, RUMP_RTA_NETMASK, mask);
	to->header.rtm_msglen = (uint16_t)(sizeof(to->header) + count * sizeof(to->address[0]));
	return to->header.rtm_msglen;
}
