/* SPDX-License-Identifier: BSD-2-Clause */
#include "abi/interface.h"

#include <net/if.h>
#include <net/if_arp.h>
#include <stddef.h>

#include <rump/rumpdefs.h>

#define ARPHRD_OTHER 0xffff /* ARPHRD_VOID of <linux/if_arp.h>, which has no place beside <net/if_arp.h> */

struct pair {
	int host;
	int netbsd;
};
#define COUNT(pairs) (sizeof(pairs) / sizeof((pairs)[0]))

static const struct pair flags[] = {{IFF_UP, RUMP_IFF_UP}, {IFF_BROADCAST, RUMP_IFF_BROADCAST},
    {IFF_DEBUG, RUMP_IFF_DEBUG}, {IFF_LOOPBACK, RUMP_IFF_LOOPBACK}, {IFF_POINTOPOINT, RUMP_IFF_POINTOPOINT},
    {IFF_NOTRAILERS, RUMP_IFF_NOTRAILERS}, {IFF_RUNNING, RUMP_IFF_RUNNING}, {IFF_NOARP, RUMP_IFF_NOARP},
    {IFF_PROMISC, RUMP_IFF_PROMISC}, {IFF_ALLMULTI, RUMP_IFF_ALLMULTI}, {IFF_MULTICAST, RUMP_IFF_MULTICAST}};

/* The first of a kind is what the other side's becomes. */
static const struct pair links[] = {{ARPHRD_ETHER, RUMP_IFT_ETHER}, {ARPHRD_LOOPBACK, RUMP_IFT_LOOP},
    {ARPHRD_PPP, RUMP_IFT_PPP}, {ARPHRD_SLIP, RUMP_IFT_SLIP}, {ARPHRD_TUNNEL, RUMP_IFT_TUNNEL},
    {ARPHRD_TUNNEL, RUMP_IFT_GIF}};

int
abi_interface_flags_to_netbsd(int host)
{
	int result = 0;

	for (size_t i = 0; i < COUNT(flags); i++)
		result |= host & flags[i].host ? flags[i].netbsd : 0;
	return result;
}

int
abi_interface_flags_to_host(int netbsd)
{
	int result = 0;

	for (size_t i = 0; i < COUNT(flags); i++)
		result |= netbsd & flags[i].netbsd ? flags[i].host : 0;
	return result;
}

int
abi_link_type_to_netbsd(int host)
{
	for (size_t i = 0; i < COUNT(links); i++) {
		if (links[i].host == host)
			return links[i].netbsd;
	}
	return RUMP_IFT_OTHER;
}

int
abi_link_type_to_host(int netbsd)
{
	for (size_t i = 0; i < COUNT(links); i++) {
		if (links[i].netbsd == netbsd)
			return links[i].host;
	}
	return ARPHRD_OTHER;
}
