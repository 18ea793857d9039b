/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections that the server makes for who has one, for processes that would not be let in.
 *
 * Theory of operation: the answer to CONNECT brings a descriptor. Receptions have no room for any, so that
 * servers cannot give programs descriptors that they know nothing of; this one has, for one. So whoever
 * receives for all is asked to leave first, and no signal handler's call may come in between.
 *
 * Until a child has it, such a descriptor is in a list: other children, which inherit it as they do
 * everything, close it, or the connection would last as long as they do. An entry has the inode too, since a
 * number may by then be something else in a child.
 */
#include "config.h"

#include "rumpclient/client.h"

#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define LISTED_MAX 16

/* The descriptor + 1, below the inode; 0: free. */
static _Atomic uint64_t listed[LISTED_MAX];

static uint64_t
entry_for(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 ? (uint64_t)status.st_ino << 32 | ((uint32_t)fd + 1) : 0;
}

static int
number_of(uint64_t entry)
{
	return (int)(uint32_t)entry - 1;
}

static int
list(int fd)
{
	uint64_t entry = entry_for(fd);

	for (size_t i = 0; i < LISTED_MAX && entry != 0; i++) {
		uint64_t none = 0;

		if (atomic_compare_exchange_strong(&listed[i], &none, entry))
			return 0;
	}
	return -EAGAIN;
}

void
rc_connect_done(int fd)
{
	for (size_t i = 0; i < LISTED_MAX; i++) {
		uint64_t entry = atomic_load(&listed[i]);

		if (entry != 0 && number_of(entry) == fd &&
		    atomic_compare_exchange_strong(&listed[i], &entry, 0))
			return;
	}
}

void
rc_connect_close(int fd)
{
	uint64_t wanted = entry_for(fd);

	for (size_t i = 0; i < LISTED_MAX && wanted != 0; i++) {
		if (atomic_load(&listed[i]) != wanted)
			continue;
		(void)close(fd);
		break;
	}
	rc_connect_done(fd);
}

void
rc_connect_forked(int own)
{
	for (size_t i = 0; i < LISTED_MAX; i++) {
		uint64_t entry = atomic_load(&listed[i]);
		int fd = number_of(entry);

		if (entry != 0 && fd != own && entry_for(fd) == entry)
			(void)close(fd);
	}
}

bool
rc_connect_owns(int fd)
{
	for (size_t i = 0; i < LISTED_MAX; i++) {
		uint64_t entry = atomic_load_explicit(&listed[i], memory_order_relaxed);

		if (entry != 0 && number_of(entry) == fd)
			return true;
	}
	return false;
}

/* Keeps what has come along, the last one, if there was anything. */
static void
take_descriptor(const struct msghdr *message, int *fd)
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);

	if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(sizeof(*fd)))
		return;
	if (*fd != -1)
		(void)close(*fd);
	memcpy(fd, CMSG_DATA(header), sizeof(*fd));
}

/* As rc_receive_now(), with a descriptor that comes along. */
static int
receive(struct rumpclient *ctx, int *fd)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_LEN(sizeof(*fd))] = {0};
	uint64_t tail = atomic_load(&ctx->tail);
	struct iovec iov = {
	    ctx->ring + tail % RC_RING_SIZE, RC_RING_SIZE - (size_t)(tail - atomic_load(&ctx->head))};
	struct mmsghdr message = {
	    .msg_hdr = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)}};
	long n = rc_hostcall(SYS_recvmmsg, atomic_load(&ctx->fd), (long)(uintptr_t)&message, 1,
	    MSG_DONTWAIT | MSG_CMSG_CLOEXEC, 0, 0);

	if (n != 1)
		return (int)n;
	take_descriptor(&message.msg_hdr, fd);
	atomic_store(&ctx->tail, tail + message.msg_len);
	return message.msg_len != 0 ? 1 : 0;
}

void
rc_wait_descriptor(struct rumpclient *ctx, struct rc_slot *slot, int *fd)
{
	for (;;) {
		int result = rc_receive_frame(ctx, true);

		if (result == 1)
			continue;
		if (result == 0) {
			if (atomic_load_explicit(&slot->word, memory_order_acquire) == RC_DONE)
				return;
			result = receive(ctx, fd);
			if (result == -EAGAIN)
				rc_wait_deadly(atomic_load(&ctx->fd), POLLIN);
			if (result == 1 || result == -EAGAIN || result == -EINTR)
				continue;
		}
		rc_lost(ctx);
		return;
	}
}

/* Only one thread can ask for the role at a time, and none that was interrupted while it did. */
static int
take_role(struct rumpclient *ctx, bool *inherited)
{
	int error = -EAGAIN;

	while (atomic_load(&ctx->wanted) != rc_self() && (error = rc_role_seize(ctx, inherited)) == -EBUSY)
		(void)sched_yield();
	return error;
}

/* Moves the descriptor out of the program's way and lists it. */
static int
settle(int *fd)
{
	int low = *fd, error;

	if (low == -1)
		return -EMFILE; /* there was no room in the process's table */
	error = list(low);
	if (error != 0)
		return error;
	*fd = rc_fd_up(low);
	if (*fd != low) {
		error = *fd != -1 ? list(*fd) : -EMFILE;
		rc_connect_done(low);
	}
	return error;
}

int
rc_connect(struct rumpclient *ctx)
{
	static const struct rc_request request = {.type = SP_CONNECT};
	rc_sigmask mask;
	bool inherited;
	int fd = -1;
	int error;

	if ((ctx->capabilities & SP_CAP_CONNECT) == 0)
		return -EOPNOTSUPP;
	error = rc_alive(ctx) ? take_role(ctx, &inherited) : -ENOTCONN;
	if (error != 0)
		return error;
	rc_block_signals(&mask);
	error = rc_request_descriptor(ctx, &request, &fd);
	if (error == 0)
		error = settle(&fd);
	if (error != 0 && fd != -1)
		(void)close(fd);
	rc_restore_signals(&mask);
	rc_role_release(ctx, inherited);
	return error != 0 ? error : fd;
}

struct rumpclient *
rc_context_beside(struct rumpclient *ctx)
{
	struct rumpclient *made = rc_context_new();
	struct rc_link link;
	int fd = made != NULL ? rc_connect(ctx) : -ENOMEM;
	int error = fd < 0 ? fd : 0;

	if (error == 0) {
		error = rc_dial_connected(fd, &link);
		if (error == 0)
			error = rc_hello(&link, SP_GUEST, 1);
		if (error == 0) {
			made->url = ctx->url;
			rc_adopt(made, &link, 2);
		}
		rc_connect_done(fd);
	}
	if (error == 0)
		return made;
	rumpclient_ctx_free(made);
	errno = -error;
	return NULL;
}
