/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * A client's bytes are read by one thread at a time, which has the reading role: it has taken `reading` from
 * 0. The host reports new bytes once; a worker that is told and finds the role taken leaves a mark by
 * counting it up, and the one that has it looks again before it gives it up. A receive that returns less than
 * there was room for has emptied the socket, but for its end, which is reported together with what came
 * before it.
 *
 * The first call that is found is run by the thread that found it, after it has given up the role; more of
 * them go to the pool at once, since the first may sleep.
 *
 * A client that makes one call after the other sends the next soon after it has the answer. So the thread
 * that has run its only call stays with it: before it answers it takes the role again and mutes the client in
 * the workers' set, whose sleepers would be woken in vain, and then looks for a while whether something comes
 * (sp/look.h). It ends that for anything in the queue, since it counts as searching, and lets the set speak
 * again before it runs a call. One worker at a time does so.
 *
 * While an EXEC is under way the role is nobody's to take: `reading` stays up, and input_continue() has it.
 */
#include "librumpuser/sp_input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "librumpuser/annotate.h"
#include "librumpuser/sp_call.h"
#include "librumpuser/sp_config.h"
#include "librumpuser/sp_connect.h"
#include "librumpuser/sp_exec.h"
#include "librumpuser/sp_output.h"
#include "librumpuser/sp_pool.h"
#include "librumpuser/sp_request.h"
#include "librumpuser/sp_watch.h"

/* What receive() returns beside 0, 1 and errors. */
#define MORE 2    /* there may be more to receive */
#define NOTHING 3 /* there was nothing */

static int
handle_interrupt(struct sp_client *c, const struct sp_frame *frame)
{
	struct sp_cursor body = frame->body;
	struct sp_interrupt which;

	if (!client_can(c, SP_CAP_INTERRUPT) || !sp_take(&body, &which, sizeof(which)) || body.left != 0)
		output_error(c, frame->header.reqno, SP_ERR_MALFORMED);
	else
		call_interrupt(c, which.reqno);
	return 0;
}

static int
handle_request(struct sp_client *c, const struct sp_frame *frame, struct client_call **first)
{
	struct client_call *call;

	switch (frame->header.type) {
	case SP_CALL:
		if (!client_can(c, SP_CAP_SENDALONG))
			break;
		/* FALLTHROUGH */
	case SP_SYSCALL:
	case SP_PREFORK:
		call = call_accept(c, frame);
		if (call != NULL && *first == NULL)
			*first = call;
		else if (call != NULL)
			pool_submit(&call->job);
		return 0;
	case SP_HANDSHAKE:
		return exec_request(c, frame);
	case SP_INTERRUPT:
		return handle_interrupt(c, frame);
	case SP_CONNECT:
		connect_request(c, frame);
		return 0;
	default:
		break;
	}
	output_error(c, frame->header.reqno, SP_ERR_MALFORMED);
	return 0;
}

static int
handle(struct sp_client *c, const struct sp_frame *frame, struct client_call **first)
{
	switch (frame->header.class) {
	case SP_REQUEST:
		return handle_request(c, frame, first);
	case SP_RESPONSE:
	case SP_ERROR:
		return request_answered(c, frame);
	default:
		return -EBADMSG;
	}
}

/* Keeps bytes for input_continue(). */
static int
put_by(struct sp_client *c, const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	c->early = malloc(len);
	if (c->early == NULL)
		return -ENOMEM;
	memcpy(c->early, data, len);
	c->early_len = len;
	return 0;
}

int
input_bytes(struct sp_client *c, const uint8_t *data, size_t len, struct client_call **call)
{
	struct sp_frame frame;
	int rv;

	while ((rv = sp_assemble(&c->in, &data, &len, &frame)) == 1) {
		rv = handle(c, &frame, call);
		if (rv == 1) {
			rv = put_by(c, data, len);
			return rv != 0 ? rv : 1;
		}
		if (rv < 0)
			return rv;
	}
	return rv;
}

/* Receives once and looks at it. As input_bytes(), or MORE, or NOTHING. */
static int
receive(struct sp_client *c, struct client_call **call)
{
	size_t room;
	uint8_t *buffer;
	bool direct;
	ssize_t n;
	int rv;

	output_await_room(c);
	buffer = sp_assembler_room(&c->in, &room);
	direct = buffer != NULL;
	if (!direct) {
		buffer = worker_self->buffer;
		room = WORKER_BUFFER;
	}
	n = sp_receive(&c->transport, buffer, room, false);
	if (n == -EAGAIN)
		return NOTHING;
	if (n <= 0)
		return n == 0 ? -ENOTCONN : (int)n;
	if (direct)
		sp_assembler_received(&c->in, (size_t)n);
	rv = input_bytes(c, buffer, direct ? 0 : (size_t)n, call);
	if (rv == 0 && ((size_t)n == room || atomic_load(&c->ended) || sp_pending(&c->transport)))
		return MORE;
	return rv;
}

