/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of sockets. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "abi/errno.h"
#include "hijack/abi/socket.h"
#include "hijack/copy.h"
#include "hijack/credentials.h"
#include "hijack/files.h"
#include "hijack/rump.h"
#include "hijack/sockets.h"

#define BUFFER_LEAST 4608 /* what the host makes of less */

/*
 * Options of Linux's that tell the kernel how to go about something, or when to give up. They may be set, to
 * any value that does not promise more, and read as what they are at first.
 */
static const struct {
	int level, name, at_first;
} hints[] = {
    {SOL_SOCKET, SO_PRIORITY, 0},
    {SOL_SOCKET, SO_BUSY_POLL, 0},
    {SOL_SOCKET, SO_INCOMING_CPU, 0},
    {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 0},
    {IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_WANT},
    {IPPROTO_TCP, TCP_CORK, 0},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, 0},
    {IPPROTO_TCP, TCP_FASTOPEN, 0},
    {IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 0},
    {IPPROTO_TCP, TCP_LINGER2, 60},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, -1},
    {IPPROTO_TCP, TCP_QUICKACK, 1},
    {IPPROTO_TCP, TCP_SYNCNT, 6},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, 0},
    {IPPROTO_TCP, TCP_WINDOW_CLAMP, 0},
};

long
hijack_option(int rump, int level, int name, int *value)
{
	uint32_t size = sizeof(*value);

	*value = 0;
	return HIJACK_RUMP(getsockopt, (uint64_t)rump, (uint64_t)level, (uint64_t)name, hijack_slot(value),
	    hijack_slot(&size));
}

static const int *
find_hint(int level, int name)
{
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (hints[i].level == level && hints[i].name == name)
			return &hints[i].at_first;
	return NULL;
}

static bool
is_tcp(int rump)
{
	int unused;

	return hijack_option(rump, RUMP_IPPROTO_TCP, RUMP_TCP_NODELAY, &unused) == 0;
}

/* 0; -ENOPROTOOPT when it is none, or would have to be more than a hint. */
static long
set_hint(const struct hijack_call *call)
{
	int level = (int)call->arg[1], name = (int)call->arg[2], value;

	if (find_hint(level, name) == NULL || (level == IPPROTO_TCP && !is_tcp((int)call->arg[0])))
		return -ENOPROTOOPT;
	if ((size_t)call->arg[4] < sizeof(value))
		return -EINVAL;
	if (hijack_copyin(&value, (uint64_t)call->arg[3], sizeof(value)) != 0)
		return -EFAULT;
	if (name == IP_MTU_DISCOVER && level == IPPROTO_IP &&
	    (value == IP_PMTUDISC_DO || value == IP_PMTUDISC_PROBE))
		return -ENOPROTOOPT;
	if (name == IPV6_MTU_DISCOVER && level == IPPROTO_IPV6 &&
	    (value == IPV6_PMTUDISC_DO || value == IPV6_PMTUDISC_PROBE))
		return -ENOPROTOOPT;
	return 0;
}

/* The size of a buffer, which may be more than there is to be had. */
static long
set_buffer(const struct hijack_call *call, int option)
{
	long error;
	int size;

	if ((size_t)call->arg[4] < sizeof(size))
		return -EINVAL;
	if (hijack_copyin(&size, (uint64_t)call->arg[3], sizeof(size)) != 0)
		return -EFAULT;
	if (size < BUFFER_LEAST)
		size = BUFFER_LEAST;
	do {
		error = HIJACK_RUMP(setsockopt, (uint64_t)call->arg[0], RUMP_SOL_SOCKET, (uint64_t)option,
		    hijack_slot(&size), sizeof(size));
		size /= 2;
	} while (error == -ENOBUFS && size >= BUFFER_LEAST);
	return error;
}

