/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whoever discards a message finds the descriptors in it closed when the call returns, also while others
 * close many: one thread makes chains of sockets in each other's queues and drops them, another passes the
 * write end of a pipe, does not want it, and looks for the pipe's end.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#define HEADER 16
#define CHAIN 50

static atomic_bool done, failed;

static bool
send_fds(int to, const int *fds, int n)
{
	_Alignas(8) uint8_t control[HEADER + 2 * sizeof(int)] = {0};
	struct rump_cmsghdr header = {.cmsg_len = (uint32_t)(HEADER + (size_t)n * sizeof(int)),
	    .cmsg_level = RUMP_SOL_SOCKET,
	    .cmsg_type = RUMP_SCM_RIGHTS};
	struct rump_iovec iov = {(void *)(uintptr_t) "x", 1};
	struct rump_msghdr msg = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = header.cmsg_len};

	memcpy(control, &header, sizeof(header));
	memcpy(control + HEADER, fds, (size_t)n * sizeof(int));
	return rump_sys_sendmsg(to, &msg, RUMP_MSG_NOSIGNAL) == 1;
}

static void *
drop_chains(void *arg)
{
	int s[2], next[2];

	(void)arg;
	rump_pub_lwproc_rfork(RUMP_RFFD_CLEAR);
	while (!atomic_load(&done) && !atomic_load(&failed)) {
		if (rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, s) != 0)
			atomic_store(&failed, true);
		for (int i = 0; i < CHAIN; i++) {
			if (rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, next) != 0 ||
			    !send_fds(next[0], s, 2))
				atomic_store(&failed, true);
			rump_sys_close(s[0]);
			rump_sys_close(s[1]);
			memcpy(s, next, sizeof(s));
		}
		rump_sys_close(s[0]);
		rump_sys_close(s[1]);
	}
	rump_pub_lwproc_releaselwp();
	return NULL;
}

/* How often the end of the pipe was not to be seen at once. */
static int
lose(int rounds)
{
	int s[2], p[2], late = 0;
	char c;

	rump_pub_lwproc_rfork(RUMP_RFFD_CLEAR);
	if (rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_DGRAM, 0, s) != 0)
		return rounds;
	for (int i = 0; i < rounds; i++) {
		if (rump_sys_pipe2(p, RUMP_O_NONBLOCK) != 0 || !send_fds(s[0], &p[1], 1))
			return rounds;
		rump_sys_close(p[1]);
		if (rump_sys_read(s[1], &c, 1) != 1 || rump_sys_read(p[0], &c, 1) != 0)
			late++;
		rump_sys_close(p[0]);
	}
	rump_pub_lwproc_releaselwp();
	return late;
}

int
main(void)
{
	int rounds = getenv("RUMPKIT_TEST_ALL") != NULL ? 1000000 : 50000, late;
	pthread_t thread;

	printf("1..1\n");
	if (rump_init() != 0 || pthread_create(&thread, NULL, drop_chains, NULL) != 0)
		return 1;
	late = lose(rounds);
	atomic_store(&done, true);
	pthread_join(thread, NULL);
	if (late > 0)
		printf("# not closed at once: %d\n", late);
	late += atomic_load(&failed);
	printf("%sok 1 - %d descriptors lost while others close sockets\n", late == 0 ? "" : "not ", rounds);
	return late != 0;
}
