/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation: a kqueue has a table of knotes and a queue of those that may have something
 * to report. A notification queues its knote; whoever collects events takes knotes off the queue,
 * asks each whether its event holds, and puts those back that stay true (the level-triggered).
 *
 * Locks: kq->table guards which knotes there are; it is taken by registration, by the close of a
 * descriptor and by the kqueue's own. kq->lock guards the queue and the knotes' state, is taken from
 * notifications, and is held for moments only. A knote that is being asked is BUSY: it is neither
 * changed nor freed meanwhile; a notification then leaves AGAIN. file_lock guards the files' lists
 * of knotes. A kqueue may watch another; nest_lock and a check keep that free of circles.
 * Order: nest_lock, table, (object, notelist), kq->lock; table, file_lock.
 */
#ifndef KERNEL_BASE_KQUEUE_PARTS_H
#define KERNEL_BASE_KQUEUE_PARTS_H

#include "kernel/base/kqueue.h"
#include "kernel/base/lock.h"
#include "kernel/base/sleep.h"

/* kn->state */
#define KN_QUEUED 0x01
#define KN_DISABLED 0x02
#define KN_BUSY 0x04
#define KN_AGAIN 0x08
/* Reported once, and to be removed. */
#define KN_DEAD 0x10

struct kqueue {
	rumpk_mutex table;
	struct rumpk_knote **buckets;
	uint32_t nbuckets, nknotes;
	/* Guarded by file_lock. */
	unsigned refs;

	rumpk_mutex lock;
	struct rumpk_knote *first, *last;
	uint32_t count;
	struct rumpk_waitq collectors, busy_waiters;
	struct rumpk_notelist notes;
};

/* kqueue_queue.c; with kq->lock. */
void rumpk_kq_dequeue(struct kqueue *kq, struct rumpk_knote *kn);
/* Sleeps until nobody asks the knote. */
void rumpk_kq_wait_idle(struct kqueue *kq, struct rumpk_knote *kn);
/* Without it: whether the knote has been reported for the last time. */
bool rumpk_kq_is_dead(struct kqueue *kq, const struct rumpk_knote *kn);
/*
 * Without it: whether an event holds; its knote stays first in the queue, others that turn out idle
 * leave it. *count is how many are left.
 */
bool rumpk_kq_ready(struct kqueue *kq, int64_t *count);

/* kqueue_table.c; with kq->table. The table is that of descriptors, NULL for filters that are not on one. */
struct rumpk_knote *rumpk_kq_find(
    struct kqueue *kq, uint64_t ident, uint32_t filter, const struct fdtable *t);
/* Enters a knote, into its file's list too: 0 or ENOMEM. */
int rumpk_kq_insert(struct kqueue *kq, struct rumpk_knote *kn);
/* Takes a knote out of everything and frees it. */
void rumpk_kq_remove(struct kqueue *kq, struct rumpk_knote *kn);
/* Without it: drops a reference, and frees the kqueue with the last. */
void rumpk_kq_rele(struct kqueue *kq);
void rumpk_kq_table_init(void);

#endif
