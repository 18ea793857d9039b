/* SPDX-License-Identifier: BSD-2-Clause */
/* Directory records, and the files that they describe. */
#include <string.h>

#include "kernel/fs/cd9660/iso.h"

/* Offsets in a directory record. */
enum { EXTENDED = 1, BLOCK = 2, LENGTH = 10, DATE = 18, FLAGS = 25, UNIT = 26, NAME_LENGTH = 32, NAME = 33 };
enum { IS_DIRECTORY = 0x02, CONTINUES = 0x80 };

/* The record at `position` of the directory, copied into the sector; skips the unused ends of sectors. */
static int
read_record(const struct iso_volume *volume, const struct iso_extent *dir, uint64_t *position,
    uint8_t *sector, struct iso_record *record)
{
	while (*position < dir->length) {
		uint64_t start = *position - *position % ISO_SECTOR;
		size_t within = (size_t)(*position - start);
		uint64_t left = dir->length - start;
		size_t have = left < ISO_SECTOR ? (size_t)left : ISO_SECTOR;
		int error = volume->read(volume->device, dir->offset + start, sector, have);

		if (error != 0)
			return error;
		record->bytes = sector + within;
		record->length = sector[within];
		record->where = dir->offset + *position;
		if (record->length == 0) {
			*position = start + ISO_SECTOR;
			continue;
		}
		if (record->length > have - within || record->length < NAME + 1 ||
		    record->bytes[NAME_LENGTH] > record->length - NAME)
			return RUMP_EIO;
		*position += record->length;
		return 0;
	}
	return RUMP_ENOENT;
}

/* Adds the extent of a record to the file. Interleaved files have never been made by anybody. */
static int
add_extent(const struct iso_volume *volume, const struct iso_record *record, struct iso_node *node)
{
	struct iso_extent extent;
	uint64_t block = (uint64_t)iso_le32(record->bytes + BLOCK) + record->bytes[EXTENDED];
	int error;

	if (record->bytes[UNIT] != 0 || block > UINT32_MAX || node->nextents == ISO_EXTENTS_MAX)
		return RUMP_EIO;
	if ((error = iso_extent_of(volume, (uint32_t)block, iso_le32(record->bytes + LENGTH), &extent)) != 0)
		return error;
	node->extents[node->nextents++] = extent;
	node->size += extent.length;
	return 0;
}

/* What a record says of its file, before Rock Ridge says more. */
static int
take_record(const struct iso_volume *volume, const struct iso_record *record, struct iso_entry *entry)
{
	struct iso_node *node = &entry->node;
	bool directory = (record->bytes[FLAGS] & IS_DIRECTORY) != 0;
	size_t name_length = record->bytes[NAME_LENGTH];
	int error;

	memset(entry, 0, sizeof(*entry));
	if ((error = add_extent(volume, record, node)) != 0)
		return error;
	node->mode = directory ? RUMP_S_IFDIR | 0555 : RUMP_S_IFREG | 0444;
	node->nlink = directory ? 2 : 1;
	iso_short_date(record->bytes + DATE, &node->mtime);
	node->atime = node->ctime = node->birthtime = node->mtime;
	iso_name(volume, record->bytes + NAME, name_length, entry);
	if (volume->rock_ridge) {
		size_t system_use = NAME + name_length + (name_length % 2 == 0);

		error = iso_rockridge(volume, record, system_use, entry);
	}
	/* A directory is itself wherever it is met; it may have been moved by Rock Ridge. */
	node->ino = (node->mode & RUMP_S_IFMT) == RUMP_S_IFDIR ? node->extents[0].offset : record->where;
	return error;
}

/* A file of several extents has one record for each; the later ones add nothing but the extent. */
static int
take_continuations(const struct iso_volume *volume, const struct iso_extent *dir, uint64_t *position,
    uint8_t *sector, struct iso_node *node)
{
	struct iso_record record;
	int error;

	do {
		if ((error = read_record(volume, dir, position, sector, &record)) != 0)
			return error == RUMP_ENOENT ? RUMP_EIO : error;
		if ((error = add_extent(volume, &record, node)) != 0)
			return error;
	} while ((record.bytes[FLAGS] & CONTINUES) != 0);
	return 0;
}

int
iso_readdir(
    const struct iso_volume *volume, const struct iso_node *dir, uint64_t *position, struct iso_entry *entry)
{
	const struct iso_extent *extent = &dir->extents[0];
	uint8_t sector[ISO_SECTOR];
	struct iso_record record;
	int error;

	if ((dir->mode & RUMP_S_IFMT) != RUMP_S_IFDIR || dir->nextents != 1)
		return RUMP_EIO;
	if ((error = read_record(volume, extent, position, sector, &record)) != 0 ||
	    (error = take_record(volume, &record, entry)) != 0)
		return error;
	if ((record.bytes[FLAGS] & CONTINUES) == 0)
		return 0;
	if ((record.bytes[FLAGS] & IS_DIRECTORY) != 0)
		return RUMP_EIO;
	return take_continuations(volume, extent, position, sector, &entry->node);
}

int
iso_node_at(const struct iso_volume *volume, uint64_t ino, struct iso_node *node)
{
	/* Directories begin with a block, so records of one number lie in the same place of one. */
	uint64_t position = ino % volume->block_size;
	struct iso_extent rest = {.offset = ino - position};
	uint8_t sector[ISO_SECTOR];
	struct iso_record record;
	struct iso_entry entry;
	int error;

	if (ino >= volume->device_size)
		return RUMP_EIO;
	rest.length = volume->device_size - rest.offset;
	error = read_record(volume, &rest, &position, sector, &record);
	if (error == 0 && record.where != ino)
		error = RUMP_EIO;
	if (error == 0)
		error = take_record(volume, &record, &entry);
	if (error == 0 && (record.bytes[FLAGS] & CONTINUES) != 0)
		error = take_continuations(volume, &rest, &position, sector, &entry.node);
	if (error == 0 && entry.node.ino != ino)
		error = RUMP_EIO;
	if (error != 0)
		return error == RUMP_ENOENT ? RUMP_EIO : error;
	*node = entry.node;
	return 0;
}

int
iso_directory_at(const struct iso_volume *volume, uint64_t where, struct iso_node *node)
{
	/* The first record of a directory describes it. */
	int error = iso_node_at(volume, where, node);

	return error == 0 && (node->mode & RUMP_S_IFMT) != RUMP_S_IFDIR ? RUMP_EIO : error;
}

int
iso_root(const struct iso_volume *volume, struct iso_node *root)
{
	return iso_directory_at(volume, volume->root.offset, root);
}

int
iso_read(const struct iso_volume *volume, const struct iso_node *node, uint64_t offset, void *buf, size_t len,
    size_t *done)
{
	*done = 0;
	for (uint32_t i = 0; i < node->nextents && *done < len; i++) {
		const struct iso_extent *extent = &node->extents[i];
		uint64_t left;
		size_t part;
		int error;

		if (offset >= extent->length) {
			offset -= extent->length;
			continue;
		}
		left = extent->length - offset;
		part = left < len - *done ? (size_t)left : len - *done;
		error = volume->read(volume->device, extent->offset + offset, (char *)buf + *done, part);
		if (error != 0)
			return *done != 0 ? 0 : error;
		*done += part;
		offset = 0;
	}
	return 0;
}
