/* SPDX-License-Identifier: BSD-2-Clause */
/* What the file systems that live on a device have in common when they are mounted. */
#ifndef KERNEL_FS_IMAGE_IMAGE_H
#define KERNEL_FS_IMAGE_IMAGE_H

#include <stdbool.h>
#include "kernel/dev/special.h"
#include "kernel/vfs/mount.h"

/* Opens the device whose path is at an address of the caller's, and says in mp->mnt_from which it is. */
int image_open(struct mount *mp, const char *fspec, bool rdonly, struct rumpk_special *device);

/*
 * Gives mp a cache of vnodes (vcache.h), and finds the root in it for mp->mnt_root. mp->mnt_data is set, for
 * load. After an error, as RUMP_EIO when the root is no directory, nothing that has been loaded is left.
 */
int image_find_root(struct mount *mp, int (*load)(struct mount *mp, uint64_t ino, struct vnode *vp),
    unsigned unused, uint64_t root);

/* vfsops.vfs_release */
void image_release(struct mount *mp);

#endif
