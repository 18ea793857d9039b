/* SPDX-License-Identifier: BSD-2-Clause */
/* The vnodes behind etfs's keys. All are made with one hold, and 0755 as their mode. */
#ifndef KERNEL_VFS_ETFS_NODE_H
#define KERNEL_VFS_ETFS_NODE_H

#include "kernel/vfs/vnode.h"

/* size UINT64_MAX: as long as the host's file is, and growing with it. */
int etfs_reg_create(
    struct mount *mp, const char *hostpath, uint64_t begin, uint64_t size, struct vnode **vpp);
int etfs_dev_create(struct mount *mp, enum vtype type, uint64_t dev, uint64_t size, struct vnode **vpp);
int etfs_dir_create(struct mount *mp, const char *hostpath, bool subdirs, struct vnode **vpp);

#endif
