/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host as a third kernel for the cases on sockets: a library whose rump_sys_* are the host's calls, with
 * structures and numbers translated. Loaded as a client is (cases -r), for each case is a process of the
 * host's then. Absolute paths lie under HOST_SHIM_ROOT.
 */
#ifndef TESTS_KERNEL_HOST_SHIM_H
#define TESTS_KERNEL_HOST_SHIM_H

#include <rump/rump_syscalls.h>
#include <rump/rumpdefs.h>
#include <sys/socket.h>
#include <unistd.h>

/* Clients of a rump kernel are uid 0 there: so is who runs this. */
static inline uint32_t
shim_uid(uint32_t host)
{
	return host == getuid() ? 0 : host;
}

static inline uint32_t
shim_gid(uint32_t host)
{
	return host == getgid() ? 0 : host;
}

/* Addresses. The first returns -1 with errno set. */
int shim_address_to_host(const struct rump_sockaddr *from, uint32_t len, struct sockaddr_storage *to);
void shim_address_from_host(
    const struct sockaddr_storage *from, socklen_t fromlen, struct rump_sockaddr *to, uint32_t *len);

int shim_flags_to_host(int flags);
int shim_flags_from_host(int flags);

/* A message with its control messages. Both return what the host's call does. */
ssize_t shim_sendmsg(int fd, const struct rump_msghdr *message, int flags);
ssize_t shim_recvmsg(int fd, struct rump_msghdr *message, int flags);

#endif
