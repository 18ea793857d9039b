/* SPDX-License-Identifier: BSD-2-Clause */
/* librumpvfs joins the kernel: its calls, its root, what lies in /dev, and the end. */
#include "kernel/base/halt.h"
#include "kernel/base/print.h"
#include "kernel/dev/dev.h"
#include "kernel/dev/hostdisk.h"
#include "kernel/fs/memfs/memfs.h"
#include "kernel/vfs/advlock.h"
#include "kernel/vfs/calls.h"
#include "kernel/vfs/cwd.h"
#include "kernel/vfs/etfs.h"
#include "kernel/vfs/mount.h"

static const struct rumpk_syscall calls[] = {
#define X(name, handler) {RUMPK_SYS_##name, handler},
    VFS_CALLS(X)
#undef X
};

static int
rootfs_mount(struct mount *mp, void *args, size_t *lenp, uint64_t flags, uint64_t oldflags)
{
	(void)args, (void)lenp, (void)oldflags;
	if (flags & RUMP_MNT_UPDATE)
		return 0;
	if (flags & RUMP_MNT_GETARGS)
		return RUMP_EOPNOTSUPP;
	return rumpk_memfs_create(mp, 0, 0, 0755, 0, 0);
}

static struct vfsops rootfs_ops = {
    .vfs_name = "rumpfs",
    .vfs_mount = rootfs_mount,
    .vfs_release = rumpk_memfs_release,
    .vfs_free = rumpk_memfs_free,
    .vfs_statvfs = rumpk_memfs_statvfs,
};

static void
mount_root(void)
{
	struct mount *mp;
	size_t len = 0;

	if (rumpk_vfs_register(&rootfs_ops) != 0 ||
	    mount_create(&rootfs_ops, RUMP_MNT_LOCAL | RUMP_MNT_ROOTFS, &mp) != 0 ||
	    rootfs_mount(mp, NULL, &len, 0, 0) != 0 || mount_enter(mp, NULL) != 0)
		rumpk_panic("no memory for the root file system");
	rumpk_rootvnode = mp->mnt_root;
	memcpy(mp->mnt_on, "/", 2);
	memcpy(mp->mnt_from, "rumpfs", 7);
}

static void
halt(void)
{
	mount_sync_all(true);
	mount_unmount_all();
}

static struct rumpk_halt_hook halt_hook = {.f = halt};

static void
vfs_init(void)
{
	name_hash_init();
	rcu_init();
	mount_init();
	advlock_init();
	memfs_init();
	dev_init();
	mount_root();
	rumpk_log("root file system type: rumpfs, in memory\n");
	cwd_init(rumpk_rootvnode);
	etfs_init();
	hostdisk_init();
	rumpk_syscall_register(calls, sizeof(calls) / sizeof(calls[0]));
	rumpk_dev_directory("/dev", 0755);
	rumpk_dev_directory("/tmp", 0777 | RUMP_S_ISVTX);
	mem_init();
	rumpk_halt_hook_register(&halt_hook);
}

RUMPK_COMPONENT(vfs, RUMP__FACTION_VFS, vfs_init);
