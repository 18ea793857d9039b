/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client as a receiver: it is handed the input as what a server sends, in pieces, while a call and a
 * submitted one are under way. Where the input asks for copies, they go to memory that is there for it.
 *
 * With CONNECT, a connection is asked for in place of that, and descriptors come along with the pieces.
 *
 * The first byte chooses the capabilities and the pieces' length; each frame in the rest begins with
 * what an sp_header needs and is made well-formed more often than not, so that the fuzzer gets past it.
 */
#include "config.h"

#include "rumpclient/client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "sp/frame.h"

#define ARENA 65536
#define PIECES 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *arena;

struct input {
	const uint8_t *at;
	size_t left;
};

static uint64_t
number(struct input *in, size_t bytes)
{
	uint64_t value = 0;

	for (; bytes != 0 && in->left != 0; bytes--, in->left--)
		value = value << 8 | *in->at++;
	return value;
}

/* Within the arena, around its end, or anywhere. */
static sp_addr_t
address(struct input *in)
{
	uint64_t value = number(in, 3);

	if (value % 16 == 0)
		return value;
	return (sp_addr_t)(uintptr_t)arena + value / 16 % (ARENA + 64);
}

static size_t
make_body(struct input *in, const struct sp_header *header, uint8_t *body, size_t max)
{
	size_t len = (size_t)(number(in, 2) % max);
	struct sp_copy copy;
	size_t have = 0;

	if (header->class == SP_REQUEST && header->type >= SP_COPYIN && header->type <= SP_COPYOUTSTR) {
		bool out = header->type >= SP_COPYOUT;

		copy.addr = address(in);
		copy.len = out ? len : number(in, 2);
		memcpy(body, &copy, sizeof(copy));
		have = sizeof(copy);
		if (!out)
			return have;
	}
	for (; have < sizeof(copy) + len && have < max; have++)
		body[have] = (uint8_t)number(in, 1);
	return have;
}

/* A RAISE could end the fuzzer; SIGURG, which becomes it, is ignored. */
static void
tame(struct sp_header *header)
{
	if (header->class == SP_REQUEST && header->type == SP_RAISE)
		header->u = 16;
	if (header->class == SP_REQUEST && header->type == SP_ANONMMAP)
		header->type = 99;
}

static size_t
make_stream(struct input *in, uint8_t *stream, size_t max)
{
	size_t have = 0;

	while (in->left != 0 && have + sizeof(struct sp_header) + 4096 + 64 < max) {
		uint8_t kind = (uint8_t)number(in, 1);
		struct sp_header header = {
		    .reqno = 2 + (kind >> 6),
		    .class = kind & 3,
		    .type = kind >> 2 & 15,
		    .u = (uint32_t)number(in, 1),
		};
		size_t len;

		if (header.type >= 14)
			header.type = header.type == 15 ? SP_CALL : SP_CONNECT;
		tame(&header);
		len = make_body(in, &header, stream + have + sizeof(header), 4096);
		header.len = sizeof(header) + len;
		if (header.u == 255)
			header.len = number(in, 3);
		memcpy(stream + have, &header, sizeof(header));
		have += sizeof(header) + len;
	}
	return have;
}

static struct rumpclient *
connected(int fd, uint32_t capabilities)
{
	struct rumpclient *ctx = rc_context_new();
	struct rc_link link = {.fd = fd, .capabilities = capabilities};

	if (ctx == NULL)
		abort();
	rc_adopt(ctx, &link, 2);
	return ctx;
}

static int server_end = -1;

static void
drain(void)
{
	static uint8_t sink[ARENA];

	while (recv(server_end, sink, sizeof(sink), MSG_DONTWAIT) > 0)
		continue;
}

/* The client's own way to the host. Whoever sends waits for nobody: all that is in the socket is read before.
 */
static long
hostcall(long nr, long a, long b, long c, long d, long e, long f)
{
	long result = rc_hostcall_direct(nr, a, b, c, d, e, f);

	if (result == -EAGAIN && (nr == SYS_sendmsg || nr == SYS_sendto)) {
		drain();
		result = rc_hostcall_direct(nr, a, b, c, d, e, f);
	}
	return result;
}

/* All of it is there, each piece with a descriptor or two, when the client asks for one. */
static void
ask(struct rumpclient *ctx, const uint8_t *stream, size_t len, size_t piece)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(2 * sizeof(int))] = {0};
	struct cmsghdr *header = (struct cmsghdr *)(void *)control;
	const int fds[2] = {server_end, server_end};
	int fd;

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(header), fds, sizeof(fds));
	for (size_t sent = 0, count = 1; sent < len; count = 3 - count) {
		struct iovec iov = {
		    (void *)(uintptr_t)(stream + sent), len - sent < piece ? len - sent : piece};
		struct msghdr message = {.msg_iov = &iov,
		    .msg_iovlen = 1,
		    .msg_control = control,
		    .msg_controllen = CMSG_SPACE(count * sizeof(int))};
		ssize_t n;

		header->cmsg_len = CMSG_LEN(count * sizeof(int));
		n = sendmsg(server_end, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n <= 0)
			break;
		sent += (size_t)n;
	}
	shutdown(server_end, SHUT_WR);
	fd = rc_connect(ctx);
	if (fd >= 0)
		rc_connect_close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t stream[1 << 18];
	static struct rumpclient_call calls[2];
	struct input in = {data, size};
	uint64_t args[1] = {0};
	struct rumpclient *ctx;
	size_t piece;
	size_t len;
	int pair[2];

	if (arena == NULL) {
		arena = mmap(NULL, ARENA + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mprotect(arena + ARENA, 4096, PROT_NONE);
		rumpclient_set_hostcall(hostcall);
	}
	if (size < 2)
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
		abort(); /* a descriptor is left over each time */
	server_end = pair[1];
	ctx = connected(pair[0], data[0] & 63);
	in.at++, in.left--;
	piece = 1 + number(&in, 1) * 97;
	len = make_stream(&in, stream, sizeof(stream));
	/* Each piece costs several system calls: short ones are for short inputs. */
	if (piece < len / PIECES)
		piece = len / PIECES;
	memset(calls, 0, sizeof(calls));
	rumpclient_ctx_submit(ctx, &calls[0], 20, args, 0);
	rumpclient_ctx_submit(ctx, &calls[1], 20, args, sizeof(args));
	if ((ctx->capabilities & SP_CAP_CONNECT) != 0)
		ask(ctx, stream, len, piece);
	for (size_t sent = 0; sent < len && (ctx->capabilities & SP_CAP_CONNECT) == 0;) {
		ssize_t n = send(pair[1], stream + sent, len - sent < piece ? len - sent : piece,
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0)
			sent += (size_t)n;
		while (rumpclient_ctx_complete(ctx) != NULL)
			continue;
		drain();
		if (n <= 0)
			break;
	}
	/* A frame that promises more than came ends with the connection; then a call finds it lost. */
	shutdown(pair[1], SHUT_WR);
	if (!(atomic_load(&ctx->state) & RC_DOWN)) {
		int64_t retval[2];

		(void)rumpclient_ctx_syscall(ctx, 20, NULL, 0, retval);
	}
	while (rumpclient_ctx_complete(ctx) != NULL)
		continue;
	close(pair[1]);
	rumpclient_ctx_free(ctx);
	return 0;
}
