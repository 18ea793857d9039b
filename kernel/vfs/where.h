/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a directory lies: from below upwards, by its "..". No lock is held. */
#ifndef KERNEL_VFS_WHERE_H
#define KERNEL_VFS_WHERE_H

#include "kernel/vfs/vnode.h"

/* The directory above vp, mounts left, with a reference. RUMP_ENOENT when it has been removed, or is the top.
 */
int vnode_above(struct vnode *vp, struct vnode **abovep);
/* Whether vp is `above` or lies under it. */
bool vnode_is_under(struct vnode *vp, const struct vnode *above);
/*
 * The path from root to the directory vp, terminated, at the end of buf: *pathp is where it begins.
 * RUMP_ERANGE, RUMP_ENOENT when vp has no path from there, RUMP_EACCES when cred, unless NULL, may not know.
 */
int vnode_path(struct vnode *vp, const struct vnode *root, const struct rumpk_cred *cred, char *buf,
    size_t size, char **pathp);

#endif
