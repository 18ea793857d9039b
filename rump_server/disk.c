/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "rump_server/partition.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int
disk_read(const struct disk *disk, uint64_t offset, void *buffer, size_t length, const char **why)
{
	uint8_t *at = buffer;

	*why = "the disk is too short";
	if (offset > disk->size || length > disk->size - offset)
		return -EIO;
	while (length > 0) {
		ssize_t n = pread(disk->fd, at, length, (off_t)offset);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			int error = errno;

			*why = strerror(error);
			return -error;
		}
		if (n == 0)
			return -EIO;
		at += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
	return 0;
}

int
disk_extent(const struct disk *disk, uint64_t start, uint64_t count, uint32_t sector, struct extent *extent,
    const char **why)
{
	uint64_t end;

	*why = "the partition is empty";
	if (count == 0)
		return -EINVAL;
	*why = "the partition does not lie within the disk";
	if (__builtin_mul_overflow(start, sector, &extent->offset) ||
	    __builtin_mul_overflow(count, sector, &extent->size) ||
	    __builtin_add_overflow(extent->offset, extent->size, &end) || end > disk->size)
		return -EINVAL;
	return 0;
}

int
partition_find(const struct disk *disk, unsigned number, struct extent *extent, const char **why)
{
	const char *gpt_why;
	int error = gpt_find(disk, number, extent, &gpt_why);

	if (error != -ENXIO) {
		*why = gpt_why;
		return error;
	}
	return mbr_find(disk, number, extent, why);
}
