/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests about network interfaces. */
#ifndef HIJACK_INTERFACE_H
#define HIJACK_INTERFACE_H

#include <linux/sockios.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether a request may be of that kind: a quick look. */
static inline bool
hijack_interface_concerns(unsigned int request)
{
	return request >= SIOCGIFNAME && request <= SIOCSIFMAP;
}

/* NetBSD's request on a descriptor of the rump kernel's. An interface that is not there is -ENODEV. */
long hijack_interface_perform(int rump, unsigned int request, void *argument);

/* All addresses of all interfaces, to be freed. Returns 0 or -errno. */
struct hijack_interface_list {
	struct rump_ifreq *entries;
	size_t count;
};
long hijack_interface_list(int rump, struct hijack_interface_list *list);

/* What Linux has in /proc/net/dev, in a new descriptor of the host's. -ENOTTY: the host's list is the right
 * one, since the rump kernel has no interfaces of its own. */
long hijack_interface_devices(bool close_on_exec);

/* SIOCGIFCONF, whose argument is the program's; SIOCGIFNAME and SIOCGIFHWADDR. */
struct ifreq;
long hijack_interface_addresses(int rump, uint64_t argument);
long hijack_interface_find(int rump, unsigned int request, struct ifreq *ifr);

/* SIOCADDRT and SIOCDELRT, asked of that descriptor. */
long hijack_route_request(int rump, unsigned int request, uint64_t argument);

#endif
