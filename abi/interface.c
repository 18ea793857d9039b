/* SPDX-License-Identifier: BSD-2-Clause */
#include "abi/interface.h"

#include <net/if.h>
#include <net/if_arp.h>

#include <rump/rumpdefs.h>

#include "abi/pairs.h"

#define ARPHRD_OTHER 0xffff /* ARPHRD_VOID of <linux/if_arp.h>, which has no place beside <net/if_arp.h> */

static const struct abi_pair flags[] = {{IFF_UP, RUMP_IFF_UP}, {IFF_BROADCAST, RUMP_IFF_BROADCAST},
    {IFF_DEBUG, RUMP_IFF_DEBUG}, {IFF_LOOPBACK, RUMP_IFF_LOOPBACK}, {IFF_POINTOPOINT, RUMP_IFF_POINTOPOINT},
    {IFF_NOTRAILERS, RUMP_IFF_NOTRAILERS}, {IFF_RUNNING, RUMP_IFF_RUNNING}, {IFF_NOARP, RUMP_IFF_NOARP},
    {IFF_PROMISC, RUMP_IFF_PROMISC}, {IFF_ALLMULTI, RUMP_IFF_ALLMULTI}, {IFF_MULTICAST, RUMP_IFF_MULTICAST}};

/* The first of a kind is what the other side's becomes. */
static const struct abi_pair links[] = {{ARPHRD_ETHER, RUMP_IFT_ETHER}, {ARPHRD_LOOPBACK, RUMP_IFT_LOOP},
    {ARPHRD_PPP, RUMP_IFT_PPP}, {ARPHRD_SLIP, RUMP_IFT_SLIP}, {ARPHRD_TUNNEL, RUMP_IFT_TUNNEL},
    {ARPHRD_TUNNEL, RUMP_IFT_GIF}};

int
abi_interface_flags_to_netbsd(int host)
{
	return abi_pairs_flags_to_netbsd(ABI_PAIRS(flags), host);
}

int
abi_interface_flags_to_host(int netbsd)
{
	return abi_pairs_flags_to_host(ABI_PAIRS(flags), netbsd);
}

int
abi_link_type_to_netbsd(int host)
{
	return abi_pairs_to_netbsd(ABI_PAIRS(links), host, RUMP_IFT_OTHER);
}

int
abi_link_type_to_host(int netbsd)
{
	return abi_pairs_to_host(ABI_PAIRS(links), netbsd, ARPHRD_OTHER);
}
