/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * One word says how many hold the lock for reading (or WRITER), and whether readers or writers sleep for it.
 * They all sleep on that word, in two groups.
 *
 * As with NetBSD's own locks, readers that come while a writer waits wait too, so a writer gets its turn.
 * Whoever makes the lock free clears both marks, and wakes one writer and all readers that were marked: who
 * loses the race for it marks the word again. A writer that got the lock after having slept marks that
 * writers sleep, since it cannot know whether it was the only one. So a mark may be stale, which costs a
 * needless wake-up, but nobody sleeps unmarked.
 *
 * Nothing of a lock is touched after its release, but by its address: who takes it next may destroy it.
 */
#include "config.h"

#include <assert.h>

#include <rump/rumpdefs.h>
#include <rump/rumpuser.h>

#include "librumpuser/annotate.h"
#include "librumpuser/host.h"
#include "librumpuser/hyp.h"
#include "librumpuser/line.h"

#define WRITER 0x3fffffffu /* in place of a count of readers */
#define HOLDERS 0x3fffffffu
#define READERS_WAIT 0x40000000u
#define WRITERS_WAIT 0x80000000u

struct rumpuser_rw {
	_Atomic uint32_t state;
	_Atomic(struct lwp *) writer;
};

/* Whom a wake-up is for. */
enum { READERS = 1, WRITERS = 2 };

static_assert(sizeof(struct rumpuser_rw) <= LINE_SIZE, "a lock fits into a line");

void
rumpuser_rw_init(struct rumpuser_rw **rwp)
{
	struct rumpuser_rw *rw = line_get();

	if (rw == NULL)
		host_fatal("out of memory for a reader/writer lock");
	annotate_created(rw, sizeof(*rw));
	*rwp = rw;
}

void
rumpuser_rw_destroy(struct rumpuser_rw *rw)
{
	annotate_destroyed(rw, sizeof(*rw));
	line_put(rw);
}

static inline enum annotate_kind
annotate_kind(int kind)
{
	return kind == RUMPUSER_RW_WRITER ? ANNOTATE_EXCLUSIVE : ANNOTATE_SHARED;
}

static inline bool
replace(struct rumpuser_rw *rw, uint32_t *state, uint32_t with)
{
	return atomic_compare_exchange_weak_explicit(
	    &rw->state, state, with, memory_order_acquire, memory_order_relaxed);
}

static inline bool
take_read(struct rumpuser_rw *rw)
{
	uint32_t state = atomic_load_explicit(&rw->state, memory_order_relaxed);

	/* Room for one more: a full count would read as WRITER. */
	while (state < WRITER - 1) {
		if (replace(rw, &state, state + 1))
			return true;
	}
	return false;
}

/* mark: WRITERS_WAIT when others may sleep. Without holders there are no marks: the word is 0. */
static inline bool
take_write(struct rumpuser_rw *rw, uint32_t mark)
{
	uint32_t expected = 0;

	return atomic_compare_exchange_strong_explicit(
	    &rw->state, &expected, WRITER | mark, memory_order_acquire, memory_order_relaxed);
}

static inline bool
take(int kind, struct rumpuser_rw *rw)
{
	bool taken;

	annotate_tried(rw, annotate_kind(kind));
	taken = kind == RUMPUSER_RW_WRITER ? take_write(rw, 0) : take_read(rw);
	annotate_try_ended(rw, annotate_kind(kind), taken);
	if (taken && kind == RUMPUSER_RW_WRITER)
		atomic_store_explicit(&rw->writer, host_self.lwp, memory_order_relaxed);
	return taken;
}

static void
wait_read(struct rumpuser_rw *rw)
{
	for (unsigned look = 0; look < host_spins; look++) {
		if (take_read(rw))
			return;
		host_relax();
	}
	while (!take_read(rw)) {
		uint32_t state = atomic_load_explicit(&rw->state, memory_order_relaxed);

		if (state < WRITER - 1)
			continue;
		if ((state & READERS_WAIT) || replace(rw, &state, state | READERS_WAIT))
			(void)host_wait_among(&rw->state, state | READERS_WAIT, READERS);
	}
}

static void
wait_write(struct rumpuser_rw *rw)
{
	uint32_t mark = 0;

	for (unsigned look = 0; look < host_spins; look++) {
		if (take_write(rw, 0))
			return;
		host_relax();
	}
	while (!take_write(rw, mark)) {
		uint32_t state = atomic_load_explicit(&rw->state, memory_order_relaxed);

		if (state == 0)
			continue;
		if (!(state & WRITERS_WAIT) && !replace(rw, &state, state | WRITERS_WAIT))
			continue;
		mark = WRITERS_WAIT;
		(void)host_wait_among(&rw->state, state | WRITERS_WAIT, WRITERS);
	}
}

