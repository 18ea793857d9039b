/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "rumpclient/client.h"

#include <string.h>

#include "abi/errno.h"
#include "sp/error.h"
#include "sp/frame.h"

struct short_frame {
	struct sp_header header;
	uint8_t body[SP_SLOTS_MAX * 8];
};

/* What a request of this thread holds while it runs. */
struct entry {
	struct rc_slot *slot;
	uint64_t reqno;
	uint64_t suspended; /* of the requests that it interrupted */
};

static int
enter(struct rumpclient *ctx, const struct rc_request *request, uint32_t state, struct entry *entry)
{
	struct rc_slot *slot = rc_slot_claim(&ctx->slots, &entry->reqno);

	if (slot == NULL)
		return -EAGAIN;
	slot->ctx = ctx;
	slot->call = NULL;
	slot->state = state;
	slot->system_call = request->type == SP_SYSCALL;
	slot->interrupted = false;
	slot->heir = false;
	slot->outer = rc_innermost;
	entry->slot = slot;
	entry->suspended = __builtin_expect(slot->outer != NULL, 0) ? rc_send_suspend(ctx, slot->outer) : 0;
	rc_innermost = slot;
	atomic_fetch_add_explicit(&ctx->outstanding, 1, memory_order_relaxed);
	atomic_store_explicit(&slot->word, RC_PENDING, memory_order_release);
	return 0;
}

static void
leave(struct rumpclient *ctx, const struct entry *entry)
{
	struct rc_slot *outer = entry->slot->outer;

	/* Nothing else is under way: all that was sent has been read. */
	if (atomic_fetch_sub_explicit(&ctx->outstanding, 1, memory_order_relaxed) == 1 &&
	    atomic_load_explicit(&ctx->careful, memory_order_relaxed))
		atomic_store(&ctx->careful, false);
	rc_innermost = outer;
	rc_slot_free(entry->slot);
	if (__builtin_expect(entry->suspended != 0, 0))
		rc_send_resume(ctx, outer, entry->suspended);
	/* From here on a signal is not deferred. */
	atomic_signal_fence(memory_order_seq_cst);
	if (__builtin_expect(rc_deferred.any || rc_deferred.impatient, 0))
		rc_deliver();
}

static int
send_request(struct rumpclient *ctx, const struct rc_request *request, const struct entry *entry)
{
	struct short_frame frame;
	struct rc_attached attached;
	struct iovec iov = {&frame, sizeof(frame.header) + request->body_len};
	int error;

	if (request->type == SP_SYSCALL && (ctx->capabilities & SP_CAP_SENDALONG) != 0 &&
	    rc_attach(request, &attached) > 0) {
		struct sp_header *header = (struct sp_header *)(void *)attached.frame;

		header->reqno = entry->reqno;
		iov = (struct iovec){attached.frame, attached.len};
		error = rc_send(ctx, entry->slot, &iov, 1, attached.len);
		rc_attach_free(&attached);
		return error;
	}
	frame.header =
	    sp_header(SP_REQUEST, (uint16_t)request->type, request->u, entry->reqno, request->body_len);
	if (request->body_len != 0)
		memcpy(frame.body, request->body, request->body_len);
	return rc_send(ctx, entry->slot, &iov, 1, iov.iov_len);
}

/* The answer in the slot. */
static int
take_answer(const struct rc_slot *slot, const struct rc_request *request, void *answer, size_t answer_len)
{
	if (slot->lost)
		return -ENOTCONN;
	if (slot->class == SP_ERROR)
		return -sp_error_to_errno(slot->u);
	if (slot->type != request->type && !(request->type == SP_SYSCALL && slot->type == SP_CALL))
		return -EPROTO;
	if (slot->body_len < answer_len)
		return -EPROTO;
	if (answer_len != 0)
		memcpy(answer, slot->body, answer_len);
	return 0;
}

/* One attempt. -ENOTCONN: the connection was lost, or is. */
static int
attempt(
    struct rumpclient *ctx, const struct rc_request *request, uint32_t state, void *answer, size_t answer_len)
{
	struct entry entry;
	int error = enter(ctx, request, state, &entry);

	if (error != 0)
		return error;
	/* A send that failed because the connection is gone is noticed by the receiver, perhaps ourselves. */
	if (send_request(ctx, request, &entry) == -ENOTCONN && atomic_load(&ctx->state) != state) {
		error = -ENOTCONN;
	} else {
		rc_wait(ctx, entry.slot);
		error = take_answer(entry.slot, request, answer, answer_len);
	}
	leave(ctx, &entry);
	return error;
}

int
rc_request_descriptor(struct rumpclient *ctx, const struct rc_request *request, int *fd)
{
	uint32_t state = atomic_load(&ctx->state);
	struct entry entry;
	int error = (state & RC_DOWN) != 0 ? -ENOTCONN : enter(ctx, request, state, &entry);

	if (error != 0)
		return error;
	error = send_request(ctx, request, &entry);
	if (error == 0) {
		rc_wait_descriptor(ctx, entry.slot, fd);
		error = take_answer(entry.slot, request, NULL, 0);
	}
	leave(ctx, &entry);
	return error;
}

int
rc_request(struct rumpclient *ctx, const struct rc_request *request, void *answer, size_t answer_len)
{
	int error;

	if (request->body_len > SP_SLOTS_MAX * 8)
		return -EINVAL;
	do {
		uint32_t state = atomic_load_explicit(&ctx->state, memory_order_acquire);

		if (__builtin_expect(!rc_alive(ctx), 0))
			return -ENOTCONN;
		if (__builtin_expect((state & RC_DOWN) != 0, 0)) {
			error = rc_reconnect(ctx, state);
			if (error != 0)
				return error;
			error = -ENOTCONN;
			continue;
		}
		error = attempt(ctx, request, state, answer, answer_len);
	} while (__builtin_expect(error == -ENOTCONN, 0));
	return error;
}

int
rumpclient_ctx_syscall(struct rumpclient *ctx, int number, const void *args, size_t len, int64_t retval[2])
{
	struct rc_request request = {SP_SYSCALL, (uint32_t)number, args, len};
	struct sp_syscall_response response;
	int error = rc_request(ctx, &request, &response, sizeof(response));

	if (error != 0)
		return error;
	retval[0] = response.retval[0];
	retval[1] = response.retval[1];
	return response.error == 0 ? 0 : -abi_errno_to_host(response.error);
}
