/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * What carries a descriptor of the rump kernel's over a socket of the host's is a connection to the server,
 * whose process in the rump kernel is a copy of the sender's (PREFORK and FORK) with nothing left in it but
 * that descriptor, as number 0. The host passes the connection on like any descriptor, keeps it while it is
 * on its way, and closes it when nobody takes it; the process and what it holds go with it. The sender may be
 * gone by then.
 *
 * Before it goes, LOCALCOPY is given up for good (by an EXEC): the server knows the connection as the
 * sender's, whose memory would otherwise be the receiver's to have read and written.
 *
 * The receiver takes the carrier's process over as a new program does (EXEC). Being both processes for a
 * moment, it moves the descriptor from one to the other over a local socket of the rump kernel's. So the rump
 * kernel has to have those.
 *
 * A carrier has a time limit set that no program would choose, and is believed only if it leads to where the
 * receiver's own connection does.
 */
#include "hijack/carry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>

#include <rump/rumpclient.h>

#include "hijack/abi/control.h"
#include "hijack/descriptor.h"
#include "hijack/gate.h"
#include "hijack/message_control.h"
#include "hijack/report.h"
#include "hijack/rump.h"
#include "rumpclient/client.h"
#include "rumpclient/fork.h"

#define MARK_SECONDS 0x52554d50 /* some 43 years */

static long
on(struct rumpclient *ctx, enum hijack_rump_number number, const uint64_t *slots, size_t count)
{
	int64_t retval[2];
	int error = rumpclient_ctx_syscall(ctx, (int)number, slots, count * sizeof(*slots), retval);

	return error != 0 ? error : (long)retval[0];
}

