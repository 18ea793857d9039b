/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "tests/unit/unit.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rump_server/partition.h"

#define DISK_BYTES (1 << 20)

static struct disk disk;
static uint8_t *image; /* the disk's bytes, shared with the file */

static int
make_disk(void **state)
{
	(void)state;
	disk.fd = memfd_create("disk", MFD_CLOEXEC);
	disk.size = DISK_BYTES;
	if (disk.fd == -1 || ftruncate(disk.fd, DISK_BYTES) == -1)
		return -1;
	image = mmap(NULL, DISK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, disk.fd, 0);
	return image == MAP_FAILED ? -1 : 0;
}

static int
remove_disk(void **state)
{
	(void)state;
	munmap(image, DISK_BYTES);
	return close(disk.fd);
}

static void
put16(size_t at, uint16_t value, bool big)
{
	value = big ? htobe16(value) : htole16(value);
	memcpy(image + at, &value, sizeof(value));
}

static void
put32(size_t at, uint32_t value, bool big)
{
	value = big ? htobe32(value) : htole32(value);
	memcpy(image + at, &value, sizeof(value));
}

static void
put64(size_t at, uint64_t value)
{
	value = htole64(value);
	memcpy(image + at, &value, sizeof(value));
}

/* A disklabel with partitions a (64 sectors from 16), b (empty) and c (the rest from 80), in the given
 * sectors. */
static void
put_label(size_t at, uint32_t sector, bool big)
{
	uint16_t sum = 0, word;

	memset(image + at, 0, 148 + 3 * 16);
	put32(at, 0x82564557, big);
	put32(at + 40, sector, big);
	put32(at + 132, 0x82564557, big);
	put16(at + 138, 3, big);
	put32(at + 148, 64, big);
	put32(at + 152, 16, big);
	put32(at + 148 + 32, DISK_BYTES / sector - 80, big);
	put32(at + 148 + 36, 80, big);
	for (size_t i = 0; i < 148 + 3 * 16; i += 2) {
		memcpy(&word, image + at + i, sizeof(word));
		sum ^= word;
	}
	memcpy(image + at + 136, &sum, sizeof(sum));
}

static void
put_mbr_entry(size_t table, unsigned index, uint8_t type, uint32_t start, uint32_t count)
{
	image[table + 446 + 16 * index + 4] = type;
	put32(table + 446 + 16 * index + 8, start, false);
	put32(table + 446 + 16 * index + 12, count, false);
	image[table + 510] = 0x55;
	image[table + 511] = 0xaa;
}

static uint32_t
crc32(const uint8_t *data, size_t length)
{
	uint32_t crc = ~0U;

	while (length-- > 0) {
		crc ^= *data++;
		for (int bit = 0; bit < 8; bit++)
			crc = (crc & 1) != 0 ? crc >> 1 ^ 0xedb88320U : crc >> 1;
	}
	return ~crc;
}

/* A GPT header at a sector for a table of four entries at another; entries 1 and 3 are used. */
static void
put_gpt(uint64_t own, uint64_t table_sector, uint32_t sector)
{
	size_t header = own * sector, table = table_sector * sector;

	memset(image + table, 0, 4 * 128);
	memset(image + table, 0x11, 16);
	put64(table + 32, 40);
	put64(table + 40, 49);
	memset(image + table + 256, 0x22, 16);
	put64(table + 256 + 32, 60);
	put64(table + 256 + 40, 60);
	memset(image + header, 0, sector);
	memcpy(image + header, "EFI PART", 8);
	put32(header + 8, 0x10000, false);
	put32(header + 12, 92, false);
	put64(header + 24, own);
	put64(header + 72, table_sector);
	put32(header + 80, 4, false);
	put32(header + 84, 128, false);
	put32(header + 88, crc32(image + table, 4 * 128), false);
	put32(header + 16, crc32(image + header, 92), false);
}

static void
expect(int error, const struct extent *extent, uint64_t offset, uint64_t size)
{
	assert_int_equal(error, 0);
	assert_int_equal(extent->offset, offset);
	assert_int_equal(extent->size, size);
}

static void
a_disklabel_is_found_in_either_byte_order(void **state)
{
	struct extent extent;
	const char *why;

	(void)state;
	for (int big = 0; big < 2; big++) {
		put_label(512, 512, big);
		expect(disklabel_find(&disk, 'a', &extent, &why), &extent, 16 * 512, 64 * 512);
		expect(disklabel_find(&disk, 'c', &extent, &why), &extent, 80 * 512, DISK_BYTES - 80 * 512);
		assert_int_equal(disklabel_find(&disk, 'b', &extent, &why), -ENOENT);
		assert_string_equal(why, "the disklabel has no such partition");
		assert_int_equal(disklabel_find(&disk, 'd', &extent, &why), -ENOENT);
		assert_int_equal(disklabel_find(&disk, 'z', &extent, &why), -ENOENT);
	}
}

