/* SPDX-License-Identifier: BSD-2-Clause */
/* Datagram sockets of the Internet domains, over the loopback. */
#include <string.h>
#include "tests/kernel/case.h"
#include "tests/kernel/sockets.h"

/* A bound socket, and where. */
static int
bound(int family, union address *addr)
{
	int fd = rump_sys_socket(family, RUMP_SOCK_DGRAM, 0);
	uint32_t len = sizeof(*addr);

	loopback(addr, family, 0);
	if (fd == -1 || rump_sys_bind(fd, &addr->any, addr->any.sa_len) != 0 ||
	    rump_sys_getsockname(fd, &addr->any, &len) != 0)
		say("not bound: %s", errno_name());
	return fd;
}

static void
exchange_in(int family)
{
	union address here, there, from;
	int a = bound(family, &here), b = bound(family, &there);
	uint32_t len = sizeof(from);
	char buf[16] = {0};

	ret("sendto", rump_sys_sendto(a, "hello", 5, 0, &there.any, there.any.sa_len));
	until(b, RUMP_POLLIN);
	ret("recvfrom", rump_sys_recvfrom(b, buf, sizeof(buf), 0, &from.any, &len));
	say("[%s]", buf);
	say_address("from", &from, len, &here);
	ret("empty one", rump_sys_sendto(b, "", 0, 0, &here.any, here.any.sa_len));
	until(a, RUMP_POLLIN);
	ret("received", rump_sys_recvfrom(a, buf, sizeof(buf), 0, NULL, NULL));
	ret("nothing more", rump_sys_recvfrom(a, buf, sizeof(buf), RUMP_MSG_DONTWAIT, NULL, NULL));
}

static void
exchange(void)
{
	exchange_in(RUMP_AF_INET);
}

static void
exchange_inet6(void)
{
	exchange_in(RUMP_AF_INET6);
}

static void
truncated(void)
{
	union address there, from;
	int a = rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_DGRAM, 0), b = bound(RUMP_AF_INET, &there);
	char one[3] = {0}, two[2] = {0};
	struct rump_iovec iov[2] = {{one, 2}, {two, 1}};
	struct rump_msghdr msg = {
	    .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = iov, .msg_iovlen = 2};

	rump_sys_sendto(a, "abcdef", 6, 0, &there.any, there.any.sa_len);
	rump_sys_sendto(a, "xyz", 3, 0, &there.any, there.any.sa_len);
	until(b, RUMP_POLLIN);
	ret("peek", rump_sys_recvfrom(b, one, 1, RUMP_MSG_PEEK, NULL, NULL));
	ret("recvmsg", rump_sys_recvmsg(b, &msg, 0));
	say("[%s] [%.1s] flags %x name %u", one, two, (unsigned)msg.msg_flags, msg.msg_namelen);
	until(b, RUMP_POLLIN);
	msg.msg_namelen = 4;
	ret("whole", rump_sys_recvmsg(b, &msg, 0));
	say("[%s] [%.1s] flags %x name %u", one, two, (unsigned)msg.msg_flags, msg.msg_namelen);
}

static void
associated(void)
{
	union address here, there, other;
	int a = bound(RUMP_AF_INET, &here), b = bound(RUMP_AF_INET, &there), c = bound(RUMP_AF_INET, &other);
	uint32_t len = sizeof(other);
	char buf[8];

	ret("nowhere to", rump_sys_write(a, "x", 1));
	ret("connect", rump_sys_connect(a, &there.any, sizeof(there.in)));
	ret("peer", rump_sys_getpeername(a, &other.any, &len));
	say_address("peer", &other, len, &there);
	ret("write", rump_sys_write(a, "abc", 3));
	until(b, RUMP_POLLIN);
	ret("read", rump_sys_read(b, buf, sizeof(buf)));
	ret("elsewhere", rump_sys_sendto(a, "x", 1, 0, &other.any, sizeof(other.in)));
	ret("from elsewhere", rump_sys_sendto(c, "x", 1, 0, &here.any, sizeof(here.in)));
	ret("from the peer", rump_sys_sendto(b, "yz", 2, 0, &here.any, sizeof(here.in)));
	until(a, RUMP_POLLIN);
	ret("only the peer's", rump_sys_read(a, buf, sizeof(buf)));
	ret("nothing more", rump_sys_recvfrom(a, buf, sizeof(buf), RUMP_MSG_DONTWAIT, NULL, NULL));
	rump_sys_close(b);
	ret("to nobody", rump_sys_write(a, "x", 1));
	until(a, RUMP_POLLIN);
	get("error", a, RUMP_SOL_SOCKET, RUMP_SO_ERROR);
	get("taken", a, RUMP_SOL_SOCKET, RUMP_SO_ERROR);
}