long
hijack_inside_setsockopt(const struct hijack_call *call)
{
	int level = (int)call->arg[1], name = (int)call->arg[2];

	if (level == SOL_SOCKET && name == SO_PASSCRED)
		return hijack_credentials_want(
		    (int)call->arg[0], (uint64_t)call->arg[3], (uint64_t)call->arg[4]);
	if (level == SOL_SOCKET && (name == SO_RCVBUF || name == SO_RCVBUFFORCE))
		return set_buffer(call, RUMP_SO_RCVBUF);
	if (level == SOL_SOCKET && (name == SO_SNDBUF || name == SO_SNDBUFFORCE))
		return set_buffer(call, RUMP_SO_SNDBUF);
	if (!hijack_abi_option(&level, &name))
		return set_hint(call);
	return HIJACK_RUMP(setsockopt, (uint64_t)call->arg[0], (uint64_t)level, (uint64_t)name,
	    (uint64_t)call->arg[3], (uint64_t)call->arg[4]);
}

/* Options that only Linux has, and errors, which are numbers of NetBSD's. */
static long
special_option(int rump, int level, int name, int *value)
{
	const int *hint = find_hint(level, name);
	union hijack_address address = {{0}};
	uint32_t size = sizeof(address);
	long error;

	if (hint != NULL) {
		*value = *hint;
		return level != IPPROTO_TCP || is_tcp(rump) ? 0 : -ENOPROTOOPT;
	}
	if (level != SOL_SOCKET)
		return -ENOPROTOOPT;
	switch (name) {
	case SO_ERROR:
		error = hijack_option(rump, RUMP_SOL_SOCKET, RUMP_SO_ERROR, value);
		*value = abi_errno_to_host(*value);
		return error;
	case SO_DOMAIN:
		error = HIJACK_RUMP(getsockname, (uint64_t)rump, hijack_slot(&address), hijack_slot(&size));
		*value = hijack_abi_domain_back(address.netbsd.sa_family);
		return error;
	case SO_PROTOCOL:
		error = hijack_option(rump, RUMP_SOL_SOCKET, RUMP_SO_TYPE, value);
		*value = *value == SOCK_STREAM ? IPPROTO_TCP : *value == SOCK_DGRAM ? IPPROTO_UDP : 0;
		return error;
	case SO_PASSCRED:
		return hijack_credentials_wanted(rump, value);
	case SO_ACCEPTCONN:
	case SO_REUSEADDR:
	case SO_KEEPALIVE:
	case SO_BROADCAST:
	case SO_REUSEPORT:
	case SO_OOBINLINE:
		/* NetBSD returns the flag's bit. */
		(void)hijack_abi_option(&(int){SOL_SOCKET}, &name);
		error = hijack_option(rump, RUMP_SOL_SOCKET, name, value);
		*value = *value != 0;
		return error;
	default:
		return -ENOPROTOOPT;
	}
}

static long
peer_credentials(int rump, uint64_t to, uint64_t to_size, uint32_t room)
{
	struct hijack_credentials credentials;
	long error = hijack_credentials_peer(rump, &credentials);

	if (error != 0)
		return error;
	if (room > sizeof(credentials))
		room = sizeof(credentials);
	return hijack_copyout(to, &credentials, room) != 0 ||
		       hijack_copyout(to_size, &room, sizeof(room)) != 0
		   ? -EFAULT
		   : 0;
}

/*
 * What is known of a connection. NetBSD's structure is like Linux's as far as it goes, but for the states'
 * numbers; in kernels without it only the state is known, and how much a segment holds.
 */
