/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations on names.
 *
 * Theory of operation: link counts go up before a name is entered and down after one is removed, on the disk
 * too. So a kernel that is killed in between leaves a count that is too high, or an inode without a name;
 * e2fsck mends both and nothing is lost. An inode that has no name any more keeps its blocks until its last
 * user has gone (ext2_reclaim).
 */
#include <string.h>
#include "kernel/base/mem.h"
#include "kernel/fs/ext2fs/ext2fs.h"
#include "kernel/vfs/vcache.h"

static const struct name up = {.text = "..", .len = 2};

int
ext2_lookup(struct vnode *dvp, const struct name *name, struct vnode **vpp)
{
	struct ext2_name found;
	int error = ext2_dir_find(dvp, name, &found);

	return error != 0 ? error : rumpk_vcache_get(dvp->v_mount, found.ino, vpp);
}

/* The directory has changed: its times go to the disk with its inode. [X dvp, mount's lock] */
static int
touch_directory(struct ext2_mount *m, struct vnode *dvp)
{
	rumpk_vnode_modified(dvp);
	return ext2_write_inode(m, ext2_node_of(dvp));
}

/* Changes the link count, on the disk too. [X vp, mount's lock] */
static int
add_links(struct ext2_mount *m, struct vnode *vp, int change)
{
	vp->v_nlink = (uint32_t)((int)vp->v_nlink + change);
	rumpk_vnode_changed(vp);
	return ext2_write_inode(m, ext2_node_of(vp));
}

/* Whether another name fits into the count. */
static bool
count_is_full(const struct ext2_mount *m, const struct vnode *vp)
{
	(void)m;
	return vp->v_nlink >= EXT2_LINK_MAX;
}

/* An inode that could not be entered goes again. [mount's lock] */
static void
give_back(struct ext2_mount *m, ext2_ino_t ino, enum vtype type)
{
	struct vnode vn = {.v_type = type};
	struct ext2_node node = {.vn = &vn, .ino = ino};

	if (ext2_reread_inode(m, &node) == 0)
		ext2_free_inode(m, &node);
}

int
ext2_create(struct vnode *dvp, const struct name *name, const struct vattr *va, const char *target,
    struct vnode **vpp)
{
	struct ext2_mount *m = ext2_mount_of(dvp->v_mount);
	struct ext2_node *dnode = ext2_node_of(dvp);
	ext2_ino_t ino = 0;
	int error;

	if (va->va_type == VDIR && count_is_full(m, dvp))
		return RUMP_EMLINK;
	rumpk_lock(m->lock);
	error = ext2_new_inode(m, dnode, va, target, &ino);
	/* The library has counted a new directory's ".." already. */
	if (error == 0 && va->va_type == VDIR && (error = ext2_reread_inode(m, dnode)) == 0)
		dvp->v_nlink = dnode->inode.i_links_count;
	if (error == 0) {
		error = ext2_dir_enter(dvp, name, ino, va->va_type);
		if (error != 0) {
			give_back(m, ino, va->va_type);
			if (va->va_type == VDIR)
				(void)add_links(m, dvp, -1);
		}
	}
	if (error == 0)
		error = touch_directory(m, dvp);
	rumpk_unlock(m->lock);
	return error != 0 ? error : rumpk_vcache_get(dvp->v_mount, ino, vpp);
}

int
ext2_link(struct vnode *dvp, const struct name *name, struct vnode *vp)
{
	struct ext2_mount *m = ext2_mount_of(dvp->v_mount);
	int error;

	if (count_is_full(m, vp))
		return RUMP_EMLINK;
	rumpk_lock(m->lock);
	error = add_links(m, vp, 1);
	if (error == 0) {
		error = ext2_dir_enter(dvp, name, ext2_node_of(vp)->ino, vp->v_type);
		if (error != 0)
			(void)add_links(m, vp, -1);
		else
			error = touch_directory(m, dvp);
	}
	rumpk_unlock(m->lock);
	return error;
}

int
ext2_remove(struct vnode *dvp, const struct name *name, struct vnode *vp)
{
	struct ext2_mount *m = ext2_mount_of(dvp->v_mount);
	int error;

	rumpk_lock(m->lock);
	error = ext2_dir_remove(dvp, name);
	if (error == 0)
		error = touch_directory(m, dvp);
	if (error == 0)
		error = add_links(m, vp, -1);
	rumpk_unlock(m->lock);
	return error;
}

