/* SPDX-License-Identifier: BSD-2-Clause */
/* Making sockets, and their addresses. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/syscall.h>

#include "hijack/abi/socket.h"
#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/files.h"
#include "hijack/owner.h"
#include "hijack/rump.h"
#include "hijack/sleep.h"
#include "hijack/sockets.h"

static_assert(SOCK_STREAM == RUMP_SOCK_STREAM && SOCK_DGRAM == RUMP_SOCK_DGRAM && SOCK_RAW == RUMP_SOCK_RAW &&
		  SOCK_SEQPACKET == RUMP_SOCK_SEQPACKET,
    "socket types");

int
hijack_address_in(uint64_t from, uint32_t size, union hijack_address *to)
{
	union hijack_address host = {{0}};
	int made;

	if (size > sizeof(host))
		return -EINVAL;
	if (hijack_copyin(&host, from, size) != 0)
		return -EFAULT;
	made = hijack_local_address_in(&host, size);
	return made < 0 ? made : hijack_abi_address(to, &host, (uint32_t)made);
}

int
hijack_address_out(uint64_t to, uint64_t to_size, const union hijack_address *from, uint32_t size)
{
	union hijack_address host = {{0}};
	uint32_t room, made;

	if (to == 0)
		return 0;
	if (hijack_copyin(&room, to_size, sizeof(room)) != 0)
		return -EFAULT;
	if ((int32_t)room < 0)
		return -EINVAL;
	made = (uint32_t)hijack_abi_address_back(&host, from, size);
	made = hijack_local_address_out(&host, made);
	if (hijack_copyout(to, &host, room < made ? room : made) != 0 ||
	    hijack_copyout(to_size, &made, sizeof(made)) != 0)
		return -EFAULT;
	return 0;
}

long
hijack_beyond_socket(const struct hijack_call *call)
{
	int type = (int)call->arg[1];
	int flags =
	    (type & SOCK_CLOEXEC ? RUMP_SOCK_CLOEXEC : 0) | (type & SOCK_NONBLOCK ? RUMP_SOCK_NONBLOCK : 0);
	long rump = HIJACK_RUMP(__socket30, (uint64_t)hijack_abi_domain((int)call->arg[0]),
	    (uint64_t)((type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) | flags), (uint64_t)call->arg[2]);

	return rump < 0 ? rump : hijack_fd_install((int)rump, HIJACK_KIND_SOCKET, (type & SOCK_CLOEXEC) != 0);
}

long
hijack_inside_bind(const struct hijack_call *call)
{
	union hijack_address address;
	int size = hijack_address_in((uint64_t)call->arg[1], (uint32_t)call->arg[2], &address);

	return size < 0 ? size
			: HIJACK_RUMP(bind, (uint64_t)call->arg[0], hijack_slot(&address), (uint64_t)size);
}

long
hijack_inside_connect(const struct hijack_call *call)
{
	union hijack_address address;
	int size = hijack_address_in((uint64_t)call->arg[1], (uint32_t)call->arg[2], &address);
	long result = size;

	if (size >= 0)
		result = hijack_sleep_connect((int)call->arg[0], hijack_slot(&address), (uint64_t)size);
	/* NetBSD undoes the connection before it looks at the address. */
	return result == -EAFNOSUPPORT && address.netbsd.sa_family == RUMP_AF_UNSPEC ? 0 : result;
}

/* Waits for a connection where accepting it may not sleep; what does not listen says so itself. */
static long
await_connection(int rump)
{
	struct hijack_sleep sleep = hijack_sleep_begin(rump, POLLIN);
	int listens = 0;

	if (!sleep.outside || hijack_option(rump, RUMP_SOL_SOCKET, RUMP_SO_ACCEPTCONN, &listens) != 0 ||
	    listens == 0)
		return hijack_sleep_end(&sleep, 0);
	return hijack_sleep_before(&sleep);
}

/* A socket has the flags that are asked for, and none of its listener's. */
static long
accept_socket(const struct hijack_call *call, int flags)
{
	union hijack_address address = {{0}};
	uint32_t size = sizeof(address);
	int netbsd =
	    (flags & SOCK_CLOEXEC ? RUMP_SOCK_CLOEXEC : 0) | (flags & SOCK_NONBLOCK ? RUMP_SOCK_NONBLOCK : 0);
	long rump, fd, error;

	if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	rump = await_connection((int)call->arg[0]);
	if (rump == 0)
		rump = HIJACK_RUMP(paccept, (uint64_t)call->arg[0], hijack_slot(&address), hijack_slot(&size),
		    0, (uint64_t)netbsd);
	if (rump < 0)
		return rump;
	hijack_owner_accepted((int)rump);
	fd = hijack_fd_install((int)rump, HIJACK_KIND_SOCKET, (flags & SOCK_CLOEXEC) != 0);
	if (fd < 0)
		return fd;
	error = hijack_address_out((uint64_t)call->arg[1], (uint64_t)call->arg[2], &address, size);
	if (error == 0)
		return fd;
	(void)hijack_beyond_close(&(const struct hijack_call){SYS_close, {fd}, 0});
	return error;
}

long
hijack_inside_accept(const struct hijack_call *call)
{
	return accept_socket(call, 0);
}

long
hijack_inside_accept4(const struct hijack_call *call)
{
	return accept_socket(call, (int)call->arg[3]);
}

static long
address_of(enum hijack_rump_number number, const struct hijack_call *call)
{
	union hijack_address address = {{0}};
	uint32_t size = sizeof(address);
	long error = hijack_rump_call(number,
	    (const uint64_t[]){(uint64_t)call->arg[0], hijack_slot(&address), hijack_slot(&size)}, 3, NULL);

	return error != 0
		   ? error
		   : hijack_address_out((uint64_t)call->arg[1], (uint64_t)call->arg[2], &address, size);
}

long
hijack_inside_getsockname(const struct hijack_call *call)
{
	return address_of(HIJACK_RUMP_getsockname, call);
}

long
hijack_inside_getpeername(const struct hijack_call *call)
{
	return address_of(HIJACK_RUMP_getpeername, call);
}
