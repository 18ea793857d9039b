/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * Local sockets have names among the files. A socket is made before it is known where its name will lie, and
 * local ones are the host's unless configured otherwise. So a socket of the host's that is bound or connected
 * to a name inside changes sides: it is made again in the rump kernel, and the number becomes a shadow as
 * soon as the call has succeeded there. What was set on it before is lost, which programs seldom do.
 *
 * Names in the rump kernel lack the prefix that the program knows.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "hijack/abi/socket.h"
#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/files.h"
#include "hijack/path.h"
#include "hijack/rump.h"
#include "hijack/sockets.h"
#include "hijack/start.h"

#define NAME_AT offsetof(struct sockaddr_un, sun_path)

/* Where the name of a local socket's address lies. Returns 1 inside, 0 elsewhere, or -errno. */
static int
find(const union hijack_address *address, uint32_t size, struct hijack_place *place)
{
	const struct sockaddr_un *local = (const void *)address;
	char name[sizeof(local->sun_path) + 1];
	size_t length;
	int error;

	if (size <= NAME_AT || local->sun_family != AF_UNIX || local->sun_path[0] == '\0')
		return 0;
	length = strnlen(local->sun_path,
	    size - NAME_AT < sizeof(local->sun_path) ? size - NAME_AT : sizeof(local->sun_path));
	memcpy(name, local->sun_path, length);
	name[length] = '\0';
	if (!hijack_path_concerns(AT_FDCWD, hijack_slot(name)))
		return 0;
	error = hijack_path_find(AT_FDCWD, hijack_slot(name), false, place);
	return error != 0 ? error : place->inside && place->shadow < 0;
}

int
hijack_local_address_in(union hijack_address *address, uint32_t size)
{
	struct sockaddr_un *local = (void *)address;
	struct hijack_place place;
	int inside = find(address, size, &place);
	size_t length;

	if (inside <= 0)
		return inside < 0 ? inside : (int)size;
	length = strlen(place.path) + 1;
	if (length > sizeof(local->sun_path))
		return -ENAMETOOLONG;
	memcpy(local->sun_path, place.path, length);
	return (int)(NAME_AT + length);
}

uint32_t
hijack_local_address_out(union hijack_address *address, uint32_t size)
{
	struct sockaddr_un *local = (void *)address;
	const char *prefix = hijack_process()->root_inside ? NULL : hijack_start.config.path;
	size_t length = prefix != NULL ? strlen(prefix) : 0, name;

	if (length == 0 || size <= NAME_AT || local->sun_family != AF_UNIX || local->sun_path[0] != '/')
		return size;
	name = strnlen(local->sun_path, size - NAME_AT);
	if (length + name + 1 > sizeof(local->sun_path))
		return size;
	memmove(local->sun_path + length, local->sun_path, name);
	memcpy(local->sun_path, prefix, length);
	local->sun_path[length + name] = '\0';
	return (uint32_t)(NAME_AT + length + name + 1);
}

/* A socket of the rump kernel's like one of the host's. Returns it or -errno. */
static long
like(long fd, bool *close_on_exec)
{
	int type;
	socklen_t size = sizeof(type);
	long flags = hijack_raw(SYS_fcntl, fd, F_GETFL, 0, 0, 0, 0), rump;

	if (hijack_raw(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, (long)&type, (long)&size, 0) != 0 ||
	    flags < 0)
		return -EBADF;
	*close_on_exec = hijack_raw(SYS_fcntl, fd, F_GETFD, 0, 0, 0, 0) == FD_CLOEXEC;
	rump = HIJACK_RUMP(__socket30, RUMP_AF_LOCAL,
	    (uint64_t)type | (*close_on_exec ? RUMP_SOCK_CLOEXEC : 0) |
		(flags & O_NONBLOCK ? RUMP_SOCK_NONBLOCK : 0),
	    0);
	/* A rump kernel without local sockets, or without any. */
	return rump == -EAFNOSUPPORT || rump == -EPROTONOSUPPORT || rump == -ENOSYS ? -EADDRNOTAVAIL : rump;
}

/* Puts a shadow in the place of the host's socket. */
static long
change_sides(long fd, long rump, bool close_on_exec)
{
	long shadow = hijack_fd_shadow(HIJACK_KIND_SOCKET, 0, true), error;

	if (shadow < 0)
		return shadow;
	error = hijack_own(SYS_dup3, shadow, fd, close_on_exec ? O_CLOEXEC : 0, 0, 0, 0);
	(void)hijack_own(SYS_close, shadow, 0, 0, 0, 0, 0);
	return error < 0 ? error : hijack_fd_set(fd, (int)rump, HIJACK_KIND_SOCKET);
}

long
hijack_beyond_local_name(const struct hijack_call *call)
{
	union hijack_address address = {{0}}, netbsd;
	struct hijack_place place;
	uint32_t size = (uint32_t)call->arg[2];
	bool close_on_exec;
	long error, rump;
	int made;

	if (size > sizeof(address) || hijack_copyin(&address, (uint64_t)call->arg[1], size) != 0)
		return hijack_pass(call);
	made = find(&address, size, &place);
	if (made <= 0)
		return made < 0 ? made : hijack_pass(call);
	made = hijack_address_in((uint64_t)call->arg[1], size, &netbsd);
	if (made < 0)
		return made;
	rump = like(call->arg[0], &close_on_exec);
	if (rump < 0)
		return rump;
	error = hijack_rump_call(call->number == SYS_bind ? HIJACK_RUMP_bind : HIJACK_RUMP_connect,
	    (const uint64_t[]){(uint64_t)rump, hijack_slot(&netbsd), (uint64_t)made}, 3, NULL);
	if (error == 0 || error == -EINPROGRESS)
		made = (int)change_sides(call->arg[0], rump, close_on_exec);
	if (made >= 0 && (error == 0 || error == -EINPROGRESS))
		return error;
	(void)HIJACK_RUMP(close, (uint64_t)rump);
	return made < 0 ? made : error;
}
