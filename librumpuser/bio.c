/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block I/O.
 *
 * Theory of operation. rumpuser_bio() gives up the kernel's CPU, writes the request down, puts it into one of
 * two queues and returns. Reads are served by one thread with io_uring, or where the host does not allow that
 * by a pool of threads; writes and syncs by a pool of threads in either case, since io_uring would only hand
 * them to threads of the host's. Where a running thread has much to do already and there is another CPU, the
 * submitter does itself what of a read needs no waiting, and queues the rest, or the report. What finished is
 * reported from those threads, several requests between one hyp_schedule() and hyp_unschedule(). bio_lock
 * protects the queues, the pools' counts, and the requests that are not in anybody's hands; it is never held
 * across I/O or an upcall.
 *
 * Requests are never given back to the host: there are as many as were ever under way at a time.
 */
#include "config.h"

#include <stdlib.h>

#include <rump/rumpdefs.h>

#include "librumpuser/bio.h"
#include "librumpuser/hyp.h"

#define CHUNK 32

struct host_lock bio_lock;
struct bio_pool bio_readers = {
    .queue = {.end = &bio_readers.queue.first},
    .name = "rump-read",
    .main = bio_reader_main,
};
struct bio_pool bio_writers = {
    .queue = {.end = &bio_writers.queue.first},
    .name = "rump-write",
    .main = bio_worker,
};

static struct {
	struct bio_request *known; /* all there are */
	struct bio_request *spare; /* those that are free */
	uint64_t turn;
	unsigned drainers;
	struct host_cond drained;
} requests;

static HOST_TLS bool in_bio_thread;

void
bio_thread_begin(void)
{
	in_bio_thread = true;
	/* An lwp of its own spares the kernel from making one for each report. Without memory for it, it
	 * does. */
	hyp.hyp_schedule();
	(void)hyp.hyp_lwproc_newlwp(0);
	hyp.hyp_unschedule();
}

/* Returns a free request, or NULL. With bio_lock held. */
static struct bio_request *
get_request(void)
{
	struct bio_request *request = requests.spare, *chunk;

	if (request == NULL) {
		chunk = calloc(CHUNK, sizeof(*chunk));
		if (chunk == NULL)
			return NULL;
		for (unsigned i = 0; i < CHUNK; i++) {
			chunk[i].known = requests.known;
			requests.known = &chunk[i];
			chunk[i].next = requests.spare;
			requests.spare = &chunk[i];
		}
		request = requests.spare;
	}
	requests.spare = request->next;
	request->turn = ++requests.turn;
	return request;
}

/* With bio_lock held. */
static void
put_request(struct bio_request *request)
{
	request->turn = 0;
	request->next = requests.spare;
	requests.spare = request;
}

unsigned
bio_release(struct bio_list *finished, struct bio_result *results, unsigned max)
{
	unsigned count = 0;
	bool wake;

	host_lock_enter(&bio_lock);
	while (finished->count > 0 && count < max) {
		struct bio_request *request = bio_list_take(finished);

		results[count++] = request->result;
		put_request(request);
	}
	wake = requests.drainers > 0;
	host_lock_exit(&bio_lock);
	if (wake)
		host_cond_wake(&requests.drained, HOST_WAKE_ALL);
	return count;
}

/* With bio_lock held. */
static bool
under_way(int fd, uint64_t last)
{
	for (const struct bio_request *request = requests.known; request != NULL; request = request->known)
		if (request->fd == fd && request->turn != 0 && request->turn <= last)
			return true;
	return false;
}

void
bio_drain(int fd)
{
	uint64_t last;

	/* Within a report: this thread has nothing of its own under way, and may be who is to finish the
	 * others. */
	if (in_bio_thread)
		return;
	host_lock_enter(&bio_lock);
	last = requests.turn;
	requests.drainers++;
	while (under_way(fd, last))
		(void)host_cond_wait(&requests.drained, &bio_lock, NULL);
	requests.drainers--;
	host_lock_exit(&bio_lock);
}

/* Where no other thread is to be had, this one has to say so, with the CPU held. */
static void
report_failure(rump_biodone_fn done, void *arg, int error, int locks)
{
	hyp_retake_cpu(locks, NULL);
	done(arg, 0, error);
}

void
rumpuser_bio(int fd, int op, void *data, size_t dlen, int64_t off, rump_biodone_fn done, void *arg)
{
	struct bio_pool *pool = (op & RUMPUSER_BIO_READ) ? &bio_readers : &bio_writers;
	int locks = hyp_release_cpu(NULL);
	struct bio_request *request;
	enum bio_wake choice;

	host_lock_enter(&bio_lock);
	request = get_request();
	if (request == NULL) {
		host_lock_exit(&bio_lock);
		report_failure(done, arg, RUMP_ENOMEM, locks);
		return;
	}
	request->fd = fd;
	request->op = op;
	request->data = data;
	request->len = dlen;
	request->off = off;
	request->outcome = BIO_UNTRIED;
	request->result = (struct bio_result){.done = done, .arg = arg};
	if (!in_bio_thread && bio_pool_wants_help(pool, request)) {
		host_lock_exit(&bio_lock);
		(void)bio_try(request);
		host_lock_enter(&bio_lock);
	}
	choice = bio_pool_add(pool, request);
	host_lock_exit(&bio_lock);

	if (!bio_pool_wake(pool, choice, request)) {
		host_lock_enter(&bio_lock);
		put_request(request);
		host_lock_exit(&bio_lock);
		report_failure(done, arg, RUMP_EAGAIN, locks);
		return;
	}
	if (!in_bio_thread)
		bio_let_report_end();
	hyp_retake_cpu(locks, NULL);
}
