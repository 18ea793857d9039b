/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation: a binary heap of callouts, the earliest at index 1, under one lock; one
 * thread, made with the first callout, sleeps exactly until the earliest, or until it is told of an
 * earlier one. So a kernel without timers never wakes.
 */
#include "kernel/base/boot.h"
#include "kernel/base/clock.h"
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"
#include "kernel/base/sleep.h"

static rumpk_mutex lock;
static struct rumpk_waitq timer_wait, done_wait;
static struct rumpk_callout **heap;
static uint32_t count, capacity;
static struct rumpk_callout *running;
static bool started;

void
rumpk_callout_init(void)
{
	rumpk_mutex_init(&lock);
}

static void
place(struct rumpk_callout *c, uint32_t index)
{
	heap[index] = c;
	c->index = index;
}

static void
sift_up(struct rumpk_callout *c, uint32_t index)
{
	while (index > 1 && heap[index / 2]->when > c->when) {
		place(heap[index / 2], index);
		index /= 2;
	}
	place(c, index);
}

static void
sift_down(struct rumpk_callout *c, uint32_t index)
{
	for (;;) {
		uint32_t child = index * 2;

		if (child > count)
			break;
		if (child < count && heap[child + 1]->when < heap[child]->when)
			child++;
		if (heap[child]->when >= c->when)
			break;
		place(heap[child], index);
		index = child;
	}
	place(c, index);
}

static void
take_out(struct rumpk_callout *c)
{
	uint32_t index = c->index;
	struct rumpk_callout *last = heap[count--];

	c->index = 0;
	if (last == c)
		return;
	if (index > 1 && heap[index / 2]->when > last->when)
		sift_up(last, index);
	else
		sift_down(last, index);
}

static void
timer_thread(void *arg)
{
	(void)arg;
	rumpk_lock(lock);
	for (;;) {
		struct rumpk_callout *c;

		if (count == 0 || heap[1]->when > rumpk_monotonic()) {
			rumpk_waitq_sleep(&timer_wait, lock, RUMPK_SLEEP_UNINTERRUPTIBLE,
			    count == 0 ? RUMPK_FOREVER : heap[1]->when);
			continue;
		}
		c = heap[1];
		take_out(c);
		running = c;
		rumpk_unlock(lock);
		c->f(c);
		rumpk_lock(lock);
		running = NULL;
		rumpk_waitq_wake(&done_wait);
	}
}

/* Both with the lock. */
static int
grow(void)
{
	uint32_t wanted = capacity == 0 ? 64 : capacity * 2;
	struct rumpk_callout **bigger;

	if (count + 1 < capacity)
		return 0;
	bigger = rumpk_alloc(wanted * sizeof(struct rumpk_callout *));
	if (bigger == NULL)
		return RUMP_ENOMEM;
	for (uint32_t i = 1; i <= count; i++)
		bigger[i] = heap[i];
	rumpk_free(heap, capacity * sizeof(struct rumpk_callout *));
	heap = bigger;
	capacity = wanted;
	return 0;
}

static int
start(void)
{
	int error;

	if (started)
		return 0;
	error = rumpk_kthread_create(timer_thread, NULL, "rumpk-timer");
	started = error == 0;
	return error;
}

int
rumpk_callout_set(struct rumpk_callout *c, int64_t when)
{
	int error;

	rumpk_lock(lock);
	error = start();
	if (error == 0)
		error = grow();
	if (error == 0) {
		if (c->index != 0)
			take_out(c);
		c->when = when;
		count++;
		sift_up(c, count);
		if (heap[1] == c)
			rumpk_waitq_wake(&timer_wait);
	}
	rumpk_unlock(lock);
	return error;
}

void
rumpk_callout_unset(struct rumpk_callout *c)
{
	rumpk_lock(lock);
	if (c->index != 0)
		take_out(c);
	rumpk_unlock(lock);
}

bool
rumpk_callout_cancel(struct rumpk_callout *c)
{
	bool was_set;

	rumpk_lock(lock);
	was_set = c->index != 0;
	if (was_set)
		take_out(c);
	while (running == c) {
		rumpk_waitq_sleep(&done_wait, lock, RUMPK_SLEEP_UNINTERRUPTIBLE, RUMPK_FOREVER);
		/* It may have set itself again. */
		if (c->index != 0) {
			take_out(c);
			was_set = true;
		}
	}
	rumpk_unlock(lock);
	return was_set;
}
