/* SPDX-License-Identifier: BSD-2-Clause */
/* Routes are added and deleted by a message of their own, on a socket that is made for it. */
#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>

#include "hijack/abi/route.h"
#include "hijack/copy.h"
#include "hijack/interface.h"
#include "hijack/rump.h"

/* An address of the interface that the program names. */
static long
address_of(int rump, uint64_t name, uint32_t *address)
{
	struct rump_ifreq ifr = {0};
	struct rump_sockaddr_in in;
	ssize_t length;
	long error;

	if (name == 0)
		return -ENODEV;
	length = hijack_copyinstr(ifr.ifrn_name, name, sizeof(ifr.ifrn_name));
	if (length < 0)
		return length == -ENAMETOOLONG ? -ENODEV : length;
	error = hijack_interface_perform(rump, RUMP_SIOCGIFADDR, &ifr);
	memcpy(&in, &ifr.ifru_addr, sizeof(in));
	*address = in.sin_addr.s_addr;
	return error;
}

long
hijack_route_request(int rump, unsigned int request, uint64_t argument)
{
	int type = request == SIOCADDRT ? RUMP_RTM_ADD : RUMP_RTM_DELETE, length;
	struct hijack_route_message message;
	uint32_t through = 0;
	struct rtentry route;
	long error, fd;

	if (hijack_copyin(&route, argument, sizeof(route)) != 0)
		return -EFAULT;
	if (type == RUMP_RTM_ADD && !(route.rt_flags & (RTF_GATEWAY | RTF_REJECT))) {
		error = address_of(rump, (uint64_t)(uintptr_t)route.rt_dev, &through);
		if (error != 0)
			return error;
	}
	length = hijack_abi_route(&message, &route, type, through);
	if (length < 0)
		return length;
	fd = HIJACK_RUMP(__socket30, RUMP_AF_ROUTE, RUMP_SOCK_RAW | RUMP_SOCK_CLOEXEC, 0);
	/* Without routes of its own there are none to change. */
	if (fd < 0)
		return fd == -EAFNOSUPPORT || fd == -EPROTONOSUPPORT ? -EPERM : fd;
	error = HIJACK_RUMP(write, (uint64_t)fd, hijack_slot(&message), (uint64_t)length);
	(void)HIJACK_RUMP(close, (uint64_t)fd);
	return error < 0 ? error : 0;
}