static void
a_disklabel_counts_in_its_own_sectors(void **state)
{
	struct extent extent;
	const char *why;

	(void)state;
	put_label(0, 2048, false);
	expect(disklabel_find(&disk, 'a', &extent, &why), &extent, 16 * 2048, 64 * 2048);
	put_label(0, 500, false);
	assert_int_equal(disklabel_find(&disk, 'a', &extent, &why), -EINVAL);
}

static void
a_label_inside_netbsds_mbr_partition_is_found(void **state)
{
	struct extent extent;
	const char *why;

	(void)state;
	put_mbr_entry(0, 2, 0xa9, 1000, 1000);
	assert_int_equal(disklabel_find(&disk, 'a', &extent, &why), -ENOENT);
	assert_string_equal(why, "no disklabel there");
	put_label(1000 * 512 + 512, 512, false);
	expect(disklabel_find(&disk, 'a', &extent, &why), &extent, 16 * 512, 64 * 512);
}

static void
damaged_labels_are_not_believed(void **state)
{
	struct extent extent;
	const char *why;

	(void)state;
	assert_int_equal(disklabel_find(&disk, 'a', &extent, &why), -ENOENT);
	put_label(512, 512, false);
	image[512 + 149] ^= 1; /* the checksum fails */
	assert_int_equal(disklabel_find(&disk, 'a', &extent, &why), -ENOENT);
	put_label(512, 512, false);
	put16(512 + 138, 400, false); /* more partitions than there can be */
	assert_int_equal(disklabel_find(&disk, 'a', &extent, &why), -ENOENT);
	/* A label that runs off the area that is searched. */
	memset(image, 0, 65536 + 512);
	put_label(65536 - 148, 512, false);
	assert_int_equal(disklabel_find(&disk, 'a', &extent, &why), -ENOENT);
	/* A partition that runs off the disk. */
	put_label(512, 512, false);
	disk.size = 70 * 512;
	assert_int_equal(disklabel_find(&disk, 'a', &extent, &why), -EINVAL);
	assert_string_equal(why, "the partition does not lie within the disk");
	/* Disks shorter than a label, and than nothing. */
	for (disk.size = 0; disk.size < 700; disk.size += 4)
		assert_int_not_equal(disklabel_find(&disk, 'a', &extent, &why), 0);
}

static void
mbr_partitions_are_found_by_number(void **state)
{
	struct extent extent;
	const char *why;

	(void)state;
	put_mbr_entry(0, 0, 0x83, 8, 100);
	put_mbr_entry(0, 1, 0x05, 200, 900);
	put_mbr_entry(200 * 512, 0, 0x83, 2, 10);
	put_mbr_entry(200 * 512, 1, 0x05, 300, 100);
	put_mbr_entry(500 * 512, 0, 0x82, 4, 20);
	expect(partition_find(&disk, 1, &extent, &why), &extent, 8 * 512, 100 * 512);
	expect(partition_find(&disk, 5, &extent, &why), &extent, 202 * 512, 10 * 512);
	expect(partition_find(&disk, 6, &extent, &why), &extent, 504 * 512, 20 * 512);
	assert_int_equal(partition_find(&disk, 3, &extent, &why), -ENOENT);
	assert_int_equal(partition_find(&disk, 7, &extent, &why), -ENOENT);
	assert_string_equal(why, "the partition table has no such partition");
}

static void
broken_mbrs_come_to_an_end(void **state)
{
	struct extent extent;
	const char *why;

	(void)state;
	assert_int_equal(partition_find(&disk, 1, &extent, &why), -ENOENT);
	assert_string_equal(why, "no partition table there");
	put_mbr_entry(0, 0, 0x83, 0xfffffff0, 0xfffffff0);
	assert_int_equal(partition_find(&disk, 1, &extent, &why), -EINVAL);
	put_mbr_entry(0, 1, 0x05, 200, 900);
	put_mbr_entry(200 * 512, 1, 0x05, 0, 900); /* bites its tail, and has no partition */
	assert_int_equal(partition_find(&disk, 1000, &extent, &why), -ENOENT);
	put_mbr_entry(200 * 512, 1, 0x05, 0x7fffffff, 900); /* off the disk */
	assert_int_equal(partition_find(&disk, 6, &extent, &why), -EIO);
	disk.size = 100;
	assert_int_equal(partition_find(&disk, 1, &extent, &why), -EIO);
}

