/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ISO 9660 images, mounted.
 *
 * Theory of operation: the reader (iso.h) keeps nothing but what the volume descriptors say, and the host
 * caches what is read of the device; so files are read in parallel and without a lock. A vnode's number is
 * its file's place in the image (iso_node.ino), from which it is loaded again. The names of a directory are
 * listed when they are first wanted, under the node's lock, and stay with its vnode.
 */
#ifndef KERNEL_FS_CD9660_CD9660_H
#define KERNEL_FS_CD9660_CD9660_H

#include "kernel/base/lock.h"
#include "kernel/dev/special.h"
#include "kernel/fs/cd9660/iso.h"
#include "kernel/fs/names/names.h"
#include "kernel/vfs/mount.h"

struct cd9660_mount {
	struct rumpk_special device;
	struct iso_volume volume;
	uint32_t complaints; /* about the image, so far; atomic */
	bool fold;           /* names are looked for whatever their case */
	int32_t flags;       /* as mount(2) was given them */
};

struct cd9660_node {
	struct iso_node file;
	struct names_slot names; /* of a directory */
};

static inline struct cd9660_mount *
cd9660_mount_of(const struct mount *mp)
{
	return mp->mnt_data;
}

/* Says on the console that the image is broken, for RUMP_EIO and the first few times; returns error. */
int cd9660_complain(struct cd9660_mount *m, uint64_t where, int error);
/* For rumpk_vcache_create. */
int cd9660_load(struct mount *mp, uint64_t ino, struct vnode *vp);

#endif
