/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages, with their flags and control messages, to the host's and back. */
#include "config.h"
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <rump/rumpuser_component.h>
#include "kernel/net/sockin/address_user.h"
#include "kernel/net/sockin/user.h"

#define CONTROL_MAX 1024

static_assert(sizeof(struct iovec) == sizeof(struct rump_iovec) &&
		  offsetof(struct iovec, iov_base) == offsetof(struct rump_iovec, iov_base) &&
		  offsetof(struct iovec, iov_len) == offsetof(struct rump_iovec, iov_len),
    "the kernel's vectors are the host's");

static const struct {
	int netbsd, host;
} flags[] = {
    {RUMP_MSG_OOB, MSG_OOB},
    {RUMP_MSG_PEEK, MSG_PEEK},
    {RUMP_MSG_DONTROUTE, MSG_DONTROUTE},
    {RUMP_MSG_EOR, MSG_EOR},
    {RUMP_MSG_TRUNC, MSG_TRUNC},
    {RUMP_MSG_CTRUNC, MSG_CTRUNC},
};
/* What a call may ask for; the others are answers. */
#define REQUESTS (MSG_OOB | MSG_PEEK | MSG_DONTROUTE | MSG_EOR)

static int
flags_to_host(int netbsd)
{
	int host = 0;

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if ((netbsd & flags[i].netbsd) != 0)
			host |= flags[i].host & REQUESTS;
	return host | MSG_DONTWAIT | MSG_NOSIGNAL;
}

static int
flags_from_host(int host)
{
	int netbsd = 0;

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if ((host & flags[i].host) != 0)
			netbsd |= flags[i].netbsd;
	return netbsd;
}

/* NetBSD's struct in_pktinfo. */
struct pktinfo {
	struct in_addr addr;
	uint32_t ifindex;
};

/* A buffer of control messages as the host has them. */
struct control {
	_Alignas(struct cmsghdr) uint8_t data[CONTROL_MAX];
	size_t len;
};

static int
append(struct control *c, int level, int type, const void *data, size_t len)
{
	struct cmsghdr header = {.cmsg_len = CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type};

	if (CMSG_SPACE(len) > sizeof(c->data) - c->len)
		return RUMP_EMSGSIZE;
	memset(c->data + c->len, 0, CMSG_SPACE(len));
	memcpy(c->data + c->len, &header, sizeof(header));
	memcpy(c->data + c->len + CMSG_LEN(0), data, len);
	c->len += CMSG_SPACE(len);
	return 0;
}

static int
one_to_host(struct control *c, const struct rump_cmsghdr *header, const uint8_t *data, size_t len)
{
	struct in_pktinfo host = {0};
	struct pktinfo info;

	if (header->cmsg_level == RUMP_IPPROTO_IP && header->cmsg_type == RUMP_IP_PKTINFO &&
	    len == sizeof(info)) {
		memcpy(&info, data, sizeof(info));
		host.ipi_ifindex = (int)info.ifindex;
		host.ipi_spec_dst = info.addr;
		return append(c, IPPROTO_IP, IP_PKTINFO, &host, sizeof(host));
	}
	if (header->cmsg_level != RUMP_IPPROTO_IPV6)
		return RUMP_EINVAL;
	switch (header->cmsg_type) {
	case RUMP_IPV6_PKTINFO:
		return append(c, IPPROTO_IPV6, IPV6_PKTINFO, data, len);
	case RUMP_IPV6_HOPLIMIT:
		return append(c, IPPROTO_IPV6, IPV6_HOPLIMIT, data, len);
	case RUMP_IPV6_TCLASS:
		return append(c, IPPROTO_IPV6, IPV6_TCLASS, data, len);
	default:
		return RUMP_EINVAL;
	}
}

/* Data begins, and the next header too, at a multiple of 8. */
static size_t
aligned(size_t len)
{
	return (len + 7) & ~(size_t)7;
}

static int
control_to_host(struct control *c, const uint8_t *control, size_t len)
{
	const size_t head = aligned(sizeof(struct rump_cmsghdr));
	int error = 0;

	c->len = 0;
	while (error == 0 && len >= head) {
		struct rump_cmsghdr header;
		size_t space;

		memcpy(&header, control, sizeof(header));
		if (header.cmsg_len < head || header.cmsg_len > len)
			return RUMP_EINVAL;
		error = one_to_host(c, &header, control + head, header.cmsg_len - head);
		space = aligned(header.cmsg_len) < len ? aligned(header.cmsg_len) : len;
		control += space;
		len -= space;
	}
	return error;
}

