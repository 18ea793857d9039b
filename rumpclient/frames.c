/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames that have been received: answers go to the slots of those who wait for them, requests of the
 * server's are served. For how that goes together with signal handlers see receive.c.
 */
#include "config.h"

#include "rumpclient/client.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "rumpclient/annotate.h"
#include "sp/frame.h"
#include "sp/vm.h"

/* The slot of a request that waits for an answer, NULL when there is none: all it says is then there to be
 * read. */
static struct rc_slot *
awaited(struct rumpclient *ctx, uint64_t reqno)
{
	struct rc_slot *slot = rc_slot_find(&ctx->slots, reqno);
	uint32_t word = slot != NULL ? atomic_load_explicit(&slot->word, memory_order_acquire) : RC_IDLE;

	return word == RC_PENDING || word == RC_NUDGED ? slot : NULL;
}

/* Fills in the answer. A second one to the same request finds it done. */
static void
deliver(struct rumpclient *ctx, struct rc_slot *slot, const struct sp_header *header, const uint8_t *body,
    size_t len)
{
	uint32_t word = atomic_load(&slot->word);

	if (word != RC_PENDING && word != RC_NUDGED)
		return;
	slot->class = header->class;
	slot->type = header->type;
	slot->u = header->u;
	slot->lost = false;
	slot->body_len = (uint8_t)len;
	memcpy(slot->body, body, len);
	if (atomic_load(&slot->sleeping) != 0) {
		slot->heir = true;
		atomic_fetch_add(&ctx->heirs, 1);
	}
	(void)atomic_exchange(&slot->word, RC_DONE);
	if (atomic_load(&slot->sleeping) != 0)
		rc_futex_wake(&slot->word, 1);
}

/* Puts the results of a CALL where they belong, which is where the kernel was told to. */
static int
apply_results(struct sp_cursor body)
{
	struct sp_result result;

	if (sp_take_bytes(&body, sizeof(struct sp_syscall_response)) == NULL)
		return -EBADMSG;
	while (sp_take(&body, &result, sizeof(result))) {
		const uint8_t *bytes = sp_take_bytes(&body, result.len);

		if (bytes == NULL || !sp_take_padding(&body, result.len))
			return -EBADMSG;
		/* What has gone meanwhile is the program's own doing. */
		if (sp_vm_write(getpid(), result.addr, bytes, result.len) == 0)
			rc_annotate_written(result.addr, result.len);
	}
	return body.left == 0 ? 0 : -EBADMSG;
}

/* Any frame, with signals blocked. */
static int
handle(struct rumpclient *ctx, const struct sp_header *header, struct sp_cursor body)
{
	struct rc_slot *slot;
	int error = 0;

	if (header->class == SP_REQUEST)
		return rc_serve(ctx, header, body);
	if (header->class != SP_RESPONSE && header->class != SP_ERROR)
		return -EBADMSG;
	slot = awaited(ctx, header->reqno);
	if (slot == NULL)
		return 0;
	if (header->class == SP_RESPONSE && header->type == SP_CALL)
		error = apply_results(body);
	if (error != 0)
		return error;
	deliver(ctx, slot, header, body.at, body.left < sizeof(slot->body) ? body.left : sizeof(slot->body));
	if (slot->call != NULL && atomic_load(&slot->word) == RC_DONE)
		rc_async_answer(ctx, slot);
	return 0;
}

static void
drop_long(struct rumpclient *ctx)
{
	if (ctx->longer != NULL)
		(void)munmap(ctx->longer, ctx->longer_len);
	ctx->longer = NULL;
}

