/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PC's partition table: four entries in the first sector, numbers 1 to 4. An entry of an extended type
 * begins a chain of sectors, each with one logical partition (numbers from 5) and the place of the next.
 */
#include "config.h"
#include "rump_server/partition.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum {
	SECTOR = 512,
	TABLE = 446,
	ENTRY_BYTES = 16,
	PRIMARIES = 4,
	/* Offsets in an entry. */
	E_TYPE = 4,
	E_START = 8,
	E_COUNT = 12,
	/* Types. */
	TYPE_EXTENDED_CHS = 0x05,
	TYPE_EXTENDED_LBA = 0x0f,
	TYPE_EXTENDED_LINUX = 0x85,
};

struct entry {
	uint8_t type;
	uint32_t start, count; /* in sectors */
};

static uint32_t
get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

static int
read_table(const struct disk *disk, uint64_t sector, struct entry entries[PRIMARIES], const char **why)
{
	uint8_t block[SECTOR];
	int error = disk_read(disk, sector * SECTOR, block, sizeof(block), why);

	if (error != 0)
		return error;
	*why = "no partition table there";
	if (block[SECTOR - 2] != 0x55 || block[SECTOR - 1] != 0xaa)
		return -ENOENT;
	for (size_t i = 0; i < PRIMARIES; i++) {
		const uint8_t *entry = block + TABLE + i * ENTRY_BYTES;

		entries[i] = (struct entry){entry[E_TYPE], get32(entry + E_START), get32(entry + E_COUNT)};
	}
	return 0;
}

static bool
is_extended(uint8_t type)
{
	return type == TYPE_EXTENDED_CHS || type == TYPE_EXTENDED_LBA || type == TYPE_EXTENDED_LINUX;
}

/* Follows the chain to its logical partition number nth, from 0. */
static int
find_logical(const struct disk *disk, uint32_t chain, unsigned nth, struct extent *extent, const char **why)
{
	uint32_t offset = 0;

	/* The count of steps bounds a chain that bites its tail. */
	for (unsigned i = 0; i <= nth; i++) {
		struct entry entries[PRIMARIES];
		uint64_t sector = (uint64_t)chain + offset;
		int error = read_table(disk, sector, entries, why);

		if (error != 0)
			return error;
		*why = "the partition table has no such partition";
		if (i == nth && entries[0].type != 0)
			return disk_extent(
			    disk, sector + entries[0].start, entries[0].count, SECTOR, extent, why);
		if (!is_extended(entries[1].type))
			return -ENOENT;
		offset = entries[1].start;
	}
	return -ENOENT;
}

int
mbr_find(const struct disk *disk, unsigned number, struct extent *extent, const char **why)
{
	struct entry entries[PRIMARIES];
	int error = read_table(disk, 0, entries, why);

	if (error != 0)
		return error;
	*why = "the partition table has no such partition";
	if (number == 0)
		return -ENOENT;
	if (number <= PRIMARIES) {
		const struct entry *entry = &entries[number - 1];

		if (entry->type == 0)
			return -ENOENT;
		return disk_extent(disk, entry->start, entry->count, SECTOR, extent, why);
	}
	for (size_t i = 0; i < PRIMARIES; i++) {
		if (is_extended(entries[i].type))
			return find_logical(disk, entries[i].start, number - PRIMARIES - 1, extent, why);
	}
	return -ENOENT;
}

int
mbr_find_type(const struct disk *disk, uint8_t type, struct extent *extent, const char **why)
{
	struct entry entries[PRIMARIES];
	int error = read_table(disk, 0, entries, why);

	for (size_t i = 0; i < PRIMARIES && error == 0; i++) {
		if (entries[i].type == type)
			return disk_extent(disk, entries[i].start, entries[i].count, SECTOR, extent, why);
	}
	return error != 0 ? error : -ENOENT;
}
