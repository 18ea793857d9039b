/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting, unmounting, and what concerns the file system as a whole.
 *
 * Theory of operation: while it is mounted for writing, the file system is marked as in use, as Linux does
 * it; after a crash e2fsck sees that and checks everything. The journal of ext3 and ext4 is neither written
 * nor replayed: an image that needs that is not mounted for writing.
 */
#include <string.h>
#include "kernel/base/mem.h"
#include "kernel/fs/ext2fs/ext2fs.h"
#include "kernel/fs/image/image.h"
#include "kernel/vfs/vcache.h"

/* Files without users whose contents and names are kept. */
#define UNUSED_VNODES 2048

/* Marks it as in use. [nobody else uses it] */
static int
begin_writing(struct ext2_mount *m)
{
	/* Where bitmaps and tables lie is taken as it is after this. */
	errcode_t error = ext2fs_check_desc(m->fs);

	if (error == 0)
		error = ext2fs_read_bitmaps(m->fs);
	if (error != 0)
		return ext2_error(m, error);
	m->state = m->fs->super->s_state;
	m->fs->super->s_state &= (uint16_t)~EXT2_VALID_FS;
	m->fs->super->s_mnt_count++;
	m->fs->super->s_mtime = (uint32_t)rumpk_vnode_now().tv_sec;
	m->fs->flags |= EXT2_FLAG_MASTER_SB_ONLY;
	ext2fs_mark_super_dirty(m->fs);
	return ext2_error(m, ext2fs_flush(m->fs));
}

/* Marks it as it was found, with all that is in memory on the disk. [nobody else uses it] */
static int
end_writing(struct ext2_mount *m)
{
	int error;

	m->fs->super->s_state = m->state;
	m->fs->super->s_wtime = (uint32_t)rumpk_vnode_now().tv_sec;
	m->fs->flags &= ~EXT2_FLAG_MASTER_SB_ONLY;
	ext2fs_mark_super_dirty(m->fs);
	error = ext2_error(m, ext2fs_flush(m->fs));
	if (error == 0 && m->device.ops->flush != NULL)
		error = m->device.ops->flush(m->device.dev);
	return error;
}

static int
open_file_system(struct mount *mp, struct ext2_mount *m)
{
	int flags = EXT2_FLAG_64BITS | (m->rdonly ? 0 : EXT2_FLAG_RW);
	int error = ext2_check_super(mp, &m->device);

	if (error == 0)
		error = ext2_error(m, ext2_open(m, flags));
	if (error != 0)
		return error;
	error = ext2_check_features(mp, m->fs->super, m->rdonly);
	if (error == 0) {
		ext2_cache_init(&m->cache, m->fs->blocksize);
		if (!m->rdonly)
			error = begin_writing(m);
		if (error != 0)
			ext2_cache_fini(&m->cache);
	}
	if (error != 0)
		ext2fs_free(m->fs);
	return error;
}

/* From reading alone to writing, and back. */
static int
update(struct mount *mp, uint64_t flags, uint64_t oldflags)
{
	struct ext2_mount *m = ext2_mount_of(mp);
	int error = 0;

	if ((flags & RUMP_MNT_RDONLY) == (oldflags & RUMP_MNT_RDONLY))
		return 0;
	/* The device was opened for reading alone. */
	if ((flags & RUMP_MNT_RDONLY) == 0 && (m->device.flags & RUMPK_FWRITE) == 0)
		return RUMP_EROFS;
	if ((flags & RUMP_MNT_RDONLY) != 0) {
		error = mp->mnt_ops->vfs_sync(mp, true);
		rumpk_lock(m->lock);
		if (error == 0 && (error = end_writing(m)) == 0)
			m->rdonly = true;
		rumpk_unlock(m->lock);
		return error;
	}
	rumpk_lock(m->lock);
	error = ext2_check_features(mp, m->fs->super, false);
	if (error == 0 && (error = begin_writing(m)) == 0)
		m->rdonly = false;
	rumpk_unlock(m->lock);
	return error;
}

static int
ext2_mount(struct mount *mp, void *data, size_t *lenp, uint64_t flags, uint64_t oldflags)
{
	const struct rump_ufs_args *args = data;
	struct ext2_mount *m;
	int error;

	if ((flags & RUMP_MNT_GETARGS) != 0) {
		memset(data, 0, sizeof(*args));
		*lenp = sizeof(*args);
		return 0;
	}
	/* Names and contents are written back later, or by fsync. */
	if ((flags & (RUMP_MNT_SYNCHRONOUS | RUMP_MNT_RDONLY)) == RUMP_MNT_SYNCHRONOUS)
		return RUMP_EOPNOTSUPP;
	if ((flags & RUMP_MNT_UPDATE) != 0)
		return update(mp, flags, oldflags);
	m = rumpk_zalloc(sizeof(*m));
	if (m == NULL)
		return RUMP_ENOMEM;
	m->rdonly = (flags & RUMP_MNT_RDONLY) != 0;
	error = image_open(mp, args->fspec, m->rdonly, &m->device);
	if (error != 0)
		goto out;
	rumpk_mutex_init(&m->lock);
	error = open_file_system(mp, m);
	if (error != 0)
		goto close;
	mp->mnt_data = m;
	error = image_find_root(mp, ext2_load, UNUSED_VNODES, EXT2_ROOT_INO);
	if (error == 0)
		return 0;
	if (!m->rdonly)
		(void)end_writing(m);
	mp->mnt_data = NULL;
	ext2_cache_fini(&m->cache);
	ext2fs_free(m->fs);
close:
	rumpk_mutex_destroy(&m->lock);
	rumpk_special_close(&m->device);
out:
	rumpk_free(m, sizeof(*m));
	return error;
}

