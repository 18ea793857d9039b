/* SPDX-License-Identifier: BSD-2-Clause */
/* The library's descriptors keep out of the program's way. */
#include "config.h"

#include "rumpclient/client.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>

static int
other_number(int fd)
{
	int other = fcntl(fd, F_DUPFD_CLOEXEC, fd < RC_FD_BASE ? RC_FD_BASE : fd + 1);

	if (other == -1)
		other = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return other;
}

/*
 * Gets other threads out of the receiver's role: a wait for the old number would end by what the program has
 * put there, and so perhaps never. A connection that is down has no such wait; a handler may have interrupted
 * its own thread in this very place, or as the receiver, who then finds its reception spoilt.
 */
static bool
take_role(struct rumpclient *ctx, bool *inherited)
{
	int error = -ENOTCONN;

	while ((atomic_load(&ctx->state) & RC_DOWN) == 0 && atomic_load(&ctx->wanted) != rc_self()) {
		error = rc_role_seize(ctx, inherited);
		if (error != -EBUSY)
			break;
		(void)sched_yield();
	}
	return error == 0;
}

static int
move_connection(struct rumpclient *ctx, int from)
{
	bool inherited;
	bool taken = take_role(ctx, &inherited);
	int other = from;
	rc_sigmask mask;

	rc_block_signals(&mask);
	rc_async_unwatch(ctx);
	rc_send_lock(ctx);
	/* Connecting again may have moved it already. */
	if (atomic_load(&ctx->fd) == from && (other = other_number(from)) != -1)
		atomic_store(&ctx->fd, other);
	if (!taken)
		rc_receive_elsewhere(ctx);
	rc_send_unlock(ctx);
	rc_async_watch(ctx);
	rc_restore_signals(&mask);
	if (taken)
		rc_role_release(ctx, inherited);
	return other == -1 ? -EMFILE : 0;
}

static int
move(int *descriptor)
{
	int other = other_number(*descriptor);

	if (other == -1)
		return -errno;
	*descriptor = other;
	return 0;
}

static void
close_between(int from, int to)
{
	if (from <= to && syscall(SYS_close_range, from, to, 0) == -1)
		for (int fd = from; fd <= to; fd++)
			(void)close(fd);
}

static int
close_from(struct rumpclient *ctx, int *fd)
{
	int ours[3] = {atomic_load(&ctx->fd), ctx->epoll, ctx->event};

	for (;;) {
		int next = -1;

		for (int i = 0; i < 3; i++)
			if (ours[i] >= *fd && (next == -1 || ours[i] < next))
				next = ours[i];
		if (next == -1)
			return 0;
		close_between(*fd, next - 1);
		*fd = next + 1;
	}
}

int
rumpclient_ctx_closenotify(struct rumpclient *ctx, int *fd, enum rumpclient_closevariant variant)
{
	if (*fd < 0)
		return 0;
	if (variant == RUMPCLIENT_CLOSE_FCLOSEM)
		return close_from(ctx, fd);
	if (*fd == atomic_load(&ctx->fd))
		return move_connection(ctx, *fd);
	if (*fd == ctx->epoll)
		return move(&ctx->epoll);
	if (*fd == ctx->event)
		return move(&ctx->event);
	return 0;
}
