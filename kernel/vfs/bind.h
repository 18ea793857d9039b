/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of sockets in the file system. */
#ifndef KERNEL_VFS_BIND_H
#define KERNEL_VFS_BIND_H

#include "kernel/base/lwp.h"
#include "kernel/vfs/vnode.h"

/*
 * Makes a socket's node (VSOCK) of that path, with the permissions that the umask leaves, and gives its
 * vnode with a reference. RUMP_EADDRINUSE when there is something already, and what making files can fail of.
 */
RUMPK_EXPORT int rumpk_vfs_bind(struct lwp *l, const char *path, struct vnode **vpp);

#endif
