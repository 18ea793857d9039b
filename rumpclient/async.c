/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Submitted calls. Whoever receives the answer, this thread or another, puts the call on a list; the event
 * descriptor is readable while the list is not empty, and the epoll descriptor that the program waits on
 * holds it and the connection. Everything here is done with signals blocked, so that a plain lock does.
 */
#include "config.h"

#include "rumpclient/client.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#include "abi/errno.h"
#include "sp/error.h"
#include "sp/frame.h"

/* What the library keeps in struct rumpclient_call. */
#define REQNO 0
#define NEXT 1
#define UNDER_WAY 2

static_assert(sizeof(struct rumpclient_call) == 80, "struct rumpclient_call is part of the ABI");

static void
lock(struct rumpclient *ctx)
{
	uint32_t state = 0;

	if (!atomic_compare_exchange_strong(&ctx->async_lock, &state, 1))
		while (atomic_exchange(&ctx->async_lock, 2) != 0)
			(void)rc_futex_wait(&ctx->async_lock, 2);
}

static void
unlock(struct rumpclient *ctx)
{
	if (atomic_exchange(&ctx->async_lock, 0) == 2)
		rc_futex_wake(&ctx->async_lock, 1);
}

static void
watch(struct rumpclient *ctx, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	(void)rc_hostcall(SYS_epoll_ctl, ctx->epoll, EPOLL_CTL_ADD, fd, (long)(uintptr_t)&event, 0, 0);
}

void
rc_async_unwatch(struct rumpclient *ctx)
{
	lock(ctx);
	if (ctx->epoll != -1)
		(void)rc_hostcall(SYS_epoll_ctl, ctx->epoll, EPOLL_CTL_DEL, atomic_load(&ctx->fd), 0, 0, 0);
	unlock(ctx);
}

void
rc_async_watch(struct rumpclient *ctx)
{
	lock(ctx);
	if (ctx->epoll != -1)
		watch(ctx, atomic_load(&ctx->fd));
	unlock(ctx);
}

static int
make_descriptors(struct rumpclient *ctx)
{
	uint64_t one = 1;
	int epoll = (int)rc_hostcall(SYS_epoll_create1, EPOLL_CLOEXEC, 0, 0, 0, 0, 0);
	int event = (int)rc_hostcall(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK, 0, 0, 0, 0);

	if (epoll >= 0)
		epoll = rc_fd_up(epoll);
	if (event >= 0)
		event = rc_fd_up(event);
	if (epoll < 0 || event < 0) {
		if (epoll >= 0)
			(void)close(epoll);
		if (event >= 0)
			(void)close(event);
		return -EMFILE;
	}
	ctx->epoll = epoll;
	ctx->event = event;
	watch(ctx, event);
	if (!(atomic_load(&ctx->state) & RC_DOWN))
		watch(ctx, atomic_load(&ctx->fd));
	if (ctx->first != NULL)
		(void)!write(event, &one, sizeof(one));
	return 0;
}

int
rumpclient_ctx_fd(struct rumpclient *ctx)
{
	rc_sigmask mask;
	int fd;

	rc_block_signals(&mask);
	lock(ctx);
	fd = ctx->epoll != -1 ? 0 : make_descriptors(ctx);
	if (fd == 0)
		fd = ctx->epoll;
	unlock(ctx);
	rc_restore_signals(&mask);
	return fd;
}

static int
outcome(const struct rc_slot *slot, int64_t retval[2])
{
	struct sp_syscall_response response;
	struct sp_cursor body = sp_cursor(slot->body, slot->body_len);

	if (slot->lost)
		return ENOTCONN;
	if (slot->class == SP_ERROR)
		return sp_error_to_errno(slot->u);
	if ((slot->type != SP_SYSCALL && slot->type != SP_CALL) ||
	    !sp_take(&body, &response, sizeof(response)))
		return EPROTO;
	retval[0] = response.retval[0];
	retval[1] = response.retval[1];
	return abi_errno_to_host(response.error);
}

void
rc_async_answer(struct rumpclient *ctx, struct rc_slot *slot)
{
	struct rumpclient_call *call = slot->call;
	uint64_t one = 1;

	lock(ctx);
	call->error = outcome(slot, call->retval);
	call->reserved[NEXT] = 0;
	call->reserved[UNDER_WAY] = 0;
	if (ctx->first == NULL) {
		ctx->first = call;
		if (ctx->event != -1)
			(void)!write(ctx->event, &one, sizeof(one));
	} else {
		ctx->last->reserved[NEXT] = (uint64_t)(uintptr_t)call;
	}
	ctx->last = call;
	slot->call = NULL;
	rc_slot_free(slot);
	atomic_fetch_sub(&ctx->outstanding, 1);
	unlock(ctx);
}

