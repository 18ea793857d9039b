/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests about disks. NetBSD's disks tell how large they are and how long a sector is; the rest follows
 * from that, or is what a disk on the host says that has nothing special about it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>

#include "hijack/copy.h"
#include "hijack/files.h"
#include "hijack/names.h"
#include "hijack/rump.h"

#define SECTOR 512u /* what BLKGETSIZE counts in */
#define BLOCK_MOST 4096
#define SECTORS_MOST 256 /* in a request */

struct disk {
	int64_t bytes;
	uint32_t sector;
};

static long
perform(int rump, unsigned int request, void *argument)
{
	return HIJACK_RUMP(ioctl, (uint64_t)rump, request, hijack_slot(argument));
}

/* -ENOTTY: it is none. Kernels of NetBSD's differ in which of the requests their disks know. */
static long
look_at(int rump, struct disk *disk)
{
	struct rump_disklabel label = {0};
	long size = perform(rump, RUMP_DIOCGMEDIASIZE, &disk->bytes);
	long sector = perform(rump, RUMP_DIOCGSECTORSIZE, &disk->sector), error;

	if (size == 0 && sector == 0)
		return 0;
	error = perform(rump, RUMP_DIOCGDINFO, &label);
	if (error != 0)
		return error == -EOPNOTSUPP || error == -ENODEV ? -ENOTTY : error;
	if (size != 0)
		disk->bytes = (int64_t)label.d_secperunit * label.d_secsize;
	if (sector != 0)
		disk->sector = label.d_secsize;
	return 0;
}

/* The size of the host's blocks of such a disk: up to a page's, as long as there is no part of one at the
 * end. */
static int
block_size(const struct disk *disk)
{
	int size = (int)disk->sector;

	while (size > 0 && size < BLOCK_MOST && (disk->bytes & size) == 0)
		size *= 2;
	return size;
}

/* No request tells; one that cannot be opened for writing is read-only. */
static long
is_read_only(const struct hijack_call *call)
{
	struct hijack_place place;
	char path[PATH_MAX];
	long rump;

	if (hijack_name_find(call->shadow, path, &place) != 1)
		return 0;
	rump = HIJACK_RUMP(
	    openat, (uint64_t)place.directory, hijack_slot(place.path), RUMP_O_RDWR | RUMP_O_CLOEXEC, 0);
	if (rump >= 0)
		(void)HIJACK_RUMP(close, (uint64_t)rump);
	return rump == -EROFS || rump == -EACCES || rump == -EPERM;
}

/* One that is open for reading only is flushed with all others. */
static long
flush(int rump)
{
	int32_t force = 1;
	long error = perform(rump, RUMP_DIOCCACHESYNC, &force), synced = HIJACK_RUMP(fsync, (uint64_t)rump);

	if (error == -EBADF || synced == -EBADF)
		(void)HIJACK_RUMP(sync, 0);
	return error == 0 || error == -EBADF || error == -ENOTTY ? 0 : error;
}

static long
put(const struct hijack_call *call, const void *value, size_t size)
{
	return hijack_copyout((uint64_t)call->arg[2], value, size);
}

static long
put_int(const struct hijack_call *call, long value)
{
	int made = (int)value;

	return put(call, &made, sizeof(made));
}

static long
put_long(const struct hijack_call *call, long value)
{
	return put(call, &value, sizeof(value));
}

static long
put_short(const struct hijack_call *call, long value)
{
	unsigned short made = (unsigned short)value;

	return put(call, &made, sizeof(made));
}

static bool
concerns(unsigned int request)
{
	switch (request) {
	case BLKGETSIZE64:
	case BLKBSZGET:
	case BLKBSZSET:
		return true;
	default:
		return request >= BLKROSET && request <= BLKZEROOUT;
	}
}

static long
set_block_size(const struct hijack_call *call, const struct disk *disk)
{
	int size;

	if (hijack_copyin(&size, (uint64_t)call->arg[2], sizeof(size)) != 0)
		return -EFAULT;
	return size >= (int)disk->sector && size <= BLOCK_MOST && (size & (size - 1)) == 0 ? 0 : -EINVAL;
}

long
hijack_inside_disk(const struct hijack_call *call)
{
	unsigned int request = (unsigned int)call->arg[1];
	struct disk disk = {0};
	long error = concerns(request) ? look_at((int)call->arg[0], &disk) : -ENOTTY;

	if (error != 0)
		return error;
	switch (request) {
	case BLKGETSIZE64:
		return put_long(call, disk.bytes);
	case BLKGETSIZE:
		return put_long(call, disk.bytes / SECTOR);
	case BLKSSZGET:
	case BLKPBSZGET:
	case BLKIOMIN:
		return put_int(call, disk.sector);
	case BLKBSZGET:
		return put_int(call, block_size(&disk));
	case BLKBSZSET:
		return set_block_size(call, &disk);
	case BLKROGET:
		return put_int(call, is_read_only(call));
	case BLKFLSBUF:
		return flush((int)call->arg[0]);
	case BLKIOOPT:
	case BLKALIGNOFF:
	case BLKDISCARDZEROES:
		return put_int(call, 0);
	case BLKRAGET:
	case BLKFRAGET:
		return put_long(call, 0);
	case BLKSECTGET:
		return put_short(call, SECTORS_MOST);
	case BLKROTATIONAL:
		return put_short(call, 0);
	case BLKRASET:
	case BLKFRASET:
		return 0;
	case BLKRRPART:
		return -EINVAL;
	case BLKDISCARD:
	case BLKSECDISCARD:
	case BLKZEROOUT:
	case BLKROSET:
		return -EOPNOTSUPP;
	default:
		return -ENOTTY;
	}
}
