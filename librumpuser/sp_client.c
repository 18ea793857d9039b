/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * References are held by the table while a client lives, by whoever works for it at the moment, and by the
 * kernel's process from its first lwp to its last: that lwp's release is the last moment at which the kernel
 * uses the pointer that it was given at rfork. The socket is closed with the last reference, so that no
 * descriptor number is ever used for another's.
 *
 * The main lwp serves for two things only, exec and the end, which client_advance() does one at a time: it
 * orders the other lwps out, and once the last call has come back it goes on. Nobody waits for that: the last
 * call's worker takes the step. A call in its last moments still counts.
 *
 * A kernel orders out the lwps that a process has, and refuses to make more from then on, but not in one
 * step: an lwp made in between would sleep for ever. So no lwp is made for a client that is not running, and
 * the order waits for those that are being made.
 *
 * Locks: a client's lock and its output's are leaves, and so is the table's; none is held across an upcall.
 */
#include "librumpuser/sp_client.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "librumpuser/hyp.h"
#include "librumpuser/sp_call.h"
#include "librumpuser/sp_exec.h"
#include "librumpuser/sp_kernel.h"
#include "librumpuser/sp_loop.h"
#include "librumpuser/sp_lwps.h"
#include "librumpuser/sp_output.h"
#include "librumpuser/sp_pool.h"
#include "librumpuser/sp_request.h"
#include "librumpuser/sp_table.h"
#include "librumpuser/sp_ticket.h"
#include "sp/capability.h"

struct sp_client *
client_new(int fd, const struct sp_peer *peer)
{
	struct sp_client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->refs = 1;
	annotate_atomic(&c->look, sizeof(c->look));
	c->peer = *peer;
	c->pidfd = -1;
	TAILQ_INIT(&c->interruptible);
	LIST_INIT(&c->requests);
	output_init(&c->out);
	sp_transport_init(&c->transport, peer->kind, fd);
	sp_assembler_init(&c->in, SP_HANDSHAKE_FRAME_MAX);
	if (!table_add(c)) {
		free(c);
		return NULL;
	}
	return c;
}

struct sp_client *
client_ref(struct sp_client *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void
client_put(struct sp_client *c)
{
	annotate_before(&c->refs);
	if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	annotate_after(&c->refs);
	close(c->transport.fd);
	if (c->pidfd >= 0)
		close(c->pidfd);
	output_fini(&c->out);
	sp_assembler_fini(&c->in);
	free(c->early);
	free(c);
	loop_count_left();
}

uint32_t
client_capabilities_offered(void)
{
	return SP_CAP_FAULT | SP_CAP_LOCALCOPY | SP_CAP_SENDALONG | SP_CAP_CANCEL | SP_CAP_CONNECT |
	       (kernel_can_interrupt() ? SP_CAP_INTERRUPT : 0u);
}

uint32_t
client_capabilities_granted(const struct sp_client *c, uint32_t capabilities)
{
	capabilities &= client_capabilities_offered();
	if (c->peer.kind != SP_UNIX)
		capabilities &= ~(uint32_t)SP_CAP_CONNECT;
	if (c->peer.connected && (capabilities & SP_CAP_CONNECT) != 0)
		capabilities = sp_capabilities_connected(capabilities);
	return c->peer.connected ? capabilities & ~(uint32_t)SP_CAP_LOCALCOPY : capabilities;
}

static void
run_end(struct job *job)
{
	struct sp_client *c = (struct sp_client *)((char *)job - offsetof(struct sp_client, end));

	/* When no thread can be had to take our place, this one does it all the same: it does not sleep for
	 * long. */
	(void)pool_busy();
	client_advance(c);
	pool_free();
	client_put(c);
}

void
client_drop(struct sp_client *c)
{
	bool had_process;

	host_lock_enter(&c->lock);
	if (c->state == CLIENT_DEAD) {
		host_lock_exit(&c->lock);
		return;
	}
	c->state = CLIENT_DEAD;
	had_process = c->main != NULL;
	request_fail_all(c);
	host_lock_exit(&c->lock);

	output_close(&c->out);
	pool_unwatch(c->transport.fd);
	shutdown(c->transport.fd, SHUT_RDWR);
	ticket_orphan(c->id);
	loop_forget(c);
	if (had_process) {
		client_ref(c);
		c->end.run = run_end;
		pool_submit(&c->end);
	}
	if (table_remove(c))
		client_put(c);
}

/* Makes every other lwp of the process leave the kernel. */
static void
order_out(struct lwp *main)
{
	kernel_enter();
	kernel_become(main);
	hyp.hyp_lwpexit();
	kernel_become(NULL);
	kernel_leave();
}

enum step { STEP_NONE, STEP_TAKEN, STEP_RESUMED, STEP_ENDED };

/* One step, with the lock held before and after. */
static enum step
step(struct sp_client *c)
{
	bool dead = c->state == CLIENT_DEAD;

	if ((!dead && c->state != CLIENT_EXEC) || c->main == NULL)
		return STEP_NONE;
	if (!c->ordered_out) {
		c->ordered_out = true;
		while (c->creating != 0)
			host_cond_wait(&c->cond, &c->lock, NULL);
		host_lock_exit(&c->lock);
		order_out(c->main);
		host_lock_enter(&c->lock);
		return STEP_TAKEN;
	}
	if (c->calls != 0)
		return STEP_NONE;
	host_lock_exit(&c->lock);
	kernel_enter();
	lwps_release_spares(c);
	if (dead)
		kernel_release(c->main);
	else
		exec_notify(c);
	kernel_leave();
	if (!dead)
		exec_finish(c);
	host_lock_enter(&c->lock);
	if (dead) {
		c->main = NULL;
		return STEP_ENDED;
	}
	c->ordered_out = false;
	if (c->state == CLIENT_DEAD)
		return STEP_TAKEN;
	c->state = CLIENT_RUNNING;
	return STEP_RESUMED;
}

void
client_advance(struct sp_client *c)
{
	bool resumed = false, ended = false;
	enum step taken;

	host_lock_enter(&c->lock);
	c->again = true;
	if (c->advancing) {
		host_lock_exit(&c->lock);
		return;
	}
	c->advancing = true;
	while (c->again) {
		c->again = false;
		while ((taken = step(c)) != STEP_NONE) {
			resumed = resumed || taken == STEP_RESUMED;
			ended = ended || taken == STEP_ENDED;
		}
	}
	c->advancing = false;
	host_lock_exit(&c->lock);
	if (resumed)
		exec_resume(c);
	if (ended)
		client_put(c); /* the process's reference */
}