static long
connection_state(int rump, uint64_t to, uint64_t to_size, uint32_t room)
{
	static const uint8_t states[] = {TCP_CLOSE, TCP_LISTEN, TCP_SYN_SENT, TCP_SYN_RECV, TCP_ESTABLISHED,
	    TCP_CLOSE_WAIT, TCP_FIN_WAIT1, TCP_CLOSING, TCP_LAST_ACK, TCP_FIN_WAIT2, TCP_TIME_WAIT};
	struct tcp_info info = {0};
	union hijack_address peer;
	uint32_t size = sizeof(info);
	int segment, listens = 0;

	if (!is_tcp(rump))
		return -ENOPROTOOPT;
	if (HIJACK_RUMP(getsockopt, (uint64_t)rump, RUMP_IPPROTO_TCP, RUMP_TCP_INFO, hijack_slot(&info),
		hijack_slot(&size)) == 0) {
		info.tcpi_state = info.tcpi_state < sizeof(states) ? states[info.tcpi_state] : TCP_CLOSE;
	} else {
		size = sizeof(peer);
		memset(&info, 0, sizeof(info));
		(void)hijack_option(rump, RUMP_SOL_SOCKET, RUMP_SO_ACCEPTCONN, &listens);
		info.tcpi_state =
		    listens != 0 ? TCP_LISTEN
		    : HIJACK_RUMP(getpeername, (uint64_t)rump, hijack_slot(&peer), hijack_slot(&size)) == 0
			? TCP_ESTABLISHED
			: TCP_CLOSE;
		if (hijack_option(rump, RUMP_IPPROTO_TCP, RUMP_TCP_MAXSEG, &segment) == 0)
			info.tcpi_snd_mss = info.tcpi_rcv_mss = (uint32_t)segment;
	}
	if (room > sizeof(info))
		room = sizeof(info);
	return hijack_copyout(to, &info, room) != 0 || hijack_copyout(to_size, &room, sizeof(room)) != 0
		   ? -EFAULT
		   : 0;
}

/* NetBSD writes the half of its structure that it has, and leaves what was in its memory in the other. */
static long
time_limit(int rump, int name, uint64_t to, uint64_t to_size, uint32_t room)
{
	struct rump_timeval from = {0};
	uint32_t size = sizeof(from);
	struct timeval time;
	long error = HIJACK_RUMP(getsockopt, (uint64_t)rump, RUMP_SOL_SOCKET,
	    name == SO_RCVTIMEO ? RUMP_SO_RCVTIMEO : RUMP_SO_SNDTIMEO, hijack_slot(&from),
	    hijack_slot(&size));

	if (error != 0)
		return error;
	time = (struct timeval){from.tv_sec, from.tv_usec};
	if (room > sizeof(time))
		room = sizeof(time);
	return hijack_copyout(to, &time, room) != 0 || hijack_copyout(to_size, &room, sizeof(room)) != 0
		   ? -EFAULT
		   : 0;
}

long
hijack_inside_getsockopt(const struct hijack_call *call)
{
	int level = (int)call->arg[1], name = (int)call->arg[2], value;
	uint32_t room;
	long error;

	if (hijack_copyin(&room, (uint64_t)call->arg[4], sizeof(room)) != 0)
		return -EFAULT;
	if (level == SOL_SOCKET && name == SO_PEERCRED)
		return peer_credentials(
		    (int)call->arg[0], (uint64_t)call->arg[3], (uint64_t)call->arg[4], room);
	if (level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO))
		return time_limit(
		    (int)call->arg[0], name, (uint64_t)call->arg[3], (uint64_t)call->arg[4], room);
	if (level == SOL_SOCKET && name == SO_BINDTODEVICE) {
		/* None is bound to an interface, for none can be. */
		room = 0;
		return hijack_copyout((uint64_t)call->arg[4], &room, sizeof(room));
	}
	if (level == IPPROTO_TCP && name == TCP_INFO)
		return connection_state(
		    (int)call->arg[0], (uint64_t)call->arg[3], (uint64_t)call->arg[4], room);
	if (room >= sizeof(value)) {
		error = special_option((int)call->arg[0], level, name, &value);
		if (error == 0) {
			room = sizeof(value);
			if (hijack_copyout((uint64_t)call->arg[3], &value, sizeof(value)) != 0 ||
			    hijack_copyout((uint64_t)call->arg[4], &room, sizeof(room)) != 0)
				return -EFAULT;
		}
		if (error != -ENOPROTOOPT)
			return error;
	}
	if (!hijack_abi_option(&level, &name))
		return -ENOPROTOOPT;
	return HIJACK_RUMP(getsockopt, (uint64_t)call->arg[0], (uint64_t)level, (uint64_t)name,
	    (uint64_t)call->arg[3], (uint64_t)call->arg[4]);
}
