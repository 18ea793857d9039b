/* SPDX-License-Identifier: BSD-2-Clause */
/* Mounting, for reading alone. */
#include <string.h>
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"
#include "kernel/base/print.h"
#include "kernel/fs/squashfs/squashfs.h"
#include "kernel/vfs/vcache.h"

/* Files without users that are kept. */
#define UNUSED_VNODES 1024

static void
state_init(struct squash_mount *m)
{
	rumpk_mutex_init(&m->lock);
	squash_cache_init(&m->cache);
	squash_parents_init(&m->parents);
}

static void
state_fini(struct squash_mount *m)
{
	squash_parents_fini(&m->parents);
	squash_cache_fini(&m->cache);
	rumpk_mutex_destroy(&m->lock);
	rumpk_special_close(&m->device);
	rumpk_free(m, sizeof(*m));
}

static int
find_root(struct mount *mp)
{
	struct squash_mount *m = squash_mount_of(mp);
	struct vnode *root;
	uint64_t ino = SQUASH_INO(m->super.root_inode_ref);
	/* Noted first, so that nothing in the image can become its parent. */
	int error = squash_parents_note(&m->parents, ino, ino);

	if (error == 0)
		error = rumpk_vcache_get(mp, ino, &root);
	if (error != 0)
		return error;
	if (root->v_type != VDIR) {
		rumpk_vrele(root);
		rumpk_warn("squashfs: %s: its root is no directory\n", mp->mnt_from);
		return RUMP_EIO;
	}
	rumpk_vhold(root);
	rumpk_vrele(root);
	mp->mnt_root = root;
	return 0;
}

static int
squash_mount(struct mount *mp, void *data, size_t *lenp, uint64_t flags, uint64_t oldflags)
{
	const struct rump_ufs_args *args = data;
	char path[RUMP_MAXPATHLEN];
	struct squash_mount *m;
	int error;

	(void)oldflags;
	if ((flags & RUMP_MNT_GETARGS) != 0) {
		memset(data, 0, sizeof(*args));
		*lenp = sizeof(*args);
		return 0;
	}
	if ((flags & RUMP_MNT_RDONLY) == 0)
		return RUMP_EROFS;
	if ((flags & RUMP_MNT_UPDATE) != 0)
		return 0;
	m = rumpk_zalloc(sizeof(*m));
	if (m == NULL)
		return RUMP_ENOMEM;
	error =
	    rumpk_special_open(rumpk_curlwp(), (rumpk_uaddr)(uintptr_t)args->fspec, true, path, &m->device);
	if (error != 0) {
		rumpk_free(m, sizeof(*m));
		return error;
	}
	memcpy(mp->mnt_from, path, sizeof(mp->mnt_from));
	mp->mnt_from[sizeof(mp->mnt_from) - 1] = '\0';
	state_init(m);
	error = squash_open(mp, m);
	if (error != 0)
		goto fini;
	mp->mnt_data = m;
	__atomic_fetch_or(&mp->mnt_flag, RUMP_MNT_LOCAL, __ATOMIC_RELAXED);
	error = rumpk_vcache_create(mp, squash_load, UNUSED_VNODES);
	if (error == 0)
		error = find_root(mp);
	if (error == 0)
		return 0;
	mp->mnt_data = NULL;
	squash_close(m);
fini:
	state_fini(m);
	return error;
}

static int
squash_unmount(struct mount *mp, bool force)
{
	(void)mp;
	(void)force;
	return 0;
}

static void
squash_release(struct mount *mp)
{
	rumpk_vunhold(mp->mnt_root);
	rumpk_vcache_flush(mp);
}

static void
squash_free(struct mount *mp)
{
	struct squash_mount *m = squash_mount_of(mp);

	if (m == NULL)
		return;
	squash_close(m);
	state_fini(m);
}

static int
squash_statvfs(struct mount *mp, struct rump_statvfs *st)
{
	const sqfs_super_t *super = &squash_mount_of(mp)->super;

	st->f_bsize = st->f_frsize = st->f_iosize = super->block_size;
	st->f_blocks = (super->bytes_used + super->block_size - 1) / super->block_size;
	st->f_files = super->inode_count;
	st->f_namemax = 255;
	return 0;
}

static struct vfsops squash_ops = {
    .vfs_name = "squashfs",
    .vfs_args_size = sizeof(struct rump_ufs_args),
    .vfs_mount = squash_mount,
    .vfs_unmount = squash_unmount,
    .vfs_release = squash_release,
    .vfs_free = squash_free,
    .vfs_statvfs = squash_statvfs,
};

static void
squashfs_init(void)
{
	rumpk_vfs_register(&squash_ops);
}

RUMPK_COMPONENT(squashfs, RUMP_COMPONENT_VFS, squashfs_init);
