/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "sp/transport.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Not by libc's functions, which are cancellation points and pay for it at every call; no thread that comes
 * here is ever cancelled. There is no room for descriptors: what a peer passes the host closes, before
 * anybody sees it.
 */
static ssize_t
socket_receive(struct sp_transport *t, void *buf, size_t len, bool wait)
{
	ssize_t n;

	do
		n = syscall(SYS_recvfrom, t->fd, buf, len, wait ? 0 : MSG_DONTWAIT, NULL, NULL);
	while (n < 0 && errno == EINTR && !wait);
	return n < 0 ? -errno : n;
}

static ssize_t
socket_send(struct sp_transport *t, const struct iovec *iov, int count, bool wait)
{
	struct iovec *parts = (struct iovec *)(uintptr_t)iov;
	struct msghdr msg = {.msg_iov = parts, .msg_iovlen = (size_t)count};
	int flags = MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT);
	ssize_t n;

	do {
		if (count == 1)
			n = syscall(SYS_sendto, t->fd, iov->iov_base, iov->iov_len, flags, NULL, 0);
		else
			n = syscall(SYS_sendmsg, t->fd, &msg, flags);
	} while (n < 0 && errno == EINTR && !wait);
	return n < 0 ? -errno : n;
}

static bool
socket_pending(const struct sp_transport *t)
{
	(void)t;
	return false;
}

static const struct sp_transport_ops socket_ops = {socket_receive, socket_send, socket_pending};

ssize_t
sp_send_descriptor(struct sp_transport *t, const void *buf, size_t len, int fd)
{
	struct iovec iov = {(void *)(uintptr_t)buf, len};
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(fd))] = {0};
	struct msghdr msg = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
	ssize_t n;

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	do
		n = syscall(SYS_sendmsg, t->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

void
sp_transport_init(struct sp_transport *t, enum sp_transport_kind kind, int fd)
{
	*t = (struct sp_transport){
	    .ops = &socket_ops,
	    .fd = fd,
	    .kind = kind,
	};
}

static bool
on_this_machine(int fd)
{
	struct sp_url peer;
	socklen_t len = sizeof(peer.address);

	if (getpeername(fd, &peer.address.any, &len) != 0)
		return false;
	peer.kind = peer.address.any.sa_family == AF_INET6 ? SP_TCP6 : SP_TCP;
	return sp_url_is_local(&peer);
}

void
sp_tcp_prepare(int fd)
{
	static const char simplest[] = "reno";
	int one = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (on_this_machine(fd))
		(void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, simplest, sizeof(simplest) - 1);
}

int
sp_iov_advance(struct iovec **iov, int count, size_t n)
{
	while (count > 0 && n >= (*iov)->iov_len) {
		n -= (*iov)->iov_len;
		(*iov)++;
		count--;
	}
	if (count > 0) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + n;
		(*iov)->iov_len -= n;
	}
	return count;
}
