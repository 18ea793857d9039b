/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rumpdefs.h>

#include "librumpuser/sp_client.h"
#include "librumpuser/sp_exec.h"
#include "librumpuser/sp_input.h"
#include "librumpuser/sp_kernel.h"
#include "librumpuser/sp_output.h"
#include "librumpuser/sp_pool.h"
#include "librumpuser/sp_ticket.h"
#include "sp/capability.h"

struct handshake {
	struct job job;
	struct sp_client *client;
	struct sp_header header;
	size_t len;
	uint8_t body[SP_HANDSHAKE_FRAME_MAX];
};

/* A new process. Returns 0 or the error to answer with. */
static int
start_guest(struct sp_client *c, struct sp_cursor body, struct lwp **main, pid_t *pid)
{
	const char *comm;
	uint32_t capabilities;
	int error;

	if (sp_hello_parse(body, &comm, &capabilities) != 0)
		return SP_ERR_MALFORMED;
	c->capabilities = client_capabilities_granted(c, capabilities);
	kernel_enter();
	*main = kernel_rfork(c, RUMP_RFFD_CLEAR, comm, pid, &error);
	if (*main != NULL)
		kernel_become(NULL);
	kernel_leave();
	return *main != NULL ? 0 : SP_ERR_RFORK;
}

/* The process that a ticket stands for. */
static int
start_fork(struct sp_client *c, struct sp_cursor body, struct lwp **main, pid_t *pid)
{
	uint32_t capabilities;
	struct sp_fork fork;
	struct lwp *held;
	int error;

	if (!sp_take(&body, &fork, sizeof(fork)) || body.left != 0 || fork.cancel != 0)
		return SP_ERR_MALFORMED;
	held = ticket_redeem(&fork.ticket, &c->peer, &capabilities);
	if (held == NULL)
		return SP_ERR_PREFORK;
	c->capabilities = client_capabilities_granted(c, capabilities);
	kernel_enter();
	kernel_become(held);
	*main = kernel_rfork(c, RUMP_RFFD_SHARE, NULL, pid, &error);
	kernel_release(held);
	kernel_leave();
	return *main != NULL ? 0 : SP_ERR_RFORK;
}

static int
start(struct sp_client *c, const struct handshake *h, struct lwp **main, pid_t *pid)
{
	struct sp_cursor body = sp_cursor(h->body, h->len);

	if (h->header.class != SP_REQUEST || h->header.type != SP_HANDSHAKE)
		return SP_ERR_AUTH;
	switch (h->header.u) {
	case SP_GUEST:
		return start_guest(c, body, main, pid);
	case SP_FORK:
		return start_fork(c, body, main, pid);
	default:
		return SP_ERR_AUTH;
	}
}

/* The client has its process. From here on it is the kernel's, too. */
static void
started(struct sp_client *c, const struct handshake *h, struct lwp *main, pid_t pid)
{
	struct sp_handshake_response ok = {0};
	bool dead;

	client_ref(c);
	host_lock_enter(&c->lock);
	c->main = main;
	c->pid = pid;
	dead = c->state == CLIENT_DEAD;
	if (!dead)
		c->state = CLIENT_RUNNING;
	host_lock_exit(&c->lock);
	if (dead) {
		client_advance(c);
		return;
	}
	c->in.limit = sp_config.frame;
	output_frame(c, SP_RESPONSE, SP_HANDSHAKE, 0, h->header.reqno, &ok, sizeof(ok));
	input_begin(c);
}

static void
run(struct job *job)
{
	struct handshake *h = (struct handshake *)job;
	struct sp_client *c = h->client;
	struct lwp *main = NULL;
	pid_t pid = 0;
	int error = SP_ERR_TRYAGAIN;

	if (pool_busy()) {
		error = start(c, h, &main, &pid);
		pool_free();
	}
	if (error == 0) {
		started(c, h, main, pid);
	} else {
		output_error(c, h->header.reqno, (enum sp_error)error);
		client_drop(c);
	}
	client_put(c);
	free(h);
}

void
handshake_begin(struct sp_client *c, const struct sp_frame *frame)
{
	struct handshake *h = malloc(sizeof(*h));

	if (h == NULL || frame->body.left > sizeof(h->body)) {
		free(h);
		client_drop(c);
		return;
	}
	h->job.run = run;
	h->client = client_ref(c);
	h->header = frame->header;
	h->len = frame->body.left;
	memcpy(h->body, frame->body.at, h->len);
	pool_submit(&h->job);
}
