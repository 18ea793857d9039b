/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connecting again. One thread does it, the others wait for what comes of it; it keeps senders and
 * receivers out only to put the new connection in the place of the old.
 */
#include "config.h"

#include "rumpclient/client.h"

#include <limits.h>
#include <stdio.h>

#define COMPLAIN_EVERY 120 /* seconds */
#define DELAY_FIRST 50     /* milliseconds, doubled up to: */
#define DELAY_MOST 5000

static void
put_in_place(struct rumpclient *ctx, const struct rc_link *link)
{
	bool inherited = false;
	rc_sigmask mask;
	int old;

	rc_block_signals(&mask);
	/* Receivers find the old connection at its end, and leave. The role comes first: who has it may send.
	 */
	while (!rc_role_try(ctx, &inherited))
		rc_pause(1);
	rc_send_lock(ctx);
	/* Calls that were about to be sent on the old connection belong to nobody now. */
	rc_receive_take_over(ctx);
	rc_lost(ctx);
	old = rc_still_ours(ctx) ? atomic_load(&ctx->fd) : -1;
	rc_adopt(ctx, link, 2);
	rc_async_watch(ctx);
	if (old != -1)
		(void)close(old);
	rc_send_unlock(ctx);
	if (!inherited)
		rc_role_leave(ctx);
	rc_restore_signals(&mask);
}

static int
once(struct rumpclient *ctx, int64_t patience)
{
	struct rc_link link;
	int error = rc_dial(&ctx->url, patience, &link);

	if (error == 0)
		error = rc_hello(&link, SP_GUEST, 1);
	if (error == 0)
		put_in_place(ctx, &link);
	return error;
}

static int
connect_again(struct rumpclient *ctx)
{
	time_t retry = atomic_load(&ctx->retry);
	int64_t most = retry < INT64_MAX / 1000 ? (int64_t)retry * 1000 : INT64_MAX;
	int64_t begun = rc_milliseconds();
	int64_t said = -1;
	int64_t delay = DELAY_FIRST;

	if (retry == 0)
		return -ENOTCONN;
	if (retry == RUMPCLIENT_RETRYCONN_DIE)
		_exit(1);
	for (;;) {
		int64_t passed = rc_milliseconds() - begun;
		int64_t left = most - passed;

		/* A server may be there and say nothing. */
		if (once(ctx, retry < 0 ? 0 : left > 0 ? left : 1) == 0) {
			if (said != -1)
				fprintf(stderr, "rumpclient: connected to the rump kernel again\n");
			return 0;
		}
		passed = rc_milliseconds() - begun;
		if (retry == RUMPCLIENT_RETRYCONN_ONCE)
			return -ENOTCONN;
		if (retry > 0 && passed >= most) {
			fprintf(stderr,
			    "rumpclient: no connection to the rump kernel for %lld seconds, giving up\n",
			    (long long)retry);
			return -ENOTCONN;
		}
		if (said == -1 || passed - said >= COMPLAIN_EVERY * 1000) {
			fprintf(
			    stderr, "rumpclient: the connection to the rump kernel is lost, trying again\n");
			said = passed;
		}
		if (retry > 0 && delay > most - passed)
			delay = most - passed;
		rc_pause(delay > 0 ? delay : 1);
		delay = delay * 2 < DELAY_MOST ? delay * 2 : DELAY_MOST;
	}
}

int
rc_reconnect(struct rumpclient *ctx, uint32_t state)
{
	uintptr_t nobody = 0;
	uint32_t given_up = atomic_load(&ctx->given_up);
	uint32_t attempts = atomic_load(&ctx->reconnected);
	int error = 0;

	/* A signal handler's call does not finish what it interrupted: that goes on when it returns. */
	if (atomic_load(&ctx->reconnecting) == rc_self() || atomic_load(&ctx->receiver) == rc_self())
		return -ENOTCONN;
	if (!atomic_compare_exchange_strong(&ctx->reconnecting, &nobody, rc_self())) {
		(void)rc_futex_wait(&ctx->reconnected, attempts);
		/* What has failed for one has failed for all who waited for it. */
		return atomic_load(&ctx->given_up) != given_up ? -ENOTCONN : 0;
	}
	if (atomic_load(&ctx->state) == state)
		error = connect_again(ctx);
	if (error != 0)
		atomic_fetch_add(&ctx->given_up, 1);
	atomic_store(&ctx->reconnecting, 0);
	atomic_fetch_add(&ctx->reconnected, 1);
	rc_futex_wake(&ctx->reconnected, INT_MAX);
	return error;
}
