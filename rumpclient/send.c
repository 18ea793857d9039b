/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending frames, each in one piece.
 *
 * Theory of operation: the host's stream sockets take a short frame whole or not at all, so that short frames
 * need no lock against each other; TCP's do as long as there is room for sure, which few and short requests
 * since the connection was last quiet guarantee. Everything else is sent exclusively, and with signals
 * blocked. A thread that sends a short frame says so in sending[], in the byte of its slot; who wants to send
 * exclusively sets `exclusive`, and waits for those bytes to become zero. The byte is all there is to it: a
 * signal handler's call clears that of the call it interrupted, and sets it again at its end, so that
 * nobody waits for a handler that waits itself.
 */
#include "config.h"

#include "rumpclient/client.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "sp/transport.h"

#define SHORT_FRAME 4096
#define TCP_ROOM 16 /* calls under way that leave room for more in the smallest send buffer */

#define EXCLUSIVE_FREE 0
#define EXCLUSIVE_HELD 1
#define EXCLUSIVE_WAITED 2

static void
wait_exclusive(struct rumpclient *ctx)
{
	uint32_t held = EXCLUSIVE_HELD;

	if (atomic_compare_exchange_strong(&ctx->exclusive, &held, EXCLUSIVE_WAITED) ||
	    held == EXCLUSIVE_WAITED)
		(void)rc_futex_wait(&ctx->exclusive, EXCLUSIVE_WAITED);
}

static void
unshare(struct rumpclient *ctx, uint32_t index)
{
	atomic_store(&ctx->sending[index], 0);
	if (atomic_load(&ctx->exclusive) != EXCLUSIVE_FREE) {
		atomic_fetch_add(&ctx->sent, 1);
		rc_futex_wake(&ctx->sent, 1);
	}
}

static void
share(struct rumpclient *ctx, uint32_t index)
{
	for (;;) {
		atomic_store(&ctx->sending[index], 1);
		if (atomic_load(&ctx->exclusive) == EXCLUSIVE_FREE || atomic_load(&ctx->sole) == rc_self())
			return;
		unshare(ctx, index);
		wait_exclusive(ctx);
	}
}

static bool
anybody_sends(struct rumpclient *ctx)
{
	for (size_t i = 0; i < RC_TABLE_FIRST; i++)
		if (atomic_load(&ctx->sending[i]) != 0)
			return true;
	return false;
}

void
rc_send_lock(struct rumpclient *ctx)
{
	uint32_t state = EXCLUSIVE_FREE;

	if (atomic_load(&ctx->sole) == rc_self())
		return;
	if (!atomic_compare_exchange_strong(&ctx->exclusive, &state, EXCLUSIVE_HELD))
		while (atomic_exchange(&ctx->exclusive, EXCLUSIVE_WAITED) != EXCLUSIVE_FREE)
			(void)rc_futex_wait(&ctx->exclusive, EXCLUSIVE_WAITED);
	for (;;) {
		uint32_t sent = atomic_load(&ctx->sent);

		if (!anybody_sends(ctx))
			return;
		(void)rc_futex_wait(&ctx->sent, sent);
	}
}

void
rc_send_unlock(struct rumpclient *ctx)
{
	if (atomic_load(&ctx->sole) == rc_self())
		return;
	if (atomic_exchange(&ctx->exclusive, EXCLUSIVE_FREE) == EXCLUSIVE_WAITED)
		rc_futex_wake(&ctx->exclusive, INT_MAX);
}

uint64_t
rc_send_suspend(struct rumpclient *ctx, struct rc_slot *slot)
{
	uint64_t suspended = 0;

	for (unsigned int depth = 0; slot != NULL && depth < 64; slot = slot->outer, depth++)
		if (slot->ctx == ctx && slot->index < RC_TABLE_FIRST &&
		    atomic_load(&ctx->sending[slot->index]) != 0) {
			unshare(ctx, slot->index);
			suspended |= (uint64_t)1 << depth;
		}
	return suspended;
}

void
rc_send_resume(struct rumpclient *ctx, struct rc_slot *slot, uint64_t suspended)
{
	for (; suspended != 0; slot = slot->outer, suspended >>= 1)
		if (suspended & 1)
			share(ctx, slot->index);
}

void
rc_wait_deadly(int fd, short events)
{
	static const int deadly[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
	struct pollfd wait = {.fd = fd, .events = events};
	struct sigaction action;
	sigset_t mask;

	(void)sigfillset(&mask);
	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		if (sigaction(deadly[i], NULL, &action) == 0 && action.sa_handler == SIG_DFL)
			(void)sigdelset(&mask, deadly[i]);
	(void)ppoll(&wait, 1, NULL, &mask);
}

static int
send_parts(struct rumpclient *ctx, struct iovec *iov, int count)
{
	bool begun = false;

	while (count > 0) {
		struct msghdr message = {.msg_iov = iov, .msg_iovlen = (size_t)count};
		int fd = atomic_load(&ctx->fd);
		long n = rc_hostcall(
		    SYS_sendmsg, fd, (long)(uintptr_t)&message, MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0, 0);

		if (n == -EAGAIN) {
			rc_wait_deadly(fd, POLLOUT);
			continue;
		}
		if (n < 0) {
			/* Half a frame: nothing can follow it. */
			if (begun)
				(void)shutdown(fd, SHUT_RDWR);
			return (int)n;
		}
		begun = true;
		count = sp_iov_advance(&iov, count, (size_t)n);
	}
	return 0;
}

int
rc_send_blocked(struct rumpclient *ctx, const struct rc_slot *slot, const struct iovec *iov, int count)
{
	struct iovec parts[4];
	int error = -EINVAL;

	if (count > 4)
		return error;
	for (int i = 0; i < count; i++)
		parts[i] = iov[i];
	rc_send_lock(ctx);
	error = slot != NULL && slot->state != atomic_load(&ctx->state) ? -ENOTCONN
									: send_parts(ctx, parts, count);
	if (ctx->tcp)
		atomic_store(&ctx->careful, true);
	rc_send_unlock(ctx);
	return error;
}

static bool
taken_whole(struct rumpclient *ctx, const struct rc_slot *slot, int count, size_t len)
{
	if (count != 1 || len > SHORT_FRAME || slot->index >= RC_TABLE_FIRST)
		return false;
	return !ctx->tcp || (!atomic_load(&ctx->careful) && atomic_load(&ctx->outstanding) <= TCP_ROOM);
}

int
rc_send(struct rumpclient *ctx, struct rc_slot *slot, const struct iovec *iov, int count, size_t len)
{
	rc_sigmask mask;
	int error;

	if (taken_whole(ctx, slot, count, len)) {
		long n = -ENOTCONN;
		int fd;

		share(ctx, slot->index);
		fd = atomic_load(&ctx->fd);
		if (slot->state == atomic_load(&ctx->state))
			n = rc_hostcall(SYS_sendto, fd, (long)(uintptr_t)iov->iov_base, (long)len,
			    MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0);
		unshare(ctx, slot->index);
		if (n == (long)len)
			return 0;
		if (n >= 0) {
			/* Against all reckoning. Half a frame is the end of the connection. */
			(void)shutdown(fd, SHUT_RDWR);
			return -EPIPE;
		}
		if (n != -EAGAIN)
			return (int)n;
	}
	rc_block_signals(&mask);
	error = rc_send_blocked(ctx, slot, iov, count);
	rc_restore_signals(&mask);
	return error;
}
