/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * A frame goes to the socket from the thread that made it. What the socket does not take is queued, and the
 * loop sends it when there is room. Only then is memory used. While the queue is full, the client is not read
 * from, and threads with much to send wait, having let another worker take their place: until the client has
 * read, or has left everything unread for so long that the loop drops it. Answers to the calls that were read
 * before are short and go to the queue all the same, so that they do not hold a thread each.
 */
#include "librumpuser/sp_output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "librumpuser/sp_client.h"
#include "librumpuser/sp_connect.h"
#include "librumpuser/sp_loop.h"
#include "librumpuser/sp_pool.h"

struct output_chunk {
	STAILQ_ENTRY(output_chunk) entries;
	int fd; /* to go along with the first byte, or -1 */
	size_t at;
	size_t len;
	uint8_t bytes[];
};

void
output_init(struct sp_output *out)
{
	STAILQ_INIT(&out->chunks);
}

static void
discard(struct sp_output *out)
{
	struct output_chunk *chunk;

	while ((chunk = STAILQ_FIRST(&out->chunks)) != NULL) {
		STAILQ_REMOVE_HEAD(&out->chunks, entries);
		if (chunk->fd != -1)
			close(chunk->fd);
		free(chunk);
	}
	out->queued = 0;
}

void
output_fini(struct sp_output *out)
{
	discard(out);
}

void
output_close(struct sp_output *out)
{
	host_lock_enter(&out->lock);
	out->closed = true;
	discard(out);
	host_lock_exit(&out->lock);
	host_cond_wake(&out->drained, HOST_WAKE_ALL);
}

bool
output_is_closed(struct sp_output *out)
{
	bool closed;

	host_lock_enter(&out->lock);
	closed = out->closed;
	host_lock_exit(&out->lock);
	return closed;
}

static size_t
total(const struct iovec *iov, int count)
{
	size_t len = 0;

	for (int i = 0; i < count; i++)
		len += iov[i].iov_len;
	return len;
}

static bool
enqueue(struct sp_output *out, const struct iovec *iov, int count, int fd)
{
	struct output_chunk *chunk;
	size_t len = total(iov, count);

	chunk = malloc(sizeof(*chunk) + len);
	if (chunk == NULL)
		return false;
	chunk->fd = fd;
	chunk->at = 0;
	chunk->len = 0;
	for (int i = 0; i < count; i++) {
		if (iov[i].iov_len != 0)
			memcpy(chunk->bytes + chunk->len, iov[i].iov_base, iov[i].iov_len);
		chunk->len += iov[i].iov_len;
	}
	STAILQ_INSERT_TAIL(&out->chunks, chunk, entries);
	out->queued += len;
	return true;
}

/* Sends or queues, with the lock held. False when the client is to be dropped. */
static bool
send_locked(struct sp_client *c, struct iovec *iov, int count, bool *watch)
{
	struct sp_output *out = &c->out;

	if (STAILQ_EMPTY(&out->chunks)) {
		ssize_t n = sp_send(&c->transport, iov, count, false);

		if (n < 0 && n != -EAGAIN)
			return false;
		count = sp_iov_advance(&iov, count, n > 0 ? (size_t)n : 0);
		if (count == 0)
			return true;
	}
	if (!enqueue(out, iov, count, -1))
		return false;
	*watch = !out->waiting;
	out->waiting = true;
	return true;
}

void
output_await_room(struct sp_client *c)
{
	struct sp_output *out = &c->out;
	bool was_busy = worker_self == NULL || worker_self->busy;

	if (atomic_load_explicit(&out->queued, memory_order_relaxed) <= OUTPUT_QUEUE_MAX)
		return;
	if (!pool_busy()) {
		client_drop(c); /* or it would stop everybody */
		return;
	}
	host_lock_enter(&out->lock);
	while (!out->closed && out->queued > OUTPUT_QUEUE_MAX)
		host_cond_wait(&out->drained, &out->lock, NULL);
	host_lock_exit(&out->lock);
	if (!was_busy)
		pool_free();
}

