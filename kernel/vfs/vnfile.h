/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files that are vnodes: what the operations of their struct file share. fp->data is the vnode,
 * with a reference that is the file's.
 */
#ifndef KERNEL_VFS_VNFILE_H
#define KERNEL_VFS_VNFILE_H

#include "kernel/base/file.h"
#include "kernel/vfs/vnode.h"

extern const struct fileops vn_fileops; /* regular files and directories */

/* The vnode of a descriptor, with the file referenced; RUMP_EBADF, and RUMP_EINVAL when it is none. */
int vnfile_get(struct lwp *l, int fd, struct file **fpp, struct vnode **vpp);

/* Accounts an open file to vp: calls the file system's open. */
int vnfile_opened(struct vnode *vp, uint32_t flags);
/* The reverse of it, and gives back the reference. */
int vnfile_closed(struct vnode *vp, uint32_t flags);

/* For the fileops of all kinds of vnodes. */
int vnfile_stat(struct file *fp, struct rump_stat *st);
int vnfile_fcntl(struct file *fp, int cmd, void *arg);
void vnfile_fdclose(struct file *fp, struct proc *p);
int vnfile_kqfilter_vnode(struct vnode *vp, struct rumpk_knote *kn);
/* Releases flock's lock, and the rest of vnfile_closed. */
int vnfile_close(struct file *fp);

/* Within the kernel: contents of a regular file, from and to memory of this process. */
RUMPK_EXPORT int rumpk_vn_rdwr(
    struct vnode *vp, enum rumpk_rw rw, void *buf, size_t len, int64_t offset, size_t *done);
/* Opens by path, for mounting and the like: the vnode with a reference, opened with `flags` (RUMPK_FREAD |
 * RUMPK_FWRITE). */
RUMPK_EXPORT int rumpk_vn_open(
    struct lwp *l, int atfd, char *path, int oflags, uint32_t mode, struct vnode **vpp);
RUMPK_EXPORT int rumpk_vn_close(struct vnode *vp, uint32_t flags);
/* Changes the size of a regular file, permissions being the caller's business. Kevents are told. */
int vn_truncate(struct vnode *vp, int64_t size);

#endif
