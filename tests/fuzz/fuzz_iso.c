/* SPDX-License-Identifier: BSD-2-Clause */
/* The ISO 9660 reader on arbitrary images. An input is an image without its first 32 KiB, which nobody reads.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/fs/cd9660/iso.h"

#define SYSTEM_AREA (16 * ISO_SECTOR)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct image {
	const uint8_t *data;
	size_t size;
};

static int
read_image(void *device, uint64_t offset, void *buf, size_t len)
{
	const struct image *image = device;

	if (offset > SYSTEM_AREA + image->size || len > SYSTEM_AREA + image->size - offset)
		abort();
	if (offset < SYSTEM_AREA) {
		size_t part = len < SYSTEM_AREA - offset ? len : (size_t)(SYSTEM_AREA - offset);

		memset(buf, 0, part);
		buf = (char *)buf + part;
		offset += part;
		len -= part;
	}
	if (len > 0)
		memcpy(buf, image->data + (offset - SYSTEM_AREA), len);
	return 0;
}

static void
walk(const struct iso_volume *volume, const struct iso_node *dir, int depth, int *budget)
{
	struct iso_entry *entry = malloc(sizeof(*entry));
	uint64_t position = 0;
	char buf[256];
	size_t done;

	while (entry != NULL && (*budget)-- > 0 && iso_readdir(volume, dir, &position, entry) == 0) {
		if (entry->namelen == 0 || strlen(entry->name) != entry->namelen ||
		    strchr(entry->name, '/') != NULL)
			abort();
		(void)iso_read(volume, &entry->node, 0, buf, sizeof(buf), &done);
		if (depth > 0 && (entry->node.mode & RUMP_S_IFMT) == RUMP_S_IFDIR)
			walk(volume, &entry->node, depth - 1, budget);
	}
	free(entry);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image image = {data, size};

	for (uint32_t flags = 0; flags <= (ISO_NO_ROCK_RIDGE | ISO_NO_JOLIET); flags++) {
		struct iso_volume volume;
		struct iso_node root;
		int budget = 500;

		if (iso_volume_open(&volume, read_image, &image, SYSTEM_AREA + size, flags) == 0 &&
		    iso_root(&volume, &root) == 0)
			walk(&volume, &root, 6, &budget);
	}
	return 0;
}
