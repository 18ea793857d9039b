/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests about network interfaces, from Linux's to NetBSD's and back. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <string.h>

#include "abi/interface.h"
#include "hijack/abi/ifreq.h"

static const struct {
	int host, netbsd;
} flags[] = {{0x1, 0x1}, {0x2, 0x2}, {0x4, 0x4}, {0x8, 0x8}, {0x10, 0x10}, {0x20, 0x20}, {0x40, 0x40},
    {0x80, 0x80}, {0x100, 0x100}, {0x200, 0x200}, {0x1000, 0x8000}};

#define ONLY_LINUX \
	(0x400 | 0x800 | 0x2000 | 0x4000 | 0x8000)             /* MASTER, SLAVE, PORTSEL, AUTOMEDIA, DYNAMIC \
								*/
#define ONLY_NETBSD (0x400 | 0x800 | 0x1000 | 0x2000 | 0x4000) /* OACTIVE, SIMPLEX, LINK0 to LINK2 */

static void
flags_are_translated(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		assert_int_equal(abi_interface_flags_to_netbsd(flags[i].host), flags[i].netbsd);
		assert_int_equal(abi_interface_flags_to_host(flags[i].netbsd), flags[i].host);
	}
	assert_int_equal(abi_interface_flags_to_netbsd(ONLY_LINUX), 0);
	assert_int_equal(abi_interface_flags_to_host(ONLY_NETBSD), 0);
}

static void
kinds_of_links_are_translated(void **state)
{
	static const int kinds[][2] = {{1, 6}, {772, 24}, {512, 23}, {256, 28}, {768, 131}};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		assert_int_equal(abi_link_type_to_netbsd(kinds[i][0]), kinds[i][1]);
		assert_int_equal(abi_link_type_to_host(kinds[i][1]), kinds[i][0]);
	}
	assert_int_equal(abi_link_type_to_host(RUMP_IFT_GIF), ARPHRD_TUNNEL);
	assert_int_equal(abi_link_type_to_host(0), 0xffff);
	assert_int_equal(abi_link_type_to_netbsd(ARPHRD_INFINIBAND), RUMP_IFT_OTHER);
}

/* NetBSD's requests say how long their argument is, and which way it goes. */
static void
requests_carry_what_netbsd_expects(void **state)
{
	static const unsigned int requests[] = {SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCGIFADDR, SIOCSIFADDR,
	    SIOCGIFDSTADDR, SIOCSIFDSTADDR, SIOCGIFBRDADDR, SIOCSIFBRDADDR, SIOCGIFNETMASK, SIOCSIFNETMASK,
	    SIOCGIFMETRIC, SIOCSIFMETRIC, SIOCGIFMTU, SIOCSIFMTU, SIOCGIFINDEX};

	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		const struct hijack_interface_request *request = hijack_abi_interface_request(requests[i]);

		assert_non_null(request);
		assert_int_equal(request->netbsd >> 16 & 0x1fff, sizeof(struct rump_ifreq));
		assert_int_equal(request->netbsd >> 30, request->sets ? 2 : 3);
	}
	assert_null(hijack_abi_interface_request(SIOCGIFCONF));
	assert_null(hijack_abi_interface_request(SIOCGIFHWADDR));
	assert_null(hijack_abi_interface_request(RUMP_SIOCGIFADDR));
}

