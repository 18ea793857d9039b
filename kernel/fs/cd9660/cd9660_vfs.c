/* SPDX-License-Identifier: BSD-2-Clause */
/* Mounting ISO 9660 images, for reading alone. */
#include <string.h>
#include "kernel/base/mem.h"
#include "kernel/base/print.h"
#include "kernel/fs/cd9660/cd9660.h"
#include "kernel/fs/image/image.h"

/* Files without users that are kept. */
#define UNUSED_VNODES 1024
#define MOST_COMPLAINTS 10

int
cd9660_complain(struct cd9660_mount *m, uint64_t where, int error)
{
	if (error == RUMP_EIO && __atomic_fetch_add(&m->complaints, 1, __ATOMIC_RELAXED) < MOST_COMPLAINTS)
		rumpk_warn("cd9660: device %llx: the image is broken at or near byte %llu\n",
		    (unsigned long long)m->device.dev, (unsigned long long)where);
	return error;
}

static int
read_device(void *device, uint64_t offset, void *buf, size_t len)
{
	return rumpk_special_transfer(device, RUMPK_READ, buf, len, offset);
}

static int
open_volume(const struct mount *mp, struct cd9660_mount *m)
{
	uint32_t flags = 0;
	int error;

	if ((m->flags & RUMP_ISOFSMNT_NORRIP) != 0)
		flags |= ISO_NO_ROCK_RIDGE;
	if ((m->flags & RUMP_ISOFSMNT_NOJOLIET) != 0)
		flags |= ISO_NO_JOLIET;
	if ((m->flags & RUMP_ISOFSMNT_GENS) != 0)
		flags |= ISO_KEEP_VERSIONS;
	if ((m->flags & RUMP_ISOFSMNT_NOCASETRANS) != 0)
		flags |= ISO_KEEP_CASE;
	error = iso_volume_open(&m->volume, read_device, &m->device, m->device.size, flags);
	if (error == RUMP_EINVAL)
		rumpk_warn("cd9660: %s: is no ISO 9660 image\n", mp->mnt_from);
	m->fold = m->volume.rock_ridge && (m->flags & RUMP_ISOFSMNT_RRCASEINS) != 0;
	return cd9660_complain(m, 16 * ISO_SECTOR, error);
}

static int
get_args(const struct mount *mp, struct rump_iso_args *args, size_t *lenp)
{
	memset(args, 0, sizeof(*args));
	args->flags = cd9660_mount_of(mp)->flags;
	*lenp = sizeof(*args);
	return 0;
}

static int
cd9660_mount(struct mount *mp, void *data, size_t *lenp, uint64_t flags, uint64_t oldflags)
{
	const struct rump_iso_args *args = data;
	struct cd9660_mount *m;
	int error;

	(void)oldflags;
	if ((flags & RUMP_MNT_GETARGS) != 0)
		return get_args(mp, data, lenp);
	if ((flags & RUMP_MNT_RDONLY) == 0)
		return RUMP_EROFS;
	if ((flags & RUMP_MNT_UPDATE) != 0)
		return 0;
	m = rumpk_zalloc(sizeof(*m));
	if (m == NULL)
		return RUMP_ENOMEM;
	m->flags = args->flags;
	error = image_open(mp, args->fspec, true, &m->device);
	if (error != 0)
		goto out;
	error = open_volume(mp, m);
	if (error != 0)
		goto close;
	mp->mnt_data = m;
	error = image_find_root(mp, cd9660_load, UNUSED_VNODES, m->volume.root.offset);
	if (error == 0)
		return 0;
	mp->mnt_data = NULL;
close:
	rumpk_special_close(&m->device);
out:
	rumpk_free(m, sizeof(*m));
	return error;
}

static void
cd9660_free(struct mount *mp)
{
	struct cd9660_mount *m = cd9660_mount_of(mp);

	if (m == NULL)
		return;
	rumpk_special_close(&m->device);
	rumpk_free(m, sizeof(*m));
}

static int
cd9660_statvfs(struct mount *mp, struct rump_statvfs *st)
{
	const struct iso_volume *volume = &cd9660_mount_of(mp)->volume;

	st->f_bsize = st->f_frsize = st->f_iosize = volume->block_size;
	st->f_blocks = volume->space / volume->block_size;
	st->f_namemax = ISO_NAME_MAX;
	return 0;
}

static struct vfsops cd9660_ops = {
    .vfs_name = "cd9660",
    .vfs_args_size = sizeof(struct rump_iso_args),
    .vfs_mount = cd9660_mount,
    .vfs_release = image_release,
    .vfs_free = cd9660_free,
    .vfs_statvfs = cd9660_statvfs,
};

static void
cd9660_init(void)
{
	rumpk_vfs_register(&cd9660_ops);
}

RUMPK_COMPONENT(cd9660, RUMP_COMPONENT_VFS, cd9660_init);
