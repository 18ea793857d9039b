/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include <errno.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <rump/rumpuser_component.h>
#include "kernel/net/sockin/address_user.h"
#include "kernel/net/sockin/user.h"

static int
answer(int result)
{
	return result == -1 ? rumpuser_component_errtrans(errno) : 0;
}

int
sockin_user_socket(int family, int type, int protocol, int *fdp)
{
	int hosttype = type == RUMP_SOCK_STREAM ? SOCK_STREAM : SOCK_DGRAM;
	const int on = 1;
	int fd;

	fd = socket(sockin_host_family(family), hosttype | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (fd == -1)
		return rumpuser_component_errtrans(errno);
	/* NetBSD's sockets of IPv6 do not serve IPv4 unless they are told to. */
	if (family == RUMP_AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == -1) {
		int error = rumpuser_component_errtrans(errno);

		close(fd);
		return error;
	}
	*fdp = fd;
	return 0;
}

void
sockin_user_close(int fd)
{
	void *cookie = rumpuser_component_unschedule();

	close(fd);
	rumpuser_component_schedule(cookie);
}

int
sockin_user_bind(int fd, const void *addr, uint32_t len)
{
	struct sockaddr_storage host;
	socklen_t hostlen;
	int error = sockin_address_to_host(addr, len, &host, &hostlen);

	return error != 0 ? error : answer(bind(fd, (struct sockaddr *)&host, hostlen));
}

int
sockin_user_listen(int fd, int backlog)
{
	return answer(listen(fd, backlog));
}

int
sockin_user_accept(int fd, int *fdp, void *addr, uint32_t *len)
{
	struct sockaddr_storage host;
	socklen_t hostlen = sizeof(host);

	*fdp = accept4(fd, (struct sockaddr *)&host, &hostlen, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (*fdp == -1)
		return rumpuser_component_errtrans(errno);
	sockin_address_from_host(&host, hostlen, addr, len);
	return 0;
}

int
sockin_user_connect(int fd, const void *addr, uint32_t len)
{
	struct sockaddr_storage host;
	socklen_t hostlen;
	int error = sockin_destination_to_host(addr, len, &host, &hostlen);

	if (error != 0)
		return error;
	if (connect(fd, (struct sockaddr *)&host, hostlen) == 0)
		return 0;
	/* Of a datagram socket there is no EAGAIN; of a stream it means that no port is free. */
	return errno == EAGAIN ? RUMP_EADDRNOTAVAIL : rumpuser_component_errtrans(errno);
}

int
sockin_user_connected(int fd)
{
	struct sockaddr_storage host;
	socklen_t hostlen = sizeof(host);
	int error = sockin_user_error(fd);

	if (error != 0)
		return error;
	if (getpeername(fd, (struct sockaddr *)&host, &hostlen) == 0)
		return 0;
	return errno == ENOTCONN ? RUMP_EINPROGRESS : rumpuser_component_errtrans(errno);
}

int
sockin_user_shutdown(int fd, int how)
{
	int hosthow = how == RUMP_SHUT_RD ? SHUT_RD : how == RUMP_SHUT_WR ? SHUT_WR : SHUT_RDWR;

	return answer(shutdown(fd, hosthow));
}

int
sockin_user_sockname(int fd, void *addr, uint32_t *len)
{
	struct sockaddr_storage host;
	socklen_t hostlen = sizeof(host);

	if (getsockname(fd, (struct sockaddr *)&host, &hostlen) == -1)
		return rumpuser_component_errtrans(errno);
	sockin_address_from_host(&host, hostlen, addr, len);
	return 0;
}

int
sockin_user_peername(int fd, void *addr, uint32_t *len)
{
	struct sockaddr_storage host;
	socklen_t hostlen = sizeof(host);

	if (getpeername(fd, (struct sockaddr *)&host, &hostlen) == -1)
		return rumpuser_component_errtrans(errno);
	sockin_address_from_host(&host, hostlen, addr, len);
	return 0;
}

int
sockin_user_error(int fd)
{
	socklen_t len = sizeof(int);
	int value = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &len) == -1)
		return rumpuser_component_errtrans(errno);
	return value != 0 ? rumpuser_component_errtrans(value) : 0;
}

int
sockin_user_atmark(int fd, int32_t *result)
{
	return answer(ioctl(fd, SIOCATMARK, result));
}
