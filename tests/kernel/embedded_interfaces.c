/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's interfaces, as a program of NetBSD's asks for them. */
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include "tests/kernel/expect.h"

#define ENTRIES 512

static int s;
static struct rump_ifreq entries[ENTRIES];

static struct rump_ifreq
named(const char *name)
{
	struct rump_ifreq ifr = {0};

	strcpy(ifr.ifrn_name, name);
	return ifr;
}

static int
list(size_t room)
{
	struct rump_ifconf conf = {.ifc_len = (int32_t)(room * sizeof(entries[0])), .ifcu_req = entries};

	memset(entries, 0xee, sizeof(entries));
	return rump_sys_ioctl(s, RUMP_SIOCGIFCONF, &conf) == 0 ? conf.ifc_len : -1;
}

static bool
is_loopback(const struct rump_ifreq *entry)
{
	return strcmp(entry->ifrn_name, "lo") == 0;
}

/* Each interface, and behind it its addresses, each with its length. */
static void
addresses(void)
{
	int length = list(ENTRIES), found_link = 0, found_address = 0;
	const char *interface = "";
	struct rump_sockaddr_dl link;
	struct rump_sockaddr_in in;

	EXPECT(length > 0 && length % (int)sizeof(entries[0]) == 0);
	for (int i = 0; i < length / (int)sizeof(entries[0]); i++) {
		const struct rump_ifreq *entry = &entries[i];

		memcpy(&link, entry->ifru_space, sizeof(link));
		memcpy(&in, entry->ifru_space, sizeof(in));
		switch (entry->ifru_addr.sa_family) {
		case RUMP_AF_LINK:
			interface = entry->ifrn_name;
			EXPECT(link.sdl_len == 8 + link.sdl_addr[1] + link.sdl_addr[2]);
			EXPECT(link.sdl_addr[1] == strlen(interface));
			EXPECT(
			    memcmp((const char *)entry->ifru_space + 8, interface, strlen(interface)) == 0);
			if (is_loopback(entry)) {
				found_link++;
				EXPECT(link.sdl_addr[0] == RUMP_IFT_LOOP);
				EXPECT(link.sdl_index == if_nametoindex("lo"));
			}
			break;
		case RUMP_AF_INET:
			EXPECT(in.sin_len == 16 && strcmp(entry->ifrn_name, interface) == 0);
			found_address +=
			    is_loopback(entry) && in.sin_addr.s_addr == __builtin_bswap32(0x7f000001);
			break;
		case RUMP_AF_INET6:
			EXPECT(in.sin_len == 28 && strcmp(entry->ifrn_name, interface) == 0);
			break;
		default:
			EXPECT(!"another family");
		}
	}
	EXPECT(found_link == 1 && found_address == 1);
}

static void
lengths_of_lists(void)
{
	struct rump_ifconf conf = {.ifc_len = 0};
	int length = list(ENTRIES);

	EXPECT(rump_sys_ioctl(s, RUMP_SIOCGIFCONF, &conf) == 0 && conf.ifc_len == length);
	EXPECT(list(1) == sizeof(entries[0]));
	EXPECT(((const char *)&entries[1])[0] == (char)0xee);
	EXPECT(list(0) == 0 && entries[0].ifrn_name[0] == (char)0xee);
	conf = (struct rump_ifconf){.ifc_len = -1, .ifcu_req = entries};
	EXPECT_ERROR(rump_sys_ioctl(s, RUMP_SIOCGIFCONF, &conf), EINVAL);
}

static void
values(void)
{
	struct rump_ifreq ifr = named("lo");

	EXPECT(rump_sys_ioctl(s, RUMP_SIOCGIFFLAGS, &ifr) == 0);
	EXPECT(
	    ifr.ifru_flags & RUMP_IFF_LOOPBACK && !(ifr.ifru_flags & (RUMP_IFF_BROADCAST | RUMP_IFF_LINK0)));
	EXPECT(rump_sys_ioctl(s, RUMP_SIOCGIFINDEX, &ifr) == 0 && ifr.ifru_value == if_nametoindex("lo"));
	EXPECT(rump_sys_ioctl(s, RUMP_SIOCGIFADDR, &ifr) == 0);
	EXPECT(ifr.ifru_addr.sa_len == 16 && ifr.ifru_addr.sa_family == RUMP_AF_INET);
	EXPECT(rump_sys_ioctl(s, RUMP_SIOCGIFMTU, &ifr) == 0 && ifr.ifru_mtu > 1000);
	ifr = named("none0");
	EXPECT_ERROR(rump_sys_ioctl(s, RUMP_SIOCGIFFLAGS, &ifr), ENXIO);
	memset(&ifr, 'x', sizeof(ifr));
	EXPECT_ERROR(rump_sys_ioctl(s, RUMP_SIOCGIFMTU, &ifr), ENXIO);
}

static void
changes(void)
{
	static const unsigned long requests[] = {RUMP_SIOCSIFADDR, RUMP_SIOCSIFFLAGS, RUMP_SIOCSIFMTU,
	    RUMP_SIOCDIFADDR, RUMP_SIOCAIFADDR, RUMP_SIOCIFCREATE};
	struct rump_ifreq ifr = named("lo");

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		EXPECT_ERROR(rump_sys_ioctl(s, requests[i], &ifr), EPERM);
	EXPECT_ERROR(rump_sys_ioctl(s, RUMP_SIOCGIFMEDIA, &ifr), ENOTTY);
}

int
main(void)
{
	if (rump_init() != 0)
		return 1;
	s = rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_DGRAM, 0);
	test("addresses", addresses);
	test("lengths of lists", lengths_of_lists);
	test("values", values);
	test("changes", changes);
	printf("1..%d\n", count);
	return failures != 0;
}