static void
timestamp_from_host(struct sockin_message *message, const uint8_t *data)
{
	struct rump_timeval tv = {0};
	struct timeval host;

	memcpy(&host, data, sizeof(host));
	tv.tv_sec = host.tv_sec;
	tv.tv_usec = (int32_t)host.tv_usec;
	message->add_control(message->arg, RUMP_SOL_SOCKET, RUMP_SCM_TIMESTAMP, &tv, sizeof(tv));
}

static void
ip_from_host(struct sockin_message *message, int type, const uint8_t *data, size_t len)
{
	struct sockaddr_in sin;
	struct in_pktinfo host;
	struct pktinfo info;

	if (type == IP_TTL && len >= sizeof(int)) {
		uint8_t ttl = (uint8_t) * (const int *)(const void *)data;

		message->add_control(message->arg, RUMP_IPPROTO_IP, RUMP_IP_RECVTTL, &ttl, sizeof(ttl));
	} else if (type == IP_PKTINFO && len >= sizeof(host)) {
		memcpy(&host, data, sizeof(host));
		info = (struct pktinfo){.addr = host.ipi_addr, .ifindex = (uint32_t)host.ipi_ifindex};
		message->add_control(message->arg, RUMP_IPPROTO_IP, RUMP_IP_PKTINFO, &info, sizeof(info));
	} else if (type == IP_ORIGDSTADDR && len >= sizeof(sin)) {
		memcpy(&sin, data, sizeof(sin));
		message->add_control(
		    message->arg, RUMP_IPPROTO_IP, RUMP_IP_RECVDSTADDR, &sin.sin_addr, sizeof(sin.sin_addr));
	}
}

static void
ip6_from_host(struct sockin_message *message, int type, const uint8_t *data, size_t len)
{
	int netbsd = type == IPV6_PKTINFO    ? RUMP_IPV6_PKTINFO
		     : type == IPV6_HOPLIMIT ? RUMP_IPV6_HOPLIMIT
		     : type == IPV6_TCLASS   ? RUMP_IPV6_TCLASS
					     : -1;

	if (netbsd != -1)
		message->add_control(message->arg, RUMP_IPPROTO_IPV6, netbsd, data, len);
}

static void
control_from_host(struct sockin_message *message, struct msghdr *host)
{
	if (message->add_control == NULL)
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(host); c != NULL; c = CMSG_NXTHDR(host, c)) {
		size_t len = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMP &&
		    len >= sizeof(struct timeval))
			timestamp_from_host(message, CMSG_DATA(c));
		else if (c->cmsg_level == IPPROTO_IP)
			ip_from_host(message, c->cmsg_type, CMSG_DATA(c), len);
		else if (c->cmsg_level == IPPROTO_IPV6)
			ip6_from_host(message, c->cmsg_type, CMSG_DATA(c), len);
	}
}

int
sockin_user_send(int fd, const struct sockin_message *message, size_t *done)
{
	struct msghdr host = {
	    .msg_iov = (struct iovec *)(uintptr_t)message->iov, .msg_iovlen = (size_t)message->iovcnt};
	struct sockaddr_storage addr;
	struct control control;
	ssize_t n;
	int error = 0;

	if (message->addr != NULL) {
		error = sockin_destination_to_host(message->addr, message->addrlen, &addr, &host.msg_namelen);
		host.msg_name = &addr;
	}
	if (error == 0 && message->controllen > 0) {
		error = control_to_host(&control, message->control, message->controllen);
		host.msg_control = control.data;
		host.msg_controllen = control.len;
	}
	if (error != 0)
		return error;
	n = sendmsg(fd, &host, flags_to_host(message->flags));
	if (n == -1)
		return rumpuser_component_errtrans(errno);
	*done = (size_t)n;
	return 0;
}

int
sockin_user_receive(int fd, struct sockin_message *message, size_t *done)
{
	struct msghdr host = {
	    .msg_iov = (struct iovec *)(uintptr_t)message->iov, .msg_iovlen = (size_t)message->iovcnt};
	struct sockaddr_storage addr;
	struct control control;
	ssize_t n;

	if (message->addr != NULL) {
		host.msg_name = &addr;
		host.msg_namelen = sizeof(addr);
	}
	if (message->add_control != NULL) {
		host.msg_control = control.data;
		host.msg_controllen = sizeof(control.data);
	}
	n = recvmsg(fd, &host, flags_to_host(message->flags));
	if (n == -1)
		return rumpuser_component_errtrans(errno);
	if (message->addr != NULL)
		sockin_address_from_host(&addr, host.msg_namelen, message->addr, &message->addrlen);
	control_from_host(message, &host);
	/* Nobody had asked for control messages when there was no room for any. */
	if (message->add_control == NULL)
		host.msg_flags &= ~MSG_CTRUNC;
	message->flags = flags_from_host(host.msg_flags);
	*done = (size_t)n;
	return 0;
}
