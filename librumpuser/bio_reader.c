/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads with io_uring.
 *
 * Theory of operation. One thread reads. What it takes from the queue it first tries to read without waiting,
 * by a plain system call: what the host has cached is there sooner so than by way of the ring. Only what
 * would wait for a device goes into the ring, as much of it at a time as there is. With nothing in the ring
 * the thread sleeps as any worker does. Otherwise it sleeps in the ring, where an eventfd, read by the ring
 * itself, tells it of new requests; bio_readers.in_ring says that it has to be told. When no ring is to be
 * had, the thread becomes an ordinary worker.
 *
 * To tell the host not to wait costs a tenth of what a cached read does. So a file that the host is trusted
 * to have in memory (bio_trust.h) is read without telling, where there are several requests to go, and none
 * in the ring. Should such a read wait after all, the others must not wait with it: a second thread keeps
 * watch. When it finds the first one in the same read from one tick to the next, it takes what is left of its
 * batch, reports what it has finished, and is the reader from then on. The other one, once it is back,
 * reports that one read, and keeps watch. The watch ticks only while there are plain reads; it comes to rest
 * after one tick without.
 *
 * A reader's lists are its own, but while its state has READING set. Then they are his who takes READING away
 * by an atomic operation: the reader itself when its read is done, or the watch, which does it with
 * bio_lock held, and moves them before it releases that. `trust` goes with the reader's part.
 */
#include "config.h"

#include "librumpuser/bio.h"

#ifdef HAVE_IO_URING

#include "librumpuser/bio_ring.h"
#include "librumpuser/bio_trust.h"

/* With fewer requests to go it is not worth the time that is taken. */
#define WORTH_TRUSTING 8
#define TRUST_MAX 65536

#define TICK_NS 2000000

/* A reader's state: how many plain reads it has made, times two, and this while it is in one. */
#define READING UINT32_C(1)

struct reader {
	struct bio_ring ring;
	struct bio_list batch, finished;
	_Atomic uint32_t state;
};

static struct reader readers[2];
static struct reader *_Atomic acting = &readers[0];
static struct bio_trust trust;

/* With bio_lock held. */
static struct {
	struct host_cond wanted;
	bool started; /* there is a second thread, or will be, or could not be made */
	bool kept;    /* one thread has nothing else to do */
	bool ticking;
} watch;

static void *watch_main(void *reader);

void
bio_reader_wake(void)
{
	bio_ring_wake(&atomic_load(&acting)->ring);
}

/* Sleeps until a read is done or there is a new request. */
static void
sleep_in_ring(struct reader *self)
{
	bool sleep;

	bio_ring_listen(&self->ring);
	host_lock_enter(&bio_lock);
	sleep = bio_readers.queue.count == 0;
	if (sleep) {
		bio_readers.in_ring = true;
		bio_readers.running--;
	}
	host_lock_exit(&bio_lock);
	bio_ring_submit(&self->ring, sleep);
	if (!sleep)
		return;
	host_lock_enter(&bio_lock);
	if (bio_readers.in_ring) {
		bio_readers.in_ring = false;
		bio_readers.running++;
	}
	host_lock_exit(&bio_lock);
}

/* Takes what is to be read next. Returns whether it may be read plainly. */
static bool
take_batch(struct reader *self)
{
	bool plainly, wake = false, start_watch = false;

	host_lock_enter(&bio_lock);
	while (bio_readers.queue.count == 0 && self->ring.in_flight == 0)
		bio_pool_idle(&bio_readers);
	bio_list_move(&self->batch, &bio_readers.queue, BIO_BATCH);
	plainly = self->batch.count >= WORTH_TRUSTING && self->ring.in_flight == 0 &&
		  bio_trusted(&trust, self->batch.first->fd);
	if (plainly) {
		start_watch = !watch.started;
		wake = watch.kept && !watch.ticking;
		plainly = watch.kept;
		watch.started = true;
		watch.ticking |= wake;
	}
	host_lock_exit(&bio_lock);
	if (start_watch)
		(void)host_thread_start(NULL, watch_main, &readers[1], "rump-read-watch");
	if (wake)
		host_cond_wake(&watch.wanted, 1);
	return plainly;
}

/* Reads by a call that may wait. False: it has, and this thread is not the reader any more. */
static bool
read_plainly(struct reader *self, struct bio_request *request)
{
	uint32_t mine = (atomic_load_explicit(&self->state, memory_order_relaxed) + 2) | READING;

	annotate_before(&self->batch);
	atomic_store_explicit(&self->state, mine, memory_order_release);
	bio_try_plainly(request);
	return atomic_compare_exchange_strong(&self->state, &mine, mine & ~READING);
}

