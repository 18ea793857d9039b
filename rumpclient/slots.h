/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The requests of a connection that have no answer yet, by request number.
 *
 * Theory of operation: a request number is the next of a counter, and its slot is the one that
 * the number falls on in the first table in which that is free; when it is free in none, a table of four
 * times the size is added. Tables are never freed before the connection's context, so a slot can be looked at
 * at any time, and nothing here locks: a signal handler may claim a slot in the middle of anything. A slot
 * belongs to the thread that claimed it, but for the answer, which the thread that receives writes between
 * RC_PENDING and RC_DONE.
 */
#ifndef RUMPCLIENT_SLOTS_H
#define RUMPCLIENT_SLOTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <rump/rumpclient.h>

#include "sp/wire.h"

#define RC_TABLES 6
#define RC_TABLE_FIRST 64 /* slots of the first table; one bit each in a word of 64 */

/* The values of a slot's word, on which its owner sleeps. */
enum rc_word {
	RC_IDLE,    /* claimed; no answer is expected yet */
	RC_PENDING, /* an answer is awaited */
	RC_NUDGED,  /* the same, and the owner is to receive */
	RC_DONE,    /* answered, or lost */
};

/* A reception under way: see receive.c. The kernel writes msg_len of `message` before it returns. */
struct rc_reception {
	struct pollfd wait;
	struct mmsghdr message;
	struct iovec iov;
	uint64_t base;
};

struct rc_slot {
	_Atomic uint64_t key; /* request number + 1; 0: free */
	_Atomic uint32_t word;
	_Atomic uint32_t sleeping;
	/* The answer: a frame, or lost. */
	uint16_t class;
	uint16_t type;
	uint32_t u;
	bool lost;
	bool heir; /* see wait.c */
	uint8_t body_len;
	uint8_t body[sizeof(struct sp_syscall_response)];
	/* The owner's. */
	struct rumpclient *ctx;
	struct rumpclient_call *call; /* not NULL: submitted, nobody waits */
	struct rc_slot *outer;        /* the request that this thread was in the middle of */
	uint32_t state;               /* of the connection when it was claimed */
	uint32_t index;               /* over all tables */
	bool system_call;
	bool interrupted; /* the server was asked to end it */
	struct rc_reception reception;
} __attribute__((aligned(64)));

struct rc_slots {
	_Atomic uint64_t next; /* request number */
	struct rc_slot *_Atomic table[RC_TABLES];
};

static inline size_t
rc_table_size(unsigned int table)
{
	return (size_t)RC_TABLE_FIRST << (2 * table);
}

/* Makes the first table. Returns 0 or -ENOMEM. */
int rc_slots_init(struct rc_slots *slots);
void rc_slots_fini(struct rc_slots *slots);

/* A slot of its own for a new request, with its number in *reqno; NULL when there are too many. */
struct rc_slot *rc_slot_claim(struct rc_slots *slots, uint64_t *reqno);

static inline void
rc_slot_free(struct rc_slot *slot)
{
	atomic_store_explicit(&slot->word, RC_IDLE, memory_order_relaxed);
	atomic_store_explicit(&slot->key, 0, memory_order_release);
}

/* The slot of a request, NULL when no such request is known. */
static inline struct rc_slot *
rc_slot_find(struct rc_slots *slots, uint64_t reqno)
{
	for (unsigned int i = 0; i < RC_TABLES; i++) {
		struct rc_slot *table = atomic_load_explicit(&slots->table[i], memory_order_acquire);
		struct rc_slot *slot;

		if (table == NULL)
			return NULL;
		slot = &table[reqno & (rc_table_size(i) - 1)];
		if (atomic_load_explicit(&slot->key, memory_order_acquire) == reqno + 1)
			return slot;
	}
	return NULL;
}

/* The slot of an index, which has to exist. */
struct rc_slot *rc_slot_at(struct rc_slots *slots, uint32_t index);

/* Calls fn for every claimed slot. */
void rc_slots_each(struct rc_slots *slots, void (*fn)(struct rc_slot *, void *), void *arg);

#endif
