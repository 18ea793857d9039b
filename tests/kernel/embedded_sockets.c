/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections that come and go leave nothing behind: no descriptor of the host, no memory. A thousand of each
 * kind, or ten thousand when RUMPKIT_TEST_ALL is set.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include "kernel/base/mem.h"

/* Pools and the descriptor table have grown to what they need after so many. */
#define WARM_UP 50
/* What pools may still take after that. */
#define SLACK 65536

static int
host_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	if (dir == NULL)
		return -1;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

/* The connecting end goes first, without a farewell that would keep the host's port. */
static bool
converse(int server, const struct rump_sockaddr *addr)
{
	const struct rump_linger linger = {.l_onoff = 1, .l_linger = 0};
	int client = rump_sys_socket(addr->sa_family, RUMP_SOCK_STREAM, 0), conn;
	struct rump_pollfd pfd = {.events = RUMP_POLLIN};
	char c = 0;
	bool right;

	rump_sys_setsockopt(client, RUMP_SOL_SOCKET, RUMP_SO_LINGER, &linger, sizeof(linger));
	if (rump_sys_connect(client, addr, addr->sa_len) != 0)
		return false;
	conn = pfd.fd = rump_sys_accept(server, NULL, NULL);
	right = rump_sys_write(client, "x", 1) == 1 && rump_sys_poll(&pfd, 1, 20000) == 1 &&
		rump_sys_read(conn, &c, 1) == 1 && c == 'x';
	rump_sys_close(client);
	rump_sys_close(conn);
	return right;
}

static bool
come_and_go(int family, int rounds)
{
	struct rump_sockaddr_in in = {.sin_len = sizeof(in),
	    .sin_family = RUMP_AF_INET,
	    .sin_addr = {.s_addr = __builtin_bswap32(0x7f000001)}};
	struct rump_sockaddr_un un = {.sun_len = 2 + 5, .sun_family = RUMP_AF_LOCAL, .sun_path = "/name"};
	struct rump_sockaddr *addr = family == RUMP_AF_LOCAL ? (struct rump_sockaddr *)(void *)&un
							     : (struct rump_sockaddr *)(void *)&in;
	int server = rump_sys_socket(family, RUMP_SOCK_STREAM, 0), before = 0, after;
	uint32_t len = addr->sa_len;
	uint64_t used = 0;

	if (rump_sys_bind(server, addr, len) != 0 || rump_sys_listen(server, 5) != 0 ||
	    rump_sys_getsockname(server, addr, &len) != 0)
		return false;
	for (int i = 0; i < rounds + WARM_UP; i++) {
		if (i == WARM_UP) {
			before = host_descriptors();
			used = rumpk_mem_used();
		}
		if (!converse(server, addr)) {
			printf("# round %d failed\n", i);
			return false;
		}
	}
	after = host_descriptors();
	if (after != before || rumpk_mem_used() > used + SLACK) {
		printf("# descriptors %d, then %d; memory %llu, then %llu\n", before, after,
		    (unsigned long long)used, (unsigned long long)rumpk_mem_used());
		return false;
	}
	rump_sys_close(server);
	return true;
}

int
main(void)
{
	int rounds = getenv("RUMPKIT_TEST_ALL") != NULL ? 10000 : 1000;
	bool inet, local;

	if (rump_init() != 0)
		return 1;
	printf("1..2\n");
	inet = come_and_go(RUMP_AF_INET, rounds);
	printf("%sok 1 - %d connections of the host's\n", inet ? "" : "not ", rounds);
	local = come_and_go(RUMP_AF_LOCAL, rounds);
	printf("%sok 2 - %d local connections\n", local ? "" : "not ", rounds);
	return !inet || !local;
}
