/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The GUID partition table (UEFI specification, chapter 5): a header in the second sector with a spare in the
 * last, each with a checksum over itself and one over its table of entries. Sectors have 512 or 4096 bytes.
 */
#include "config.h"
#include "rump_server/partition.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEADER_BYTES = 92,
	TABLE_MAX = 1 << 20,
	/* Offsets in the header. */
	H_SIZE = 12,
	H_CHECKSUM = 16,
	H_OWN_SECTOR = 24,
	H_TABLE_SECTOR = 72,
	H_NENTRIES = 80,
	H_ENTRY_BYTES = 84,
	H_TABLE_CHECKSUM = 88,
	/* Offsets in an entry. */
	E_TYPE = 0,
	E_FIRST = 32,
	E_LAST = 40,
	GUID_BYTES = 16,
	ENTRY_BYTES_MIN = 128,
};

static uint32_t
get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

static uint64_t
get64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

/* CRC-32 as in IEEE 802.3, which the specification asks for. */
static uint32_t
checksum(const uint8_t *data, size_t length)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < length; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xedb88320U & (0U - (crc & 1)));
	}
	return ~crc;
}

/* Reads the header at a sector. -ENXIO when there is none, -EINVAL when it is damaged. */
static int
read_header(const struct disk *disk, uint64_t at, uint32_t sector, uint8_t *header, const char **why)
{
	uint8_t zeroed[4096];
	uint32_t size;
	int error = disk_read(disk, at * sector, zeroed, sector, why);

	if (error != 0)
		return error == -EIO ? -ENXIO : error;
	*why = "no GUID partition table there";
	if (memcmp(zeroed, "EFI PART", 8) != 0)
		return -ENXIO;
	memcpy(header, zeroed, HEADER_BYTES);
	size = get32(header + H_SIZE);
	*why = "the GUID partition table is damaged";
	if (size < HEADER_BYTES || size > sector || get64(header + H_OWN_SECTOR) != at)
		return -EINVAL;
	memset(zeroed + H_CHECKSUM, 0, sizeof(uint32_t));
	return checksum(zeroed, size) == get32(header + H_CHECKSUM) ? 0 : -EINVAL;
}

static int
find_entry(const uint8_t *table, uint32_t entry_bytes, const struct disk *disk, uint32_t sector,
    unsigned number, struct extent *extent, const char **why)
{
	static const uint8_t unused[GUID_BYTES];
	const uint8_t *entry = table + (size_t)entry_bytes * (number - 1);
	uint64_t first = get64(entry + E_FIRST), last = get64(entry + E_LAST);

	*why = "the GUID partition table has no such partition";
	if (memcmp(entry + E_TYPE, unused, GUID_BYTES) == 0)
		return -ENOENT;
	*why = "the partition ends before it begins";
	if (last < first || last - first == UINT64_MAX)
		return -EINVAL;
	return disk_extent(disk, first, last - first + 1, sector, extent, why);
}

static int
find_in(const struct disk *disk, const uint8_t *header, uint32_t sector, unsigned number,
    struct extent *extent, const char **why)
{
	uint32_t count = get32(header + H_NENTRIES), entry_bytes = get32(header + H_ENTRY_BYTES);
	uint64_t offset, bytes = (uint64_t)count * entry_bytes;
	uint8_t *table;
	int error;

	*why = "the GUID partition table is damaged";
	if (entry_bytes < ENTRY_BYTES_MIN || bytes > TABLE_MAX ||
	    __builtin_mul_overflow(get64(header + H_TABLE_SECTOR), sector, &offset))
		return -EINVAL;
	table = malloc((size_t)bytes + 1);
	if (table == NULL)
		return -ENOMEM;
	error = disk_read(disk, offset, table, (size_t)bytes, why);
	if (error == 0 && checksum(table, (size_t)bytes) != get32(header + H_TABLE_CHECKSUM)) {
		*why = "the GUID partition table is damaged";
		error = -EINVAL;
	}
	if (error == 0 && (number == 0 || number > count)) {
		*why = "the GUID partition table has no such partition";
		error = -ENOENT;
	}
	if (error == 0)
		error = find_entry(table, entry_bytes, disk, sector, number, extent, why);
	free(table);
	return error;
}

/* Tries the table at its first place or, when that is damaged, at its second. */
static int
find_with_sector(
    const struct disk *disk, uint32_t sector, unsigned number, struct extent *extent, const char **why)
{
	uint8_t header[HEADER_BYTES];
	const char *spare_why;
	int error = read_header(disk, 1, sector, header, why);

	if (error == 0)
		error = find_in(disk, header, sector, number, extent, why);
	if ((error == -EINVAL || error == -ENXIO) && disk->size / sector > 2 &&
	    read_header(disk, disk->size / sector - 1, sector, header, &spare_why) == 0)
		error = find_in(disk, header, sector, number, extent, why);
	return error;
}

int
gpt_find(const struct disk *disk, unsigned number, struct extent *extent, const char **why)
{
	int error = find_with_sector(disk, 512, number, extent, why);

	return error == -ENXIO ? find_with_sector(disk, 4096, number, extent, why) : error;
}
