/* SPDX-License-Identifier: BSD-2-Clause */
/* tmpfs: NetBSD's mount arguments, over the file system in memory that librumpvfs has. */
#include "kernel/base/component.h"
#include "kernel/fs/memfs/memfs.h"
#include "kernel/vfs/mount.h"

/* What every mount needs for its own, in nodes, and the least size that makes sense. */
#define NODES_MIN 3

struct limits {
	uint64_t bytes, nodes;
};

static int
check(const struct rump_tmpfs_args *args, struct limits *limits)
{
	if (args->ta_version != RUMP_TMPFS_ARGS_VERSION)
		return RUMP_EINVAL;
	limits->bytes =
	    args->ta_size_max > 0 && args->ta_size_max < INT64_MAX ? (uint64_t)args->ta_size_max : 0;
	limits->nodes =
	    args->ta_nodes_max > NODES_MIN && args->ta_nodes_max < UINT32_MAX ? args->ta_nodes_max : 0;
	return 0;
}

static int
tmpfs_getargs(struct mount *mp, void *data, size_t *lenp)
{
	struct rump_tmpfs_args *args = data;
	const struct memfs *fs = mp->mnt_data;

	memset(args, 0, sizeof(*args));
	args->ta_version = RUMP_TMPFS_ARGS_VERSION;
	args->ta_nodes_max = __atomic_load_n(&fs->max_nodes, __ATOMIC_RELAXED);
	args->ta_size_max = (int64_t)__atomic_load_n(&fs->max_bytes, __ATOMIC_RELAXED);
	args->ta_root_uid = mp->mnt_root->v_uid;
	args->ta_root_gid = mp->mnt_root->v_gid;
	args->ta_root_mode = mp->mnt_root->v_mode;
	*lenp = sizeof(*args);
	return 0;
}

static int
tmpfs_mount(struct mount *mp, void *data, size_t *lenp, uint64_t flags, uint64_t oldflags)
{
	const struct rump_tmpfs_args *args = data;
	struct limits limits;
	int error;

	(void)oldflags;
	if (flags & RUMP_MNT_GETARGS)
		return tmpfs_getargs(mp, data, lenp);
	if ((flags & RUMP_MNT_UPDATE) && data == NULL)
		return 0;
	error = check(args, &limits);
	if (error != 0)
		return error;
	if (flags & RUMP_MNT_UPDATE)
		return rumpk_memfs_limits(mp, limits.bytes, limits.nodes);
	if (args->ta_root_mode & ~07777u)
		return RUMP_EINVAL;
	__atomic_fetch_or(&mp->mnt_flag, RUMP_MNT_LOCAL, __ATOMIC_RELAXED);
	memcpy(mp->mnt_from, "tmpfs", sizeof("tmpfs"));
	return rumpk_memfs_create(
	    mp, limits.bytes, limits.nodes, args->ta_root_mode, args->ta_root_uid, args->ta_root_gid);
}

static struct vfsops tmpfs_ops = {
    .vfs_name = "tmpfs",
    .vfs_args_size = sizeof(struct rump_tmpfs_args),
    .vfs_mount = tmpfs_mount,
    .vfs_release = rumpk_memfs_release,
    .vfs_free = rumpk_memfs_free,
    .vfs_statvfs = rumpk_memfs_statvfs,
};

static void
tmpfs_init(void)
{
	rumpk_vfs_register(&tmpfs_ops);
}

RUMPK_COMPONENT(tmpfs, RUMP_COMPONENT_VFS, tmpfs_init);
