/* SPDX-License-Identifier: BSD-2-Clause */
/* Mounting, for reading alone. */
#include <string.h>
#include "kernel/base/mem.h"
#include "kernel/fs/image/image.h"
#include "kernel/fs/squashfs/squashfs.h"

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
squash_mount(struct mount *mp, void *data, size_t *lenp, uint64_t flags, uint64_t oldflags)
{
	const struct rump_ufs_args *args = data;
	struct squash_mount *m;
	uint64_t root;
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
	error = image_open(mp, args->fspec, true, &m->device);
	if (error != 0) {
		rumpk_free(m, sizeof(*m));
		return error;
	}
	state_init(m);
	error = squash_open(mp, m);
	if (error != 0)
		goto fini;
	mp->mnt_data = m;
	root = SQUASH_INO(m->super.root_inode_ref);
	/* Noted first, so that nothing in the image can become its parent. */
	error = squash_parents_note(&m->parents, root, root);
	if (error == 0)
		error = image_find_root(mp, squash_load, UNUSED_VNODES, root);
	if (error == 0)
		return 0;
	mp->mnt_data = NULL;
	squash_close(m);
fini:
	state_fini(m);
	return error;
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
    .vfs_release = image_release,
    .vfs_free = squash_free,
    .vfs_statvfs = squash_statvfs,
};

static void
squashfs_init(void)
{
	rumpk_vfs_register(&squash_ops);
}

RUMPK_COMPONENT(squashfs, RUMP_COMPONENT_VFS, squashfs_init);
