/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "sp/transport.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sp/limits.h"

static ssize_t
socket_receive(struct sp_transport *t, void *buf, size_t len, bool wait)
{
	ssize_t n;

	do
		n = recv(t->fd, buf, len, wait ? 0 : MSG_DONTWAIT);
	while (n < 0 && errno == EINTR && !wait);
	return n < 0 ? -errno : n;
}

/* Closes every descriptor that came along. */
static void
close_descriptors(struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = CMSG_LEN(0); at + sizeof(int) <= c->cmsg_len; at += sizeof(int)) {
			int fd;

			memcpy(&fd, (const char *)c + at, sizeof(fd));
			close(fd);
		}
	}
}

static ssize_t
unix_receive(struct sp_transport *t, void *buf, size_t len, bool wait)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(SP_DESCRIPTORS_MAX * sizeof(int))];
	struct iovec iov = {buf, len};
	struct msghdr msg = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	ssize_t n;

	do
		n = recvmsg(t->fd, &msg, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
	while (n < 0 && errno == EINTR && !wait);
	if (n < 0)
		return -errno;
	if (msg.msg_controllen != 0)
		close_descriptors(&msg);
	return n;
}

static ssize_t
socket_send(struct sp_transport *t, const struct iovec *iov, int count, bool wait)
{
	struct iovec *parts = (struct iovec *)(uintptr_t)iov;
	struct msghdr msg = {.msg_iov = parts, .msg_iovlen = (size_t)count};
	ssize_t n;

	do {
		if (count == 1)
			n = send(
			    t->fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
		else
			n = sendmsg(t->fd, &msg, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
	} while (n < 0 && errno == EINTR && !wait);
	return n < 0 ? -errno : n;
}

static bool
socket_pending(const struct sp_transport *t)
{
	(void)t;
	return false;
}

static const struct sp_transport_ops tcp_ops = {socket_receive, socket_send, socket_pending};
static const struct sp_transport_ops unix_ops = {unix_receive, socket_send, socket_pending};

void
sp_transport_init(struct sp_transport *t, enum sp_transport_kind kind, int fd)
{
	*t = (struct sp_transport){
	    .ops = kind == SP_UNIX ? &unix_ops : &tcp_ops,
	    .fd = fd,
	    .kind = kind,
	};
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
