/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads what arrives on the second connection; for what that is see owner.h. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <rump/rumpdefs.h>

#include "hijack/gate.h"
#include "hijack/owner.h"
#include "hijack/thread.h"
#include "sp/wire.h"

#define IO 1
#define URGENT 2

static int connection; /* and one; 0: there is none */

/* 0 free, 1 somebody reads, 2 there is more for them. */
static uint32_t reading;

/* A frame of which not all has come. */
static struct {
	struct sp_header header;
	size_t have;
	uint64_t skip; /* of its body */
} frame;

static unsigned int
meaning(const struct sp_header *header)
{
	if (header->class != SP_REQUEST || header->type != SP_RAISE)
		return 0;
	return header->u == RUMP_SIGIO ? IO : header->u == RUMP_SIGURG ? URGENT : 0;
}

/* Which signals have come. */
static unsigned int
drain(int fd)
{
	char body[64];
	unsigned int came = 0;
	long n;

	for (;;) {
		if (frame.skip > 0)
			n = hijack_own(SYS_recvfrom, fd, (long)body,
			    frame.skip < sizeof(body) ? (long)frame.skip : (long)sizeof(body), MSG_DONTWAIT,
			    0, 0);
		else
			n = hijack_own(SYS_recvfrom, fd, (long)&frame.header + (long)frame.have,
			    (long)(sizeof(frame.header) - frame.have), MSG_DONTWAIT, 0, 0);
		if (n == -EINTR)
			continue;
		if (n <= 0)
			return came;
		if (frame.skip > 0) {
			frame.skip -= (uint64_t)n;
			continue;
		}
		frame.have += (size_t)n;
		if (frame.have < sizeof(frame.header))
			continue;
		frame.have = 0;
		if (frame.header.len > sizeof(frame.header))
			frame.skip = frame.header.len - sizeof(frame.header);
		came |= meaning(&frame.header);
	}
}

void
hijack_owner_listen(int fd)
{
	__atomic_store_n(&connection, 0, __ATOMIC_RELEASE);
	/* In a child of fork there may be a reader no more. */
	frame.have = frame.skip = 0;
	__atomic_store_n(&reading, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&connection, fd + 1, __ATOMIC_RELEASE);
}

int
hijack_owner_listens(void)
{
	return __atomic_load_n(&connection, __ATOMIC_ACQUIRE) - 1;
}

bool
hijack_owner_signal(const siginfo_t *info)
{
	int fd = hijack_owner_listens(), pid;
	unsigned int came = 0;
	uint32_t mine = 1;

	if (fd < 0 || info->si_code != SI_SIGIO || info->si_fd != fd)
		return false;
	/* Whoever reads looks again. A program's handler may never return, so signals are sent after. */
	if (__atomic_exchange_n(&reading, 2, __ATOMIC_ACQUIRE) != 0)
		return true;
	do {
		__atomic_store_n(&reading, 1, __ATOMIC_RELAXED);
		came |= drain(fd);
		mine = 1;
	} while (!__atomic_compare_exchange_n(&reading, &mine, 0, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	pid = (int)hijack_own(SYS_getpid, 0, 0, 0, 0, 0, 0);
	if (came & URGENT)
		(void)hijack_own(SYS_kill, pid, SIGURG, 0, 0, 0, 0);
	if (came & IO)
		(void)hijack_own(SYS_kill, pid, SIGIO, 0, 0, 0, 0);
	return true;
}
