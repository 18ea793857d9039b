/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for an answer: as the receiver, or asleep until the receiver brings it.
 *
 * Theory of operation: the role is a word with the thread that has it. Who gives it up wakes one of the
 * sleepers, who tries to take it; others may be faster, which is as well. A sleeper says that it sleeps
 * before it looks whether the role is free, and the role is freed before its last owner looks for sleepers,
 * so that one of them sees the other.
 *
 * With every answer that it brings to a sleeper the receiver has woken somebody already. That thread is an
 * heir: while there are heirs, who gives up the role wakes nobody else, and the last heir to come to itself
 * does so if the role is still free. It seldom is, since the former receiver is about to make its next call.
 *
 * A signal handler's call in the thread that has the role finds its own
 * name in it, and acts for the interrupted one.
 */
#include "config.h"

#include "rumpclient/client.h"

#include <limits.h>

#include "sp/frame.h"

/* A type that no version of the protocol has. */
#define NO_TYPE 127

bool
rc_role_try(struct rumpclient *ctx, bool *inherited)
{
	uintptr_t none = 0;
	uintptr_t wanted = atomic_load(&ctx->wanted);

	*inherited = atomic_load(&ctx->receiver) == rc_self();
	if (*inherited)
		return true;
	if (wanted != 0 && wanted != rc_self())
		return false;
	return atomic_compare_exchange_strong(&ctx->receiver, &none, rc_self());
}

static bool
nudge(struct rc_slot *slot)
{
	uint32_t word = RC_PENDING;

	if (!atomic_compare_exchange_strong(&slot->word, &word, RC_NUDGED))
		return false;
	rc_futex_wake(&slot->word, 1);
	return true;
}

static void
nudge_one(struct rc_slot *slot, void *arg)
{
	bool *done = arg;

	if (!*done && atomic_load(&slot->sleeping) != 0)
		*done = nudge(slot);
}

static void
nudge_each(struct rc_slot *slot, void *arg)
{
	(void)arg;
	if (atomic_load(&slot->sleeping) != 0)
		(void)nudge(slot);
}

/* Has one of the sleepers take the role. */
static void
nudge_any(struct rumpclient *ctx)
{
	struct rc_slot *first = atomic_load_explicit(&ctx->slots.table[0], memory_order_relaxed);
	uint64_t sleepers;
	bool done = false;

	for (sleepers = atomic_load(&ctx->sleepers); sleepers != 0; sleepers &= sleepers - 1)
		if (nudge(&first[__builtin_ctzll(sleepers)]))
			return;
	if (atomic_load(&ctx->sleepers_beyond) != 0)
		rc_slots_each(&ctx->slots, nudge_one, &done);
}

void
rc_role_leave(struct rumpclient *ctx)
{
	atomic_store(&ctx->receiver, 0);
	if (atomic_load(&ctx->wanted) != 0) {
		/* The thread that wants the role waits for it, or for an answer that it can now receive
		 * itself. */
		atomic_fetch_add(&ctx->vacated, 1);
		rc_futex_wake(&ctx->vacated, INT_MAX);
		rc_slots_each(&ctx->slots, nudge_each, NULL);
	} else if (atomic_load(&ctx->heirs) == 0) {
		nudge_any(ctx);
	}
}

/* The owner of an answered slot has come to itself. */
static void
inherit(struct rumpclient *ctx, struct rc_slot *slot)
{
	slot->heir = false;
	if (atomic_fetch_sub(&ctx->heirs, 1) == 1 && atomic_load(&ctx->receiver) == 0 &&
	    atomic_load(&ctx->wanted) == 0)
		nudge_any(ctx);
}

/*
 * Has the server send something, whatever else it is busy with: the refusal of a request that makes no
 * sense. The thread that receives is blocked until something comes.
 */
static int
provoke(struct rumpclient *ctx)
{
	static const struct sp_fork no_ticket = {.cancel = 1};
	struct rc_request request = {.type = NO_TYPE};
	int error;

	if ((ctx->capabilities & SP_CAP_CANCEL) != 0)
		request = (struct rc_request){SP_HANDSHAKE, SP_FORK, &no_ticket, sizeof(no_ticket)};
	error = rc_request(ctx, &request, NULL, 0);
	return error == -ENOTCONN ? error : 0;
}

