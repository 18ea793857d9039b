/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls on files, beyond the dispatcher. */
#ifndef HIJACK_FILES_H
#define HIJACK_FILES_H

#include "hijack/abi/stat.h"
#include "hijack/dispatch.h"
#include "hijack/path.h"

/* A call on a path that lies inside: rest are its arguments behind the path. */
typedef long hijack_inside_fn(const struct hijack_place *place, const long *rest);

hijack_inside_fn hijack_inside_getxattr, hijack_inside_lgetxattr, hijack_inside_setxattr,
    hijack_inside_lsetxattr, hijack_inside_listxattr, hijack_inside_llistxattr, hijack_inside_removexattr,
    hijack_inside_lremovexattr, hijack_inside_utimensat, hijack_inside_utime, hijack_inside_utimes,
    hijack_inside_umount2, hijack_inside_chroot, hijack_inside_openat;

/* The call with arguments (directory, path, ...), or (path, ...) with hijack_beyond_plain: wherever the path
 * leads. */
hijack_call_fn hijack_beyond_at, hijack_beyond_plain;

/* (directory, path, directory, path, flags) of renameat2 and linkat; symlinkat's (target, directory, path).
 */
hijack_call_fn hijack_beyond_rename, hijack_beyond_link, hijack_beyond_symlink;

/* mount, whose second argument is the path that counts. */
hijack_call_fn hijack_beyond_mount;

/* Of descriptors and the process. */
hijack_call_fn hijack_beyond_getcwd, hijack_beyond_fchdir, hijack_beyond_futimens, hijack_beyond_umask,
    hijack_beyond_close, hijack_beyond_dup2, hijack_beyond_close_range, hijack_beyond_mmap,
    hijack_beyond_sendfile, hijack_beyond_copy_file_range, hijack_beyond_splice, hijack_beyond_socket;

/* sendmsg, sendmmsg, recvmsg and recvmmsg on the host's sockets. */
hijack_call_fn hijack_beyond_host_message;

/* Of memory, and of the end. */
hijack_call_fn hijack_beyond_munmap, hijack_beyond_mremap, hijack_beyond_msync, hijack_beyond_exit;

/* Of waiting. */
hijack_call_fn hijack_beyond_limit, hijack_beyond_poll, hijack_beyond_ppoll, hijack_beyond_select,
    hijack_beyond_pselect6;

/* Of epoll. The last: shadow is what the host returned. */
hijack_call_fn hijack_beyond_epoll, hijack_beyond_epoll_created, hijack_beyond_epoll_dup,
    hijack_beyond_epoll_ctl, hijack_beyond_epoll_nest, hijack_beyond_epoll_passed;

/* openat with O_TMPFILE. */
long hijack_open_temporary(const struct hijack_place *directory, int flags, uint64_t mode);

/* Status by descriptor: newfstatat's and statx's results for the program. */
long hijack_status_fd(long fd, uint64_t to);
long hijack_status_fd_extended(long fd, uint64_t to);

/* futimens with the program's times, and fchroot. */
long hijack_times_fd(int rump, uint64_t from);
long hijack_chroot_fd(int rump);

/* What a link of the host's to something of the rump kernel's reads as: -ENOENT when the host knows better.
 * And a descriptor opened by such a link. */
long hijack_read_own_link(const struct hijack_own_name *own, uint64_t to, long size);
long hijack_open_own_link(long fd, int flags);

/* Who uid 0 inside is. */
struct hijack_identity hijack_identity(void);
uint32_t hijack_inner_uid(uint32_t uid);
uint32_t hijack_inner_gid(uint32_t gid);

/* bind and connect: of sockets of the rump kernel's, and of the host's, whose name may lie inside. */
hijack_call_fn hijack_inside_bind, hijack_inside_connect, hijack_beyond_local_name;

/* ioctl's requests: about disks, flags of files, and network interfaces, the last of the rump kernel's
 * descriptors and of the host's local sockets. */
hijack_call_fn hijack_inside_disk, hijack_inside_file_flags, hijack_inside_interface, hijack_beyond_interface;

/* Entries of calls whose first argument is a shadow: those of FD(), and others. */
hijack_call_fn hijack_inside_getdents64, hijack_inside_ioctl, hijack_inside_sendmsg, hijack_inside_sendmmsg,
    hijack_inside_recvmsg, hijack_inside_recvmmsg;
#define CALL(name, entry)
#define FD(name, entry) hijack_call_fn entry;
#include "hijack/calls.def"
#undef FD
#undef CALL

#endif
