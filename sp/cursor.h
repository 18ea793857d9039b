/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The only way to read what a peer sent. A cursor starts out over some bytes and
 * every take either advances it by what it returned, or fails and leaves it alone.
 */
#ifndef SP_CURSOR_H
#define SP_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sp_cursor {
	const uint8_t *at;
	size_t left;
};

static inline struct sp_cursor
sp_cursor(const void *bytes, size_t len)
{
	return (struct sp_cursor){bytes, len};
}

/* Copies the next len bytes to dst. False when there are fewer. */
static inline bool
sp_take(struct sp_cursor *c, void *dst, size_t len)
{
	if (c->left < len)
		return false;
	if (len != 0)
		memcpy(dst, c->at, len);
	c->at += len;
	c->left -= len;
	return true;
}

/*
 * The next len bytes in place, NULL when there are fewer. They live as long as what the
 * cursor was made over, and are not aligned.
 */
static inline const uint8_t *
sp_take_bytes(struct sp_cursor *c, uint64_t len)
{
	const uint8_t *at = c->at;

	if (c->left < len)
		return NULL;
	c->at += len;
	c->left -= (size_t)len;
	return at;
}

/*
 * The next string in place, with its NUL within the next max bytes, and its length without
 * the NUL in *lenp when lenp is not NULL. NULL, and the cursor stays, when there is no NUL.
 */
const char *sp_take_string(struct sp_cursor *c, size_t max, size_t *lenp);

/* Skips to the next multiple of 8 from the cursor's `begin`. False when there is not so much. */
static inline bool
sp_take_padding(struct sp_cursor *c, uint64_t len)
{
	return sp_take_bytes(c, -len & 7) != NULL;
}

#endif
