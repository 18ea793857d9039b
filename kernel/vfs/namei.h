/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From paths to vnodes.
 *
 * Theory of operation
 *
 * A path that only has to be found is first walked without locks (walk_fast.c): directories of file systems
 * with lookup_fast, permissions by the vnodes' own words, mounts by v_mounted. Whatever is out of the
 * ordinary there (symbolic links, "..", an entry that is missing, a directory without lookup_fast) begins the
 * walk anew (namei.c), with a reference on each directory and its shared lock during each lookup; never two
 * locks at a time. Paths whose last component is to be made, removed or renamed give its directory back,
 * referenced and not locked: the caller locks it, and looks the component up again under the lock
 * (namei_last).
 */
#ifndef KERNEL_VFS_NAMEI_H
#define KERNEL_VFS_NAMEI_H

#include "kernel/base/lwp.h"
#include "kernel/base/uio.h"
#include "kernel/vfs/vnode.h"

enum {
	NAMEI_FOLLOW = 0x1, /* the last component, if a symbolic link, is followed */
};

/* A parent directory and the last component in it. */
struct parent {
	struct vnode *pa_dvp; /* referenced */
	struct name pa_name;  /* in pa_path; length 0: the path names pa_dvp itself, as "/" does */
	bool pa_slash;        /* slashes follow it */
	char pa_path[RUMP_MAXPATHLEN];
};

/* Copies a path in: RUMP_EFAULT, RUMP_ENAMETOOLONG. buf has RUMP_MAXPATHLEN bytes. */
RUMPK_EXPORT int rumpk_copyinpath(struct lwp *l, rumpk_uaddr upath, char *buf);

/*
 * The vnode that `path` names, with a reference, from descriptor atfd (RUMP_AT_FDCWD: the current directory)
 * or the root. cred is whose permissions count. path may be changed.
 */
RUMPK_EXPORT int rumpk_namei(
    struct lwp *l, const struct rumpk_cred *cred, int atfd, char *path, unsigned flags, struct vnode **vpp);
/* The same for an address of the caller's. */
RUMPK_EXPORT int rumpk_namei_user(
    struct lwp *l, int atfd, rumpk_uaddr upath, unsigned flags, struct vnode **vpp);

/* The directory of the last component of pa->pa_path, which the caller has filled in. */
int namei_parent(struct lwp *l, int atfd, unsigned flags, struct parent *pa);
int namei_parent_user(struct lwp *l, int atfd, rumpk_uaddr upath, unsigned flags, struct parent *pa);
/*
 * What pa_name names in pa_dvp, with a reference; the caller has pa_dvp's lock. RUMP_ENOENT. Does not
 * enter mounts, and knows "." (a reference on pa_dvp) but not "..".
 */
/* Whether paths can begin at the descriptor: RUMP_EBADF, RUMP_ENOTDIR. */
int namei_check_start(struct lwp *l, int atfd);
int namei_last(const struct parent *pa, struct vnode **vpp);
bool name_isdot(const struct name *name);
bool name_isdotdot(const struct name *name);

/*
 * The lock-free walk: true with a reference on what path names when it comes through. To be called with
 * nothing held; start is where relative paths begin, and both need no reference when they are l's own
 * directories.
 */
bool walk_fast(const struct rumpk_cred *cred, struct vnode *root, struct vnode *start, const char *path,
    unsigned flags, struct vnode **vpp);

#endif
