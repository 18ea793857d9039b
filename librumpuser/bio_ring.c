/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "librumpuser/bio_ring.h"

#ifdef HAVE_IO_URING

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#ifdef HAVE_VALGRIND
#include <valgrind/memcheck.h>
#endif

#define RING_SIZE 256
#define RETRY_NS 1000000

/* The newest kernels do a ring's work only when its one thread asks for it; older ones have fewer flags. */
static const unsigned flag_sets[] = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
    IORING_SETUP_COOP_TASKRUN,
    0,
};

static bool
can_read(struct bio_ring *engine)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(&engine->ring);
	bool can = probe != NULL && io_uring_opcode_supported(probe, IORING_OP_READ);

	io_uring_free_probe(probe);
	return can;
}

bool
bio_ring_open(struct bio_ring *engine)
{
	const char *wanted = getenv("RUMPUSER_BIO");
	int error = -1;

	if (wanted != NULL && strcmp(wanted, "threads") == 0)
		return false;
	for (size_t i = 0; error != 0 && i < sizeof(flag_sets) / sizeof(flag_sets[0]); i++)
		error = io_uring_queue_init(RING_SIZE, &engine->ring, flag_sets[i]);
	if (error != 0)
		return false;
	engine->bell = eventfd(0, EFD_CLOEXEC);
	if (engine->bell != -1 && can_read(engine))
		return true;
	if (engine->bell != -1)
		close(engine->bell);
	io_uring_queue_exit(&engine->ring);
	return false;
}

void
bio_ring_wake(struct bio_ring *engine)
{
	uint64_t one = 1;
	ssize_t n;

	/* It cannot overflow: the bell is rung once each time that the thread sleeps. */
	do
		n = write(engine->bell, &one, sizeof(one));
	while (n == -1 && errno == EINTR);
}

/* What the host does not take now it is offered again. */
void
bio_ring_submit(struct bio_ring *engine, bool wait)
{
	int n = wait ? io_uring_submit_and_wait(&engine->ring, 1) : io_uring_submit(&engine->ring);

	if (n > 0)
		engine->unsubmitted -= (unsigned)n < engine->unsubmitted ? (unsigned)n : engine->unsubmitted;
	if (n < 0 && n != -EINTR) {
		struct timespec pause;

		/* Short of memory, or of room for results: there are some to reap, or somebody else gives
		 * way. */
		host_deadline(&pause, 0, RETRY_NS);
		if (io_uring_cq_ready(&engine->ring) == 0)
			host_sleep_until(&pause);
	}
}

static struct io_uring_sqe *
get_entry(struct bio_ring *engine)
{
	struct io_uring_sqe *entry;

	while ((entry = io_uring_get_sqe(&engine->ring)) == NULL)
		bio_ring_submit(engine, false);
	engine->unsubmitted++;
	return entry;
}

void
bio_ring_put(struct bio_ring *engine, struct bio_request *request)
{
	struct io_uring_sqe *entry = get_entry(engine);
	size_t left = request->len - request->result.moved;

	/* The host's own limit for one read is less than 2 GiB, and the length has 32 bits here. */
	io_uring_prep_read(entry, request->fd, request->data + request->result.moved,
	    left < INT32_MAX ? (unsigned)left : INT32_MAX, (uint64_t)request->off + request->result.moved);
	io_uring_sqe_set_data(entry, request);
	engine->in_flight++;
}

void
bio_ring_listen(struct bio_ring *engine)
{
	struct io_uring_sqe *entry;

	if (engine->listening)
		return;
	entry = get_entry(engine);
	io_uring_prep_read(entry, engine->bell, &engine->rings, sizeof(engine->rings), 0);
	io_uring_sqe_set_data(entry, NULL);
	engine->listening = true;
}

void
bio_ring_reap(struct bio_ring *engine, struct bio_list *finished)
{
	struct io_uring_cqe *entry;

	while (io_uring_peek_cqe(&engine->ring, &entry) == 0) {
		struct bio_request *request = io_uring_cqe_get_data(entry);
		ssize_t result = entry->res;

		io_uring_cqe_seen(&engine->ring, entry);
		if (request == NULL) {
			engine->listening = false;
			continue;
		}
		engine->in_flight--;
#ifdef HAVE_VALGRIND
		if (result > 0)
			VALGRIND_MAKE_MEM_DEFINED(request->data + request->result.moved, (size_t)result);
#endif
		if (result == -EAGAIN)
			result = -EINTR;
		if (bio_account(request, result) == BIO_FINISHED)
			bio_list_add(finished, request);
		else
			bio_ring_put(engine, request);
	}
}

#endif
