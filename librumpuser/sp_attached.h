/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory that came along with a CALL, and what goes back with its answer. */
#ifndef LIBRUMPUSER_SP_ATTACHED_H
#define LIBRUMPUSER_SP_ATTACHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "sp/cursor.h"
#include "sp/wire.h"

struct sp_attached;

/*
 * Reads so many attachments, which have to end where the body does. Returns 0, -EBADMSG or -ENOMEM. They can
 * be used once attached_keep() has copied their bytes, for which the body has to be there yet: 0 or -ENOMEM.
 */
int attached_parse(struct sp_attached **attachedp, struct sp_cursor *body, uint32_t count);
int attached_keep(struct sp_attached *attached);

/* How much memory it may come to take; NULL takes none. */
uint64_t attached_bytes(const struct sp_attached *attached);

/* NULL is fine. */
void attached_free(struct sp_attached *attached);

/* Serves a read of the kernel's. False when the range was not sent along. attached may be NULL, here and
 * below. */
bool attached_read(const struct sp_attached *attached, sp_addr_t addr, void *dst, size_t len);

/*
 * The same for a string of at most *len bytes: 1 with its length and NUL in *len, 0 when it was not sent
 * along, -ENAMETOOLONG when all *len bytes were and there is no NUL in them.
 */
int attached_read_string(const struct sp_attached *attached, sp_addr_t addr, char *dst, size_t *len);

/* Takes a write of the kernel's. False when it is to go by a COPYOUT; reads see it in either case. */
bool attached_write(struct sp_attached *attached, sp_addr_t addr, const void *src, size_t len);

/* The results in the form that a response has them; they live as long as attached. False: no memory. */
bool attached_results(struct sp_attached *attached, struct iovec *iov);

/*
 * Before a read that attached_read() cannot serve: takes the next piece that was written, so that it can be
 * sent ahead. False when there is none that overlaps the range. The piece counts as not written from then on.
 */
bool attached_take_overlap(
    struct sp_attached *attached, sp_addr_t addr, size_t len, struct sp_result *piece, const uint8_t **bytes);

#endif
