/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process's current directory and root.
 *
 * Theory of operation: both hold a reference and are replaced under the lock. Walks without locks read them
 * without it: the vnode replaced is freed only after them.
 */
#ifndef KERNEL_VFS_CWD_H
#define KERNEL_VFS_CWD_H

#include "kernel/base/lock.h"
#include "kernel/base/lwp.h"
#include "kernel/vfs/vnode.h"

struct vfs_cwd {
	rumpk_mutex cw_lock;
	struct vnode *cw_dir;
	struct vnode *cw_root;
};

/* With references. */
void cwd_get(struct proc *p, struct vnode **dirp, struct vnode **rootp);
/* Takes the reference over. */
void cwd_set_dir(struct proc *p, struct vnode *vp);
/* Root and current directory both: chroot(2) of NetBSD changes the current directory when it is outside; see
 * chroot_to. */
void cwd_set_root(struct proc *p, struct vnode *vp);
/* Installs the hooks and gives processes 0 and 1 the root. */
void cwd_init(struct vnode *root);

#endif