static void
addresses_are_translated(void **state)
{
	const struct hijack_interface_request *set = hijack_abi_interface_request(SIOCSIFNETMASK),
					      *get = hijack_abi_interface_request(SIOCGIFNETMASK);
	struct sockaddr_in wanted = {.sin_family = AF_INET, .sin_addr = {htonl(0xffffff00)}}, found;
	struct ifreq host = {.ifr_name = "0123456789abcdef"};
	struct rump_sockaddr_in netbsd;
	struct rump_ifreq ifr;

	(void)state;
	memset(host.ifr_name, 'x', sizeof(host.ifr_name));
	memcpy(&host.ifr_addr, &wanted, sizeof(wanted));
	assert_int_equal(hijack_abi_ifreq(&ifr, &host, set), 0);
	assert_string_equal(ifr.ifrn_name, "xxxxxxxxxxxxxxx");
	memcpy(&netbsd, &ifr.ifru_addr, sizeof(netbsd));
	assert_int_equal(netbsd.sin_len, 16);
	assert_int_equal(netbsd.sin_family, 2);
	assert_int_equal(netbsd.sin_addr.s_addr, wanted.sin_addr.s_addr);

	/* What is asked for starts empty, whatever the program left there. */
	assert_int_equal(hijack_abi_ifreq(&ifr, &host, get), 0);
	assert_int_equal(ifr.ifru_space[0], 0);
	memcpy(&ifr.ifru_addr, &netbsd, sizeof(netbsd));
	memset(&host.ifr_addr, 0xee, sizeof(host.ifr_addr));
	hijack_abi_ifreq_back(&host, &ifr, get);
	memcpy(&found, &host.ifr_addr, sizeof(found));
	assert_memory_equal(&found, &wanted, sizeof(found));

	host.ifr_addr.sa_family = AF_INET6;
	assert_int_equal(hijack_abi_ifreq(&ifr, &host, set), -EINVAL);
	host.ifr_addr.sa_family = AF_UNSPEC;
	assert_int_equal(hijack_abi_ifreq(&ifr, &host, set), -EINVAL);
}

static void
numbers_and_flags_are_translated(void **state)
{
	const struct hijack_interface_request *mtu = hijack_abi_interface_request(SIOCSIFMTU),
					      *set = hijack_abi_interface_request(SIOCSIFFLAGS),
					      *get = hijack_abi_interface_request(SIOCGIFFLAGS);
	struct ifreq host = {.ifr_name = "shmif0"};
	struct rump_ifreq ifr;

	(void)state;
	host.ifr_mtu = 1400;
	assert_int_equal(hijack_abi_ifreq(&ifr, &host, mtu), 0);
	assert_int_equal(ifr.ifru_mtu, 1400);
	host.ifr_mtu = 0;
	hijack_abi_ifreq_back(&host, &ifr, mtu);
	assert_int_equal(host.ifr_mtu, 1400);

	host.ifr_flags = IFF_UP | IFF_MULTICAST;
	assert_int_equal(hijack_abi_ifreq(&ifr, &host, set), 0);
	assert_int_equal((uint16_t)ifr.ifru_flags, 0x8001);
	hijack_abi_ifreq_back(&host, &ifr, get);
	assert_int_equal((uint16_t)host.ifr_flags, IFF_UP | IFF_MULTICAST);
}

/* An entry with a link-level address, and the lengths of its name and itself. */
static struct rump_ifreq
link_entry(const char *name, uint8_t type, uint8_t name_length, uint8_t length)
{
	struct rump_ifreq entry = {0};
	uint8_t *at = (uint8_t *)entry.ifru_space;

	strcpy(entry.ifrn_name, name);
	at[0] = (uint8_t)(8 + name_length + length);
	at[1] = RUMP_AF_LINK;
	at[2] = 7;
	at[4] = type;
	at[5] = name_length;
	at[6] = length;
	for (size_t i = 8; i < sizeof(entry.ifru_space); i++)
		at[i] = (uint8_t)i;
	return entry;
}