struct sync {
	int error;
};

static void
sync_one(struct vnode *vp, void *arg)
{
	struct sync *sync = arg;
	int error = 0;

	vnode_lock(vp);
	if (vnode_ops(vp) == &ext2_vnodeops && vp->v_data != NULL && vp->v_nlink != 0)
		error = ext2_flush(vp);
	vnode_unlock(vp);
	if (sync->error == 0)
		sync->error = error;
}

static int
ext2_sync(struct mount *mp, bool wait)
{
	struct ext2_mount *m = ext2_mount_of(mp);
	struct sync sync = {0};

	if (m->rdonly || m->gone)
		return 0;
	rumpk_vcache_each(mp, sync_one, &sync);
	rumpk_lock(m->lock);
	if (sync.error == 0)
		sync.error = ext2_error(m, ext2fs_flush(m->fs));
	rumpk_unlock(m->lock);
	if (sync.error == 0 && wait && m->device.ops->flush != NULL)
		sync.error = m->device.ops->flush(m->device.dev);
	return sync.error;
}

/* A file without names that somebody still has open when the mount goes by force. */
static void
drop_nameless(struct vnode *vp, void *arg)
{
	struct ext2_mount *m = arg;

	vnode_lock(vp);
	if (vp->v_data != NULL && vp->v_nlink == 0 && !ext2_node_of(vp)->freed) {
		rumpk_lock(m->lock);
		ext2_free_inode(m, ext2_node_of(vp));
		rumpk_unlock(m->lock);
	}
	vnode_unlock(vp);
}

static int
ext2_unmount(struct mount *mp, bool force)
{
	struct ext2_mount *m = ext2_mount_of(mp);
	int error;

	if (m->rdonly)
		return 0;
	/* What has no user any more goes first, so that inodes without names are given back. */
	rumpk_vcache_flush(mp);
	if (force)
		rumpk_vcache_each(mp, drop_nameless, m);
	error = ext2_sync(mp, true);
	if (error == 0) {
		rumpk_lock(m->lock);
		error = end_writing(m);
		rumpk_unlock(m->lock);
	}
	if (error == 0 || force)
		m->gone = true;
	return error;
}

static void
ext2_free(struct mount *mp)
{
	struct ext2_mount *m = ext2_mount_of(mp);

	if (m == NULL)
		return;
	ext2_cache_fini(&m->cache);
	ext2fs_free(m->fs);
	rumpk_mutex_destroy(&m->lock);
	rumpk_special_close(&m->device);
	rumpk_free(m, sizeof(*m));
}

static int
ext2_statvfs(struct mount *mp, struct rump_statvfs *st)
{
	struct ext2_mount *m = ext2_mount_of(mp);
	const struct ext2_super_block *super = m->fs->super;
	uint64_t reserved = ext2fs_r_blocks_count((struct ext2_super_block *)(uintptr_t)super), free_blocks;

	rumpk_lock(m->lock);
	free_blocks = ext2fs_free_blocks_count((struct ext2_super_block *)(uintptr_t)super);
	free_blocks -= m->promised < free_blocks ? m->promised : free_blocks;
	st->f_bsize = st->f_frsize = st->f_iosize = m->fs->blocksize;
	st->f_blocks = ext2fs_blocks_count((struct ext2_super_block *)(uintptr_t)super);
	st->f_bfree = free_blocks;
	st->f_bavail = free_blocks > reserved ? free_blocks - reserved : 0;
	st->f_bresvd = reserved;
	st->f_files = super->s_inodes_count;
	st->f_ffree = st->f_favail = super->s_free_inodes_count;
	st->f_namemax = EXT2_NAME_LEN;
	rumpk_unlock(m->lock);
	return 0;
}

static struct vfsops ext2_ops = {
    .vfs_name = "ext2fs",
    .vfs_args_size = sizeof(struct rump_ufs_args),
    .vfs_mount = ext2_mount,
    .vfs_unmount = ext2_unmount,
    .vfs_release = image_release,
    .vfs_free = ext2_free,
    .vfs_statvfs = ext2_statvfs,
    .vfs_sync = ext2_sync,
};

static void
ext2fs_init(void)
{
	initialize_ext2_error_table();
	ext2_io_init();
	rumpk_vfs_register(&ext2_ops);
}

RUMPK_COMPONENT(ext2fs, RUMP_COMPONENT_VFS, ext2fs_init);