static void
gpt_partitions_are_found_in_both_sector_sizes(void **state)
{
	static const uint32_t sectors[] = {512, 4096};
	struct extent extent;
	const char *why;

	(void)state;
	put_mbr_entry(0, 0, 0xee, 1, DISK_BYTES / 512 - 1);
	for (size_t i = 0; i < 2; i++) {
		uint32_t sector = sectors[i];

		memset(image + 512, 0, DISK_BYTES - 512);
		put_gpt(1, 2, sector);
		expect(partition_find(&disk, 1, &extent, &why), &extent, 40 * sector, 10 * sector);
		expect(partition_find(&disk, 3, &extent, &why), &extent, 60 * sector, sector);
		assert_int_equal(partition_find(&disk, 2, &extent, &why), -ENOENT);
		assert_int_equal(partition_find(&disk, 5, &extent, &why), -ENOENT);
		assert_string_equal(why, "the GUID partition table has no such partition");
	}
}

static void
the_spare_gpt_stands_in(void **state)
{
	struct extent extent;
	const char *why;

	(void)state;
	put_gpt(1, 2, 512);
	put_gpt(DISK_BYTES / 512 - 1, DISK_BYTES / 512 - 5, 512);
	image[512 + 72] ^= 1; /* the first header's checksum fails */
	expect(partition_find(&disk, 1, &extent, &why), &extent, 40 * 512, 10 * 512);
	image[DISK_BYTES - 5 * 512 + 3] ^= 1; /* and the second table's */
	assert_int_equal(partition_find(&disk, 1, &extent, &why), -EINVAL);
	assert_string_equal(why, "the GUID partition table is damaged");
}

/* Rewrites a 32-bit field of the first header and its checksum. */
static void
change_gpt(size_t field, uint32_t value)
{
	put32(512 + field, value, false);
	put32(512 + 16, 0, false);
	put32(512 + 16, crc32(image + 512, 92), false);
}

static void
hostile_gpts_are_refused(void **state)
{
	static const struct {
		size_t field;
		uint32_t value;
	} changes[] = {{12, 91}, {12, 513}, {12, UINT32_MAX}, {72, UINT32_MAX}, {76, UINT32_MAX},
	    {80, UINT32_MAX}, {84, 0}, {84, 64}, {84, UINT32_MAX}, {88, 0}, {24, 7}};
	struct extent extent;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		put_gpt(1, 2, 512);
		change_gpt(changes[i].field, changes[i].value);
		assert_int_not_equal(partition_find(&disk, 1, &extent, &why), 0);
		assert_non_null(why);
	}
	/* A header that differs from its checksum only. */
	put_gpt(1, 2, 512);
	image[512 + 40] ^= 1;
	assert_int_equal(partition_find(&disk, 1, &extent, &why), -EINVAL);
	assert_string_equal(why, "the GUID partition table is damaged");
	/* Entries that end before they begin, or wrap around. */
	put_gpt(1, 2, 512);
	put64(1024 + 40, 30);
	change_gpt(88, crc32(image + 1024, 4 * 128));
	assert_int_equal(partition_find(&disk, 1, &extent, &why), -EINVAL);
	assert_string_equal(why, "the partition ends before it begins");
	put64(1024 + 32, 0);
	put64(1024 + 40, UINT64_MAX);
	change_gpt(88, crc32(image + 1024, 4 * 128));
	assert_int_equal(partition_find(&disk, 1, &extent, &why), -EINVAL);
	put64(1024 + 40, UINT64_MAX - 1);
	change_gpt(88, crc32(image + 1024, 4 * 128));
	assert_int_equal(partition_find(&disk, 1, &extent, &why), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_disk, remove_disk)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_disklabel_is_found_in_either_byte_order),
	    TEST(a_disklabel_counts_in_its_own_sectors),
	    TEST(a_label_inside_netbsds_mbr_partition_is_found),
	    TEST(damaged_labels_are_not_believed),
	    TEST(mbr_partitions_are_found_by_number),
	    TEST(broken_mbrs_come_to_an_end),
	    TEST(gpt_partitions_are_found_in_both_sector_sizes),
	    TEST(the_spare_gpt_stands_in),
	    TEST(hostile_gpts_are_refused),
	};

	return cmocka_run_group_tests_name("server_partition", tests, NULL, NULL);
}
