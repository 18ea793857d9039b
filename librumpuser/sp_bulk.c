/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * A kernel moves the data of a large read or write in pages, and each page directly is a system call here. A
 * worker runs one call at a time, so it has one buffer: a window onto the client's memory, which is either
 * dirty, gathered by a read's copyouts, or clean, fetched ahead for a write's copyins.
 *
 * Only calls are served for which it does not matter that EFAULT shows up later than it would: those whose
 * data is gone in any case (struct sp_signature's bulk). A dirty window is written before any other copy of
 * the call, and before its answer.
 */
#include "librumpuser/sp_bulk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "librumpuser/sp_call.h"
#include "librumpuser/sp_client.h"
#include "librumpuser/sp_local.h"
#include "sp/signature.h"

#define BULK_SIZE 65536

void
bulk_free(struct sp_bulk *bulk)
{
	free(bulk->buffer);
	*bulk = (struct sp_bulk){0};
}

/* The calling worker's window when it runs such a call for the client. */
static struct sp_bulk *
window(const struct sp_client *c, enum sp_bulk_kind kind)
{
	struct client_call *call = call_current;

	if (call == NULL || call->client != c || call->bulk != kind || worker_self == NULL)
		return NULL;
	return &worker_self->bulk;
}

static bool
allocate(struct sp_bulk *bulk)
{
	if (bulk->buffer == NULL)
		bulk->buffer = malloc(BULK_SIZE);
	return bulk->buffer != NULL;
}

/* Writes a dirty window out. */
static int
write_out(struct sp_client *c, struct sp_bulk *bulk)
{
	bulk->dirty = false;
	return local_write_or_ask(c, bulk->addr, bulk->buffer, bulk->len);
}

int
bulk_settle(struct sp_client *c)
{
	struct sp_bulk *bulk = window(c, SP_BULK_OUT);

	return bulk != NULL && bulk->dirty ? write_out(c, bulk) : 0;
}

bool
bulk_write(struct sp_client *c, sp_addr_t addr, const void *src, size_t len, int *error)
{
	struct sp_bulk *bulk = window(c, SP_BULK_OUT);

	*error = 0;
	if (bulk == NULL)
		return false;
	if (bulk->dirty && (addr != bulk->addr + bulk->len || len > BULK_SIZE - bulk->len)) {
		*error = bulk_settle(c);
		if (*error != 0)
			return false;
	}
	if (len > BULK_SIZE || !local_is_usable(c) || !allocate(bulk))
		return false;
	if (!bulk->dirty)
		*bulk = (struct sp_bulk){.buffer = bulk->buffer, .addr = addr, .dirty = true};
	memcpy(bulk->buffer + bulk->len, src, len);
	bulk->len += len;
	return true;
}

/* How much of the call's own buffer begins at addr, 0 when it is not in there. */
static uint64_t
left_of_buffer(const struct client_call *call, sp_addr_t addr)
{
	const struct sp_signature *s = sp_signature(call->header.u);

	for (unsigned slot = 0; s != NULL && slot < s->slots; slot++) {
		uint64_t begin = (uint64_t)call->args[slot];

		if (s->arg[slot].kind == SP_ARG_IN && s->arg[slot].length == SP_LEN_SLOT && addr >= begin &&
		    addr - begin < (uint64_t)call->args[s->arg[slot].length_slot])
			return (uint64_t)call->args[s->arg[slot].length_slot] - (addr - begin);
	}
	return 0;
}

/* Fetches from addr on as much as there is, and room for. False when that does not work. */
static bool
fetch(struct sp_client *c, struct sp_bulk *bulk, sp_addr_t addr, uint64_t left)
{
	size_t len = left < BULK_SIZE ? (size_t)left : BULK_SIZE;
	int error = local_read(c, addr, bulk->buffer, len);

	bulk->addr = addr;
	bulk->len = error == 0 ? len : 0;
	return error == 0;
}

bool
bulk_read(struct sp_client *c, sp_addr_t addr, void *dst, size_t len, int *error)
{
	struct sp_bulk *bulk = window(c, SP_BULK_IN);
	uint64_t left;

	*error = 0;
	if (bulk == NULL || len == 0)
		return false;
	if (addr < bulk->addr || addr - bulk->addr > bulk->len || bulk->len - (addr - bulk->addr) < len) {
		left = left_of_buffer(call_current, addr);
		/* A fetch has to be for more than this copy, or it is one copy too many. */
		if (left <= len || len > BULK_SIZE || !local_is_usable(c) || !allocate(bulk) ||
		    !fetch(c, bulk, addr, left))
			return false;
	}
	memcpy(dst, bulk->buffer + (addr - bulk->addr), len);
	return true;
}

int
bulk_end(struct client_call *call)
{
	struct sp_bulk *bulk = &worker_self->bulk;
	int error = 0;

	if (call->bulk == SP_BULK_NONE)
		return 0;
	if (bulk->dirty)
		error = write_out(call->client, bulk);
	bulk->len = 0;
	return error;
}
