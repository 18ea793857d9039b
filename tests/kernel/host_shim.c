/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/kernel/host_shim.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef IP_RECVORIGDSTADDR
#define IP_RECVORIGDSTADDR 20
#endif

/* Which the program takes from a client library. */
int rumpclient_init(void);
int rumpclient_fork(void);

int
rumpclient_init(void)
{
	/* As in a rump kernel, whose processes get no signals. */
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

int
rumpclient_fork(void)
{
	return fork();
}

static int
fails(int error)
{
	errno = error;
	return -1;
}

/* Files: no more than the cases on sockets want. */

static const char *
host_path(const char *path, char *buf, size_t size)
{
	const char *root = getenv("HOST_SHIM_ROOT");

	if (path[0] != '/' || root == NULL)
		return path;
	snprintf(buf, size, "%s%s", root, path);
	return buf;
}

int
rump_sys_mkdir(const char *path, uint32_t mode)
{
	char buf[4096];

	return mkdir(host_path(path, buf, sizeof(buf)), mode);
}

int
rump_sys_chdir(const char *path)
{
	char buf[4096];

	return chdir(host_path(path, buf, sizeof(buf)));
}

int
rump_sys_unlink(const char *path)
{
	return unlink(path);
}

int
rump_sys_stat(const char *path, struct rump_stat *st)
{
	struct stat host;

	if (stat(path, &host) != 0)
		return -1;
	memset(st, 0, sizeof(*st));
	st->st_mode = host.st_mode;
	return 0;
}

int
rump_sys_open(const char *path, int flags, ...)
{
	return open(path, (flags & RUMP_O_CREAT) != 0 ? O_CREAT | O_RDWR : flags & 3, 0600);
}

int
rump_sys_close(int fd)
{
	return close(fd);
}

ssize_t
rump_sys_read(int fd, void *buf, size_t len)
{
	return read(fd, buf, len);
}

ssize_t
rump_sys_write(int fd, const void *buf, size_t len)
{
	return write(fd, buf, len);
}

int
rump_sys_pipe2(int *fds, int flags)
{
	return pipe2(fds, (flags & RUMP_O_NONBLOCK) != 0 ? O_NONBLOCK : 0);
}

int
rump_sys_pipe(int fds[2])
{
	return pipe(fds);
}

int
rump_sys_fcntl(int fd, int cmd, ...)
{
	va_list ap;
	long arg;
	int got;

	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	switch (cmd) {
	case RUMP_F_GETFD:
		return fcntl(fd, F_GETFD);
	case RUMP_F_GETFL:
		got = fcntl(fd, F_GETFL);
		return got == -1 ? -1 : (got & O_ACCMODE) | ((got & O_NONBLOCK) != 0 ? RUMP_O_NONBLOCK : 0);
	case RUMP_F_SETFL:
		return fcntl(fd, F_SETFL, ((int)arg & RUMP_O_NONBLOCK) != 0 ? O_NONBLOCK : 0);
	default:
		return fails(EINVAL);
	}
}

int
rump_sys_ioctl(int fd, unsigned long cmd, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	return cmd == RUMP_SIOCATMARK ? ioctl(fd, SIOCATMARK, arg) : fails(ENOTTY);
}

int32_t
rump_sys_getpid(void)
{
	return getpid();
}

int
rump_sys_setrlimit(int which, const struct rump_rlimit *limit)
{
	struct rlimit host = {.rlim_cur = limit->rlim_cur, .rlim_max = limit->rlim_max};

	return which == RUMP_RLIMIT_NOFILE ? setrlimit(RLIMIT_NOFILE, &host) : fails(EINVAL);
}

/* The bits that both have are the same, but for POLLWRNORM, which is NetBSD's POLLOUT. */
int
rump_sys_poll(struct rump_pollfd *fds, unsigned int count, int timeout)
{
	struct pollfd host;
	int ready;

	if (count != 1)
		return fails(EINVAL);
	host = (struct pollfd){.fd = fds->fd, .events = fds->events & 0xff};
	ready = poll(&host, 1, timeout);
	fds->revents = host.revents & 0xff;
	return ready;
}

/* Sockets */

static int
host_type(int type)
{
	int host = type & 0xff;

	if ((type & RUMP_SOCK_NONBLOCK) != 0)
		host |= SOCK_NONBLOCK;
	return host;
}

static int
host_domain(int domain)
{
	return domain == RUMP_AF_INET6 ? AF_INET6 : domain;
}

int
rump_sys_socket(int domain, int type, int protocol)
{
	return socket(host_domain(domain), host_type(type), protocol);
}

int
rump_sys_socketpair(int domain, int type, int protocol, int *fds)
{
	return socketpair(host_domain(domain), host_type(type), protocol, fds);
}

int
rump_sys_bind(int fd, const struct rump_sockaddr *addr, uint32_t len)
{
	struct sockaddr_storage host;

	return shim_address_to_host(addr, len, &host) != 0 ? -1 : bind(fd, (struct sockaddr *)&host, len);
}

int
rump_sys_connect(int fd, const struct rump_sockaddr *addr, uint32_t len)
{
	struct sockaddr_storage host;

	return shim_address_to_host(addr, len, &host) != 0 ? -1 : connect(fd, (struct sockaddr *)&host, len);
}

int
rump_sys_listen(int fd, int backlog)
{
	return listen(fd, backlog);
}

/* The kernel's accepted sockets are non-blocking where the listening one is. */
int
rump_sys_accept(int fd, struct rump_sockaddr *addr, uint32_t *len)
{
	struct sockaddr_storage host = {0};
	socklen_t hostlen = sizeof(host);
	int flags = (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 ? SOCK_NONBLOCK : 0;
	int conn = accept4(fd, (struct sockaddr *)&host, &hostlen, flags);

	if (conn != -1)
		shim_address_from_host(&host, hostlen, addr, len);
	return conn;
}

int
rump_sys_getsockname(int fd, struct rump_sockaddr *addr, uint32_t *len)
{
	struct sockaddr_storage host = {0};
	socklen_t hostlen = sizeof(host);

	if (getsockname(fd, (struct sockaddr *)&host, &hostlen) != 0)
		return -1;
	shim_address_from_host(&host, hostlen, addr, len);
	return 0;
}

int
rump_sys_getpeername(int fd, struct rump_sockaddr *addr, uint32_t *len)
{
	struct sockaddr_storage host = {0};
	socklen_t hostlen = sizeof(host);

	if (getpeername(fd, (struct sockaddr *)&host, &hostlen) != 0)
		return -1;
	shim_address_from_host(&host, hostlen, addr, len);
	return 0;
}

int
rump_sys_shutdown(int fd, int how)
{
	return shutdown(fd, how);
}

ssize_t
rump_sys_sendto(
    int fd, const void *buf, size_t len, int flags, const struct rump_sockaddr *addr, uint32_t addrlen)
{
	struct sockaddr_storage host;

	if (addr == NULL)
		return send(fd, buf, len, shim_flags_to_host(flags));
	if (shim_address_to_host(addr, addrlen, &host) != 0)
		return -1;
	return sendto(fd, buf, len, shim_flags_to_host(flags), (struct sockaddr *)&host, addrlen);
}

ssize_t
rump_sys_recvfrom(int fd, void *buf, size_t len, int flags, struct rump_sockaddr *addr, uint32_t *addrlen)
{
	struct sockaddr_storage host = {0};
	socklen_t hostlen = sizeof(host);
	ssize_t n = recvfrom(fd, buf, len, shim_flags_to_host(flags), (struct sockaddr *)&host, &hostlen);

	if (n != -1)
		shim_address_from_host(&host, hostlen, addr, addrlen);
	return n;
}

ssize_t
rump_sys_sendmsg(int fd, const struct rump_msghdr *message, int flags)
{
	return shim_sendmsg(fd, message, flags);
}

ssize_t
rump_sys_recvmsg(int fd, struct rump_msghdr *message, int flags)
{
	return shim_recvmsg(fd, message, flags);
}

int
rump_sys_sendmmsg(int fd, struct rump_mmsghdr *messages, unsigned int count, unsigned int flags)
{
	for (unsigned i = 0; i < count; i++) {
		ssize_t n = shim_sendmsg(fd, &messages[i].msg_hdr, (int)flags);

		if (n == -1)
			return i > 0 ? (int)i : -1;
		messages[i].msg_len = (uint32_t)n;
	}
	return (int)count;
}

int
rump_sys_recvmmsg(int fd, struct rump_mmsghdr *messages, unsigned int count, unsigned int flags,
    struct rump_timespec *timeout)
{
	(void)timeout;
	for (unsigned i = 0; i < count; i++) {
		ssize_t n = shim_recvmsg(fd, &messages[i].msg_hdr, (int)flags);

		if (n == -1)
			return i > 0 ? (int)i : -1;
		messages[i].msg_len = (uint32_t)n;
	}
	return (int)count;
}

/* Options */

/* Level 0 is IP's, and of local sockets their own. */
#define LOCAL_LEVEL (-1)

static const struct {
	int level, name, hostlevel, hostname;
} options[] = {
    {RUMP_SOL_SOCKET, RUMP_SO_TYPE, SOL_SOCKET, SO_TYPE},
    {RUMP_SOL_SOCKET, RUMP_SO_ACCEPTCONN, SOL_SOCKET, SO_ACCEPTCONN},
    {RUMP_SOL_SOCKET, RUMP_SO_REUSEADDR, SOL_SOCKET, SO_REUSEADDR},
    {RUMP_SOL_SOCKET, RUMP_SO_KEEPALIVE, SOL_SOCKET, SO_KEEPALIVE},
    {RUMP_SOL_SOCKET, RUMP_SO_SNDBUF, SOL_SOCKET, SO_SNDBUF},
    {RUMP_SOL_SOCKET, RUMP_SO_LINGER, SOL_SOCKET, SO_LINGER},
    {RUMP_SOL_SOCKET, RUMP_SO_ERROR, SOL_SOCKET, SO_ERROR},
    {RUMP_SOL_SOCKET, RUMP_SO_RCVTIMEO, SOL_SOCKET, SO_RCVTIMEO},
    {RUMP_IPPROTO_TCP, RUMP_TCP_NODELAY, IPPROTO_TCP, TCP_NODELAY},
    {RUMP_IPPROTO_TCP, RUMP_TCP_KEEPIDLE, IPPROTO_TCP, TCP_KEEPIDLE},
    {RUMP_IPPROTO_IP, RUMP_IP_TTL, IPPROTO_IP, IP_TTL},
    {RUMP_IPPROTO_IP, RUMP_IP_RECVDSTADDR, IPPROTO_IP, IP_RECVORIGDSTADDR},
    {RUMP_IPPROTO_IPV6, RUMP_IPV6_V6ONLY, IPPROTO_IPV6, IPV6_V6ONLY},
    {LOCAL_LEVEL, RUMP_LOCAL_CREDS, SOL_SOCKET, SO_PASSCRED},
    {LOCAL_LEVEL, RUMP_LOCAL_PEEREID, SOL_SOCKET, SO_PEERCRED},
};

static int
host_option(int fd, int *level, int *name)
{
	socklen_t len = sizeof(int);
	int domain;

	if (*level == 0 && getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX)
		*level = LOCAL_LEVEL;
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		if (options[i].level == *level && options[i].name == *name) {
			*level = options[i].hostlevel;
			*name = options[i].hostname;
			return 0;
		}
	}
	return fails(ENOPROTOOPT);
}

int
rump_sys_setsockopt(int fd, int level, int name, const void *value, uint32_t len)
{
	if (host_option(fd, &level, &name) != 0)
		return -1;
	if (name == SO_RCVTIMEO && level == SOL_SOCKET) {
		const struct rump_timeval *tv = value;
		struct timeval host = {.tv_sec = tv->tv_sec, .tv_usec = tv->tv_usec};

		return setsockopt(fd, level, name, &host, sizeof(host));
	}
	return setsockopt(fd, level, name, value, len);
}

/* NetBSD's number of an error. */
static int
netbsd_errno(int host)
{
	static const struct {
		int host, netbsd;
	} errors[] = {
#define X(name) {name, RUMP_##name},
#define NETBSD_ONLY(name, number)
#include "abi/errno.def"
	};

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (errors[i].host == host)
			return errors[i].netbsd;
	return host;
}

int
rump_sys_getsockopt(int fd, int level, int name, void *value, uint32_t *len)
{
	socklen_t hostlen = *len;

	if (host_option(fd, &level, &name) != 0)
		return -1;
	/* The structures have the same members in the same order. */
	if (getsockopt(fd, level, name, value, &hostlen) != 0)
		return -1;
	if (level == SOL_SOCKET && name == SO_PEERCRED) {
		struct rump_unpcbid *id = value;

		id->unp_euid = shim_uid(id->unp_euid);
		id->unp_egid = shim_gid(id->unp_egid);
	}
	if (level == SOL_SOCKET && name == SO_ERROR)
		*(int *)value = netbsd_errno(*(int *)value);
	*len = hostlen;
	return 0;
}