#define ON(ctx, name, ...) \
	on(ctx, HIJACK_RUMP_##name, (const uint64_t[]){__VA_ARGS__}, \
	    sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static long
local_socket(struct rumpclient *ctx)
{
	return ON(ctx, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM | RUMP_SOCK_CLOEXEC, 0);
}

/* Leaves the copy nothing but that descriptor, and checks that it can be moved elsewhere from there. */
static int
strip(struct rumpclient *copy, int rump)
{
	long error = 0, probe;

	if (rump == 0)
		error = ON(copy, fcntl, 0, RUMP_F_SETFD, 0);
	else
		error = ON(copy, dup2, (uint64_t)rump, 0);
	if (error >= 0)
		error = ON(copy, fcntl, 1, RUMP_F_CLOSEM, 0);
	if (error >= 0)
		error = ON(copy, chdir, hijack_slot("/"));
	if (error < 0)
		return (int)error;
	probe = local_socket(copy);
	if (probe >= 0)
		return (int)ON(copy, close, (uint64_t)probe);
	if (hijack_verbose)
		hijack_report(
		    "the rump kernel has no local sockets (rumpnet_local): its descriptors cannot be "
		    "passed on by the host's");
	return -EINVAL;
}

/* A carrier's, of those of the process's own connection. */
static uint32_t
capabilities(const struct rumpclient *ctx)
{
	return ctx->capabilities & ~(uint32_t)SP_CAP_LOCALCOPY;
}

/* The context's connection as a descriptor of its own, marked, its process a new program's. Or -errno. */
static int
release(const struct rumpclient *copy)
{
	const struct timeval mark = {MARK_SECONDS, 0};
	struct rc_link link = {.capabilities = capabilities(copy)};
	long error;

	link.fd = (int)hijack_own(SYS_fcntl, atomic_load(&copy->fd), F_DUPFD_CLOEXEC, 3, 0, 0, 0);
	error = link.fd >= 0 ? rc_hello(&link, SP_EXEC, 0) : link.fd;
	if (error != 0)
		return (int)error;
	error = hijack_own(SYS_setsockopt, link.fd, SOL_SOCKET, SO_SNDTIMEO, (long)&mark, sizeof(mark), 0);
	if (error == 0)
		return link.fd;
	(void)hijack_own(SYS_close, link.fd, 0, 0, 0, 0, 0);
	return (int)error;
}

int
hijack_carry_out(int rump)
{
	struct rumpclient_fork *fork;
	struct rumpclient *copy;
	int error, fd = -1;
	struct rumpclient *ctx = hijack_rump_context(&error);

	if (ctx == NULL)
		return error;
	fork = hijack_process()->may_be_refused ? rc_prefork_connected(ctx) : rumpclient_ctx_prefork(ctx);
	if (fork == NULL)
		return -errno;
	copy = rumpclient_ctx_fork_init(fork);
	error = copy != NULL ? 0 : -errno;
	if (copy == NULL)
		rc_fork_give_back(fork);
	rc_fork_free(fork);
	if (error == 0)
		error = strip(copy, rump);
	if (error == 0)
		fd = release(copy);
	rumpclient_ctx_free(copy);
	return error != 0 ? error : fd;
}

static bool
is_marked(int fd)
{
	struct timeval limit;
	socklen_t len = sizeof(limit);

	return hijack_own(SYS_getsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, (long)&limit, (long)&len, 0) == 0 &&
	       limit.tv_sec == MARK_SECONDS;
}

struct end {
	struct sockaddr_storage name;
	struct ucred peer;
};

static bool
other_end(int fd, struct end *end)
{
	socklen_t name = sizeof(end->name), peer = sizeof(end->peer);

	memset(end, 0, sizeof(*end));
	if (hijack_own(SYS_getpeername, fd, (long)&end->name, (long)&name, 0, 0, 0) != 0)
		return false;
	return end->name.ss_family != AF_UNIX ||
	       hijack_own(SYS_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, (long)&end->peer, (long)&peer, 0) == 0;
}

static bool
is_unnamed(const struct end *end)
{
	struct sockaddr_un name;

	memcpy(&name, &end->name, sizeof(name));
	return name.sun_family == AF_UNIX && name.sun_path[0] == '\0';
}

/* The ends of connections that a server has made have no name, but it is their peer as well. */
static bool
lead_to_one_server(int a, int b)
{
	struct end of_a, of_b;

	if (!other_end(a, &of_a) || !other_end(b, &of_b))
		return false;
	if (is_unnamed(&of_a) || is_unnamed(&of_b))
		return of_a.name.ss_family == of_b.name.ss_family && of_a.peer.pid > 0 &&
		       memcmp(&of_a.peer, &of_b.peer, sizeof(of_a.peer)) == 0;
	return memcmp(&of_a, &of_b, sizeof(of_a)) == 0;
}

/* The carrier's process, which is the calling one's from then on. NULL: *error. */
static struct rumpclient *
take_over(const struct rumpclient *own, int fd, int *error)
{
	struct rumpclient *ctx = rc_context_new();
	struct rc_link link = {.capabilities = capabilities(own)};

	*error = -ENOMEM;
	if (ctx == NULL)
		return NULL;
	ctx->url = own->url;
	link.fd = (int)hijack_own(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 3, 0, 0, 0);
	*error = link.fd >= 0 ? rc_hello(&link, SP_EXEC, 0) : link.fd;
	if (*error == 0) {
		rc_adopt(ctx, &link, 1);
		return ctx;
	}
	rc_context_free(ctx);
	return NULL;
}

/* A message of one byte and one descriptor. */
struct parcel {
	uint8_t byte;
	struct rump_iovec iov;
	_Alignas(8) uint8_t control[HIJACK_CONTROL_DATA + 8];
	struct rump_msghdr message;
};

static void
pack(struct parcel *p, int rump)
{
	const struct rump_cmsghdr header = {
	    HIJACK_CONTROL_DATA + sizeof(rump), RUMP_SOL_SOCKET, RUMP_SCM_RIGHTS};

	*p = (struct parcel){.iov = {&p->byte, 1}};
	memcpy(p->control, &header, sizeof(header));
	memcpy(p->control + HIJACK_CONTROL_DATA, &rump, sizeof(rump));
	p->message = (struct rump_msghdr){.msg_iov = &p->iov,
	    .msg_iovlen = 1,
	    .msg_control = p->control,
	    .msg_controllen = sizeof(p->control)};
}

/* The descriptor that has come, or -EBADMSG. */
static int
unpack(const struct parcel *p)
{
	struct rump_cmsghdr header;
	int rump;

	memcpy(&header, p->control, sizeof(header));
	memcpy(&rump, p->control + HIJACK_CONTROL_DATA, sizeof(rump));
	return p->message.msg_controllen >= header.cmsg_len &&
		       header.cmsg_len == HIJACK_CONTROL_DATA + sizeof(rump) &&
		       header.cmsg_level == RUMP_SOL_SOCKET && header.cmsg_type == RUMP_SCM_RIGHTS
		   ? rump
		   : -EBADMSG;
}

/* A listening socket with a name that nobody else has. Returns it or -errno. */
static long
listener(struct rump_sockaddr_un *name)
{
	static uint32_t count;
	static const char *const directories[] = {"", "/tmp"};
	long fd = HIJACK_RUMP(__socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM | RUMP_SOCK_CLOEXEC, 0), error = 0;

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		*name = (struct rump_sockaddr_un){.sun_len = sizeof(*name), .sun_family = RUMP_AF_LOCAL};
		snprintf(name->sun_path, sizeof(name->sun_path), "%s/.rumphijack.%ld.%u", directories[i],
		    hijack_own(SYS_getpid, 0, 0, 0, 0, 0, 0),
		    __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED));
		error = HIJACK_RUMP(bind, (uint64_t)fd, hijack_slot(name), sizeof(*name));
		if (error == 0)
			break;
	}
	if (error == 0)
		error = HIJACK_RUMP(listen, (uint64_t)fd, 1);
	if (error == 0)
		return fd;
	(void)HIJACK_RUMP(close, (uint64_t)fd);
	return error;
}