static void
links_are_found(void **state)
{
	struct rump_ifreq entry = link_entry("shmif0", RUMP_IFT_ETHER, 6, 6);
	struct sockaddr address;
	int index = 0;

	(void)state;
	assert_true(hijack_abi_interface_link(&entry, &index, &address));
	assert_int_equal(index, 7);
	assert_int_equal(address.sa_family, ARPHRD_ETHER);
	assert_memory_equal(address.sa_data, "\x0e\x0f\x10\x11\x12\x13\0\0", 8);
	entry = link_entry("lo0", RUMP_IFT_LOOP, 3, 0);
	assert_true(hijack_abi_interface_link(&entry, NULL, &address));
	assert_int_equal(address.sa_family, ARPHRD_LOOPBACK);
	assert_memory_equal(address.sa_data, "\0\0\0\0\0\0", 6);
	entry = link_entry("odd0", 0xfe, 4, 20);
	assert_true(hijack_abi_interface_link(&entry, NULL, &address));
	assert_int_equal(address.sa_family, 0xffff);
	assert_int_equal(address.sa_data[13], 8 + 4 + 13);

	/* A name that leaves no room for the address. */
	entry = link_entry("bad0", RUMP_IFT_ETHER, 250, 6);
	assert_true(hijack_abi_interface_link(&entry, &index, &address));
	assert_memory_equal(address.sa_data, "\0\0\0\0\0\0", 6);
	entry = link_entry("bad1", RUMP_IFT_ETHER, 115, 6);
	assert_true(hijack_abi_interface_link(&entry, &index, &address));
	assert_memory_equal(address.sa_data, "\0\0\0\0\0\0", 6);
	entry = link_entry("end0", RUMP_IFT_ETHER, 114, 6);
	assert_true(hijack_abi_interface_link(&entry, &index, &address));
	assert_int_equal(address.sa_data[5], 127);

	entry.ifru_addr.sa_family = RUMP_AF_INET;
	assert_false(hijack_abi_interface_link(&entry, &index, &address));
}

static struct rump_ifreq
address_entry(const char *name, uint8_t family, const char *text)
{
	struct rump_sockaddr_in in = {.sin_len = 16, .sin_family = family};
	struct rump_ifreq entry = {0};

	strcpy(entry.ifrn_name, name);
	assert_int_equal(inet_pton(AF_INET, text, &in.sin_addr), 1);
	memcpy(&entry.ifru_addr, &in, sizeof(in));
	return entry;
}

static void
the_list_has_addresses_of_ipv4_only(void **state)
{
	const struct rump_ifreq list[] = {link_entry("lo0", RUMP_IFT_LOOP, 3, 0),
	    address_entry("lo0", RUMP_AF_INET, "127.0.0.1"), address_entry("lo0", RUMP_AF_INET6, "0.0.0.1"),
	    link_entry("shmif0", RUMP_IFT_ETHER, 6, 6), address_entry("shmif0", RUMP_AF_INET, "10.1.2.3"),
	    address_entry("shmif0", RUMP_AF_INET, "10.1.2.4"), address_entry("none0", 0, "0.0.0.0")};
	struct ifreq made[4];
	struct sockaddr_in in;

	(void)state;
	memset(made, 0xee, sizeof(made));
	assert_int_equal(hijack_abi_ifconf(made, 4, list, 7), 3);
	assert_string_equal(made[0].ifr_name, "lo0");
	assert_string_equal(made[2].ifr_name, "shmif0");
	memcpy(&in, &made[2].ifr_addr, sizeof(in));
	assert_int_equal(in.sin_family, AF_INET);
	assert_int_equal(in.sin_addr.s_addr, htonl(0x0a010204));
	assert_int_equal((uint8_t)made[3].ifr_name[0], 0xee);

	/* There are as many, however few there is room for. */
	memset(made, 0xee, sizeof(made));
	assert_int_equal(hijack_abi_ifconf(made, 1, list, 7), 3);
	assert_int_equal((uint8_t)made[1].ifr_name[0], 0xee);
	assert_int_equal(hijack_abi_ifconf(NULL, 0, list, 7), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(flags_are_translated),
	    cmocka_unit_test(kinds_of_links_are_translated),
	    cmocka_unit_test(requests_carry_what_netbsd_expects),
	    cmocka_unit_test(addresses_are_translated),
	    cmocka_unit_test(numbers_and_flags_are_translated),
	    cmocka_unit_test(links_are_found),
	    cmocka_unit_test(the_list_has_addresses_of_ipv4_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
