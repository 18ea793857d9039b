/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation: each transfer is made by the thread that waits for it; any number may be under way. A
 * disk has one host descriptor to read by, opened with the first open, and another to write by, opened when
 * somebody wants that for the first time; so what can only be read on the host can be read here.
 */
#include <string.h>
#include "kernel/base/lock.h"
#include "kernel/base/mem.h"
#include "kernel/base/print.h"
#include "kernel/dev/dev.h"
#include "kernel/dev/hostdisk.h"

#define MAJOR_HOSTDISK 197
#define DISKS_MAX 64
#define SECTOR 512
/* NetBSD's raw partition on amd64: "d". */
#define RAW_PARTITION 3

struct disk {
	char *hostpath;
	uint64_t begin, size;
	rumpk_mutex lock;
	unsigned opens;
	int fd[2]; /* by rumpk_rw; -1: not open */
};

static rumpk_mutex disks_lock;
static struct disk *disks[DISKS_MAX];

/* One transfer that is waited for: by this thread, as nobody else has anything to do meanwhile. */
static int
transfer(struct disk *d, enum rumpk_rw rw, void *buf, size_t len, uint64_t offset, size_t *moved)
{
	struct rumpuser_iovec iov = {.iov_base = buf, .iov_len = len};
	int64_t at = (int64_t)(d->begin + offset);

	return rw == RUMPK_READ ? rumpuser_iovread(d->fd[rw], &iov, 1, at, moved)
				: rumpuser_iovwrite(d->fd[rw], &iov, 1, at, moved);
}

static struct disk *
disk_of(uint64_t dev)
{
	uint32_t minor = dev_minor(dev);
	struct disk *d;

	rumpk_lock(disks_lock);
	d = minor < DISKS_MAX ? disks[minor] : NULL;
	rumpk_unlock(disks_lock);
	return d;
}

/* Opens the host's file, unless it is open for that. [d->lock] */
static int
host_open(struct disk *d, enum rumpk_rw rw)
{
	int mode = RUMPUSER_OPEN_BIO | (rw == RUMPK_READ ? RUMPUSER_OPEN_RDONLY : RUMPUSER_OPEN_RDWR);

	return d->fd[rw] != -1 ? 0 : rumpuser_open(d->hostpath, mode, &d->fd[rw]);
}

/* Closes what is open. Closing one that was written by says whether all of it is on the host. [d->lock] */
static int
host_close(struct disk *d)
{
	int error = 0;

	for (int rw = RUMPK_READ; rw <= RUMPK_WRITE; rw++) {
		if (d->fd[rw] != -1)
			error = rumpuser_close(d->fd[rw]);
		d->fd[rw] = -1;
	}
	return error;
}

static int
disk_open(uint64_t dev, uint32_t flags)
{
	struct disk *d = disk_of(dev);
	int error;

	if (d == NULL)
		return RUMP_ENXIO;
	rumpk_lock(d->lock);
	error = host_open(d, RUMPK_READ);
	if (error == 0 && (flags & RUMPK_FWRITE))
		error = host_open(d, RUMPK_WRITE);
	if (error == 0)
		d->opens++;
	else if (d->opens == 0)
		(void)host_close(d);
	rumpk_unlock(d->lock);
	return error;
}

static int
disk_close(uint64_t dev, uint32_t flags)
{
	struct disk *d = disk_of(dev);
	int error;

	(void)flags;
	rumpk_lock(d->lock);
	error = --d->opens == 0 ? host_close(d) : 0;
	rumpk_unlock(d->lock);
	return error;
}

static int
disk_transfer(uint64_t dev, enum rumpk_rw rw, void *buf, size_t len, uint64_t offset)
{
	struct disk *d = disk_of(dev);
	size_t moved;
	int error;

	if (offset > d->size || len > d->size - offset)
		return RUMP_EINVAL;
	while (len > 0) {
		error = transfer(d, rw, buf, len, offset, &moved);
		if (error != 0)
			return error;
		/* The host's file has become shorter than it was. */
		if (moved == 0)
			return RUMP_EIO;
		buf = (char *)buf + moved;
		offset += moved;
		len -= moved;
	}
	return 0;
}

/* Reads and writes through the node; at the end a read is short, and a write fails. */
static int
disk_rdwr(uint64_t dev, struct rumpk_uio *uio)
{
	struct disk *d = disk_of(dev);
	int error = 0;

	if (uio->offset < 0)
		return RUMP_EINVAL;
	if ((uint64_t)uio->offset >= d->size)
		return uio->rw == RUMPK_READ ? 0 : RUMP_ENOSPC;
	while (error == 0 && uio->resid > 0 && (uint64_t)uio->offset < d->size) {
		size_t len;
		void *piece = rumpk_uiopiece(uio, &len);

		if (len > d->size - (uint64_t)uio->offset)
			len = d->size - (uint64_t)uio->offset;
		error = disk_transfer(dev, uio->rw, piece, len, (uint64_t)uio->offset);
		if (error == 0)
			rumpk_uioskip(uio, len);
	}
	return error;
}

static int
disk_read(uint64_t dev, struct rumpk_uio *uio, int flags)
{
	(void)flags;
	return disk_rdwr(dev, uio);
}

static int
disk_flush(uint64_t dev)
{
	struct disk *d = disk_of(dev);

	if (d->fd[RUMPK_WRITE] == -1)
		return 0;
	return rumpuser_syncfd(
	    d->fd[RUMPK_WRITE], RUMPUSER_SYNCFD_WRITE | RUMPUSER_SYNCFD_SYNC, d->begin, d->size);
}