bool
output_send(struct sp_client *c, struct iovec *iov, int count)
{
	struct sp_output *out = &c->out;
	bool watch = false, sent = false, gone;

	if (total(iov, count) > OUTPUT_MUCH)
		output_await_room(c);
	host_lock_enter(&out->lock);
	gone = out->closed;
	if (!gone)
		sent = send_locked(c, iov, count, &watch);
	host_lock_exit(&out->lock);
	if (watch)
		loop_watch_output(c);
	if (!gone && !sent)
		client_drop(c);
	return sent;
}

bool
output_frame(struct sp_client *c, enum sp_class class, uint16_t type, uint32_t u, uint64_t reqno,
    const void *body, size_t len)
{
	struct sp_header header = sp_header(class, type, u, reqno, len);
	struct iovec iov[2] = {{&header, sizeof(header)}, {(void *)(uintptr_t)body, len}};

	return output_send(c, iov, len != 0 ? 2 : 1);
}

bool
output_error(struct sp_client *c, uint64_t reqno, enum sp_error code)
{
	return output_frame(c, SP_ERROR, 0, code, reqno, NULL, 0);
}

/*
 * Sends a chunk that a descriptor goes along with. The host may have too many under way already, which are
 * not received: then the answer is that.
 */
static ssize_t
send_with_descriptor(struct sp_client *c, struct output_chunk *chunk)
{
	ssize_t n = sp_send_descriptor(&c->transport, chunk->bytes, chunk->len, chunk->fd);
	struct sp_header header;

	if (n < 0 && n != -ETOOMANYREFS)
		return n;
	close(chunk->fd);
	chunk->fd = -1;
	connect_is_sent(c);
	if (n >= 0)
		return n;
	memcpy(&header, chunk->bytes, sizeof(header));
	header = sp_header(SP_ERROR, 0, SP_ERR_TRYAGAIN, header.reqno, 0);
	memcpy(chunk->bytes, &header, sizeof(header));
	return 0;
}

/* Sends what is queued, with the lock held. As output_flush(). */
static int
flush_locked(struct sp_client *c)
{
	struct sp_output *out = &c->out;
	struct output_chunk *chunk;
	int rv = 0;

	while ((chunk = STAILQ_FIRST(&out->chunks)) != NULL) {
		struct iovec iov = {chunk->bytes + chunk->at, chunk->len - chunk->at};
		ssize_t n =
		    chunk->fd != -1 ? send_with_descriptor(c, chunk) : sp_send(&c->transport, &iov, 1, false);

		if (n < 0) {
			rv = n == -EAGAIN ? 1 : (int)n;
			break;
		}
		out->queued -= (size_t)n;
		chunk->at += (size_t)n;
		if (chunk->at < chunk->len)
			continue;
		STAILQ_REMOVE_HEAD(&out->chunks, entries);
		free(chunk);
	}
	out->waiting = out->waiting && rv != 0;
	return rv;
}

int
output_flush(struct sp_client *c)
{
	struct sp_output *out = &c->out;
	int rv;

	host_lock_enter(&out->lock);
	rv = flush_locked(c);
	host_lock_exit(&out->lock);
	host_cond_wake(&out->drained, HOST_WAKE_ALL);
	return rv;
}

void
output_descriptor(struct sp_client *c, uint16_t type, uint64_t reqno, int fd)
{
	struct sp_header header = sp_header(SP_RESPONSE, type, 0, reqno, 0);
	struct iovec iov = {&header, sizeof(header)};
	struct sp_output *out = &c->out;
	bool watch = false, queued;
	int rv = 0;

	host_lock_enter(&out->lock);
	queued = !out->closed && enqueue(out, &iov, 1, fd);
	/* While the loop waits for room, it is the one who sends. */
	if (queued && !out->waiting) {
		rv = flush_locked(c);
		watch = out->waiting = rv == 1;
	}
	host_lock_exit(&out->lock);
	if (watch)
		loop_watch_output(c);
	if (!queued) {
		close(fd);
		connect_is_sent(c);
	}
	if (!queued || rv < 0)
		client_drop(c);
}

void
output_linger(struct sp_client *c, int milliseconds)
{
	struct timespec deadline;

	host_deadline(&deadline, 0, (int64_t)milliseconds * 1000000);
	host_lock_enter(&c->out.lock);
	while (!c->out.closed && c->out.queued != 0) {
		if (host_cond_wait(&c->out.drained, &c->out.lock, &deadline) == -ETIMEDOUT)
			break;
	}
	host_lock_exit(&c->out.lock);
}
