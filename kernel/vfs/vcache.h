/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vnodes by number: for file systems whose files live elsewhere than in memory.
 *
 * Theory of operation: a mount that uses it has a table of its vnodes by file number. rumpk_vcache_get finds
 * one, or makes it and has the file system load it. A vnode whose last reference goes stays, on a list of the
 * unused, up to a number; what falls off the list is reclaimed, as is one whose file has no link left. While
 * a vnode is loaded or reclaimed, whoever asks for its number waits. The last reference is dropped under the
 * table's lock.
 */
#ifndef KERNEL_VFS_VCACHE_H
#define KERNEL_VFS_VCACHE_H

#include "kernel/vfs/vnode.h"

/*
 * Gives mp a cache: `load` is given a zeroed vnode of number ino, with v_mount, v_ino, locks and times set,
 * and sets v_op, v_type, v_data and the attributes; its error becomes rumpk_vcache_get's. At most `unused`
 * vnodes are kept without users. RUMP_ENOMEM.
 */
RUMPK_EXPORT int rumpk_vcache_create(
    struct mount *mp, int (*load)(struct mount *mp, uint64_t ino, struct vnode *vp), unsigned unused);
/* The vnode of that number, with a user's reference. May sleep. */
RUMPK_EXPORT int rumpk_vcache_get(struct mount *mp, uint64_t ino, struct vnode **vpp);
/* Reclaims all unused vnodes: before unmounting, or to give memory back. */
RUMPK_EXPORT void rumpk_vcache_flush(struct mount *mp);
/* Calls f for each vnode there is, referenced meanwhile. */
RUMPK_EXPORT void rumpk_vcache_each(struct mount *mp, void (*f)(struct vnode *vp, void *arg), void *arg);

/* Within the component. */
void vcache_unhold(struct vnode *vp);
void vcache_destroy(struct mount *mp);

#endif
