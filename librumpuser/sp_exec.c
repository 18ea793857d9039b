/* SPDX-License-Identifier: BSD-2-Clause */
#include "librumpuser/sp_exec.h"

#include <string.h>

#include "librumpuser/hyp.h"
#include "librumpuser/sp_client.h"
#include "librumpuser/sp_input.h"
#include "librumpuser/sp_kernel.h"
#include "librumpuser/sp_output.h"
#include "librumpuser/sp_request.h"
#include "librumpuser/sp_ticket.h"
#include "sp/capability.h"

/* A FORK on a connection that runs: a ticket is given back. */
static void
cancel(struct sp_client *c, const struct sp_frame *frame)
{
	struct sp_handshake_response ok = {0};
	struct sp_cursor body = frame->body;
	struct sp_fork fork;

	if (!sp_take(&body, &fork, sizeof(fork)) || body.left != 0 || fork.cancel == 0)
		output_error(c, frame->header.reqno, SP_ERR_MALFORMED);
	else if (!ticket_cancel(&fork.ticket, c->id))
		output_error(c, frame->header.reqno, SP_ERR_PREFORK);
	else
		output_frame(c, SP_RESPONSE, SP_HANDSHAKE, 0, frame->header.reqno, &ok, sizeof(ok));
}

int
exec_request(struct sp_client *c, const struct sp_frame *frame)
{
	const char *comm;
	uint32_t capabilities;

	if (frame->header.u == SP_FORK) {
		cancel(c, frame);
		return 0;
	}
	if (frame->header.u != SP_EXEC || sp_hello_parse(frame->body, &comm, &capabilities) != 0) {
		output_error(c, frame->header.reqno, SP_ERR_MALFORMED);
		return 0;
	}
	strcpy(c->exec_comm, comm);
	c->exec_capabilities = capabilities;
	c->exec_reqno = frame->header.reqno;
	return 1;
}

void
exec_begin(struct sp_client *c)
{
	host_lock_enter(&c->lock);
	if (c->state == CLIENT_RUNNING) {
		c->state = CLIENT_EXEC;
		request_fail_all(c);
	}
	host_lock_exit(&c->lock);
	client_advance(c);
}

void
exec_notify(struct sp_client *c)
{
	kernel_become(c->main);
	hyp.hyp_execnotify(c->exec_comm);
	kernel_become(NULL);
}

void
exec_finish(struct sp_client *c)
{
	struct sp_handshake_response ok = {0};
	/* Who was given the connection by somebody else must not open that one's memory again. */
	uint32_t given_up = SP_CAP_LOCALCOPY & ~atomic_load(&c->capabilities);

	atomic_store(&c->capabilities, client_capabilities_granted(c, c->exec_capabilities) & ~given_up);
	output_frame(c, SP_RESPONSE, SP_HANDSHAKE, 0, c->exec_reqno, &ok, sizeof(ok));
}

void
exec_resume(struct sp_client *c)
{
	input_continue(c);
}
