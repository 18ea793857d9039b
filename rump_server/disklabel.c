/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BSD's disklabel: 148 bytes and 16 more a partition, somewhere in the first 64 KiB of the disk, or of the
 * MBR partition that is NetBSD's. Written in the byte order of the machine that made it.
 */
#include "config.h"
#include "rump_server/partition.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum {
	LABEL_AREA = 65536,
	LABEL_MAX_PARTITIONS = 22,
	MBR_TYPE_NETBSD = 0xa9,
	/* Offsets in the label. */
	D_MAGIC = 0,
	D_SECSIZE = 40,
	D_MAGIC2 = 132,
	D_NPARTITIONS = 138,
	D_PARTITIONS = 148,
	/* Sizes and offsets of one partition. */
	PARTITION_BYTES = 16,
	P_SIZE = 0,
	P_OFFSET = 4,
};

#define LABEL_MAGIC 0x82564557U

static uint32_t
get32(const uint8_t *at, bool big)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return big ? be32toh(value) : le32toh(value);
}

static uint16_t
get16(const uint8_t *at, bool big)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return big ? be16toh(value) : le16toh(value);
}

/* Whether a whole label lies at label, with room for available bytes. The words of one add up, by xor, to
 * nothing. */
static bool
is_label(const uint8_t *label, size_t available, bool big)
{
	uint16_t sum = 0;
	size_t length;

	if (get32(label + D_MAGIC, big) != LABEL_MAGIC || get32(label + D_MAGIC2, big) != LABEL_MAGIC)
		return false;
	if (get16(label + D_NPARTITIONS, big) > LABEL_MAX_PARTITIONS)
		return false;
	length = D_PARTITIONS + PARTITION_BYTES * (size_t)get16(label + D_NPARTITIONS, big);
	if (length > available)
		return false;
	for (size_t i = 0; i < length; i += sizeof(uint16_t))
		sum ^= get16(label + i, big);
	return sum == 0;
}

static int
find_partition(const struct disk *disk, const uint8_t *label, bool big, char letter, struct extent *extent,
    const char **why)
{
	unsigned index = (unsigned)(letter - 'a');
	uint32_t sector = get32(label + D_SECSIZE, big);
	const uint8_t *partition = label + D_PARTITIONS + PARTITION_BYTES * (size_t)index;

	*why = "the disklabel has no such partition";
	if (index >= get16(label + D_NPARTITIONS, big) || get32(partition + P_SIZE, big) == 0)
		return -ENOENT;
	*why = "the disklabel has an impossible sector size";
	if (sector < 512 || sector > 65536 || (sector & (sector - 1)) != 0)
		return -EINVAL;
	return disk_extent(
	    disk, get32(partition + P_OFFSET, big), get32(partition + P_SIZE, big), sector, extent, why);
}

/* Looks for the label in what begins at offset start of the disk. */
static int
search(const struct disk *disk, uint64_t start, char letter, struct extent *extent, const char **why)
{
	uint8_t area[LABEL_AREA];
	uint64_t length = disk->size - start;
	int error;

	if (length > LABEL_AREA)
		length = LABEL_AREA;
	error = disk_read(disk, start, area, (size_t)length, why);
	if (error != 0)
		return error;
	for (size_t at = 0; at + D_PARTITIONS <= length; at += sizeof(uint32_t)) {
		for (int big = 0; big < 2; big++) {
			if (is_label(area + at, (size_t)length - at, big))
				return find_partition(disk, area + at, big, letter, extent, why);
		}
	}
	*why = "no disklabel there";
	return -ENXIO;
}

int
disklabel_find(const struct disk *disk, char letter, struct extent *extent, const char **why)
{
	struct extent inside;
	const char *mbr_why;
	int error = search(disk, 0, letter, extent, why);

	if (error == -ENXIO && mbr_find_type(disk, MBR_TYPE_NETBSD, &inside, &mbr_why) == 0)
		error = search(disk, inside.offset, letter, extent, why);
	return error == -ENXIO ? -ENOENT : error;
}
