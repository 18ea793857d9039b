/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that do block I/O by plain system calls.
 *
 * Theory of operation. A pool has a queue and threads, each of which is asleep for want of work, running, or
 * waiting for the host. No more are woken than run well together: one, and another as soon as the queue is
 * longer than what the running ones will take next, up to a CPU less than there are. So requests that the
 * host serves from its cache cost no wake-up each, and are not spread over threads that only get in each
 * other's way. A thread that is about to wait for the host first gives back what it has taken beyond the
 * request at hand, reports what it has finished, and hands the queue to another thread, started if need be.
 * So a request waits for another one's device only when there are MAX_THREADS that wait for theirs.
 */
#include "config.h"

#include <sched.h>

#include "librumpuser/bio.h"

/* As many requests as one device is given at a time by most kernels. */
#define MAX_THREADS 32

/*
 * With so many requests waiting for a running thread, a read of up to so many bytes is soonest done by who
 * submits it, where there is more than one CPU.
 */
#define WORTH_HELPING 4
#define HELP_MAX 65536

/* How often, and with what pauses, a first thread is tried for when the host is short of them. */
#define START_ATTEMPTS 50
#define START_PAUSE_NS 10000000

static unsigned
useful_threads(void)
{
	static _Atomic unsigned known;
	unsigned useful = atomic_load_explicit(&known, memory_order_relaxed);
	cpu_set_t cpus;

	if (useful == 0) {
		useful = 1;
		if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0 && CPU_COUNT(&cpus) > 2)
			useful = (unsigned)CPU_COUNT(&cpus) - 1;
		atomic_store_explicit(&known, useful, memory_order_relaxed);
	}
	return useful;
}

/* Chooses who is to be woken for the queue, and counts that thread as running. With bio_lock held. */
static enum bio_wake
choose(struct bio_pool *pool)
{
	if (pool->queue.count <= pool->running * BIO_BATCH || pool->running >= useful_threads())
		return BIO_WAKE_NOBODY;
	if (pool->in_ring) {
		pool->in_ring = false;
		pool->running++;
		return BIO_WAKE_RING;
	}
	if (pool->idle > 0) {
		pool->idle--;
		pool->wakes++;
		pool->running++;
		return BIO_WAKE_SLEEPER;
	}
	if (pool->threads < MAX_THREADS && (pool->main == bio_worker || pool->threads == 0)) {
		pool->threads++;
		pool->running++;
		return BIO_WAKE_NEW;
	}
	return BIO_WAKE_NOBODY;
}

/* Does what was chosen. Without a lock. Returns 0, or -errno when a thread was to be started and was not. */
static int
wake(struct bio_pool *pool, enum bio_wake choice)
{
	int error;

	switch (choice) {
	case BIO_WAKE_SLEEPER:
		host_cond_wake(&pool->work, 1);
		return 0;
	case BIO_WAKE_RING:
		bio_reader_wake();
		return 0;
	case BIO_WAKE_NEW:
		error = host_thread_start(NULL, pool->main, pool, pool->name);
		if (error != 0) {
			host_lock_enter(&bio_lock);
			pool->threads--;
			pool->running--;
			host_lock_exit(&bio_lock);
		}
		return error;
	default:
		return 0;
	}
}

void
bio_pool_idle(struct bio_pool *pool)
{
	pool->running--;
	pool->idle++;
	while (pool->wakes == 0)
		(void)host_cond_wait(&pool->work, &bio_lock, NULL);
	pool->wakes--;
}

/* Takes what the calling thread should do next. With bio_lock held. */
static void
take(struct bio_pool *pool, struct bio_list *batch)
{
	unsigned share = (pool->queue.count + pool->running - 1) / pool->running;

	bio_list_move(batch, &pool->queue, share < BIO_BATCH ? share : BIO_BATCH);
}

/* Ends the calling thread's claim to the queue before it waits. */
static void
hand_over(struct bio_pool *pool, struct bio_list *batch, struct bio_list *finished)
{
	enum bio_wake choice;

	host_lock_enter(&bio_lock);
	bio_list_put_back(&pool->queue, batch);
	pool->running--;
	choice = choose(pool);
	host_lock_exit(&bio_lock);

	/* Without another thread the queue waits until this one is back. */
	(void)wake(pool, choice);
	if (finished->count > 0)
		bio_report(finished);
}

/* Does the batch. Returns false when the caller is no longer counted as running. */
static bool
work_through(struct bio_pool *pool, struct bio_list *batch)
{
	struct bio_list finished;
	bool running = true;

	bio_list_init(&finished);
	while (batch->count > 0) {
		struct bio_request *request = bio_list_take(batch);

		if (bio_try(request) == BIO_WOULD_WAIT) {
			hand_over(pool, batch, &finished);
			running = false;
			bio_wait(request);
		}
		bio_list_add(&finished, request);
		if (bio_report_due(&finished))
			bio_report(&finished);
	}
	bio_report(&finished);
	return running;
}

void *
bio_worker(void *arg)
{
	struct bio_pool *pool = arg;
	struct bio_list batch;
	bool running = true;

	bio_thread_begin();
	bio_list_init(&batch);
	host_lock_enter(&bio_lock);
	for (;;) {
		if (!running) {
			/* Back from waiting: is this thread still needed, or did another take over for good?
			 */
			pool->running++;
			if (pool->running > useful_threads())
				bio_pool_idle(pool);
		}
		while (pool->queue.count == 0)
			bio_pool_idle(pool);
		take(pool, &batch);
		host_lock_exit(&bio_lock);
		running = work_through(pool, &batch);
		host_lock_enter(&bio_lock);
	}
	return NULL;
}

/* Takes a request out of the queue again. Returns false when somebody has taken it. With bio_lock held. */
static bool
withdraw(struct bio_pool *pool, struct bio_request *request)
{
	struct bio_list rest;
	bool found = false;

	bio_list_init(&rest);
	while (pool->queue.count > 0) {
		struct bio_request *one = bio_list_take(&pool->queue);

		if (one == request)
			found = true;
		else
			bio_list_add(&rest, one);
	}
	bio_list_move(&pool->queue, &rest, rest.count);
	return found;
}

bool
bio_pool_wants_help(const struct bio_pool *pool, const struct bio_request *request)
{
	return pool->running > 0 && pool->queue.count >= WORTH_HELPING && host_spins > 0 &&
	       request->op == RUMPUSER_BIO_READ && request->len <= HELP_MAX;
}

enum bio_wake
bio_pool_add(struct bio_pool *pool, struct bio_request *request)
{
	bio_list_add(&pool->queue, request);
	return choose(pool);
}

bool
bio_pool_wake(struct bio_pool *pool, enum bio_wake choice, struct bio_request *request)
{
	struct timespec pause;

	for (int attempt = 0; wake(pool, choice) != 0; attempt++) {
		bool someone, withdrawn = false;

		host_lock_enter(&bio_lock);
		/* Whoever there is will come to it. */
		someone = pool->threads > 0;
		if (!someone && attempt == START_ATTEMPTS)
			withdrawn = withdraw(pool, request);
		host_lock_exit(&bio_lock);
		if (someone || attempt == START_ATTEMPTS)
			return !withdrawn;

		host_deadline(&pause, 0, START_PAUSE_NS);
		host_sleep_until(&pause);
		host_lock_enter(&bio_lock);
		choice = choose(pool);
		host_lock_exit(&bio_lock);
	}
	return true;
}