static void
wrong_uses(void)
{
	static char big[70000];
	union address there;
	int a = rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_DGRAM, 0);

	bound(RUMP_AF_INET, &there);
	ret("no destination", rump_sys_sendto(a, "x", 1, 0, NULL, 0));
	ret("too large", rump_sys_sendto(a, big, sizeof(big), 0, &there.any, sizeof(there.in)));
	ret("short address", rump_sys_sendto(a, "x", 1, 0, &there.any, 15));
	ret("listen", rump_sys_listen(a, 1));
	ret("accept", rump_sys_accept(a, NULL, NULL));
	there.any.sa_family = RUMP_AF_INET6;
	ret("connect to other family", rump_sys_connect(a, &there.any, sizeof(there.in)));
	there.any.sa_family = RUMP_AF_INET;
	there.in.sin_port = 0;
	ret("no port", rump_sys_sendto(a, "x", 1, 0, &there.any, sizeof(there.in)));
	ret("another protocol", rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_DGRAM, RUMP_IPPROTO_TCP));
}

/* What comes with a datagram: its destination's address and its ttl. */
static void
with_control(void)
{
	union address there;
	int a = rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_DGRAM, 0), b = bound(RUMP_AF_INET, &there);
	_Alignas(8) uint8_t control[64] = {0};
	struct rump_iovec iov = {(char[4]){0}, 4};
	struct rump_msghdr msg = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct rump_cmsghdr *header = (struct rump_cmsghdr *)(void *)control;

	ret("ask", set(b, RUMP_IPPROTO_IP, RUMP_IP_RECVDSTADDR, 1));
	rump_sys_sendto(a, "x", 1, 0, &there.any, sizeof(there.in));
	until(b, RUMP_POLLIN);
	ret("recvmsg", rump_sys_recvmsg(b, &msg, 0));
	say("controllen %u flags %x", msg.msg_controllen, (unsigned)msg.msg_flags);
	say("len %u level %d type %d", header->cmsg_len, header->cmsg_level, header->cmsg_type);
	say("%u.%u.%u.%u", control[16], control[17], control[18], control[19]);
}

static void
several_at_once(void)
{
	union address there;
	int a = rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_DGRAM, 0), b = bound(RUMP_AF_INET, &there);
	char buf[3][8] = {{0}};
	struct rump_iovec iov[3];
	struct rump_mmsghdr msgs[3];

	memset(msgs, 0, sizeof(msgs));
	for (int i = 0; i < 3; i++) {
		iov[i] = (struct rump_iovec){(void *)(uintptr_t)(&"abc"[i]), (size_t)(3 - i)};
		msgs[i].msg_hdr = (struct rump_msghdr){
		    .msg_name = &there, .msg_namelen = sizeof(there.in), .msg_iov = &iov[i], .msg_iovlen = 1};
	}
	ret("sendmmsg", rump_sys_sendmmsg(a, msgs, 3, 0));
	say("%u %u %u", msgs[0].msg_len, msgs[1].msg_len, msgs[2].msg_len);
	for (int i = 0; i < 3; i++) {
		iov[i] = (struct rump_iovec){buf[i], sizeof(buf[i])};
		msgs[i].msg_hdr = (struct rump_msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
	}
	ret("recvmmsg", rump_sys_recvmmsg(b, msgs, 3, 0, NULL));
	say("%u %u %u", msgs[0].msg_len, msgs[1].msg_len, msgs[2].msg_len);
	say("[%s] [%s] [%s]", buf[0], buf[1], buf[2]);
}

const struct testcase datagram_cases[] = {
    {"datagram_exchange", exchange},
    {"datagram_exchange_inet6", exchange_inet6},
    {"datagram_truncated", truncated},
    {"datagram_associated", associated},
    {"datagram_wrong_uses", wrong_uses},
    {"datagram_with_control", with_control},
    {"datagram_several_at_once", several_at_once},
    {NULL, NULL},
};