static int
send_submitted(struct rumpclient *ctx, struct rc_slot *slot, const struct rc_request *request, uint64_t reqno)
{
	struct sp_header header = sp_header(SP_REQUEST, SP_SYSCALL, request->u, reqno, request->body_len);
	struct iovec iov[2] = {
	    {&header, sizeof(header)}, {(void *)(uintptr_t)request->body, request->body_len}};
	struct rc_attached attached;
	int error;

	if ((ctx->capabilities & SP_CAP_SENDALONG) == 0 || rc_attach(request, &attached) <= 0)
		return rc_send_blocked(ctx, slot, iov, request->body_len != 0 ? 2 : 1);
	((struct sp_header *)(void *)attached.frame)->reqno = reqno;
	iov[0] = (struct iovec){attached.frame, attached.len};
	error = rc_send_blocked(ctx, slot, iov, 1);
	rc_attach_free(&attached);
	return error;
}

static int
submit(struct rumpclient *ctx, struct rumpclient_call *call, const struct rc_request *request)
{
	uint32_t state = atomic_load(&ctx->state);
	uint32_t word = RC_PENDING;
	struct rc_slot *slot;
	uint64_t reqno;

	if (!rc_alive(ctx) || (state & RC_DOWN) != 0)
		return -ENOTCONN;
	slot = rc_slot_claim(&ctx->slots, &reqno);
	if (slot == NULL)
		return -EAGAIN;
	slot->ctx = ctx;
	slot->call = call;
	slot->state = state;
	slot->outer = NULL;
	slot->system_call = true;
	slot->interrupted = false;
	call->reserved[REQNO] = reqno;
	call->reserved[UNDER_WAY] = 1;
	lock(ctx);
	ctx->submitted++;
	unlock(ctx);
	atomic_fetch_add(&ctx->outstanding, 1);
	atomic_store(&slot->word, RC_PENDING);
	/* An error of the host's means a lost connection, which completes the call unless it was lost before.
	 */
	if (send_submitted(ctx, slot, request, reqno) == -ENOTCONN && atomic_load(&ctx->state) != state &&
	    atomic_compare_exchange_strong(&slot->word, &word, RC_DONE)) {
		slot->lost = true;
		rc_async_answer(ctx, slot);
	}
	return 0;
}

int
rumpclient_ctx_submit(
    struct rumpclient *ctx, struct rumpclient_call *call, int number, const void *args, size_t len)
{
	struct rc_request request = {SP_SYSCALL, (uint32_t)number, args, len};
	rc_sigmask mask;
	int error;

	if (len > SP_SLOTS_MAX * 8)
		return -EINVAL;
	rc_block_signals(&mask);
	error = submit(ctx, call, &request);
	rc_restore_signals(&mask);
	return error;
}

/* Takes what is there, unless another thread is at it. */
static void
receive(struct rumpclient *ctx)
{
	bool inherited;
	int result;

	if ((atomic_load(&ctx->state) & RC_DOWN) || !rc_role_try(ctx, &inherited))
		return;
	rc_receive_take_over(ctx);
	do {
		result = rc_receive_frame(ctx, false);
		if (result == 0)
			result = ctx->longer != NULL ? -EAGAIN : rc_receive_now(ctx);
	} while (result == 1);
	if (result != -EAGAIN && result != -EINTR)
		rc_lost(ctx);
	if (!inherited)
		rc_role_leave(ctx);
}

static struct rumpclient_call *
take(struct rumpclient *ctx, int *error)
{
	struct rumpclient_call *call;
	uint64_t count;

	lock(ctx);
	call = ctx->first;
	if (call != NULL) {
		ctx->submitted--;
		ctx->first = (struct rumpclient_call *)(uintptr_t)call->reserved[NEXT];
		if (ctx->first == NULL && ctx->event != -1)
			(void)!read(ctx->event, &count, sizeof(count));
	}
	*error = ctx->submitted != 0 ? EAGAIN : ENOENT;
	unlock(ctx);
	return call;
}

struct rumpclient_call *
rumpclient_ctx_complete(struct rumpclient *ctx)
{
	struct rumpclient_call *call;
	rc_sigmask mask;
	int error;

	rc_block_signals(&mask);
	call = take(ctx, &error);
	if (call == NULL) {
		receive(ctx);
		call = take(ctx, &error);
	}
	rc_restore_signals(&mask);
	if (call == NULL)
		errno = error;
	return call;
}

int
rumpclient_ctx_cancel(struct rumpclient *ctx, struct rumpclient_call *call)
{
	struct {
		struct sp_header header;
		struct sp_interrupt body;
	} frame = {.body.reqno = call->reserved[REQNO]};
	struct iovec iov = {&frame, sizeof(frame)};
	rc_sigmask mask;
	bool under_way;
	int error;

	if (!(ctx->capabilities & SP_CAP_INTERRUPT))
		return -EOPNOTSUPP;
	rc_block_signals(&mask);
	lock(ctx);
	under_way = call->reserved[UNDER_WAY] != 0;
	unlock(ctx);
	frame.header =
	    sp_header(SP_REQUEST, SP_INTERRUPT, 0, atomic_fetch_add(&ctx->slots.next, 1), sizeof(frame.body));
	error = under_way ? rc_send_blocked(ctx, NULL, &iov, 1) : -ENOENT;
	rc_restore_signals(&mask);
	return error;
}