/* Reports a read that has waited, and that others have not waited for. */
static void
end_late(struct bio_request *request)
{
	struct bio_list late;

	bio_list_init(&late);
	if (bio_try(request) == BIO_WOULD_WAIT)
		bio_wait(request);
	bio_list_add(&late, request);
	bio_report(&late);
}

static bool
may_be_plain(const struct bio_request *request)
{
	return request->op == RUMPUSER_BIO_READ && request->outcome == BIO_UNTRIED && request->len != 0 &&
	       request->len <= TRUST_MAX && bio_trusted(&trust, request->fd);
}

/* Reads the batch, or puts it into the ring. False: this thread is not the reader any more. */
static bool
read_batch(struct reader *self, bool plainly)
{
	struct bio_stretch stretch;
	bool timed = self->batch.count >= WORTH_TRUSTING;

	if (timed)
		bio_stretch_begin(&stretch, plainly);
	while (self->batch.count > 0) {
		struct bio_request *request = bio_list_take(&self->batch);
		bool tried = request->outcome != BIO_UNTRIED;

		if (plainly && may_be_plain(request)) {
			if (!read_plainly(self, request)) {
				end_late(request);
				return false;
			}
		} else if (!tried) {
			bio_trust_tried(&trust, request->fd, bio_try(request));
		}
		if (bio_try(request) != BIO_FINISHED) {
			bio_ring_put(&self->ring, request);
			plainly = false;
			continue;
		}
		if (timed && !tried)
			bio_stretch_add(&stretch, request->len);
		bio_list_add(&self->finished, request);
		if (bio_report_due(&self->finished)) {
			if (timed)
				bio_stretch_end(&stretch, &trust);
			/* The device need not wait for the kernel. */
			if (self->ring.unsubmitted > 0)
				bio_ring_submit(&self->ring, false);
			bio_report(&self->finished);
			if (timed)
				bio_stretch_begin(&stretch, plainly);
		}
	}
	if (timed)
		bio_stretch_end(&stretch, &trust);
	return true;
}

/* Reads until the other thread has taken over. */
static void
serve(struct reader *self)
{
	while (read_batch(self, take_batch(self))) {
		if (self->ring.in_flight > 0) {
			if (self->ring.unsubmitted > 0)
				bio_ring_submit(&self->ring, false);
			bio_ring_reap(&self->ring, &self->finished);
			if (self->finished.count == 0)
				sleep_in_ring(self);
		}
		bio_report(&self->finished);
	}
}

/* Sleeps until the other thread is in one plain read for long. With bio_lock held. */
static void
keep_watch(struct reader *other)
{
	struct timespec tick;
	uint32_t seen;

	watch.kept = true;
	for (;;) {
		while (!watch.ticking)
			(void)host_cond_wait(&watch.wanted, &bio_lock, NULL);
		seen = atomic_load(&other->state);
		host_deadline(&tick, 0, TICK_NS);
		(void)host_cond_wait(&watch.wanted, &bio_lock, &tick);
		if ((seen & READING) == 0)
			watch.ticking = seen != atomic_load(&other->state);
		else if (atomic_compare_exchange_strong(&other->state, &seen, seen & ~READING))
			break;
	}
	watch.kept = watch.ticking = false;
}

/* The other thread's part goes to this one. With bio_lock held. */
static void
take_over(struct reader *self, struct reader *other)
{
	annotate_after(&other->batch);
	bio_list_put_back(&bio_readers.queue, &other->batch);
	bio_list_move(&self->finished, &other->finished, other->finished.count);
	bio_trust_betrayed(&trust);
	atomic_store(&acting, self);
}

/* Keeps watch and reads in turns. */
static _Noreturn void
alternate(struct reader *self)
{
	struct reader *other = &readers[self == &readers[0]];

	for (;;) {
		host_lock_enter(&bio_lock);
		keep_watch(other);
		take_over(self, other);
		host_lock_exit(&bio_lock);
		bio_report(&self->finished);
		serve(self);
	}
}

static bool
start(struct reader *self)
{
	if (!bio_ring_open(&self->ring))
		return false;
	bio_list_init(&self->batch);
	bio_list_init(&self->finished);
	annotate_atomic(&self->state, sizeof(self->state));
	bio_thread_begin();
	return true;
}

static void *
watch_main(void *arg)
{
	if (start(arg))
		alternate(arg);
	return NULL;
}

#else

/* There is never anybody in a ring to be woken. */
void
bio_reader_wake(void)
{
}

#endif

void *
bio_reader_main(void *arg)
{
	struct bio_pool *pool = arg;

#ifdef HAVE_IO_URING
	if (start(&readers[0])) {
		serve(&readers[0]);
		alternate(&readers[0]);
	}
#endif
	host_lock_enter(&bio_lock);
	pool->main = bio_worker;
	host_lock_exit(&bio_lock);
	return bio_worker(pool);
}
