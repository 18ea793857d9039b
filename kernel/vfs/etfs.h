/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * etfs: files of the host under absolute paths of the kernel's.
 *
 * Theory of operation: the keys are a list of their own, asked by walks whenever they stand in the root
 * directory, with all of the path that is left; so a key hides whatever is at that path, its directories need
 * not exist, and no directory lists it. Each key has a vnode of a mount of its own that is in no list
 * (etfs_mount): a regular file (etfs_reg.c), a directory (etfs_dir.c), or a device node for the disk that the
 * host's file has become (kernel/dev/hostdisk.h).
 */
#ifndef KERNEL_VFS_ETFS_H
#define KERNEL_VFS_ETFS_H

#include "kernel/vfs/vnode.h"

extern uint32_t etfs_nkeys;

/* Whether there are any keys: one load. */
static inline bool
etfs_any(void)
{
	return __atomic_load_n(&etfs_nkeys, __ATOMIC_ACQUIRE) != 0;
}

/* Whether a key is at the beginning of path, whole components long; then *end is behind it and *vpp its
 * vnode, referenced. */
bool etfs_lookup(char *path, char **end, struct vnode **vpp);

void etfs_init(void);

#endif
