/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads with io_uring.
 *
 * Theory of operation. One thread owns the ring: it alone submits and reaps. What it takes from the queue it
 * first tries to read without waiting, by a plain system call: what the host has cached is there sooner so
 * than by way of the ring. Only what would wait for a device goes into the ring, as much of it at a time as
 * there is. With nothing in the ring the thread sleeps as any worker does. Otherwise it sleeps in the ring,
 * where an eventfd, read by the ring itself, tells it of new requests; bio_readers.in_ring says that it
 * has to be told. When no ring is to be had, the thread becomes an ordinary worker.
 */
#include "config.h"

#include "librumpuser/bio.h"

#ifdef HAVE_IO_URING

#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#ifdef HAVE_VALGRIND
#include <valgrind/memcheck.h>
#endif

#define RING_SIZE 256
#define RETRY_NS 1000000

static struct {
	struct io_uring ring;
	int bell;             /* eventfd */
	uint64_t rings;       /* what is read from it */
	bool listening;       /* a read of it is in the ring */
	unsigned in_flight;   /* requests in the ring */
	unsigned unsubmitted; /* entries that the host has not taken yet */
} engine;

/* The newest kernels do a ring's work only when its one thread asks for it; older ones have fewer flags. */
static const unsigned flag_sets[] = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
    IORING_SETUP_COOP_TASKRUN,
    0,
};

static bool
can_read(void)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(&engine.ring);
	bool can = probe != NULL && io_uring_opcode_supported(probe, IORING_OP_READ);

	io_uring_free_probe(probe);
	return can;
}

static bool
open_ring(void)
{
	const char *wanted = getenv("RUMPUSER_BIO");
	int error = -1;

	if (wanted != NULL && strcmp(wanted, "threads") == 0)
		return false;
	for (size_t i = 0; error != 0 && i < sizeof(flag_sets) / sizeof(flag_sets[0]); i++)
		error = io_uring_queue_init(RING_SIZE, &engine.ring, flag_sets[i]);
	if (error != 0)
		return false;
	engine.bell = eventfd(0, EFD_CLOEXEC);
	if (engine.bell != -1 && can_read())
		return true;
	if (engine.bell != -1)
		close(engine.bell);
	io_uring_queue_exit(&engine.ring);
	return false;
}

void
bio_ring_wake(void)
{
	uint64_t one = 1;
	ssize_t n;

	/* It cannot overflow: the bell is rung once each time that the thread sleeps. */
	do
		n = write(engine.bell, &one, sizeof(one));
	while (n == -1 && errno == EINTR);
}

/* Gives the host what has been prepared. What it does not take now it is offered again. */
static void
submit(bool wait)
{
	int n = wait ? io_uring_submit_and_wait(&engine.ring, 1) : io_uring_submit(&engine.ring);

	if (n > 0)
		engine.unsubmitted -= (unsigned)n < engine.unsubmitted ? (unsigned)n : engine.unsubmitted;
	if (n < 0 && n != -EINTR) {
		struct timespec pause;

		/* Short of memory, or of room for results: there are some to reap, or somebody else gives
		 * way. */
		host_deadline(&pause, 0, RETRY_NS);
		if (io_uring_cq_ready(&engine.ring) == 0)
			host_sleep_until(&pause);
	}
}

static struct io_uring_sqe *
get_entry(void)
{
	struct io_uring_sqe *entry;

	while ((entry = io_uring_get_sqe(&engine.ring)) == NULL)
		submit(false);
	engine.unsubmitted++;
	return entry;
}

static void
put_in_ring(struct bio_request *request)
{
	struct io_uring_sqe *entry = get_entry();
	size_t left = request->len - request->result.moved;

	/* The host's own limit for one read is less than 2 GiB, and the length has 32 bits here. */
	io_uring_prep_read(entry, request->fd, request->data + request->result.moved,
	    left < INT32_MAX ? (unsigned)left : INT32_MAX, (uint64_t)request->off + request->result.moved);
	io_uring_sqe_set_data(entry, request);
	engine.in_flight++;
}

static void
listen_to_bell(void)
{
	struct io_uring_sqe *entry;

	if (engine.listening)
		return;
	entry = get_entry();
	io_uring_prep_read(entry, engine.bell, &engine.rings, sizeof(engine.rings), 0);
	io_uring_sqe_set_data(entry, NULL);
	engine.listening = true;
}

static void
reap(struct bio_list *finished)
{
	struct io_uring_cqe *entry;

	while (io_uring_peek_cqe(&engine.ring, &entry) == 0) {
		struct bio_request *request = io_uring_cqe_get_data(entry);
		ssize_t result = entry->res;

		io_uring_cqe_seen(&engine.ring, entry);
		if (request == NULL) {
			engine.listening = false;
			continue;
		}
		engine.in_flight--;
#ifdef HAVE_VALGRIND
		if (result > 0)
			VALGRIND_MAKE_MEM_DEFINED(request->data + request->result.moved, (size_t)result);
#endif
		if (result == -EAGAIN)
			result = -EINTR;
		if (bio_account(request, result) == BIO_FINISHED)
			bio_list_add(finished, request);
		else
			put_in_ring(request);
	}
}

/* Sleeps until a read is done or there is a new request. */
static void
sleep_in_ring(void)
{
	bool sleep;

	listen_to_bell();
	host_lock_enter(&bio_lock);
	sleep = bio_readers.queue.count == 0;
	if (sleep) {
		bio_readers.in_ring = true;
		bio_readers.running--;
	}
	host_lock_exit(&bio_lock);
	submit(sleep);
	if (!sleep)
		return;
	host_lock_enter(&bio_lock);
	if (bio_readers.in_ring) {
		bio_readers.in_ring = false;
		bio_readers.running++;
	}
	host_lock_exit(&bio_lock);
}

static void
serve(void)
{
	struct bio_list batch, finished;

	bio_list_init(&batch);
	bio_list_init(&finished);
	for (;;) {
		host_lock_enter(&bio_lock);
		while (bio_readers.queue.count == 0 && engine.in_flight == 0)
			bio_pool_idle(&bio_readers);
		bio_list_move(&batch, &bio_readers.queue, BIO_BATCH);
		host_lock_exit(&bio_lock);

		while (batch.count > 0) {
			struct bio_request *request = bio_list_take(&batch);

			if (bio_try(request) == BIO_FINISHED) {
				bio_list_add(&finished, request);
				if (bio_report_due(&finished)) {
					/* The device need not wait for the kernel. */
					if (engine.unsubmitted > 0)
						submit(false);
					bio_report(&finished);
				}
			} else {
				put_in_ring(request);
			}
		}
		if (engine.in_flight > 0) {
			if (engine.unsubmitted > 0)
				submit(false);
			reap(&finished);
			if (finished.count == 0)
				sleep_in_ring();
		}
		bio_report(&finished);
	}
}

#else

/* There is never anybody in a ring to be woken. */
void
bio_ring_wake(void)
{
}

#endif

void *
bio_ring_main(void *arg)
{
	struct bio_pool *pool = arg;

#ifdef HAVE_IO_URING
	if (open_ring()) {
		bio_thread_begin();
		serve();
	}
#endif
	host_lock_enter(&bio_lock);
	pool->main = bio_worker;
	host_lock_exit(&bio_lock);
	return bio_worker(pool);
}
