/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * Each range has a shadow: the bytes that came, or for a range that only results are wanted of, memory that
 * is allocated at the first write. What was written to a range is kept as a few pieces, which grow together;
 * a write that would need one more goes by a frame instead. A write is copied into the shadow of every range
 * that it touches, so reads, which want all their bytes known, see it.
 */
#include "librumpuser/sp_attached.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sp/limits.h"

#define PIECES 8

struct piece {
	uint64_t begin, end; /* within the range; begin < end */
};

struct range {
	sp_addr_t addr;
	uint64_t len;
	uint32_t flags;
	const uint8_t *sent; /* its bytes in the request, until attached_keep() */
	uint8_t *shadow;
	unsigned pieces;
	struct piece piece[PIECES];
};

struct sp_attached {
	unsigned count;
	uint64_t bytes; /* of all ranges */
	uint8_t *results;
	struct range range[SP_ATTACHMENTS_MAX];
};

/* One attachment off the cursor. */
static int
parse_range(struct range *r, struct sp_cursor *body, uint64_t *total)
{
	struct sp_attachment wire;
	uint64_t end;

	if (!sp_take(body, &wire, sizeof(wire)))
		return -EBADMSG;
	if (__builtin_add_overflow(wire.addr, wire.len, &end) ||
	    __builtin_add_overflow(*total, wire.len, total))
		return -EBADMSG;
	if (*total > SP_ATTACH_BYTES_MAX || (wire.flags & (SP_ATTACH_DATA | SP_ATTACH_RESULT)) == 0 ||
	    (wire.flags & ~(uint32_t)(SP_ATTACH_DATA | SP_ATTACH_RESULT)) != 0)
		return -EBADMSG;
	*r = (struct range){.addr = wire.addr, .len = wire.len, .flags = wire.flags};
	if ((wire.flags & SP_ATTACH_DATA) == 0)
		return 0;
	r->sent = sp_take_bytes(body, wire.len);
	return r->sent != NULL && sp_take_padding(body, wire.len) ? 0 : -EBADMSG;
}

int
attached_parse(struct sp_attached **attachedp, struct sp_cursor *body, uint32_t count)
{
	struct sp_attached *attached;
	int error = 0;

	if (count > SP_ATTACHMENTS_MAX)
		return -EBADMSG;
	attached = malloc(sizeof(*attached));
	if (attached == NULL)
		return -ENOMEM;
	attached->count = 0;
	attached->bytes = 0;
	attached->results = NULL;
	while (attached->count < count && error == 0) {
		struct range *r = &attached->range[attached->count];

		error = parse_range(r, body, &attached->bytes);
		if (error == 0)
			attached->count++;
	}
	if (error == 0 && body->left != 0)
		error = -EBADMSG;
	if (error != 0) {
		attached_free(attached);
		return error;
	}
	*attachedp = attached;
	return 0;
}

int
attached_keep(struct sp_attached *attached)
{
	for (unsigned i = 0; i < attached->count; i++) {
		struct range *r = &attached->range[i];

		if (r->sent == NULL)
			continue;
		r->shadow = malloc(r->len != 0 ? r->len : 1);
		if (r->shadow == NULL)
			return -ENOMEM;
		memcpy(r->shadow, r->sent, r->len);
		r->sent = NULL;
	}
	return 0;
}

uint64_t
attached_bytes(const struct sp_attached *attached)
{
	return attached != NULL ? attached->bytes : 0;
}

void
attached_free(struct sp_attached *attached)
{
	if (attached == NULL)
		return;
	for (unsigned i = 0; i < attached->count; i++)
		free(attached->range[i].shadow);
	free(attached->results);
	free(attached);
}

/* How many bytes of the range, from addr on, are known: at most len. */
static size_t
known(const struct range *r, sp_addr_t addr, size_t len)
{
	uint64_t at = addr - r->addr, end = 0;

	if (addr < r->addr || at >= r->len)
		return 0;
	if ((r->flags & SP_ATTACH_DATA) != 0) {
		end = r->len;
	} else {
		for (unsigned i = 0; i < r->pieces; i++) {
			if (r->piece[i].begin <= at && at < r->piece[i].end)
				end = r->piece[i].end;
		}
	}
	if (end <= at)
		return 0;
	return end - at < len ? (size_t)(end - at) : len;
}

/* Where the bytes from addr on stand, and how many of them, at most len, in *have. */
static const uint8_t *
find(const struct sp_attached *attached, sp_addr_t addr, size_t len, size_t *have)
{
	const uint8_t *at = NULL;

	*have = 0;
	for (unsigned i = 0; attached != NULL && i < attached->count; i++) {
		const struct range *r = &attached->range[i];
		size_t here = known(r, addr, len);

		if (here > *have) {
			*have = here;
			at = r->shadow + (addr - r->addr);
		}
	}
	return at;
}

bool
attached_read(const struct sp_attached *attached, sp_addr_t addr, void *dst, size_t len)
{
	size_t have;
	const uint8_t *bytes = find(attached, addr, len, &have);

	if (bytes == NULL || have < len)
		return false;
	memcpy(dst, bytes, len);
	return true;
}

