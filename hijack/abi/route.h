/* SPDX-License-Identifier: BSD-2-Clause */
/* Routes: what Linux asks for by ioctl, NetBSD by messages on a socket of the domain AF_ROUTE. */
#ifndef HIJACK_ABI_ROUTE_H
#define HIJACK_ABI_ROUTE_H

#include <net/route.h>
#include <stddef.h>
#include <stdint.h>

#include <rump/rumpdefs.h>

/* The header, and room for destination, gateway and mask. */
struct hijack_route_message {
	struct rump_rt_msghdr header;
	struct rump_sockaddr_in address[3];
};

/*
 * Makes the message that adds the route or deletes it. through: an address of the interface's, for routes
 * without a gateway. Returns its length, or -EINVAL for routes that are not IPv4's or make no sense,
 * -EOPNOTSUPP for flags that there are none like.
 */
int hijack_abi_route(struct hijack_route_message *to, const struct rtentry *from, int type, uint32_t through);

#endif
