/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * A frame that lies whole in the caller's bytes is handed out where it is. Only one that does
 * not is gathered in `partial`, which is allocated then, and freed once it was handed out: an idle
 * connection holds no memory. `partial` at most doubles with what has arrived, so a peer that promises
 * a large frame and sends little of it costs little.
 */
#include "sp/frame.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_ALLOCATION 256
#define KEEP_ALLOCATION 1024
#define ROOM_WORTH_IT 4096

void
sp_assembler_init(struct sp_assembler *a, size_t limit)
{
	*a = (struct sp_assembler){.limit = limit};
}

void
sp_assembler_fini(struct sp_assembler *a)
{
	free(a->partial);
	a->partial = NULL;
	a->have = a->size = 0;
}

static int
check_length(const struct sp_assembler *a, uint64_t len)
{
	if (len < sizeof(struct sp_header))
		return -EBADMSG;
	return len > a->limit ? -EMSGSIZE : 0;
}

static int
grow(struct sp_assembler *a, size_t want)
{
	size_t size = a->size != 0 ? a->size : FIRST_ALLOCATION;
	uint8_t *bigger;

	if (want <= a->size)
		return 0;
	while (size < want)
		size *= 2;
	bigger = realloc(a->partial, size);
	if (bigger == NULL)
		return -ENOMEM;
	a->partial = bigger;
	a->size = size;
	return 0;
}

/* Moves bytes to `partial` until it holds `want` of them, or there are no more. */
static int
gather(struct sp_assembler *a, size_t want, const uint8_t **data, size_t *len)
{
	size_t missing = want > a->have ? want - a->have : 0;
	size_t n = missing < *len ? missing : *len;
	int error = grow(a, a->have + n);

	if (error != 0)
		return error;
	if (n != 0)
		memcpy(a->partial + a->have, *data, n);
	a->have += n;
	*data += n;
	*len -= n;
	return 0;
}

static void
hand_out(struct sp_frame *frame, const uint8_t *bytes)
{
	memcpy(&frame->header, bytes, sizeof(frame->header));
	frame->body =
	    sp_cursor(bytes + sizeof(frame->header), (size_t)frame->header.len - sizeof(frame->header));
}

/* The length of the frame that `partial` begins with, 0 when that is not known yet. */
static uint64_t
partial_length(const struct sp_assembler *a)
{
	uint64_t len = 0;

	if (a->have >= sizeof(len))
		memcpy(&len, a->partial, sizeof(len));
	return len;
}

static int
assemble_partial(struct sp_assembler *a, const uint8_t **data, size_t *len, struct sp_frame *frame)
{
	int error = gather(a, sizeof(struct sp_header), data, len);

	if (error != 0 || a->have < sizeof(struct sp_header))
		return error;
	error = check_length(a, partial_length(a));
	if (error == 0)
		error = gather(a, (size_t)partial_length(a), data, len);
	if (error != 0 || a->have < partial_length(a))
		return error;
	hand_out(frame, a->partial);
	a->have = 0;
	return 1;
}

int
sp_assemble(struct sp_assembler *a, const uint8_t **data, size_t *len, struct sp_frame *frame)
{
	uint64_t announced;
	int error;

	if (a->have != 0)
		return assemble_partial(a, data, len, frame);
	if (a->size > KEEP_ALLOCATION || (a->size != 0 && *len == 0))
		sp_assembler_fini(a);
	if (*len == 0)
		return 0;
	if (*len < sizeof(struct sp_header))
		return assemble_partial(a, data, len, frame);
	memcpy(&announced, *data, sizeof(announced));
	error = check_length(a, announced);
	if (error != 0)
		return error;
	if (announced > *len)
		return assemble_partial(a, data, len, frame);
	hand_out(frame, *data);
	*data += announced;
	*len -= (size_t)announced;
	return 1;
}

uint8_t *
sp_assembler_room(struct sp_assembler *a, size_t *len)
{
	uint64_t announced = partial_length(a);
	size_t missing, room;

	if (a->have < sizeof(struct sp_header) || check_length(a, announced) != 0)
		return NULL;
	missing = announced > a->have ? (size_t)announced - a->have : 0;
	if (missing < ROOM_WORTH_IT)
		return NULL;
	/* As much again as has come, so that promises stay cheap. */
	room = a->have > 8 * ROOM_WORTH_IT ? a->have : 8 * ROOM_WORTH_IT;
	room = room < missing ? room : missing;
	if (grow(a, a->have + room) != 0)
		return NULL;
	*len = room;
	return a->partial + a->have;
}

void
sp_assembler_received(struct sp_assembler *a, size_t len)
{
	a->have += len;
}
