/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * The process is the one that connected, by SO_PEERCRED; who is at the end of a connection that CONNECT made
 * is not known. A pidfd, opened at the first copy, tells whether it still lives: before a write, so that its
 * number cannot have become another's, and after a read, so that what was read was its memory.
 *
 * The host checks whether the server may touch the process, by the server's rights. A server that may touch
 * every process must not use them for a client that may not: somebody could connect, give the connection to a
 * friend, and become a setuid program, whose memory the friend could then have read and written. So a server
 * with CAP_SYS_PTRACE reaches into clients of root only, who could do it themselves, and asks the others with
 * frames.
 */
#include "config.h"

#include "librumpuser/sp_local.h"

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "librumpuser/sp_client.h"
#include "sp/vm.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

enum { UNTRIED = 0, USABLE = 1, UNUSABLE = -1 };

/* Whether the host lets this process touch all others. */
static bool
may_touch_all(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) != 0)
		return true;
	return (data[CAP_TO_INDEX(CAP_SYS_PTRACE)].effective & CAP_TO_MASK(CAP_SYS_PTRACE)) != 0;
}

/* A pidfd for who connected: from the socket itself where the host can, by its number otherwise. */
static int
open_pidfd(const struct sp_client *c)
{
	int fd = -1;
	socklen_t len = sizeof(fd);

	if (getsockopt(c->transport.fd, SOL_SOCKET, SO_PEERPIDFD, &fd, &len) == 0)
		return fd;
	return (int)syscall(SYS_pidfd_open, c->peer.pid, 0);
}

static int
find_out(struct sp_client *c)
{
	int usable = UNUSABLE;

	host_lock_enter(&c->lock);
	if (c->local != UNTRIED) {
		usable = c->local;
	} else if (c->peer.kind == SP_UNIX && c->peer.pid > 0 && (c->peer.uid == 0 || !may_touch_all())) {
		c->pidfd = open_pidfd(c);
		if (c->pidfd >= 0)
			usable = USABLE;
	}
	c->local = usable;
	host_lock_exit(&c->lock);
	return usable;
}

bool
local_is_usable(struct sp_client *c)
{
	int local;

	if (!client_can(c, SP_CAP_LOCALCOPY))
		return false;
	local = atomic_load_explicit(&c->local, memory_order_acquire);
	if (host_unlikely(local == UNTRIED))
		local = find_out(c);
	return local == USABLE;
}

/*
 * Whether the process that the number stands for is still the client's: until the pidfd can be read, its
 * number is nobody else's.
 */
static bool
is_alive(const struct sp_client *c)
{
	struct pollfd ended = {.fd = c->pidfd, .events = POLLIN};

	return poll(&ended, 1, 0) == 0;
}

/* All but a hole in its memory is a reason to ask the client itself. */
static int
verdict(int error)
{
	return error == 0 || error == -EFAULT || error == -ENAMETOOLONG ? error : -EPERM;
}

int
local_read(struct sp_client *c, sp_addr_t addr, void *dst, size_t len)
{
	int error;

	if (!local_is_usable(c))
		return -EPERM;
	error = sp_vm_read(c->peer.pid, addr, dst, len);
	return is_alive(c) ? verdict(error) : -EPERM;
}

int
local_write(struct sp_client *c, sp_addr_t addr, const void *src, size_t len)
{
	if (!local_is_usable(c) || !is_alive(c))
		return -EPERM;
	return verdict(sp_vm_write(c->peer.pid, addr, src, len));
}

int
local_read_string(struct sp_client *c, sp_addr_t addr, char *dst, size_t *len)
{
	size_t most = *len;
	int error;

	if (!local_is_usable(c))
		return -EPERM;
	error = sp_vm_read_string(c->peer.pid, addr, dst, len);
	if (is_alive(c))
		return verdict(error);
	*len = most;
	return -EPERM;
}
