/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/kernel/host_shim.h"
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/un.h>

#ifndef IP_RECVORIGDSTADDR
#define IP_RECVORIGDSTADDR 20
#endif

#define HEADER 16 /* NetBSD's, with the padding behind it */
#define CONTROL_MAX 1024

static const struct {
	int netbsd, host;
} flags_of[] = {
    {RUMP_MSG_OOB, MSG_OOB},
    {RUMP_MSG_PEEK, MSG_PEEK},
    {RUMP_MSG_EOR, MSG_EOR},
    {RUMP_MSG_TRUNC, MSG_TRUNC},
    {RUMP_MSG_CTRUNC, MSG_CTRUNC},
    {RUMP_MSG_WAITALL, MSG_WAITALL},
    {RUMP_MSG_DONTWAIT, MSG_DONTWAIT},
    {RUMP_MSG_NOSIGNAL, MSG_NOSIGNAL},
    {RUMP_MSG_CMSG_CLOEXEC, MSG_CMSG_CLOEXEC},
};
#define FLAGS (sizeof(flags_of) / sizeof(*flags_of))

int
shim_flags_to_host(int flags)
{
	int host = 0;

	for (size_t i = 0; i < FLAGS; i++)
		if ((flags & flags_of[i].netbsd) != 0)
			host |= flags_of[i].host;
	return host;
}

int
shim_flags_from_host(int flags)
{
	int netbsd = 0;

	for (size_t i = 0; i < FLAGS; i++)
		if ((flags & flags_of[i].host) != 0)
			netbsd |= flags_of[i].netbsd;
	return netbsd;
}

int
shim_address_to_host(const struct rump_sockaddr *from, uint32_t len, struct sockaddr_storage *to)
{
	memset(to, 0, sizeof(*to));
	if (len < 2 || len > sizeof(*to)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(to, from, len);
	to->ss_family = from->sa_family == RUMP_AF_INET6 ? AF_INET6 : from->sa_family;
	return 0;
}

void
shim_address_from_host(
    const struct sockaddr_storage *from, socklen_t fromlen, struct rump_sockaddr *to, uint32_t *len)
{
	size_t some = fromlen < *len ? fromlen : *len;

	if (to == NULL)
		return;
	/* NetBSD's has no NUL at a path's end. */
	if (from->ss_family == AF_UNIX && fromlen > offsetof(struct sockaddr_un, sun_path)) {
		const struct sockaddr_un *un = (const void *)from;

		some = offsetof(struct sockaddr_un, sun_path) + strlen(un->sun_path);
	}
	memcpy(to, from, some);
	if (some >= 2) {
		to->sa_len = (uint8_t)some;
		to->sa_family = from->ss_family == AF_INET6 ? RUMP_AF_INET6 : (uint8_t)from->ss_family;
	}
	*len = (uint32_t)some;
}

/* Descriptors and credentials are all that the cases send. */
static size_t
control_to_host(const struct rump_msghdr *message, uint8_t *control)
{
	struct rump_cmsghdr header;
	size_t len;

	if (message->msg_controllen < HEADER)
		return 0;
	memcpy(&header, message->msg_control, sizeof(header));
	len = header.cmsg_len - HEADER;
	struct cmsghdr host = {.cmsg_len = CMSG_LEN(len), .cmsg_level = SOL_SOCKET};
	host.cmsg_type = header.cmsg_type == RUMP_SCM_RIGHTS ? SCM_RIGHTS : SCM_CREDENTIALS;
	memcpy(control, &host, sizeof(host));
	memcpy(control + CMSG_LEN(0), (const uint8_t *)message->msg_control + HEADER, len);
	return CMSG_SPACE(len);
}

static void
one_from_host(struct rump_msghdr *message, uint32_t room, int level, int type, const void *data, size_t len)
{
	struct rump_cmsghdr header = {
	    .cmsg_len = (uint32_t)(HEADER + len), .cmsg_level = level, .cmsg_type = type};
	uint8_t *at = (uint8_t *)message->msg_control + message->msg_controllen;
	uint32_t space = (header.cmsg_len + 7) & ~7u;

	if (room - message->msg_controllen < header.cmsg_len) {
		message->msg_flags |= RUMP_MSG_CTRUNC;
		return;
	}
	memcpy(at, &header, sizeof(header));
	memcpy(at + HEADER, data, len);
	message->msg_controllen += space < room - message->msg_controllen ? space : header.cmsg_len;
}

static void
control_from_host(struct msghdr *host, struct rump_msghdr *message, uint32_t room)
{
	message->msg_controllen = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(host); c != NULL; c = CMSG_NXTHDR(host, c)) {
		size_t len = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			one_from_host(message, room, RUMP_SOL_SOCKET, RUMP_SCM_RIGHTS, CMSG_DATA(c), len);
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS) {
			struct rump_sockcred cred = {0};
			struct ucred ucred;

			memcpy(&ucred, CMSG_DATA(c), sizeof(ucred));
			cred.sc_pid = ucred.pid;
			cred.sc_uid = cred.sc_euid = shim_uid(ucred.uid);
			cred.sc_gid = cred.sc_egid = shim_gid(ucred.gid);
			one_from_host(message, room, RUMP_SOL_SOCKET, RUMP_SCM_CREDS, &cred, sizeof(cred));
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVORIGDSTADDR) {
			struct sockaddr_in sin;

			memcpy(&sin, CMSG_DATA(c), sizeof(sin));
			one_from_host(message, room, RUMP_IPPROTO_IP, RUMP_IP_RECVDSTADDR, &sin.sin_addr,
			    sizeof(sin.sin_addr));
		}
	}
}

ssize_t
shim_sendmsg(int fd, const struct rump_msghdr *message, int flags)
{
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_MAX] = {0};
	struct msghdr host = {.msg_iov = (struct iovec *)(void *)message->msg_iov,
	    .msg_iovlen = (size_t)message->msg_iovlen,
	    .msg_control = control};
	struct sockaddr_storage addr;

	if (message->msg_name != NULL) {
		if (shim_address_to_host(message->msg_name, message->msg_namelen, &addr) != 0)
			return -1;
		host.msg_name = &addr;
		host.msg_namelen = message->msg_namelen;
	}
	host.msg_controllen = control_to_host(message, control);
	return sendmsg(fd, &host, shim_flags_to_host(flags));
}

ssize_t
shim_recvmsg(int fd, struct rump_msghdr *message, int flags)
{
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_MAX] = {0};
	struct msghdr host = {.msg_iov = (struct iovec *)(void *)message->msg_iov,
	    .msg_iovlen = (size_t)message->msg_iovlen,
	    .msg_control = control,
	    .msg_controllen = message->msg_control != NULL ? sizeof(control) : 0};
	uint32_t room = message->msg_control != NULL ? message->msg_controllen : 0;
	struct sockaddr_storage addr;
	ssize_t n;

	if (message->msg_name != NULL) {
		host.msg_name = &addr;
		host.msg_namelen = sizeof(addr);
	}
	n = recvmsg(fd, &host, shim_flags_to_host(flags));
	if (n == -1)
		return -1;
	if (message->msg_name != NULL)
		shim_address_from_host(&addr, host.msg_namelen, message->msg_name, &message->msg_namelen);
	else
		message->msg_namelen = 0;
	message->msg_flags = shim_flags_from_host(host.msg_flags);
	control_from_host(&host, message, room);
	return n;
}