int
rc_role_seize(struct rumpclient *ctx, bool *inherited)
{
	uintptr_t none = 0;

	if (!atomic_compare_exchange_strong(&ctx->wanted, &none, rc_self()))
		return -EBUSY;
	for (;;) {
		uint32_t vacated = atomic_load(&ctx->vacated);
		int error;

		if (rc_role_try(ctx, inherited)) {
			rc_receive_take_over(ctx);
			return 0;
		}
		error = provoke(ctx);
		if (error != 0) {
			atomic_store(&ctx->wanted, 0);
			return error;
		}
		if (atomic_load(&ctx->receiver) != 0)
			(void)rc_futex_wait(&ctx->vacated, vacated);
	}
}

void
rc_role_release(struct rumpclient *ctx, bool inherited)
{
	atomic_store(&ctx->wanted, 0);
	if (!inherited)
		rc_role_leave(ctx);
}

void
rc_interrupt(struct rumpclient *ctx, struct rc_slot *slot)
{
	struct {
		struct sp_header header;
		struct sp_interrupt body;
	} frame;
	struct iovec iov = {&frame, sizeof(frame)};

	if (!(ctx->capabilities & SP_CAP_INTERRUPT) || !slot->system_call || slot->interrupted)
		return;
	slot->interrupted = true;
	frame.header =
	    sp_header(SP_REQUEST, SP_INTERRUPT, 0, atomic_fetch_add(&ctx->slots.next, 1), sizeof(frame.body));
	frame.body.reqno = atomic_load_explicit(&slot->key, memory_order_relaxed) - 1;
	(void)rc_send(ctx, slot, &iov, 1, sizeof(frame));
}

/* With the role: until the slot's answer has come, and nothing is left that needs no waiting. */
static void
lead(struct rumpclient *ctx, struct rc_slot *slot, bool inherited)
{
	rc_receive_take_over(ctx);
	for (;;) {
		int result = rc_receive_frame(ctx, true);

		if (rc_raised) {
			rc_raised = false;
			rc_interrupt(ctx, slot);
		}
		if (result == 1)
			continue;
		if (result == 0) {
			if (atomic_load_explicit(&slot->word, memory_order_acquire) == RC_DONE)
				return;
			if (!inherited && atomic_load(&ctx->wanted) != 0 &&
			    atomic_load(&ctx->wanted) != rc_self())
				return;
			result = rc_receive(ctx, slot);
			if (result == 1 || result == -EAGAIN)
				continue;
			if (result == -EINTR) {
				rc_interrupt(ctx, slot);
				continue;
			}
		}
		rc_lost(ctx);
		return;
	}
}

static void
follow(struct rumpclient *ctx, struct rc_slot *slot)
{
	static const struct timespec patience = {.tv_sec = RC_DEFER_SECONDS};
	uint64_t bit = slot->index < RC_TABLE_FIRST ? (uint64_t)1 << slot->index : 0;

	atomic_store(&slot->sleeping, 1);
	if (bit != 0)
		atomic_fetch_or(&ctx->sleepers, bit);
	else
		atomic_fetch_add(&ctx->sleepers_beyond, 1);
	for (;;) {
		uint32_t word = RC_NUDGED;
		uintptr_t wanted;

		if (atomic_load(&slot->word) == RC_DONE)
			break;
		(void)atomic_compare_exchange_strong(&slot->word, &word, RC_PENDING);
		wanted = atomic_load(&ctx->wanted);
		if (atomic_load(&ctx->receiver) == 0 && (wanted == 0 || wanted == rc_self()))
			break;
		if (rc_raised) {
			rc_raised = false;
			rc_interrupt(ctx, slot);
		}
		switch (rc_futex_wait_for(&slot->word, RC_PENDING, rc_deferred.any ? &patience : NULL)) {
		case -EINTR:
			rc_interrupt(ctx, slot);
			break;
		case -ETIMEDOUT:
			rc_deliver_now();
			break;
		default:
			break;
		}
	}
	if (bit != 0)
		atomic_fetch_and(&ctx->sleepers, ~bit);
	else
		atomic_fetch_sub(&ctx->sleepers_beyond, 1);
	atomic_store(&slot->sleeping, 0);
}

void
rc_wait(struct rumpclient *ctx, struct rc_slot *slot)
{
	bool inherited;

	while (atomic_load_explicit(&slot->word, memory_order_acquire) != RC_DONE) {
		if (!rc_role_try(ctx, &inherited)) {
			follow(ctx, slot);
			continue;
		}
		lead(ctx, slot, inherited);
		if (!inherited)
			rc_role_leave(ctx);
	}
	if (slot->heir)
		inherit(ctx, slot);
}
