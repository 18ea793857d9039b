/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection's beginning: banner and handshake, one after the other on a socket that nobody
 * else uses yet.
 */
#include "config.h"

#include "rumpclient/client.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/stat.h>

#include "abi/signal.h"
#include "rumpclient/annotate.h"
#include "sp/banner.h"
#include "sp/capability.h"
#include "sp/error.h"
#include "sp/frame.h"
#include "sp/transport.h"

#define OURS_EVERYWHERE (SP_CAP_FAULT | SP_CAP_INTERRUPT | SP_CAP_CANCEL)
#define OURS_UNIX (OURS_EVERYWHERE | SP_CAP_LOCALCOPY | SP_CAP_CONNECT)
#define OURS_TCP (OURS_EVERYWHERE | SP_CAP_SENDALONG)

/* Moves a descriptor out of the program's way. Returns the new one, or the old one when there is no room. */
int
rc_fd_up(int fd)
{
	struct rlimit limit;
	int base = RC_FD_BASE;
	int up;

	if (rc_hostcall(SYS_getrlimit, RLIMIT_NOFILE, (long)(uintptr_t)&limit, 0, 0, 0, 0) == 0 &&
	    limit.rlim_cur < 2 * RC_FD_BASE)
		base = (int)(limit.rlim_cur / 2);
	up = (int)rc_hostcall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, base < 3 ? 3 : base, 0, 0, 0);
	if (up < 0 && fd <= 2)
		up = (int)rc_hostcall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 3, 0, 0, 0);
	if (up < 0)
		return fd > 2 ? fd : -1;
	(void)rc_hostcall(SYS_close, fd, 0, 0, 0, 0, 0);
	return up;
}

static int
read_all(int fd, void *buf, size_t len)
{
	while (len != 0) {
		ssize_t n = recv(fd, buf, len, 0);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? -EPROTO : -errno;
		buf = (char *)buf + n;
		len -= (size_t)n;
	}
	return 0;
}

static int
write_all(int fd, const void *buf, size_t len)
{
	while (len != 0) {
		ssize_t n = send(fd, buf, len, MSG_NOSIGNAL);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -errno;
		buf = (const char *)buf + n;
		len -= (size_t)n;
	}
	return 0;
}

/* The banner, and not a byte more: what follows it is not for this function. */
static int
read_banner(int fd, uint32_t *capabilities)
{
	char line[SP_BANNER_MAX];
	struct sp_banner banner;
	size_t have = 0;
	int error;

	do {
		ssize_t n = recv(fd, line + have, sizeof(line) - have, MSG_PEEK);
		const char *newline;

		if (n == -1 && errno == EINTR)
			continue;
		/* That is how a server turns away those whom it does not admit. */
		if (n == 0 && have == 0)
			return -EPERM;
		if (n <= 0)
			return n == 0 ? -EPROTO : -errno;
		newline = memchr(line + have, '\n', (size_t)n);
		if (newline != NULL)
			n = newline + 1 - (line + have);
		error = read_all(fd, line + have, (size_t)n);
		if (error != 0)
			return error;
		have += (size_t)n;
		if (newline == NULL && have == sizeof(line))
			return -EPROTO;
	} while (have == 0 || line[have - 1] != '\n');
	error = sp_banner_parse(&banner, line, have, NULL);
	*capabilities = banner.capabilities;
	return error == -EPROTONOSUPPORT ? error : error == 0 ? 0 : -EPROTO;
}

/* An interrupted attempt to connect goes on by itself: its outcome. */
static int
connected(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLOUT};
	socklen_t len = sizeof(int);
	int error = 0;

	while (poll(&wait, 1, -1) == -1 && errno == EINTR)
		continue;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	return -error;
}

