/* SPDX-License-Identifier: BSD-2-Clause */
/* The system calls of this component, and what they share. */
#ifndef KERNEL_VFS_CALLS_H
#define KERNEL_VFS_CALLS_H

#include "kernel/base/syscall.h"
#include "kernel/vfs/namei.h"

#define ALLPERMS 07777u
/* What an open file keeps of open(2)'s flags, beside the access mode: those that fcntl shows. */
#define OPEN_FLAGS_KEPT \
	(RUMP_O_NONBLOCK | RUMP_O_APPEND | RUMP_O_ASYNC | RUMP_O_SYNC | RUMP_O_DSYNC | RUMP_O_RSYNC | \
	    RUMP_O_ALT_IO | RUMP_O_DIRECT | RUMP_O_NOSIGPIPE)

/* Makes what pa names, which is not there: owner, group and permissions are seen to. [X pa_dvp] */
int vn_create_locked(
    struct lwp *l, const struct parent *pa, struct vattr *va, const char *target, struct vnode **vpp);
/* Whether cred may remove or rename vp in dvp. [X both] */
int vn_may_remove(struct vnode *dvp, struct vnode *vp, const struct rumpk_cred *cred);
/* Between these mp does not become read-only; RUMP_EROFS when it is. */
int mount_write_begin(struct mount *mp);
void mount_write_end(struct mount *mp);

#define VFS_CALLS(X) \
	X(open, sys_open) \
	X(openat, sys_openat) \
	X(mkdir, sys_mkdir) \
	X(mkdirat, sys_mkdirat) \
	X(compat_50_mknod, sys_mknod) \
	X(__mknod50, sys_mknod) \
	X(mknodat, sys_mknodat) \
	X(mkfifo, sys_mkfifo) \
	X(mkfifoat, sys_mkfifoat) \
	X(symlink, sys_symlink) \
	X(symlinkat, sys_symlinkat) \
	X(link, sys_link) \
	X(linkat, sys_linkat) \
	X(unlink, sys_unlink) \
	X(unlinkat, sys_unlinkat) \
	X(rmdir, sys_rmdir) \
	X(rename, sys_rename) \
	X(renameat, sys_renameat) \
	X(__posix_rename, sys_posix_rename) \
	X(readlink, sys_readlink) \
	X(readlinkat, sys_readlinkat) \
	X(__stat50, sys_stat) \
	X(__lstat50, sys_lstat) \
	X(fstatat, sys_fstatat) \
	X(access, sys_access) \
	X(faccessat, sys_faccessat) \
	X(chmod, sys_chmod) \
	X(lchmod, sys_lchmod) \
	X(fchmod, sys_fchmod) \
	X(fchmodat, sys_fchmodat) \
	X(chown, sys_chown) \
	X(lchown, sys_lchown) \
	X(fchown, sys_fchown) \
	X(fchownat, sys_fchownat) \
	X(__posix_chown, sys_posix_chown) \
	X(__posix_lchown, sys_posix_lchown) \
	X(__posix_fchown, sys_posix_fchown) \
	X(chflags, sys_chflags) \
	X(lchflags, sys_lchflags) \
	X(fchflags, sys_fchflags) \
	X(__utimes50, sys_utimes) \
	X(__lutimes50, sys_lutimes) \
	X(__futimes50, sys_futimes) \
	X(utimensat, sys_utimensat) \
	X(futimens, sys_futimens) \
	X(truncate, sys_truncate) \
	X(ftruncate, sys_ftruncate) \
	X(fsync, sys_fsync) \
	X(fdatasync, sys_fdatasync) \
	X(fsync_range, sys_fsync_range) \
	X(posix_fallocate, sys_posix_fallocate) \
	X(__posix_fadvise50, sys_posix_fadvise) \
	X(fdiscard, sys_fdiscard) \
	X(__getdents30, sys_getdents) \
	X(flock, sys_flock) \
	X(chdir, sys_chdir) \
	X(fchdir, sys_fchdir) \
	X(chroot, sys_chroot) \
	X(fchroot, sys_fchroot) \
	X(__getcwd, sys_getcwd) \
	X(pathconf, sys_pathconf) \
	X(fpathconf, sys_fpathconf) \
	X(sync, sys_sync) \
	X(__mount50, sys_mount) \
	X(unmount, sys_unmount) \
	X(getvfsstat, sys_getvfsstat) \
	X(statvfs1, sys_statvfs) \
	X(fstatvfs1, sys_fstatvfs) \
	X(extattrctl, sys_extattrctl) \
	X(extattr_set_file, sys_extattr_set_file) \
	X(extattr_get_file, sys_extattr_get_file) \
	X(extattr_delete_file, sys_extattr_delete_file) \
	X(extattr_list_file, sys_extattr_list_file) \
	X(extattr_set_link, sys_extattr_set_link) \
	X(extattr_get_link, sys_extattr_get_link) \
	X(extattr_delete_link, sys_extattr_delete_link) \
	X(extattr_list_link, sys_extattr_list_link) \
	X(extattr_set_fd, sys_extattr_set_fd) \
	X(extattr_get_fd, sys_extattr_get_fd) \
	X(extattr_delete_fd, sys_extattr_delete_fd) \
	X(extattr_list_fd, sys_extattr_list_fd) \
	X(setxattr, sys_setxattr) \
	X(lsetxattr, sys_lsetxattr) \
	X(fsetxattr, sys_fsetxattr) \
	X(getxattr, sys_getxattr) \
	X(lgetxattr, sys_lgetxattr) \
	X(fgetxattr, sys_fgetxattr) \
	X(listxattr, sys_listxattr) \
	X(llistxattr, sys_llistxattr) \
	X(flistxattr, sys_flistxattr) \
	X(removexattr, sys_removexattr) \
	X(lremovexattr, sys_lremovexattr) \
	X(fremovexattr, sys_fremovexattr)

#define X(name, handler) int handler(struct lwp *l, rumpk_args args, long *retval);
VFS_CALLS(X)
#undef X

#endif
