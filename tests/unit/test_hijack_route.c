/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's requests to add and delete routes, as NetBSD's messages. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "hijack/abi/route.h"

static struct sockaddr
address(const char *text)
{
	struct sockaddr_in in = {.sin_family = text != NULL ? AF_INET : AF_UNSPEC};
	struct sockaddr result;

	assert_true(text == NULL || inet_pton(AF_INET, text, &in.sin_addr) == 1);
	memcpy(&result, &in, sizeof(result));
	return result;
}

static const struct {
	const char *destination, *gateway, *mask;
	unsigned short flags;
	const char *through;
	int netbsd_flags; /* but for UP and STATIC */
	const char *made[3];
} routes[] = {
    {"10.9.0.0", "10.1.2.1", "255.255.0.0", RTF_UP | RTF_GATEWAY, NULL, 0x2,
	{"10.9.0.0", "10.1.2.1", "255.255.0.0"}},
    {"0.0.0.0", "10.1.2.1", "0.0.0.0", RTF_UP | RTF_GATEWAY, NULL, 0x2, {"0.0.0.0", "10.1.2.1", "0.0.0.0"}},
    {"10.9.1.1", "10.1.2.1", NULL, RTF_UP | RTF_GATEWAY | RTF_HOST, NULL, 0x2 | 0x4,
	{"10.9.1.1", "10.1.2.1"}},
    {"10.9.0.0", NULL, "255.255.0.0", RTF_UP, "10.1.2.3", 0, {"10.9.0.0", "10.1.2.3", "255.255.0.0"}},
    {"10.9.0.0", NULL, "255.255.0.0", RTF_UP | RTF_REJECT, NULL, 0x2 | 0x8,
	{"10.9.0.0", "127.0.0.1", "255.255.0.0"}},
    {"10.9.0.0", NULL, "255.255.0.0", RTF_UP, NULL, 0, {"10.9.0.0", NULL, "255.255.0.0"}},
};

static void
messages_are_made(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		struct rtentry from = {.rt_dst = address(routes[i].destination),
		    .rt_gateway = address(routes[i].gateway),
		    .rt_genmask = address(routes[i].mask),
		    .rt_flags = routes[i].flags};
		uint32_t through = routes[i].through != NULL ? inet_addr(routes[i].through) : 0;
		struct hijack_route_message message;
		int length = hijack_abi_route(&message, &from, RUMP_RTM_ADD, through), addresses = 0;
		size_t count = 0;

		for (int which = 0; which < 3; which++) {
			if (routes[i].made[which] == NULL)
				continue;
			addresses |= 1 << which;
			assert_int_equal(message.address[count].sin_len, 16);
			assert_int_equal(message.address[count].sin_family, 2);
			assert_int_equal(
			    message.address[count].sin_addr.s_addr, inet_addr(routes[i].made[which]));
			count++;
		}
		assert_int_equal(length, 120 + 16 * count);
		assert_int_equal(message.header.rtm_msglen, length);
		assert_int_equal(message.header.rtm_version, 4);
		assert_int_equal(message.header.rtm_type, 1);
		assert_int_equal(message.header.rtm_addrs, addresses);
		assert_int_equal(message.header.rtm_flags, routes[i].netbsd_flags | 0x1 | 0x800);
	}
}

static void
others_are_refused(void **state)
{
	struct rtentry from = {.rt_dst = address("10.9.0.0"),
	    .rt_gateway = address("10.1.2.1"),
	    .rt_genmask = address("255.255.0.0"),
	    .rt_flags = RTF_UP | RTF_GATEWAY};
	struct hijack_route_message message;

	(void)state;
	assert_true(hijack_abi_route(&message, &from, RUMP_RTM_DELETE, 0) > 0);
	assert_int_equal(message.header.rtm_type, 2);
	from.rt_genmask = address("255.0.255.0");
	assert_int_equal(hijack_abi_route(&message, &from, RUMP_RTM_ADD, 0), -EINVAL);
	from.rt_genmask = address("255.0.0.0");
	assert_int_equal(hijack_abi_route(&message, &from, RUMP_RTM_ADD, 0), -EINVAL);
	from.rt_genmask = address("255.255.255.255");
	assert_true(hijack_abi_route(&message, &from, RUMP_RTM_ADD, 0) > 0);
	from.rt_gateway = address(NULL);
	assert_int_equal(hijack_abi_route(&message, &from, RUMP_RTM_ADD, 0), -EINVAL);
	from.rt_gateway.sa_family = AF_INET6;
	assert_int_equal(hijack_abi_route(&message, &from, RUMP_RTM_ADD, 0), -EINVAL);
	from.rt_gateway = address("10.1.2.1");
	from.rt_flags |= RTF_WINDOW;
	assert_int_equal(hijack_abi_route(&message, &from, RUMP_RTM_ADD, 0), -EOPNOTSUPP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(messages_are_made),
	    cmocka_unit_test(others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