/* A frame that is longer than the ring, whose beginning is in it, is collected in memory of its own. */
static int
begin_long(struct rumpclient *ctx, const struct sp_header *header, uint64_t head)
{
	size_t have = (size_t)(atomic_load(&ctx->tail) - head);
	void *frame = mmap(NULL, header->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (frame == MAP_FAILED)
		return -ENOMEM;
	memcpy(frame, ctx->ring + head % RC_RING_SIZE, have);
	ctx->longer = frame;
	ctx->longer_len = header->len;
	ctx->longer_have = have;
	atomic_store(&ctx->head, head + have);
	return 0;
}

static int
continue_long(struct rumpclient *ctx, bool wait)
{
	struct sp_header header;
	int error;

	while (ctx->longer_have < ctx->longer_len) {
		int fd = atomic_load(&ctx->fd);
		long n = rc_hostcall(SYS_recvfrom, fd, (long)(uintptr_t)(ctx->longer + ctx->longer_have),
		    (long)(ctx->longer_len - ctx->longer_have), MSG_DONTWAIT, 0, 0);

		if (n == -EAGAIN && !wait)
			return 0;
		if (n == -EAGAIN)
			rc_wait_deadly(fd, POLLIN);
		else if (n <= 0)
			return n == 0 ? -ENOTCONN : (int)n;
		else
			ctx->longer_have += (size_t)n;
	}
	memcpy(&header, ctx->longer, sizeof(header));
	error =
	    handle(ctx, &header, sp_cursor(ctx->longer + sizeof(header), ctx->longer_len - sizeof(header)));
	drop_long(ctx);
	return error != 0 ? error : 1;
}

/* A frame that is not a short answer. */
static int
handle_blocked(struct rumpclient *ctx, const struct sp_header *header, uint64_t head, size_t have, bool wait)
{
	rc_sigmask mask;
	int result = 1;
	int error = 0;

	rc_block_signals(&mask);
	if (atomic_load(&ctx->head) != head) {
		/* A handler's call has done it. */
	} else if (header->len <= have) {
		error = handle(ctx, header,
		    sp_cursor(
			ctx->ring + head % RC_RING_SIZE + sizeof(*header), header->len - sizeof(*header)));
		atomic_store(&ctx->head, head + header->len);
	} else if (header->len <= RC_RING_SIZE) {
		result = 0;
	} else {
		error = begin_long(ctx, header, head);
		if (error == 0)
			result = continue_long(ctx, wait);
	}
	rc_restore_signals(&mask);
	return error != 0 ? error : result;
}

static int
more_of_long(struct rumpclient *ctx, bool wait)
{
	rc_sigmask mask;
	int result = 1;

	rc_block_signals(&mask);
	if (ctx->longer != NULL)
		result = continue_long(ctx, wait);
	rc_restore_signals(&mask);
	return result;
}

int
rc_receive_frame(struct rumpclient *ctx, bool wait)
{
	uint64_t head = atomic_load(&ctx->head);
	size_t have = (size_t)(atomic_load(&ctx->tail) - head);
	uint8_t body[sizeof(struct sp_syscall_response)];
	struct sp_header header;
	struct rc_slot *slot;
	size_t len;

	if (__builtin_expect(ctx->longer != NULL, 0))
		return more_of_long(ctx, wait);
	if (have < sizeof(header))
		return 0;
	memcpy(&header, ctx->ring + head % RC_RING_SIZE, sizeof(header));
	len = header.len - sizeof(header);
	if (header.len < sizeof(header) || header.len > RC_FRAME_MAX)
		return atomic_load(&ctx->head) == head ? -EBADMSG : 1;
	if ((header.class != SP_RESPONSE && header.class != SP_ERROR) || len > sizeof(body))
		return handle_blocked(ctx, &header, head, have, wait);
	slot = awaited(ctx, header.reqno);
	if (slot != NULL && slot->call != NULL)
		return handle_blocked(ctx, &header, head, have, wait);
	if (have < header.len)
		return 0;
	memcpy(body, ctx->ring + head % RC_RING_SIZE + sizeof(header), len);
	if (atomic_compare_exchange_strong(&ctx->head, &head, head + header.len) && slot != NULL)
		deliver(ctx, slot, &header, body, len);
	return 1;
}

static void
lose(struct rc_slot *slot, void *arg)
{
	struct rumpclient *ctx = arg;
	uint32_t word = atomic_load(&slot->word);

	if (word != RC_PENDING && word != RC_NUDGED)
		return;
	slot->lost = true;
	(void)atomic_exchange(&slot->word, RC_DONE);
	if (atomic_load(&slot->sleeping) != 0)
		rc_futex_wake(&slot->word, 1);
	if (slot->call != NULL)
		rc_async_answer(ctx, slot);
}

void
rc_lost(struct rumpclient *ctx)
{
	rc_sigmask mask;

	rc_block_signals(&mask);
	(void)shutdown(atomic_load(&ctx->fd), SHUT_RDWR);
	atomic_fetch_or(&ctx->state, RC_DOWN);
	rc_async_unwatch(ctx);
	drop_long(ctx);
	atomic_store(&ctx->head, atomic_load(&ctx->tail));
	rc_slots_each(&ctx->slots, lose, ctx);
	rc_restore_signals(&mask);
}