static int
disk_write(uint64_t dev, struct rumpk_uio *uio, int flags)
{
	int error = disk_rdwr(dev, uio);

	if (error == 0 && (flags & RUMPK_IO_SYNC))
		error = disk_flush(dev);
	return error;
}

/* The same through a raw node, of whole sectors. */
static bool
is_whole(const struct rumpk_uio *uio)
{
	return uio->offset % SECTOR == 0 && uio->resid % SECTOR == 0;
}

static int
raw_read(uint64_t dev, struct rumpk_uio *uio, int flags)
{
	return is_whole(uio) ? disk_read(dev, uio, flags) : RUMP_EINVAL;
}

static int
raw_write(uint64_t dev, struct rumpk_uio *uio, int flags)
{
	return is_whole(uio) ? disk_write(dev, uio, flags) : RUMP_EINVAL;
}

static int
disk_size(uint64_t dev, uint64_t *bytes)
{
	*bytes = disk_of(dev)->size;
	return 0;
}

/* A label as NetBSD's kernel makes one up for such a disk: all of it, in the raw partition. */
static void
make_label(const struct disk *d, struct rump_disklabel *lp)
{
	uint64_t sectors = d->size / SECTOR;

	memset(lp, 0, sizeof(*lp));
	lp->d_secsize = SECTOR;
	lp->d_nsectors = sectors < 2048 ? (uint32_t)sectors : 2048;
	lp->d_ntracks = 1;
	lp->d_secpercyl = lp->d_nsectors;
	lp->d_ncylinders = lp->d_secpercyl != 0 ? (uint32_t)(sectors / lp->d_secpercyl) : 0;
	lp->d_secperunit = sectors > UINT32_MAX ? UINT32_MAX : (uint32_t)sectors;
	lp->d_npartitions = RAW_PARTITION + 1;
	lp->d_partitions[0].p_size = lp->d_secperunit;
	lp->d_partitions[RAW_PARTITION].p_size = lp->d_secperunit;
	memcpy(lp->d_typename, "rumpd", sizeof("rumpd"));
	memcpy(lp->un_d_packname, "fictitious", sizeof("fictitious"));
}

static int
disk_ioctl(uint64_t dev, unsigned long cmd, void *data, uint32_t fflags)
{
	struct disk *d = disk_of(dev);

	switch (cmd) {
	case RUMP_DIOCGDINFO:
		make_label(d, data);
		return 0;
	case RUMP_DIOCGMEDIASIZE:
		*(int64_t *)data = (int64_t)d->size;
		return 0;
	case RUMP_DIOCGSECTORSIZE:
		*(uint32_t *)data = SECTOR;
		return 0;
	case RUMP_DIOCCACHESYNC:
		return fflags & RUMPK_FWRITE ? disk_flush(dev) : RUMP_EBADF;
	default:
		return RUMP_ENOTTY;
	}
}

/* clang-format off */
#define BOTH_KINDS \
	.name = "rumpblk", .open = disk_open, .close = disk_close, .ioctl = disk_ioctl, .size = disk_size, \
	.transfer = disk_transfer, .flush = disk_flush, .disk = true
/* clang-format on */
static const struct rumpk_devops disk_ops = {BOTH_KINDS, .read = disk_read, .write = disk_write};
static const struct rumpk_devops raw_ops = {BOTH_KINDS, .read = raw_read, .write = raw_write};

int
hostdisk_create(const char *hostpath, uint64_t begin, uint64_t size, uint64_t *devp)
{
	struct disk *d = rumpk_zalloc(sizeof(*d));
	uint32_t minor;

	if (d == NULL)
		return RUMP_ENOMEM;
	d->hostpath = rumpk_strdup(hostpath);
	if (d->hostpath == NULL) {
		rumpk_free(d, sizeof(*d));
		return RUMP_ENOMEM;
	}
	d->begin = begin;
	d->size = size;
	d->fd[RUMPK_READ] = d->fd[RUMPK_WRITE] = -1;
	rumpk_mutex_init(&d->lock);
	rumpk_lock(disks_lock);
	for (minor = 0; minor < DISKS_MAX && disks[minor] != NULL; minor++)
		;
	if (minor < DISKS_MAX)
		disks[minor] = d;
	rumpk_unlock(disks_lock);
	if (minor < DISKS_MAX) {
		*devp = dev_make(MAJOR_HOSTDISK, minor);
		return 0;
	}
	rumpk_mutex_destroy(&d->lock);
	rumpk_free(d->hostpath, strlen(d->hostpath) + 1);
	rumpk_free(d, sizeof(*d));
	return RUMP_ENOSPC;
}

int
hostdisk_destroy(uint64_t dev)
{
	struct disk *d = disk_of(dev);

	rumpk_lock(disks_lock);
	if (d->opens != 0) {
		rumpk_unlock(disks_lock);
		return RUMP_EBUSY;
	}
	disks[dev_minor(dev)] = NULL;
	rumpk_unlock(disks_lock);
	rumpk_mutex_destroy(&d->lock);
	rumpk_free(d->hostpath, strlen(d->hostpath) + 1);
	rumpk_free(d, sizeof(*d));
	return 0;
}

void
hostdisk_init(void)
{
	rumpk_mutex_init(&disks_lock);
	rumpk_dev_register(&disk_ops, UINT32_MAX, MAJOR_HOSTDISK);
	rumpk_dev_register(&raw_ops, MAJOR_HOSTDISK, UINT32_MAX);
}
