/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rock Ridge: POSIX names, attributes and symbolic links in the system use areas of directory records.
 *
 * Theory of operation: a system use area is a list of entries (signature, length, version, data); CE names a
 * further area elsewhere. Areas are walked in order, at most MOST_AREAS of them, so that a chain which bites
 * its tail ends. Entries that are not known, or too short for what they should hold, are passed over; a
 * length that leaves the area ends it.
 */
#include <string.h>

#include "kernel/fs/cd9660/iso.h"

#define MOST_AREAS 32

enum { CONTINUE = 0x01, CURRENT = 0x02, PARENT = 0x04, ROOT = 0x08 };
enum { TF_CREATION = 0x01, TF_MODIFY = 0x02, TF_ACCESS = 0x04, TF_ATTRIBUTES = 0x08, TF_LONG = 0x80 };

struct state {
	const struct iso_volume *volume;
	struct iso_entry *entry;
	struct iso_extent next; /* the continuation area, when its length is not 0 */
	bool named;             /* the plain name has given way to NM's */
	bool name_goes_on;
	bool link_goes_on; /* the next component of the link belongs to the last one */
	bool ended;
	int error;
};

static void
attributes(struct state *state, const uint8_t *data, size_t len)
{
	struct iso_node *node = &state->entry->node;
	uint32_t kept = node->mode & RUMP_S_IFMT, mode, type;

	if (len < 32)
		return;
	mode = iso_le32(data);
	type = mode & RUMP_S_IFMT;
	/* A directory is what its record says is one. */
	if ((type == RUMP_S_IFDIR) != (kept == RUMP_S_IFDIR) || type == 0)
		type = kept;
	node->mode = type | (mode & 07777);
	node->nlink = iso_le32(data + 8);
	node->uid = iso_le32(data + 16);
	node->gid = iso_le32(data + 24);
}

static void
device_number(struct state *state, const uint8_t *data, size_t len)
{
	uint64_t high, low;

	if (len < 16)
		return;
	high = iso_le32(data);
	low = iso_le32(data + 8);
	if (high == 0 && low > 0xff) {
		/* The whole number in one half, with eight bits of minor number. */
		high = low >> 8;
		low &= 0xff;
	}
	/* NetBSD's way of packing major and minor. */
	state->entry->node.rdev = (high << 8 & 0xfff00) | (low << 12 & 0xfff00000) | (low & 0xff);
}

static void
alternate_name(struct state *state, const uint8_t *data, size_t len)
{
	struct iso_entry *entry = state->entry;

	if (len < 1)
		return;
	/* "." and ".." keep the names that their records have. */
	if ((data[0] & (CURRENT | PARENT)) != 0 ||
	    (!state->named && entry->name[0] == '.' &&
		(entry->namelen == 1 || (entry->namelen == 2 && entry->name[1] == '.'))))
		return;
	if (!state->named || !state->name_goes_on)
		entry->namelen = 0;
	state->named = true;
	state->name_goes_on = (data[0] & CONTINUE) != 0;
	if (len - 1 > (size_t)(ISO_NAME_MAX - entry->namelen)) {
		state->error = RUMP_EIO;
		return;
	}
	memcpy(entry->name + entry->namelen, data + 1, len - 1);
	entry->namelen = (uint16_t)(entry->namelen + len - 1);
	entry->name[entry->namelen] = '\0';
}

static void
link_text(struct state *state, const char *text, size_t len)
{
	struct iso_node *node = &state->entry->node;

	if (len > (size_t)(ISO_LINK_MAX - node->linklen)) {
		state->error = RUMP_EIO;
		return;
	}
	memcpy(node->link + node->linklen, text, len);
	node->linklen = (uint16_t)(node->linklen + len);
}

static void
link_component(struct state *state, uint8_t flags, const char *text, size_t len)
{
	struct iso_node *node = &state->entry->node;
	bool slash_before = node->linklen > 0 && node->link[node->linklen - 1] != '/' && !state->link_goes_on;

	if (slash_before)
		link_text(state, "/", 1);
	if ((flags & CURRENT) != 0)
		link_text(state, ".", 1);
	else if ((flags & PARENT) != 0)
		link_text(state, "..", 2);
	else if ((flags & ROOT) != 0)
		link_text(state, "/", 1);
	else
		link_text(state, text, len);
	state->link_goes_on = (flags & CONTINUE) != 0;
}

static void
symbolic_link(struct state *state, const uint8_t *data, size_t len)
{
	for (size_t at = 1; at + 2 <= len && state->error == 0;) {
		size_t part = data[at + 1];

		if (part > len - at - 2) {
			state->error = RUMP_EIO;
			return;
		}
		link_component(state, data[at], (const char *)data + at + 2, part);
		at += 2 + part;
	}
}

static void
times(struct state *state, const uint8_t *data, size_t len)
{
	struct iso_node *node = &state->entry->node;
	const struct {
		uint8_t flag;
		struct rump_timespec *time;
	} order[] = {
	    {TF_CREATION, &node->birthtime},
	    {TF_MODIFY, &node->mtime},
	    {TF_ACCESS, &node->atime},
	    {TF_ATTRIBUTES, &node->ctime},
	};
	size_t each, at = 1;

	if (len < 1)
		return;
	each = (data[0] & TF_LONG) != 0 ? 17 : 7;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]) && at + each <= len; i++) {
		if ((data[0] & order[i].flag) == 0)
			continue;
		if (each == 17)
			iso_long_date(data + at, order[i].time);
		else
			iso_short_date(data + at, order[i].time);
		at += each;
	}
}