int
ext2_rmdir(struct vnode *dvp, const struct name *name, struct vnode *vp)
{
	struct ext2_mount *m = ext2_mount_of(dvp->v_mount);
	bool empty;
	int error = ext2_dir_is_empty(vp, &empty);

	if (error != 0 || !empty)
		return error != 0 ? error : RUMP_ENOTEMPTY;
	rumpk_lock(m->lock);
	error = ext2_dir_remove(dvp, name);
	if (error == 0)
		error = add_links(m, vp, -(int)vp->v_nlink);
	if (error == 0) {
		dvp->v_nlink--;
		error = touch_directory(m, dvp);
	}
	rumpk_unlock(m->lock);
	return error;
}

/* The target of a rename gives its name to another file. [X, mount's lock] */
static int
replace(
    struct ext2_mount *m, struct vnode *fvp, struct vnode *tdvp, const struct name *tname, struct vnode *tvp)
{
	int error = ext2_dir_redirect(tdvp, tname, ext2_node_of(fvp)->ino, fvp->v_type);

	if (error != 0)
		return error;
	if (tvp->v_type == VDIR) {
		tdvp->v_nlink--;
		return add_links(m, tvp, -(int)tvp->v_nlink);
	}
	return add_links(m, tvp, -1);
}

/* A directory has come under another one. [X, mount's lock] */
static int
move_up(struct vnode *fdvp, struct vnode *fvp, struct vnode *tdvp)
{
	int error = ext2_dir_redirect(fvp, &up, ext2_node_of(tdvp)->ino, VDIR);

	if (error == 0) {
		tdvp->v_nlink++;
		fdvp->v_nlink--;
	}
	return error;
}

int
ext2_rename(struct vnode *fdvp, const struct name *fname, struct vnode *fvp, struct vnode *tdvp,
    const struct name *tname, struct vnode *tvp)
{
	struct ext2_mount *m = ext2_mount_of(fdvp->v_mount);
	bool moves_up = fvp->v_type == VDIR && fdvp != tdvp, empty = true;
	int error = 0;

	if (moves_up && tvp == NULL && count_is_full(m, tdvp))
		return RUMP_EMLINK;
	if (tvp != NULL && tvp->v_type == VDIR && ((error = ext2_dir_is_empty(tvp, &empty)) != 0 || !empty))
		return error != 0 ? error : RUMP_ENOTEMPTY;
	/* Who puts a new version in an old one's place wants one of the two, whole, whatever happens. */
	if (fvp->v_type == VREG && tvp != NULL && (error = ext2_flush(fvp)) != 0)
		return error;
	rumpk_lock(m->lock);
	if (tvp != NULL)
		error = replace(m, fvp, tdvp, tname, tvp);
	else
		error = ext2_dir_enter(tdvp, tname, ext2_node_of(fvp)->ino, fvp->v_type);
	if (error == 0)
		error = ext2_dir_remove(fdvp, fname);
	if (error == 0 && moves_up)
		error = move_up(fdvp, fvp, tdvp);
	if (error == 0)
		error = touch_directory(m, tdvp);
	if (error == 0 && fdvp != tdvp)
		error = touch_directory(m, fdvp);
	if (error == 0)
		error = add_links(m, fvp, 0);
	rumpk_unlock(m->lock);
	return error;
}

int
ext2_readlink(struct vnode *vp, char *buf, size_t *lenp)
{
	struct ext2_node *node = ext2_node_of(vp);
	struct ext2_mount *m = ext2_mount_of(vp->v_mount);
	size_t size = (size_t)vp->v_size, len = size < *lenp ? size : *lenp;
	struct ext2_run run;
	char *block;
	int error;

	if (ext2fs_is_fast_symlink(ext2_small_inode(node))) {
		if (size > sizeof(node->inode.i_block))
			return ext2_error(m, EXT2_ET_INODE_CORRUPTED);
		memcpy(buf, node->inode.i_block, len);
		*lenp = len;
		return 0;
	}
	if (size > m->fs->blocksize)
		return ext2_error(m, EXT2_ET_INODE_CORRUPTED);
	block = rumpk_alloc(m->fs->blocksize);
	if (block == NULL)
		return RUMP_ENOMEM;
	rumpk_lock(m->lock);
	error = ext2_map(m, node, 0, 1, &run);
	if (error == 0 && run.physical == 0)
		error = ext2_error(m, EXT2_ET_INODE_CORRUPTED);
	if (error == 0)
		error = ext2_error(m, io_channel_read_blk64(m->fs->io, run.physical, 1, block));
	rumpk_unlock(m->lock);
	if (error == 0) {
		memcpy(buf, block, len);
		*lenp = len;
	}
	rumpk_free(block, m->fs->blocksize);
	return error;
}