/* Both ends of a connection: *there in the carrier's process, the result in this one's. Or -errno. */
static long
connection(struct rumpclient *carrier, long *there)
{
	struct rump_sockaddr_un name;
	long listening = listener(&name), here;

	if (listening < 0)
		return listening;
	here = *there = local_socket(carrier);
	if (here >= 0)
		here = ON(carrier, connect, (uint64_t)*there, hijack_slot(&name), sizeof(name));
	(void)HIJACK_RUMP(unlink, hijack_slot(name.sun_path));
	if (here >= 0)
		here = HIJACK_RUMP(paccept, (uint64_t)listening, 0, 0, 0, RUMP_SOCK_CLOEXEC);
	(void)HIJACK_RUMP(close, (uint64_t)listening);
	return here;
}

/* Returns the carried descriptor, now the calling process's own, or -errno. */
static int
fetch(struct rumpclient *carrier)
{
	struct parcel sent, received;
	long there, here = connection(carrier, &there), n;

	if (here < 0)
		return (int)here;
	pack(&sent, 0);
	pack(&received, -1);
	n = ON(carrier, sendmsg, (uint64_t)there, hijack_slot(&sent.message), 0);
	if (n >= 0)
		n = HIJACK_RUMP(recvmsg, (uint64_t)here, hijack_slot(&received.message), 0);
	(void)HIJACK_RUMP(close, (uint64_t)here);
	(void)ON(carrier, close, (uint64_t)there);
	return n >= 0 ? unpack(&received) : (int)n;
}

/* Has the number stand for the rump descriptor in place of what it is now. */
static int
replace(int fd, int rump, bool close_on_exec)
{
	enum hijack_kind kind = rump != HIJACK_FD_LOST ? hijack_kind_of(rump) : HIJACK_KIND_FILE;
	long shadow = hijack_fd_shadow(kind, 0, close_on_exec), error = shadow;

	if (shadow >= 0)
		error = hijack_own(SYS_dup3, shadow, fd, close_on_exec ? O_CLOEXEC : 0, 0, 0, 0);
	if (shadow >= 0)
		(void)hijack_own(SYS_close, shadow, 0, 0, 0, 0, 0);
	return error < 0 ? (int)error : hijack_fd_set(fd, rump, kind);
}

int
hijack_carry_in(int fd, bool close_on_exec)
{
	struct rumpclient *own, *carrier;
	int error = 0, rump;

	if (!is_marked(fd))
		return 0;
	own = hijack_rump_context(&error);
	if (own != NULL && !lead_to_one_server(fd, atomic_load(&own->fd)))
		return 0;
	carrier = own != NULL ? take_over(own, fd, &error) : NULL;
	rump = carrier != NULL ? fetch(carrier) : error;
	if (carrier != NULL)
		rc_context_free(carrier);
	error = replace(fd, rump >= 0 ? rump : HIJACK_FD_LOST, close_on_exec);
	if (error != 0 && rump >= 0)
		(void)HIJACK_RUMP(close, (uint64_t)rump);
	if (rump < 0 && hijack_verbose)
		hijack_report(
		    "a descriptor of the rump kernel's that came as %d is lost: %s", fd, strerror(-rump));
	return rump < 0 ? rump : error;
}