/* Looks at what was put by, then receives until there is no more. */
static int
drain(struct sp_client *c, struct client_call **call)
{
	uint8_t *early = c->early;
	size_t len = c->early_len;
	int rv = MORE;

	c->early = NULL;
	c->early_len = 0;
	if (early != NULL) {
		rv = input_bytes(c, early, len, call);
		free(early);
		rv = rv == 0 ? MORE : rv;
	}
	while (rv == MORE)
		rv = receive(c, call);
	return rv == NOTHING ? 0 : rv;
}

/* Whether a worker looks for a client's next request. */
static _Atomic bool looking;

bool
input_stay(struct sp_client *c)
{
	uint32_t nobody = 0;
	bool only;

	if (watch_kept() || sp_config.look == 0 || atomic_load_explicit(&looking, memory_order_relaxed))
		return false;
	/* One that does not read its answers is waited for before it is read from: not by one who looks. */
	if (atomic_load(&c->out.queued) != 0 || !sp_look_worth_it(&c->look))
		return false;
	host_lock_enter(&c->lock);
	only = c->calls == 1 && c->state == CLIENT_RUNNING;
	host_lock_exit(&c->lock);
	if (!only || atomic_exchange(&looking, true))
		return false;
	if (!atomic_compare_exchange_strong(&c->reading, &nobody, 1)) {
		atomic_store(&looking, false);
		return false;
	}
	annotate_after(&c->reading);
	pool_mute(c->transport.fd, c->id);
	return true;
}

/* With the reading role that input_stay() took. As receive(). */
static int
look(struct sp_client *c, struct client_call **call)
{
	int64_t now = host_nanoseconds();
	struct sp_look_times times = sp_look_begin(now, sp_config.look);
	bool looks = atomic_load(&c->out.queued) == 0;
	int rv = NOTHING;

	while (looks) {
		rv = receive(c, call);
		now = host_nanoseconds();
		looks = rv == NOTHING && !pool_wanted() && sp_look_again(&times, now);
	}
	sp_look_end(&c->look, &times, now, rv != NOTHING);
	atomic_store(&looking, false);
	pool_unmute(c->transport.fd, c->id);
	return rv == NOTHING ? 0 : rv;
}

/* With the reading role; stayed: by input_stay(). Returns whether that has taken it again. */
static bool
read_and_run(struct sp_client *c, bool stayed)
{
	struct client_call *call = NULL;
	bool stay = false;
	uint32_t seen = 1; /* as input_stay() has left it */
	int rv = MORE;

	if (stayed)
		rv = look(c, &call);
	else
		annotate_after(&c->reading);
	for (;;) {
		if (rv == MORE) {
			seen = atomic_load(&c->reading);
			rv = drain(c, &call);
		}
		annotate_before(&c->reading);
		if (rv != 0 || atomic_compare_exchange_strong(&c->reading, &seen, 0))
			break;
		rv = MORE;
	}
	if (call != NULL && rv == 0)
		stay = call_run(call, true);
	else if (call != NULL)
		pool_submit(&call->job);
	if (rv == 1) {
		(void)pool_busy();
		exec_begin(c);
		pool_free();
	} else if (rv < 0) {
		client_drop(c);
	}
	return stay;
}

/* With the reading role. */
static void
read_client(struct sp_client *c)
{
	bool stay = false;

	do
		stay = read_and_run(c, stay);
	while (stay);
}

void
pool_event(uint64_t id, bool ended)
{
	struct sp_client *c = client_find(id);

	if (c == NULL)
		return;
	if (ended)
		atomic_store(&c->ended, true);
	if (atomic_fetch_add(&c->reading, 1) == 0)
		read_client(c);
	client_put(c);
}

struct resumption {
	struct job job;
	struct sp_client *client;
};

static void
run_resumption(struct job *job)
{
	struct resumption *r = (struct resumption *)job;

	read_client(r->client);
	client_put(r->client);
	free(r);
}

void
input_begin(struct sp_client *c)
{
	bool early = c->early != NULL;

	/* Whoever is told of the socket from here on reads from it. */
	annotate_before(&c->reading);
	if (pool_watch(c->transport.fd, c->id) != 0)
		client_drop(c);
	else if (early && atomic_fetch_add(&c->reading, 1) == 0)
		read_client(c);
}

void
input_continue(struct sp_client *c)
{
	struct resumption *r = malloc(sizeof(*r));

	if (r == NULL) {
		client_drop(c);
		return;
	}
	*r = (struct resumption){.job.run = run_resumption, .client = client_ref(c)};
	pool_submit(&r->job);
}
