/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * A call counts in client->calls from call_accept() to the end of call_end(), and holds a reference. While it
 * counts, the client's process does not go away.
 *
 * Its lwp is one of the client's spares, or made for it; in between it belongs to the call alone. It goes
 * back to the spares only once the worker is itself again, since an lwp must not be current in two threads.
 *
 * Where INTERRUPT holds, the call is on a list. To interrupt a running one, the lwp is pinned, so that the
 * upcall can be made without a lock; the call does not give up its lwp before the pins are gone.
 */
#include "librumpuser/sp_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rumpdefs.h>

#include "librumpuser/hyp.h"
#include "librumpuser/sp_attached.h"
#include "librumpuser/sp_client.h"
#include "librumpuser/sp_input.h"
#include "librumpuser/sp_kernel.h"
#include "librumpuser/sp_lwps.h"
#include "librumpuser/sp_output.h"
#include "librumpuser/sp_ticket.h"
#include "sp/signature.h"

HOST_TLS struct client_call *call_current;

static void
run_job(struct job *job)
{
	(void)call_run((struct client_call *)job, false);
}

/* Answers a call that never began. */
static void
refuse(struct sp_client *c, const struct sp_header *request, int error)
{
	struct client_call unmade = {.client = c, .header = *request};

	if (error == -ENOSYS)
		call_answer(&unmade, RUMP_ENOSYS, (long[2]){0, 0});
	else
		output_error(c, request->reqno,
		    error == -EAGAIN   ? SP_ERR_TRYAGAIN
		    : error == -ENOMEM ? SP_ERR_NOMEM
				       : SP_ERR_MALFORMED);
}

/* Reads the arguments. Slots that did not come are zero. */
static int
read_arguments(struct client_call *call, struct sp_cursor *body)
{
	const struct sp_signature *signature;
	struct sp_call begin = {0};
	uint32_t need;
	size_t bytes;
	int error;

	if (call->header.type == SP_PREFORK)
		return body->left == 0 ? 0 : -EBADMSG;
	if (call->header.type == SP_CALL) {
		if (!sp_take(body, &begin, sizeof(begin)) || begin.slots > SP_SLOTS_MAX)
			return -EBADMSG;
		bytes = begin.slots * sizeof(int64_t);
	} else {
		bytes = body->left;
	}
	if (bytes % sizeof(int64_t) != 0)
		return -EBADMSG;
	error = sp_call_check(call->header.u, (uint32_t)(bytes / sizeof(int64_t)), &need);
	if (error != 0)
		return error;
	if (!sp_take(body, call->args, bytes))
		return -EBADMSG;
	signature = sp_signature(call->header.u);
	call->bulk = signature != NULL ? signature->bulk : SP_BULK_NONE;
	if (call->header.type == SP_CALL)
		return attached_parse(&call->attached, body, begin.attachments);
	return 0;
}

/* Keeps what came along, unless the client's calls keep so much already: then this one does without. */
static int
keep_attached(struct client_call *call)
{
	struct sp_client *c = call->client;
	uint64_t bytes = attached_bytes(call->attached);
	bool room;

	if (call->attached == NULL)
		return 0;
	host_lock_enter(&c->lock);
	room = bytes <= SP_ATTACH_CLIENT_MAX - c->attached;
	c->attached += room ? bytes : 0;
	host_lock_exit(&c->lock);
	if (room)
		return attached_keep(call->attached);
	attached_free(call->attached);
	call->attached = NULL;
	return 0;
}

static void
free_attached(struct client_call *call)
{
	if (call->attached == NULL)
		return;
	host_lock_enter(&call->client->lock);
	call->client->attached -= attached_bytes(call->attached);
	host_lock_exit(&call->client->lock);
	attached_free(call->attached);
}

/* Counts the call in, and finds it an lwp if there is one. */
static int
admit(struct client_call *call)
{
	struct sp_client *c = call->client;
	int error = 0;

	host_lock_enter(&c->lock);
	if (c->state != CLIENT_RUNNING)
		error = -ENOTCONN;
	/* Calls that are about to be answered do not count: who has the answer may make another. */
	else if (c->lwps_used >= sp_config.calls)
		error = -EAGAIN;
	if (error == 0) {
		c->calls++;
		call->lwp = lwps_take(c);
		call->lwps_generation = c->spares_generation;
		call->listed = client_can(c, SP_CAP_INTERRUPT);
		if (call->listed)
			TAILQ_INSERT_TAIL(&c->interruptible, call, entries);
	}
	host_lock_exit(&c->lock);
	return error;
}

struct client_call *
call_accept(struct sp_client *c, const struct sp_frame *frame)
{
	struct client_call *call = malloc(sizeof(*call));
	struct sp_cursor body = frame->body;
	int error = -ENOMEM;

	if (call != NULL) {
		*call = (struct client_call){.job.run = run_job, .client = c, .header = frame->header};
		error = read_arguments(call, &body);
		if (error == 0)
			error = keep_attached(call);
		if (error == 0)
			error = admit(call);
		if (error == 0) {
			client_ref(c);
			return call;
		}
		free_attached(call);
		free(call);
	}
	if (error != -ENOTCONN)
		refuse(c, &frame->header, error);
	return NULL;
}

/* Marks the call, whose lwp is current, as interruptible by an upcall, and makes one that was due before:
 * most calls never sleep, and must not fail because they had to wait for a worker. */
static void
begin_interruptible(struct client_call *call)
{
	struct sp_client *c = call->client;
	bool interrupted;

	if (!call->listed)
		return;
	host_lock_enter(&c->lock);
	interrupted = call->interrupted;
	call->running = true;
	host_lock_exit(&c->lock);
	if (interrupted)
		kernel_interrupt(call->lwp);
}

