/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>
#include <rump/rumpuser.h>
#include "kernel/base/lock.h"
#include "kernel/base/lwp.h"
#include "kernel/vfs/rcu.h"

#define SLOTS 16
/* How many a slot gathers before it hands them on, and looks whether others may be freed. */
#define BATCH 64

/* In the order of the calls that filled it. */
struct rcu_list {
	struct rcu_head *first, *last;
};

static struct {
	_Alignas(64) uint64_t readers[2];
	rumpk_mutex lock;
	struct rcu_list list;
	unsigned count;
} slots[SLOTS];
static unsigned phase;

static rumpk_mutex lock;
/* Of the grace period under way: freed at its end. What comes meanwhile waits for the next one. */
static struct rcu_list running, gathering;
/* While a list is freed no period begins, so whatever has been freed, all before it has been too. */
static enum { IDLE, FIRST, SECOND, FREEING } state;

void
rcu_init(void)
{
	rumpk_mutex_init(&lock);
	for (unsigned i = 0; i < SLOTS; i++)
		rumpk_mutex_init(&slots[i].lock);
}

unsigned
rumpk_rcu_enter(void)
{
	unsigned slot = rumpk_curlwp()->shard % SLOTS, now = __atomic_load_n(&phase, __ATOMIC_RELAXED);

	__atomic_fetch_add(&slots[slot].readers[now], 1, __ATOMIC_SEQ_CST);
	return slot * 2 + now;
}

void
rumpk_rcu_exit(unsigned token)
{
	__atomic_fetch_sub(&slots[token / 2].readers[token % 2], 1, __ATOMIC_RELEASE);
}

static void
flip(void)
{
	__atomic_store_n(&phase, __atomic_load_n(&phase, __ATOMIC_RELAXED) ^ 1, __ATOMIC_SEQ_CST);
}

/* Whether nobody is left who entered before the last flip. */
static int
drained(void)
{
	unsigned old = __atomic_load_n(&phase, __ATOMIC_RELAXED) ^ 1;

	for (unsigned i = 0; i < SLOTS; i++)
		if (__atomic_load_n(&slots[i].readers[old], __ATOMIC_SEQ_CST) != 0)
			return 0;
	return 1;
}

/*
 * Takes the grace period as far as it goes without waiting. The list that has become free is
 * returned, to be given to free_all() without the lock.
 */
static struct rcu_head *
advance(void)
{
	if (state == IDLE && gathering.first != NULL) {
		running = gathering;
		gathering.first = gathering.last = NULL;
		flip();
		state = FIRST;
	}
	if (state == FIRST && drained()) {
		flip();
		state = SECOND;
	}
	if (state == SECOND && drained()) {
		state = FREEING;
		return running.first;
	}
	return NULL;
}

/* Frees what advance() returned. */
static void
free_all(struct rcu_head *head)
{
	struct rcu_head *next;

	if (head == NULL)
		return;
	for (; head != NULL; head = next) {
		next = head->rh_next;
		head->rh_free(head);
	}
	rumpk_lock(lock);
	state = IDLE;
	rumpk_unlock(lock);
}

static void
append(struct rcu_list *to, struct rcu_list list)
{
	if (to->first == NULL)
		to->first = list.first;
	else
		to->last->rh_next = list.first;
	to->last = list.last;
}

/* Hands a list on, and frees what a grace period that ends thereby has been waiting for. */
static void
hand_on(struct rcu_list list)
{
	struct rcu_head *done;

	rumpk_lock(lock);
	append(&gathering, list);
	done = advance();
	rumpk_unlock(lock);
	free_all(done);
}

/* What has gathered in a slot, which is empty then. [its lock] */
static struct rcu_list
take(unsigned slot)
{
	struct rcu_list list = slots[slot].list;

	slots[slot].list.first = slots[slot].list.last = NULL;
	slots[slot].count = 0;
	return list;
}

void
rumpk_rcu_free(struct rcu_head *head, void (*f)(struct rcu_head *))
{
	unsigned slot = rumpk_curlwp()->shard % SLOTS;
	struct rcu_list full = {NULL, NULL};

	head->rh_free = f;
	head->rh_next = NULL;
	rumpk_lock(slots[slot].lock);
	append(&slots[slot].list, (struct rcu_list){head, head});
	if (++slots[slot].count == BATCH)
		full = take(slot);
	rumpk_unlock(slots[slot].lock);
	if (full.first != NULL)
		hand_on(full);
}

struct waiting {
	struct rcu_head head;
	int done;
};

static void
mark_done(struct rcu_head *head)
{
	__atomic_store_n(&((struct waiting *)head)->done, 1, __ATOMIC_RELEASE);
}

void
rumpk_rcu_synchronize(void)
{
	struct waiting w = {.head = {.rh_free = mark_done}};

	hand_on((struct rcu_list){&w.head, &w.head});
	for (;;) {
		rumpk_lock(lock);
		struct rcu_head *done = advance();
		rumpk_unlock(lock);
		free_all(done);
		if (__atomic_load_n(&w.done, __ATOMIC_ACQUIRE))
			return;
		if (done == NULL)
			rumpuser_clock_sleep(RUMPUSER_CLOCK_RELWALL, 0, 20000);
	}
}

void
rumpk_rcu_drain(void)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		struct rcu_list list;

		rumpk_lock(slots[i].lock);
		list = take(i);
		rumpk_unlock(slots[i].lock);
		if (list.first != NULL)
			hand_on(list);
	}
	rumpk_rcu_synchronize();
}
