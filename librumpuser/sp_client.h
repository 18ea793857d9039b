/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client: its connection, its process in the kernel, what it asked for and what it was asked. Who owns what
 * stands in sp_client.c.
 */
#ifndef LIBRUMPUSER_SP_CLIENT_H
#define LIBRUMPUSER_SP_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <time.h>

#include "librumpuser/host_lock.h"
#include "librumpuser/sp_peer.h"
#include "librumpuser/sp_pool.h"
#include "sp/frame.h"
#include "sp/limits.h"
#include "sp/look.h"
#include "sp/transport.h"
#include "sp/wire.h"

struct event;
struct lwp;
struct client_call;
struct sp_request;
struct output_chunk;

enum client_state {
	CLIENT_NEW,      /* the loop waits for its handshake */
	CLIENT_STARTING, /* a worker makes its process */
	CLIENT_RUNNING,
	CLIENT_EXEC, /* its calls are on their way out */
	CLIENT_DEAD,
};

#define CLIENT_SPARES 8

/* What could not be sent yet. */
struct sp_output {
	struct host_lock lock;
	struct host_cond drained;
	STAILQ_HEAD(, output_chunk) chunks;
	_Atomic size_t queued;
	bool waiting; /* the loop watches for room */
	bool closed;
};

struct sp_client {
	_Atomic uint32_t refs;
	uint64_t id;
	struct sp_transport transport;
	struct sp_peer peer;
	_Atomic uint32_t capabilities; /* what both ends have */

	/* Of whoever has the reading role: the thread that took `reading` from 0. */
	_Atomic uint32_t reading;
	_Atomic bool ended; /* there is an end to be found behind what can be read */
	struct sp_look look;
	struct sp_assembler in;
	uint8_t *early; /* received, not looked at yet */
	size_t early_len;
	uint64_t exec_reqno;
	uint32_t exec_capabilities;
	char exec_comm[SP_COMM_MAX];

	struct sp_output out;
	_Atomic unsigned connects; /* ends of connections that it asked for, see sp_connect.c */

	/* Of the loop's thread. */
	struct event *out_event;
	TAILQ_ENTRY(sp_client) halfopen;
	bool in_halfopen;
	uint64_t asker; /* who asked for the connection by CONNECT, until its handshake is over; or 0 */
	struct timespec handshake_deadline;
	/* Under the loop's lock. */
	unsigned loop_wishes;
	STAILQ_ENTRY(sp_client) loop_entries;

	struct host_lock lock; /* for all that follows */
	struct host_cond cond;
	enum client_state state;
	struct job end;
	bool advancing;
	bool again;
	bool ordered_out;
	unsigned calls;
	unsigned creating; /* of these, are about to make an lwp */
	unsigned tickets;
	uint64_t attached; /* bytes that came along with calls, and may come to go back */
	TAILQ_HEAD(, client_call) interruptible;
	LIST_HEAD(, sp_request) requests;
	uint64_t next_reqno;
	pid_t pid;
	struct lwp *main;
	struct lwp *spare[CLIENT_SPARES];
	unsigned spares;
	unsigned lwps_used;
	uint32_t spares_generation;
	/* Copies that need no frames; written under the lock. */
	_Atomic int local; /* 0 not tried, 1 works, -1 does not */
	int pidfd;
};

/* A new client for a connected socket, which becomes its own, with one reference for the caller. NULL: no
 * memory. */
struct sp_client *client_new(int fd, const struct sp_peer *peer);

struct sp_client *client_ref(struct sp_client *c);
void client_put(struct sp_client *c);

/* The client of that number with a reference, NULL when it is gone. */
struct sp_client *client_find(uint64_t id);

unsigned client_count(void);

/* Calls function for every client there is, with the table's lock held. */
void client_each(void (*function)(struct sp_client *c, void *arg), void *arg);

/* Ends a client, from any thread and as often as you like. What is left of it in the kernel ends soon after.
 */
void client_drop(struct sp_client *c);

static inline bool
client_can(const struct sp_client *c, uint32_t capability)
{
	return (atomic_load_explicit(&c->capabilities, memory_order_relaxed) & capability) != 0;
}

/* What this server announces; and what of a client's capabilities it grants it. */
uint32_t client_capabilities_offered(void);
uint32_t client_capabilities_granted(const struct sp_client *c, uint32_t capabilities);

/* Takes the next step of an exec or an end, when there is one to take. In a worker, without its lock. */
void client_advance(struct sp_client *c);

#endif