static void
end_interruptible(struct client_call *call)
{
	struct sp_client *c = call->client;

	if (!call->listed)
		return;
	host_lock_enter(&c->lock);
	TAILQ_REMOVE(&c->interruptible, call, entries);
	call->listed = false;
	while (call->pins != 0)
		host_cond_wait(&c->cond, &c->lock, NULL);
	/* It may have come too late for this call, and must not meet the lwp's next one. */
	if (call->interrupted)
		call->lwps_generation--;
	host_lock_exit(&c->lock);
}

void
call_interrupt(struct sp_client *c, uint64_t reqno)
{
	struct client_call *call;
	bool pinned = false;

	host_lock_enter(&c->lock);
	TAILQ_FOREACH(call, &c->interruptible, entries)
	{
		if (call->header.reqno == reqno)
			break;
	}
	if (call != NULL) {
		pinned = call->running && !call->interrupted;
		call->interrupted = true;
		call->pins += pinned;
	}
	host_lock_exit(&c->lock);
	if (!pinned)
		return;
	kernel_enter();
	kernel_interrupt(call->lwp);
	kernel_leave();
	host_lock_enter(&c->lock);
	call->pins--;
	host_lock_exit(&c->lock);
	host_cond_wake(&c->cond, HOST_WAKE_ALL);
}

void
call_answer(struct client_call *call, int error, const long retval[2])
{
	struct {
		struct sp_header header;
		struct sp_syscall_response body;
	} begin = {
	    .header = sp_header(SP_RESPONSE, call->header.type, 0, call->header.reqno, sizeof(begin.body)),
	    .body = {.error = error, .retval = {retval[0], retval[1]}},
	};
	struct iovec iov[2] = {{&begin, sizeof(begin)}};
	int count = 1;

	if (call->attached != NULL) {
		if (!attached_results(call->attached, &iov[1])) {
			output_error(call->client, call->header.reqno, SP_ERR_NOMEM);
			return;
		}
		count += iov[1].iov_len != 0;
		begin.header.len += iov[1].iov_len;
	}
	output_send(call->client, iov, count);
}

/* Makes an lwp for the call, unless the client's lwps are on their way out. Returns NetBSD's errno. */
static int
create_lwp(struct client_call *call)
{
	struct sp_client *c = call->client;
	bool running;
	int error;

	host_lock_enter(&c->lock);
	running = c->state == CLIENT_RUNNING;
	c->creating += running;
	host_lock_exit(&c->lock);
	if (!running)
		return RUMP_EBUSY;
	call->lwp = kernel_become_new(c->pid, &error);
	host_lock_enter(&c->lock);
	c->creating--;
	host_lock_exit(&c->lock);
	host_cond_wake(&c->cond, HOST_WAKE_ALL);
	return error;
}

/* Makes the call's lwp current. Returns 0 or the error to answer with. */
static int
enter_lwp(struct client_call *call)
{
	int error = 0;

	if (call->lwp != NULL)
		kernel_become(call->lwp);
	else
		error = create_lwp(call);
	if (error == 0)
		return 0;
	return error == RUMP_EBUSY ? SP_ERR_INEXEC : SP_ERR_TRYAGAIN;
}

struct outcome {
	int refused; /* an sp_error, or 0 */
	int error;
	long retval[2];
	struct sp_ticket ticket;
};

/* Does it, with the call's lwp. */
static void
perform(struct client_call *call, struct outcome *o)
{
	if (call->header.type == SP_PREFORK) {
		o->refused = ticket_make(call->client, &o->ticket);
	} else {
		begin_interruptible(call);
		call_current = call;
		o->error = hyp.hyp_syscall((int)call->header.u, call->args, o->retval);
		call_current = NULL;
	}
	kernel_become(NULL);
}

/* Into the kernel and back. */
static void
visit_kernel(struct client_call *call, struct outcome *o)
{
	struct sp_client *c = call->client;

	kernel_enter();
	if (o->refused == 0)
		o->refused = enter_lwp(call);
	if (o->refused == 0)
		perform(call, o);
	end_interruptible(call);
	if (call->header.type != SP_PREFORK && lwps_outdated_by(call->header.u))
		lwps_outdate(c);
	lwps_put(c, call->lwp, call->lwps_generation);
	kernel_leave();
	if (o->refused == 0 && bulk_end(call) != 0)
		*o = (struct outcome){.error = RUMP_EFAULT};
}

/* Counts the call out. Its lwp has been given back before the answer: a client may count them after. */
static void
call_end(struct client_call *call)
{
	struct sp_client *c = call->client;
	bool advance;

	host_lock_enter(&c->lock);
	c->calls--;
	advance = c->calls == 0 && c->state != CLIENT_RUNNING;
	host_lock_exit(&c->lock);
	if (advance)
		client_advance(c);
	free_attached(call);
	client_put(c);
	free(call);
}

bool
call_run(struct client_call *call, bool reader)
{
	bool stay;
	struct outcome o = {.refused = pool_calls() ? 0 : SP_ERR_TRYAGAIN};
	uint64_t reqno = call->header.reqno;

	visit_kernel(call, &o);
	stay = reader && input_stay(call->client);
	if (o.refused != 0)
		output_error(call->client, reqno, (enum sp_error)o.refused);
	else if (call->header.type == SP_PREFORK)
		output_frame(call->client, SP_RESPONSE, SP_PREFORK, 0, reqno, &o.ticket, sizeof(o.ticket));
	else
		call_answer(call, o.error, o.retval);
	call_end(call);
	pool_free();
	return stay;
}