int
attached_read_string(const struct sp_attached *attached, sp_addr_t addr, char *dst, size_t *len)
{
	size_t have;
	const uint8_t *bytes = find(attached, addr, *len, &have);
	const uint8_t *nul = bytes != NULL ? memchr(bytes, '\0', have) : NULL;

	if (nul != NULL)
		*len = (size_t)(nul - bytes) + 1;
	else if (bytes == NULL || have < *len)
		return 0;
	memcpy(dst, bytes, *len);
	return nul != NULL ? 1 : -ENAMETOOLONG;
}

/* Notes that [begin, end) was written. False when there is no room for one more piece. */
static bool
note(struct range *r, uint64_t begin, uint64_t end)
{
	unsigned kept = 0;
	struct piece joined = {begin, end};

	/* First whether it fits, since nothing may change when it does not. */
	for (unsigned i = 0; i < r->pieces; i++)
		kept += r->piece[i].end < begin || r->piece[i].begin > end;
	if (kept == PIECES)
		return false;
	kept = 0;
	for (unsigned i = 0; i < r->pieces; i++) {
		struct piece p = r->piece[i];

		if (p.end < begin || p.begin > end) {
			r->piece[kept++] = p;
			continue;
		}
		joined.begin = p.begin < joined.begin ? p.begin : joined.begin;
		joined.end = p.end > joined.end ? p.end : joined.end;
	}
	r->piece[kept++] = joined;
	r->pieces = kept;
	return true;
}

/* Copies what of the write lies in the range to its shadow. */
static void
patch(struct range *r, sp_addr_t addr, const uint8_t *src, size_t len)
{
	sp_addr_t begin = addr > r->addr ? addr : r->addr;
	sp_addr_t end = addr + len < r->addr + r->len ? addr + len : r->addr + r->len;

	if (r->shadow != NULL && begin < end)
		memcpy(r->shadow + (begin - r->addr), src + (begin - addr), end - begin);
}

static bool
take_result(struct sp_attached *attached, sp_addr_t addr, size_t len)
{
	for (unsigned i = 0; i < attached->count; i++) {
		struct range *r = &attached->range[i];
		uint64_t at = addr - r->addr;

		if ((r->flags & SP_ATTACH_RESULT) == 0 || addr < r->addr || at > r->len || r->len - at < len)
			continue;
		if (r->shadow == NULL)
			r->shadow = malloc(r->len);
		if (r->shadow != NULL && note(r, at, at + len))
			return true;
	}
	return false;
}

bool
attached_write(struct sp_attached *attached, sp_addr_t addr, const void *src, size_t len)
{
	sp_addr_t end;
	bool taken;

	if (attached == NULL || __builtin_add_overflow(addr, len, &end))
		return false;
	if (len == 0)
		return true;
	taken = take_result(attached, addr, len);
	for (unsigned i = 0; i < attached->count; i++)
		patch(&attached->range[i], addr, src, len);
	return taken;
}

bool
attached_take_overlap(
    struct sp_attached *attached, sp_addr_t addr, size_t len, struct sp_result *piece, const uint8_t **bytes)
{
	for (unsigned i = 0; attached != NULL && i < attached->count; i++) {
		struct range *r = &attached->range[i];

		for (unsigned p = 0; p < r->pieces; p++) {
			sp_addr_t begin = r->addr + r->piece[p].begin;
			uint64_t size = r->piece[p].end - r->piece[p].begin;

			if (begin + size <= addr || (begin >= addr && begin - addr >= len))
				continue;
			*piece = (struct sp_result){begin, size};
			*bytes = r->shadow + r->piece[p].begin;
			r->piece[p] = r->piece[--r->pieces];
			return true;
		}
	}
	return false;
}

bool
attached_results(struct sp_attached *attached, struct iovec *iov)
{
	size_t size = 0;
	uint8_t *at;

	for (unsigned i = 0; i < attached->count; i++) {
		for (unsigned p = 0; p < attached->range[i].pieces; p++) {
			struct piece *piece = &attached->range[i].piece[p];

			size += sizeof(struct sp_result) + ((piece->end - piece->begin + 7) & ~UINT64_C(7));
		}
	}
	*iov = (struct iovec){NULL, size};
	if (size == 0)
		return true;
	attached->results = at = calloc(1, size);
	if (at == NULL)
		return false;
	iov->iov_base = at;
	for (unsigned i = 0; i < attached->count; i++) {
		struct range *r = &attached->range[i];

		for (unsigned p = 0; p < r->pieces; p++) {
			uint64_t len = r->piece[p].end - r->piece[p].begin;
			struct sp_result result = {r->addr + r->piece[p].begin, len};

			memcpy(at, &result, sizeof(result));
			memcpy(at + sizeof(result), r->shadow + r->piece[p].begin, len);
			at += sizeof(result) + ((len + 7) & ~UINT64_C(7));
		}
	}
	return true;
}