/* How long each step with the socket may take; 0 milliseconds: for ever. */
static void
set_patience(int fd, int64_t milliseconds)
{
	const struct timeval time = {milliseconds / 1000, milliseconds % 1000 * 1000};

	/* What fails here costs patience and nothing else. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
}

static int
open_socket(const struct sp_url *url, int64_t patience)
{
	int fd = socket(url->address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error = 0;

	if (fd == -1)
		return -errno;
	if (patience != 0)
		set_patience(fd, patience);
	if (connect(fd, &url->address.any, url->address_len) == -1) {
		error = -errno;
		if (error == -EINTR && url->kind != SP_UNIX)
			error = connected(fd);
		while (error == -EINTR)
			error = connect(fd, &url->address.any, url->address_len) == -1 ? -errno : 0;
	}
	if (error != 0) {
		(void)close(fd);
		return error;
	}
	if (url->kind != SP_UNIX)
		sp_tcp_prepare(fd);
	fd = rc_fd_up(fd);
	return fd == -1 ? -EMFILE : fd;
}

/* What both ends can do, from the banner. Returns 0, or -errno and the socket is closed. */
static int
be_greeted(struct rc_link *link, uint32_t ours)
{
	uint32_t theirs = 0;
	int error = read_banner(link->fd, &theirs);

	if (error != 0)
		(void)close(link->fd);
	link->capabilities = theirs & ours;
	return error;
}

int
rc_dial(const struct sp_url *url, int64_t patience, struct rc_link *link)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int error;

	*link = (struct rc_link){.fd = open_socket(url, patience), .patience = patience};
	if (link->fd < 0)
		return link->fd;
	error = be_greeted(link, url->kind == SP_UNIX ? OURS_UNIX : OURS_TCP);
	if (error != 0)
		return error;
	if (rc_annotate_needed())
		link->capabilities &= ~(uint32_t)SP_CAP_LOCALCOPY;
	if (url->kind == SP_UNIX && getsockopt(link->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0)
		link->server = peer.pid;
	return 0;
}

int
rc_dial_connected(int fd, struct rc_link *link)
{
	*link = (struct rc_link){.fd = fd};
	return be_greeted(link, sp_capabilities_connected(OURS_UNIX));
}

static int
discard(int fd, uint64_t len)
{
	uint8_t buf[4096];
	int error = 0;

	while (len != 0 && error == 0) {
		size_t n = len < sizeof(buf) ? (size_t)len : sizeof(buf);

		error = read_all(fd, buf, n);
		len -= n;
	}
	return error;
}

static int
answer_zeros(int fd, const struct sp_header *request, uint64_t len)
{
	static const uint8_t zeros[4096];
	struct sp_header header;
	int error;

	header = sp_header(
	    SP_RESPONSE, request->type == SP_COPYINSTR ? SP_COPYIN : request->type, 0, request->reqno, len);
	error = write_all(fd, &header, sizeof(header));
	while (len != 0 && error == 0) {
		size_t n = len < sizeof(zeros) ? (size_t)len : sizeof(zeros);

		error = write_all(fd, zeros, n);
		len -= n;
	}
	return error;
}

/*
 * A request that is meant for the program that was here before exec: nothing of its memory is left,
 * and the server may wait for the answer before it answers us.
 */
static int
refuse(const struct rc_link *link, const struct sp_header *request)
{
	struct sp_header fault = sp_header(SP_ERROR, 0, SP_ERR_FAULT, request->reqno, 0);
	uint64_t left = request->len - sizeof(*request);
	bool copies_in = request->type == SP_COPYIN || request->type == SP_COPYINSTR;
	struct sp_copy copy = {0};
	int signal_number;
	int error = 0;

	if (copies_in && left >= sizeof(copy)) {
		error = read_all(link->fd, &copy, sizeof(copy));
		left -= sizeof(copy);
	}
	if (error == 0)
		error = discard(link->fd, left);
	if (error != 0)
		return error;
	switch (request->type) {
	case SP_COPYIN:
	case SP_COPYINSTR:
		if (link->capabilities & SP_CAP_FAULT)
			break;
		if (copy.len > RC_FRAME_MAX)
			return -EPROTO;
		return answer_zeros(link->fd, request, request->type == SP_COPYIN ? copy.len : 1);
	case SP_ANONMMAP:
		return answer_zeros(link->fd, request, sizeof(struct sp_anonmmap_response));
	case SP_COPYOUT:
	case SP_COPYOUTSTR:
		if (link->capabilities & SP_CAP_FAULT)
			break;
		return 0;
	case SP_RAISE:
		signal_number = abi_signal_to_host((int)request->u);
		if (signal_number != 0)
			(void)kill(getpid(), signal_number);
		return 0;
	default:
		fault.u = SP_ERR_MALFORMED;
		break;
	}
	return write_all(link->fd, &fault, sizeof(fault));
}

/* Waits for the answer to a handshake. */
static int
shake(const struct rc_link *link, uint64_t reqno)
{
	for (;;) {
		struct sp_handshake_response response;
		struct sp_header header;
		int error = read_all(link->fd, &header, sizeof(header));

		if (error != 0)
			return error;
		if (header.len < sizeof(header) || header.len > RC_FRAME_MAX)
			return -EPROTO;
		if (header.class == SP_REQUEST)
			error = refuse(link, &header);
		else if (header.reqno != reqno ||
			 (header.class == SP_RESPONSE && header.type != SP_HANDSHAKE))
			error = discard(link->fd, header.len - sizeof(header));
		else if (header.class == SP_ERROR)
			return -sp_error_to_errno(header.u);
		else if (header.class != SP_RESPONSE || header.len != sizeof(header) + sizeof(response))
			return -EPROTO;
		else
			return (error = read_all(link->fd, &response, sizeof(response))) != 0 ? error
			       : response.error != 0                                          ? -EPROTO
											      : 0;
		if (error != 0)
			return error;
	}
}

static int
handshake(struct rc_link *link, enum sp_handshake kind, uint64_t reqno, const void *body, size_t len)
{
	uint8_t frame[sizeof(struct sp_header) + SP_HELLO_MAX];
	struct sp_header header = sp_header(SP_REQUEST, SP_HANDSHAKE, kind, reqno, len);
	int error;

	memcpy(frame, &header, sizeof(header));
	memcpy(frame + sizeof(header), body, len);
	error = write_all(link->fd, frame, sizeof(header) + len);
	if (error == 0)
		error = shake(link, reqno);
	if (error == 0 && link->patience != 0)
		set_patience(link->fd, 0);
	if (error != 0)
		(void)close(link->fd);
	else if ((link->capabilities & SP_CAP_LOCALCOPY) && link->server > 0)
		/* Only a security module asks for it, and it may forbid it: copies then go by frames. */
		(void)prctl(PR_SET_PTRACER, (unsigned long)link->server, 0, 0, 0);
	return error;
}

int
rc_hello(struct rc_link *link, enum sp_handshake kind, uint64_t reqno)
{
	uint8_t body[SP_HELLO_MAX];
	size_t len = sp_hello_format(body, program_invocation_short_name, link->capabilities);

	return handshake(link, kind, reqno, body, len);
}

int
rc_redeem(struct rc_link *link, const struct sp_ticket *ticket, uint32_t capabilities)
{
	struct sp_fork body = {.ticket = *ticket};

	link->capabilities = capabilities;
	return handshake(link, SP_FORK, 1, &body, sizeof(body));
}

static ino_t
inode_of(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

bool
rc_still_ours(const struct rumpclient *ctx)
{
	int fd = atomic_load(&ctx->fd);

	return fd != -1 && ctx->inode != 0 && inode_of(fd) == ctx->inode;
}

void
rc_disown(struct rumpclient *ctx)
{
	int fd = atomic_load(&ctx->fd);
	bool ours = rc_still_ours(ctx);

	if (ours)
		(void)close(fd);
	/* The child of vfork has its parent's memory. */
	if (rc_alive(ctx))
		return;
	if (fd != -1 && !ours)
		ctx->epoll = ctx->event = -1;
	atomic_store(&ctx->fd, -1);
}

/* Signals may arrive, but nobody else uses the context, or all who do are kept out. */
void
rc_adopt(struct rumpclient *ctx, const struct rc_link *link, uint64_t next)
{
	uint32_t state = atomic_load(&ctx->state);

	/* Requests of a lost connection keep their numbers until their threads have come to themselves. */
	if (atomic_load(&ctx->slots.next) < next)
		atomic_store(&ctx->slots.next, next);
	ctx->capabilities = link->capabilities;
	ctx->tcp = ctx->url.kind != SP_UNIX;
	atomic_store(&ctx->careful, false);
	atomic_store(&ctx->head, atomic_load(&ctx->tail));
	ctx->inode = inode_of(link->fd);
	atomic_store(&ctx->fd, link->fd);
	atomic_store(&ctx->state, (state & ~RC_DOWN) + RC_GENERATION);
}
