/* SPDX-License-Identifier: BSD-2-Clause */
/* Partition tables of every kind on arbitrary disks: what is found lies within the disk. */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rump_server/partition.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct disk *disk, int error, const struct extent *extent, const char *why)
{
	if (error != 0) {
		if (error > 0 || why == NULL)
			abort();
		return;
	}
	if (extent->size == 0 || extent->offset > disk->size || extent->size > disk->size - extent->offset)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct disk disk = {.size = size};
	struct extent extent;
	const char *why;

	if (fd == -1)
		fd = memfd_create("disk", MFD_CLOEXEC);
	disk.fd = fd;
	if (ftruncate(fd, 0) == -1 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	for (unsigned number = 0; number < 8; number++) {
		int error;

		why = NULL;
		error = partition_find(&disk, number, &extent, &why);
		check(&disk, error, &extent, why);
		why = NULL;
		error = disklabel_find(&disk, (char)('a' + number), &extent, &why);
		check(&disk, error, &extent, why);
	}
	return 0;
}
