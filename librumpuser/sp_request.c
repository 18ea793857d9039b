/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * A request lives on the stack of the thread that waits for it, and in the client's list, under the client's
 * lock, until it is done: whoever marks it done takes it off the list first and does not touch it after. The
 * thread that receives the answer copies it to where it belongs.
 */
#include "librumpuser/sp_request.h"

#include <errno.h>
#include <string.h>

#include "librumpuser/annotate.h"
#include "librumpuser/sp_client.h"
#include "librumpuser/sp_output.h"

struct sp_request {
	LIST_ENTRY(sp_request) entries;
	uint64_t reqno;
	enum sp_type type;
	void *answer;
	size_t len;
	ssize_t result;
	_Atomic uint32_t done;
};

/* With the client's lock held. */
static void
complete(struct sp_request *r, ssize_t result)
{
	LIST_REMOVE(r, entries);
	r->result = result;
	annotate_before(&r->done);
	atomic_store(&r->done, 1);
	host_wake(&r->done, 1);
}

void
request_fail_all(struct sp_client *c)
{
	struct sp_request *r;

	while ((r = LIST_FIRST(&c->requests)) != NULL)
		complete(r, -ENOTCONN);
}

/* Numbers a request and, when it wants an answer, puts it on the list. False when there is nobody to ask. */
static bool
enlist(struct sp_client *c, struct sp_request *r, bool answered)
{
	bool running;

	host_lock_enter(&c->lock);
	running = c->state == CLIENT_RUNNING;
	if (running) {
		r->reqno = c->next_reqno++;
		if (answered)
			LIST_INSERT_HEAD(&c->requests, r, entries);
	}
	host_lock_exit(&c->lock);
	return running;
}

static bool
send_request(struct sp_client *c, const struct sp_request *r, const void *words, size_t words_len,
    const void *data, size_t data_len)
{
	struct {
		struct sp_header header;
		uint8_t words[sizeof(struct sp_copy)];
	} begin;
	struct iovec iov[2] = {
	    {&begin, sizeof(begin.header) + words_len}, {(void *)(uintptr_t)data, data_len}};

	begin.header = sp_header(SP_REQUEST, (uint16_t)r->type, 0, r->reqno, words_len + data_len);
	memcpy(begin.words, words, words_len);
	return output_send(c, iov, data_len != 0 ? 2 : 1);
}

ssize_t
request_make(struct sp_client *c, enum sp_type type, const void *words, size_t words_len, const void *data,
    size_t data_len, void *answer, size_t answer_len)
{
	struct sp_request r = {.type = type, .answer = answer, .len = answer_len};

	if (!enlist(c, &r, true))
		return -ENOTCONN;
	/* A send that fails drops the client, which completes the request. */
	(void)send_request(c, &r, words, words_len, data, data_len);
	while (atomic_load(&r.done) == 0)
		host_wait(&r.done, 0, NULL);
	annotate_after(&r.done);
	annotate_own(&r, sizeof(r));
	return r.result;
}

int
request_send(struct sp_client *c, enum sp_type type, const void *words, size_t words_len, const void *data,
    size_t data_len)
{
	struct sp_request r = {.type = type};

	if (!enlist(c, &r, false) || !send_request(c, &r, words, words_len, data, data_len))
		return -ENOTCONN;
	return 0;
}

/* Whether a response of that type and length answers the request. */
static bool
fits(const struct sp_request *r, uint16_t type, size_t len)
{
	if (r->type == SP_COPYINSTR)
		return (type == SP_COPYINSTR || type == SP_COPYIN) && len >= 1 && len <= r->len;
	return type == r->type && len == r->len;
}

int
request_answered(struct sp_client *c, const struct sp_frame *frame)
{
	struct sp_cursor body = frame->body;
	size_t len = body.left;
	struct sp_request *r;
	int rv = -EBADMSG;

	host_lock_enter(&c->lock);
	LIST_FOREACH(r, &c->requests, entries)
	{
		if (r->reqno == frame->header.reqno)
			break;
	}
	if (r == NULL) {
		/* The requests of the program before the exec were given up. */
		rv = frame->header.reqno < c->next_reqno ? 0 : -EBADMSG;
	} else if (frame->header.class == SP_ERROR) {
		rv = client_can(c, SP_CAP_FAULT) && len == 0 ? 0 : -EBADMSG;
		if (rv == 0)
			complete(r, -EFAULT);
	} else if (fits(r, frame->header.type, len) && sp_take(&body, r->answer, len)) {
		complete(r, (ssize_t)len);
		rv = 0;
	}
	host_lock_exit(&c->lock);
	return rv;
}
