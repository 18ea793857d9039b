/* SPDX-License-Identifier: BSD-2-Clause */
/* Volume descriptors: the primary one, and Joliet's. */
#include <string.h>

#include "kernel/fs/cd9660/iso.h"

#define FIRST_DESCRIPTOR 16
#define MOST_DESCRIPTORS 64

enum { PRIMARY = 1, SUPPLEMENTARY = 2, TERMINATOR = 255 };

int
iso_extent_of(const struct iso_volume *volume, uint32_t block, uint64_t length, struct iso_extent *extent)
{
	extent->offset = (uint64_t)block * volume->block_size;
	extent->length = length;
	if (extent->offset > volume->device_size || length > volume->device_size - extent->offset)
		return RUMP_EIO;
	return 0;
}

/* Joliet announces itself by one of three escape sequences. */
static bool
is_joliet(const uint8_t *descriptor)
{
	const uint8_t *escape = descriptor + 88;

	return escape[0] == '%' && escape[1] == '/' &&
	       (escape[2] == '@' || escape[2] == 'C' || escape[2] == 'E');
}

static void
take_label(struct iso_volume *volume, const uint8_t *text)
{
	size_t len = sizeof(volume->label) - 1;

	memcpy(volume->label, text, len);
	while (len > 0 && (volume->label[len - 1] == ' ' || volume->label[len - 1] == '\0'))
		len--;
	volume->label[len] = '\0';
}

/* Takes sizes and the root directory from a descriptor. */
static int
take_descriptor(struct iso_volume *volume, const uint8_t *descriptor)
{
	const uint8_t *root = descriptor + 156;
	uint32_t block_size = iso_le16(descriptor + 128);

	if (block_size < 512 || block_size > ISO_SECTOR || (block_size & (block_size - 1)) != 0)
		return RUMP_EIO;
	volume->block_size = block_size;
	volume->space = (uint64_t)iso_le32(descriptor + 80) * block_size;
	if (root[0] < 34)
		return RUMP_EIO;
	return iso_extent_of(volume, iso_le32(root + 2), iso_le32(root + 10), &volume->root);
}

/* Finds the descriptors; *joliet is its sector, or 0. */
static int
find_descriptors(struct iso_volume *volume, uint8_t *sector, uint64_t *primary, uint64_t *joliet)
{
	*primary = *joliet = 0;
	for (uint64_t i = 0; i < MOST_DESCRIPTORS; i++) {
		uint64_t offset = (FIRST_DESCRIPTOR + i) * ISO_SECTOR;
		int error;

		if (volume->device_size < ISO_SECTOR || offset > volume->device_size - ISO_SECTOR)
			break;
		if ((error = volume->read(volume->device, offset, sector, ISO_SECTOR)) != 0)
			return error;
		if (memcmp(sector + 1, "CD001", 5) != 0 || sector[0] == TERMINATOR)
			break;
		if (sector[0] == PRIMARY && *primary == 0)
			*primary = offset;
		if (sector[0] == SUPPLEMENTARY && *joliet == 0 && is_joliet(sector))
			*joliet = offset;
	}
	return *primary != 0 ? 0 : RUMP_EINVAL;
}

int
iso_volume_open(
    struct iso_volume *volume, iso_read_fn read, void *device, uint64_t device_size, uint32_t flags)
{
	uint8_t sector[ISO_SECTOR];
	uint64_t primary, joliet;
	int error;

	memset(volume, 0, sizeof(*volume));
	volume->read = read;
	volume->device = device;
	volume->device_size = device_size;
	volume->flags = flags;
	if ((error = find_descriptors(volume, sector, &primary, &joliet)) != 0 ||
	    (error = read(device, primary, sector, ISO_SECTOR)) != 0 ||
	    (error = take_descriptor(volume, sector)) != 0)
		return error;
	take_label(volume, sector + 40);
	if ((flags & ISO_NO_ROCK_RIDGE) == 0 && (error = iso_rockridge_probe(volume)) != 0)
		return error;
	if (volume->rock_ridge || joliet == 0 || (flags & ISO_NO_JOLIET) != 0)
		return 0;
	if ((error = read(device, joliet, sector, ISO_SECTOR)) != 0)
		return error;
	volume->joliet = true;
	return take_descriptor(volume, sector);
}