/* A directory too deep for the standard lies elsewhere, and CL stands in its place: it is that directory. */
static void
child_link(struct state *state, const uint8_t *data, size_t len)
{
	struct iso_node *node = &state->entry->node;
	uint8_t record[34];
	int error;

	if (len < 8)
		return;
	error = iso_extent_of(state->volume, iso_le32(data), sizeof(record), &node->extents[0]);
	if (error == 0)
		error = state->volume->read(
		    state->volume->device, node->extents[0].offset, record, sizeof(record));
	/* Its own length stands in its first record. */
	if (error == 0)
		error =
		    iso_extent_of(state->volume, iso_le32(data), iso_le32(record + 10), &node->extents[0]);
	if (error != 0) {
		state->error = error;
		return;
	}
	node->nextents = 1;
	node->size = node->extents[0].length;
	node->mode = RUMP_S_IFDIR | (node->mode & 07777);
}

static void
one_entry(struct state *state, const uint8_t *entry, size_t len)
{
	const uint8_t *data = entry + 4;
	size_t size = len - 4;

	switch (entry[0] << 8 | entry[1]) {
	case 'P' << 8 | 'X':
		attributes(state, data, size);
		break;
	case 'P' << 8 | 'N':
		device_number(state, data, size);
		break;
	case 'N' << 8 | 'M':
		alternate_name(state, data, size);
		break;
	case 'S' << 8 | 'L':
		symbolic_link(state, data, size);
		break;
	case 'T' << 8 | 'F':
		times(state, data, size);
		break;
	case 'C' << 8 | 'L':
		child_link(state, data, size);
		break;
	case 'P' << 8 | 'L':
		if (size >= 8)
			state->entry->parent = (uint64_t)iso_le32(data) * state->volume->block_size;
		break;
	case 'R' << 8 | 'E':
		state->entry->hidden = true;
		break;
	case 'C' << 8 | 'E':
		if (size >= 24) {
			state->next.offset =
			    (uint64_t)iso_le32(data) * state->volume->block_size + iso_le32(data + 8);
			state->next.length = iso_le32(data + 16);
		}
		break;
	case 'S' << 8 | 'T':
		state->ended = true;
		break;
	default:
		break;
	}
}

static void
walk_area(struct state *state, const uint8_t *area, size_t length)
{
	state->next.length = 0;
	for (size_t at = 0; at + 4 <= length && !state->ended && state->error == 0;) {
		size_t len = area[at + 2];

		if (len < 4 || len > length - at)
			return;
		one_entry(state, area + at, len);
		at += len;
	}
}

int
iso_rockridge(const struct iso_volume *volume, const struct iso_record *record, size_t system_use,
    struct iso_entry *entry)
{
	struct state state = {.volume = volume, .entry = entry};
	size_t begin = system_use + volume->susp_skip;
	uint8_t area[ISO_SECTOR];

	if (begin < record->length)
		walk_area(&state, record->bytes + begin, record->length - begin);
	for (int areas = 1; state.next.length != 0 && state.error == 0 && !state.ended; areas++) {
		struct iso_extent next = state.next;
		int error;

		if (areas > MOST_AREAS || next.length > sizeof(area) || next.offset > volume->device_size ||
		    next.length > volume->device_size - next.offset)
			return RUMP_EIO;
		error = volume->read(volume->device, next.offset, area, (size_t)next.length);
		if (error != 0)
			return error;
		walk_area(&state, area, (size_t)next.length);
	}
	if (state.error != 0)
		return state.error;
	/* Names that a path cannot hold. */
	if (state.named && (entry->namelen == 0 || memchr(entry->name, '/', entry->namelen) != NULL ||
			       memchr(entry->name, '\0', entry->namelen) != NULL ||
			       strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0))
		return RUMP_EIO;
	if ((entry->node.mode & RUMP_S_IFMT) == RUMP_S_IFLNK) {
		if (memchr(entry->node.link, '\0', entry->node.linklen) != NULL)
			return RUMP_EIO;
		entry->node.size = entry->node.linklen;
	}
	return 0;
}

int
iso_rockridge_probe(struct iso_volume *volume)
{
	uint8_t record[255];
	size_t have = sizeof(record), length;
	int error;

	if (volume->root.length < 34)
		return RUMP_EIO;
	if (volume->root.length < have)
		have = (size_t)volume->root.length;
	if ((error = volume->read(volume->device, volume->root.offset, record, have)) != 0)
		return error;
	length = record[0];
	/* SP begins the system use area of the root's own record: 'S' 'P' 7 1 0xbe 0xef skip. */
	if (length > have || length < 34 + 7 || record[34] != 'S' || record[35] != 'P' || record[36] < 7 ||
	    record[38] != 0xbe || record[39] != 0xef)
		return 0;
	/* Somebody may use the sharing protocol for other things; PX, RR or ER tell Rock Ridge, and PX is
	 * always there. */
	for (size_t at = 34; at + 4 <= length && record[at + 2] >= 4 && record[at + 2] <= length - at;
	     at += record[at + 2]) {
		if ((record[at] == 'P' && record[at + 1] == 'X') ||
		    (record[at] == 'R' && record[at + 1] == 'R'))
			volume->rock_ridge = true;
	}
	if (volume->rock_ridge)
		volume->susp_skip = record[40];
	return 0;
}