/* What rumpuser_rw_enter() does once it is clear that it has to wait. */
static __attribute__((noinline)) void
take_slowly(int kind, struct rumpuser_rw *rw)
{
	int locks = hyp_release_cpu(NULL);

	annotate_wanted(rw, annotate_kind(kind));
	if (kind == RUMPUSER_RW_WRITER)
		wait_write(rw);
	else
		wait_read(rw);
	annotate_taken(rw, annotate_kind(kind));
	if (kind == RUMPUSER_RW_WRITER)
		atomic_store_explicit(&rw->writer, host_self.lwp, memory_order_relaxed);
	hyp_retake_cpu(locks, NULL);
}

void
rumpuser_rw_enter(int kind, struct rumpuser_rw *rw)
{
	if (host_unlikely(!take(kind, rw)))
		take_slowly(kind, rw);
}

int
rumpuser_rw_tryenter(int kind, struct rumpuser_rw *rw)
{
	return take(kind, rw) ? 0 : RUMP_EBUSY;
}

static void
wake(struct rumpuser_rw *rw, uint32_t marks)
{
	if (marks & WRITERS_WAIT)
		(void)host_wake_among(&rw->state, 1, WRITERS);
	if (marks & READERS_WAIT)
		(void)host_wake_among(&rw->state, HOST_WAKE_ALL, READERS);
}

void
rumpuser_rw_exit(struct rumpuser_rw *rw)
{
	uint32_t state = atomic_load_explicit(&rw->state, memory_order_relaxed);
	bool writing = (state & HOLDERS) == WRITER;
	enum annotate_kind kind = writing ? ANNOTATE_EXCLUSIVE : ANNOTATE_SHARED;
	uint32_t left;

	if (writing)
		atomic_store_explicit(&rw->writer, NULL, memory_order_relaxed);
	annotate_releasing(rw, kind);
	do {
		left = state - (writing ? WRITER : 1);
	} while (!atomic_compare_exchange_weak_explicit(&rw->state, &state, (left & HOLDERS) != 0 ? left : 0,
	    memory_order_release, memory_order_relaxed));
	if (host_unlikely(left != 0) && (left & HOLDERS) == 0)
		wake(rw, left);
	annotate_released(rw, kind);
}

int
rumpuser_rw_tryupgrade(struct rumpuser_rw *rw)
{
	uint32_t state = atomic_load_explicit(&rw->state, memory_order_relaxed);

	do {
		if ((state & HOLDERS) != 1)
			return RUMP_EBUSY;
	} while (!replace(rw, &state, state - 1 + WRITER));
	annotate_releasing(rw, ANNOTATE_SHARED);
	annotate_released(rw, ANNOTATE_SHARED);
	annotate_tried(rw, ANNOTATE_EXCLUSIVE);
	annotate_try_ended(rw, ANNOTATE_EXCLUSIVE, true);
	atomic_store_explicit(&rw->writer, host_self.lwp, memory_order_relaxed);
	return 0;
}

void
rumpuser_rw_downgrade(struct rumpuser_rw *rw)
{
	int locks = hyp_release_cpu(NULL);
	uint32_t state = atomic_load_explicit(&rw->state, memory_order_relaxed);
	uint32_t next;

	atomic_store_explicit(&rw->writer, NULL, memory_order_relaxed);
	annotate_releasing(rw, ANNOTATE_EXCLUSIVE);
	/* Readers come in now, unless a writer waits: that one is first. */
	do {
		next = (state & ~HOLDERS) + 1;
		if (!(state & WRITERS_WAIT))
			next &= ~READERS_WAIT;
	} while (!atomic_compare_exchange_weak_explicit(
	    &rw->state, &state, next, memory_order_release, memory_order_relaxed));
	wake(rw, state & ~next & READERS_WAIT);
	annotate_released(rw, ANNOTATE_EXCLUSIVE);
	annotate_tried(rw, ANNOTATE_SHARED);
	annotate_try_ended(rw, ANNOTATE_SHARED, true);
	hyp_retake_cpu(locks, NULL);
}

void
rumpuser_rw_held(int kind, struct rumpuser_rw *rw, int *held)
{
	uint32_t holders = atomic_load_explicit(&rw->state, memory_order_relaxed) & HOLDERS;

	if (kind == RUMPUSER_RW_WRITER)
		*held = holders == WRITER &&
			atomic_load_explicit(&rw->writer, memory_order_relaxed) == host_self.lwp;
	else
		*held = holders != 0 && holders != WRITER;
}
