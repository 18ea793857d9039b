/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * The lwp that a ticket stands for belongs to the ticket, and is nowhere current. Nothing runs in its
 * process, so the client that the kernel was told of for it is nobody: a client without a connection that
 * every copy fails for.
 *
 * A ticket outlives its owner's connection by a grace period, since a process that becomes a daemon is often
 * gone before its child has presented the ticket.
 */
#include "librumpuser/sp_ticket.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <rump/rumpdefs.h>

#include "librumpuser/sp_client.h"
#include "librumpuser/sp_kernel.h"
#include "librumpuser/sp_loop.h"
#include "librumpuser/sp_pool.h"

struct held {
	struct job job; /* its end */
	LIST_ENTRY(held) entries;
	struct sp_ticket ticket;
	struct sp_peer peer;
	uint64_t owner;
	uint32_t capabilities;
	struct lwp *lwp;
	bool orphan;
	struct timespec expires;
};

static struct host_lock held_lock;
static LIST_HEAD(, held) all = LIST_HEAD_INITIALIZER(all);
static struct sp_client nobody = {.refs = 1, .state = CLIENT_DEAD};

static void
run_end(struct job *job)
{
	struct held *h = (struct held *)job;

	(void)pool_busy();
	kernel_enter_release(h->lwp);
	pool_free();
	free(h);
}

/* Ends the process, soon. */
static void
end_held(struct held *h)
{
	h->job.run = run_end;
	pool_submit(&h->job);
}

static void
count_tickets(struct sp_client *c, int change)
{
	host_lock_enter(&c->lock);
	c->tickets = (unsigned)((int)c->tickets + change);
	host_lock_exit(&c->lock);
}

/* One fewer for its owner, if that is there still. */
static void
uncount(const struct held *h)
{
	struct sp_client *c = client_find(h->owner);

	if (c != NULL) {
		count_tickets(c, -1);
		client_put(c);
	}
}

/* Whether the client may have one more; it is counted then. */
static bool
reserve(struct sp_client *c)
{
	bool room;

	host_lock_enter(&c->lock);
	room = c->tickets < sp_config.tickets;
	c->tickets += room;
	host_lock_exit(&c->lock);
	return room;
}

static bool
random_ticket(struct sp_ticket *ticket)
{
	uint8_t *at = (uint8_t *)ticket;

	for (size_t have = 0; have < sizeof(*ticket);) {
		ssize_t n = host_random(at + have, sizeof(*ticket) - have, false);

		if (n <= 0)
			return false;
		have += (size_t)n;
	}
	return true;
}

/* Takes the process into the list, unless its owner is gone. */
static void
hold(struct held *h, struct sp_client *c)
{
	bool alive;

	host_lock_enter(&held_lock);
	LIST_INSERT_HEAD(&all, h, entries);
	host_lock_exit(&held_lock);
	host_lock_enter(&c->lock);
	alive = c->state != CLIENT_DEAD;
	host_lock_exit(&c->lock);
	if (!alive)
		ticket_orphan(c->id);
}

/* Copies the process of the current lwp. Returns 0 or the error to answer with. */
static int
copy_process(struct held *h)
{
	pid_t pid;
	int error;

	if (!random_ticket(&h->ticket))
		return SP_ERR_NOMEM;
	h->lwp = kernel_rfork(&nobody, RUMP_RFFD_COPY, NULL, &pid, &error);
	return h->lwp != NULL ? 0 : SP_ERR_RFORK;
}

int
ticket_make(struct sp_client *c, struct sp_ticket *ticket)
{
	struct held *h;
	int why;

	if (!reserve(c))
		return SP_ERR_TRYAGAIN;
	h = calloc(1, sizeof(*h));
	why = h != NULL ? copy_process(h) : SP_ERR_NOMEM;
	if (why != 0) {
		count_tickets(c, -1);
		free(h);
		return why;
	}
	h->peer = c->peer;
	h->owner = c->id;
	h->capabilities = c->capabilities;
	*ticket = h->ticket;
	hold(h, c);
	return 0;
}

/* Takes as long whatever the tickets are. */
static bool
same_ticket(const struct sp_ticket *a, const struct sp_ticket *b)
{
	uint32_t differ = 0;

	for (int i = 0; i < 4; i++)
		differ |= a->word[i] ^ b->word[i];
	return differ == 0;
}

/* Takes a ticket off the list. */
static struct held *
take(const struct sp_ticket *ticket)
{
	struct held *h;

	host_lock_enter(&held_lock);
	LIST_FOREACH(h, &all, entries)
	{
		if (same_ticket(&h->ticket, ticket))
			break;
	}
	if (h != NULL)
		LIST_REMOVE(h, entries);
	host_lock_exit(&held_lock);
	return h;
}

struct lwp *
ticket_redeem(const struct sp_ticket *ticket, const struct sp_peer *peer, uint32_t *capabilities)
{
	struct held *h = take(ticket);
	struct lwp *lwp;

	if (h == NULL)
		return NULL;
	uncount(h);
	if (!sp_peer_same(&h->peer, peer)) {
		end_held(h);
		return NULL;
	}
	lwp = h->lwp;
	*capabilities = h->capabilities;
	free(h);
	return lwp;
}

bool
ticket_cancel(const struct sp_ticket *ticket, uint64_t owner)
{
	struct held *h = take(ticket);

	if (h == NULL)
		return false;
	if (h->owner != owner) {
		host_lock_enter(&held_lock);
		LIST_INSERT_HEAD(&all, h, entries);
		host_lock_exit(&held_lock);
		return false;
	}
	uncount(h);
	end_held(h);
	return true;
}

void
ticket_orphan(uint64_t owner)
{
	bool any = false;
	struct held *h;

	host_lock_enter(&held_lock);
	LIST_FOREACH(h, &all, entries)
	{
		if (h->owner != owner || h->orphan)
			continue;
		h->orphan = any = true;
		host_deadline(&h->expires, sp_config.grace, 0);
	}
	host_lock_exit(&held_lock);
	if (any)
		loop_tick();
}

static bool
is_past(const struct timespec *t, const struct timespec *now)
{
	return t->tv_sec < now->tv_sec || (t->tv_sec == now->tv_sec && t->tv_nsec <= now->tv_nsec);
}

bool
ticket_expire(void)
{
	LIST_HEAD(, held) over = LIST_HEAD_INITIALIZER(over);
	struct held *h, *next;
	struct timespec now;
	bool left = false;

	host_clock_monotonic(&now);
	host_lock_enter(&held_lock);
	for (h = LIST_FIRST(&all); h != NULL; h = next) {
		next = LIST_NEXT(h, entries);
		if (!h->orphan)
			continue;
		if (is_past(&h->expires, &now)) {
			LIST_REMOVE(h, entries);
			LIST_INSERT_HEAD(&over, h, entries);
		} else {
			left = true;
		}
	}
	host_lock_exit(&held_lock);
	while ((h = LIST_FIRST(&over)) != NULL) {
		LIST_REMOVE(h, entries);
		end_held(h);
	}
	return left;
}
