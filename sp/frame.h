/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames out of a stream of bytes. The bound on a frame's length is checked as soon as the
 * length is there, and memory grows with the bytes that came, not with what was promised.
 */
#ifndef SP_FRAME_H
#define SP_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "sp/cursor.h"
#include "sp/wire.h"

/* One direction of a connection. All zeros but for the limit is an empty one. */
struct sp_assembler {
	size_t limit; /* of one frame, header included */
	uint8_t *partial;
	size_t have;
	size_t size; /* allocated */
};

struct sp_frame {
	struct sp_header header;
	struct sp_cursor body;
};

void sp_assembler_init(struct sp_assembler *a, size_t limit);

/* Frees what is held. It can be used again after. */
void sp_assembler_fini(struct sp_assembler *a);

/*
 * The next frame of what was held back and of the *len bytes at *data, which advance.
 * Returns 1 with *frame filled in, whose body is valid until the next call on this assembler
 * and as long as the bytes at *data are; 0 when there is no whole frame: all bytes were taken and
 * what is not a frame yet is kept; -EBADMSG when the length is less than a header's,
 * -EMSGSIZE when it is more than the limit, -ENOMEM. After an error the stream is lost.
 */
int sp_assemble(struct sp_assembler *a, const uint8_t **data, size_t *len, struct sp_frame *frame);

/*
 * Room to receive the rest of a long frame into, without the detour of a caller's buffer:
 * returns it and its length in *len, or NULL when no frame has begun or little is missing. What was
 * received there is told with sp_assembler_received(), and taken by sp_assemble() with *len 0.
 */
uint8_t *sp_assembler_room(struct sp_assembler *a, size_t *len);
void sp_assembler_received(struct sp_assembler *a, size_t len);

/* A frame's header for a body of body_len bytes. */
static inline struct sp_header
sp_header(enum sp_class class, uint16_t type, uint32_t u, uint64_t reqno, size_t body_len)
{
	return (struct sp_header){
	    .len = sizeof(struct sp_header) + body_len,
	    .reqno = reqno,
	    .class = (uint16_t) class,
	    .type = type,
	    .u = u,
	};
}

#endif
