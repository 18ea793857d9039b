/* SPDX-License-Identifier: BSD-2-Clause */
/* Inodes: between a vnode's attributes and the disk. */
#include <string.h>
#include "kernel/base/mem.h"
#include "kernel/fs/ext2fs/ext2fs.h"

#define HAS_EXTRA(inode, field) \
	(offsetof(struct ext2_inode_large, field) + sizeof((inode)->field) <= \
	    EXT2_GOOD_OLD_INODE_SIZE + (size_t)(inode)->i_extra_isize)

/* Seconds are 34 bits wide, nanoseconds 30, where there is room for the extra word. */
static struct rump_timespec
decode_time(uint32_t seconds, uint32_t extra, bool has_extra)
{
	struct rump_timespec time = {.tv_sec = (int32_t)seconds};

	if (has_extra) {
		time.tv_sec += (int64_t)(extra & 3) << 32;
		time.tv_nsec = extra >> 2;
		if (time.tv_nsec > 999999999)
			time.tv_nsec = 0;
	}
	return time;
}

static uint32_t
encode_extra(const struct rump_timespec *time)
{
	uint64_t epoch = (uint64_t)(time->tv_sec - (int32_t)time->tv_sec) >> 32;

	return (uint32_t)(epoch & 3) | (uint32_t)time->tv_nsec << 2;
}

static void
load_times(struct vnode *vp, const struct ext2_inode_large *inode)
{
	vp->v_atime = decode_time(inode->i_atime, inode->i_atime_extra, HAS_EXTRA(inode, i_atime_extra));
	vp->v_mtime = decode_time(inode->i_mtime, inode->i_mtime_extra, HAS_EXTRA(inode, i_mtime_extra));
	vp->v_ctime = decode_time(inode->i_ctime, inode->i_ctime_extra, HAS_EXTRA(inode, i_ctime_extra));
	vp->v_birthtime = HAS_EXTRA(inode, i_crtime_extra)
			      ? decode_time(inode->i_crtime, inode->i_crtime_extra, true)
			      : vp->v_ctime;
}

static void
store_times(const struct vnode *vp, struct ext2_inode_large *inode)
{
	struct rump_timespec atime = rumpk_vnode_atime(vp);

	inode->i_atime = (uint32_t)atime.tv_sec;
	inode->i_mtime = (uint32_t)vp->v_mtime.tv_sec;
	inode->i_ctime = (uint32_t)vp->v_ctime.tv_sec;
	if (HAS_EXTRA(inode, i_atime_extra)) {
		inode->i_atime_extra = encode_extra(&atime);
		inode->i_mtime_extra = encode_extra(&vp->v_mtime);
		inode->i_ctime_extra = encode_extra(&vp->v_ctime);
	}
	if (HAS_EXTRA(inode, i_crtime_extra)) {
		inode->i_crtime = (uint32_t)vp->v_birthtime.tv_sec;
		inode->i_crtime_extra = encode_extra(&vp->v_birthtime);
	}
}

/* Linux keeps device numbers in the first two block pointers. */
static uint64_t
load_device(const struct ext2_inode_large *inode)
{
	uint32_t number = inode->i_block[0];

	if (number != 0)
		return dev_make(number >> 8 & 0xff, number & 0xff);
	number = inode->i_block[1];
	return dev_make(number >> 8 & 0xfff, (number & 0xff) | (number >> 12 & 0xfff00));
}

static void
store_device(struct ext2_inode *inode, uint64_t dev)
{
	uint32_t major = dev_major(dev), minor = dev_minor(dev);

	if (major < 256 && minor < 256)
		inode->i_block[0] = major << 8 | minor;
	else
		inode->i_block[1] = (minor & 0xff) | major << 8 | (minor & 0xfff00) << 12;
}

static const struct {
	uint32_t disk;
	uint32_t netbsd;
} flag_names[] = {
    {EXT2_IMMUTABLE_FL, RUMP_SF_IMMUTABLE},
    {EXT2_APPEND_FL, RUMP_SF_APPEND},
    {EXT2_NODUMP_FL, RUMP_UF_NODUMP},
};

static uint32_t
load_flags(uint32_t disk)
{
	uint32_t flags = 0;

	for (size_t i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++)
		if ((disk & flag_names[i].disk) != 0)
			flags |= flag_names[i].netbsd;
	return flags;
}

static uint32_t
store_flags(uint32_t disk, uint32_t netbsd)
{
	for (size_t i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++) {
		disk &= ~flag_names[i].disk;
		if ((netbsd & flag_names[i].netbsd) != 0)
			disk |= flag_names[i].disk;
	}
	return disk;
}

static int
load_attributes(struct ext2_mount *m, struct ext2_node *node, struct vnode *vp)
{
	const struct ext2_inode_large *inode = &node->inode;
	uint64_t size = EXT2_I_SIZE(inode);
	uint32_t inode_size = EXT2_INODE_SIZE(m->fs->super);

	if (inode_size > EXT2_GOOD_OLD_INODE_SIZE &&
	    inode->i_extra_isize > inode_size - EXT2_GOOD_OLD_INODE_SIZE)
		return ext2_error(m, EXT2_ET_INODE_CORRUPTED);
	vp->v_type = rumpk_mode_vtype(inode->i_mode);
	if (vp->v_type == VNON || size > INT64_MAX || (inode->i_links_count == 0 && inode->i_dtime != 0))
		return ext2_error(m, EXT2_ET_INODE_CORRUPTED);
	/* A directory whose size is no number of blocks, or more than there are. */
	if (vp->v_type == VDIR &&
	    (size % m->fs->blocksize != 0 || size / m->fs->blocksize > ext2fs_blocks_count(m->fs->super)))
		return ext2_error(m, EXT2_ET_DIR_CORRUPTED);
	vp->v_mode = inode->i_mode & 07777;
	vp->v_uid = inode->i_uid | (uint32_t)inode->osd2.linux2.l_i_uid_high << 16;
	vp->v_gid = inode->i_gid | (uint32_t)inode->osd2.linux2.l_i_gid_high << 16;
	vp->v_nlink = inode->i_links_count;
	vp->v_flags = load_flags(inode->i_flags);
	vp->v_gen = inode->i_generation;
	vp->v_size = (int64_t)size;
	vp->v_blocks = (int64_t)ext2fs_inode_i_blocks(m->fs, ext2_small_inode(node));
	vp->v_blksize = m->fs->blocksize;
	if (vp->v_type == VCHR || vp->v_type == VBLK)
		vp->v_rdev = load_device(inode);
	load_times(vp, inode);
	return 0;
}

int
ext2_reread_inode(struct ext2_mount *m, struct ext2_node *node)
{
	return ext2_error(
	    m, ext2fs_read_inode_full(m->fs, node->ino, ext2_small_inode(node), (int)sizeof(node->inode)));
}

int
ext2_load(struct mount *mp, uint64_t ino, struct vnode *vp)
{
	struct ext2_mount *m = ext2_mount_of(mp);
	struct ext2_node *node;
	int error;

	if (ino == 0 || ino > m->fs->super->s_inodes_count)
		return ext2_error(m, EXT2_ET_BAD_INODE_NUM);
	node = rumpk_zalloc(sizeof(*node));
	if (node == NULL)
		return RUMP_ENOMEM;
	node->vn = vp;
	node->ino = (ext2_ino_t)ino;
	rumpk_lock(m->lock);
	error = ext2_reread_inode(m, node);
	rumpk_unlock(m->lock);
	if (error == 0)
		error = load_attributes(m, node, vp);
	if (error != 0) {
		rumpk_free(node, sizeof(*node));
		return error;
	}
	rumpk_mutex_init(&node->dir_lock);
	ext2_file_cache_init(&node->data, &m->cache);
	vp->v_op = &ext2_vnodeops;
	vp->v_data = node;
	if (ino == EXT2_ROOT_INO)
		vp->v_vflag |= VV_ROOT;
	return 0;
}

int
ext2_write_inode(struct ext2_mount *m, struct ext2_node *node)
{
	struct ext2_inode_large *inode = &node->inode;
	const struct vnode *vp = node->vn;
	errcode_t error = 0;

	inode->i_mode = (uint16_t)(rumpk_vtype_mode(vp->v_type) | (vp->v_mode & 07777));
	inode->i_uid = (uint16_t)vp->v_uid;
	inode->osd2.linux2.l_i_uid_high = (uint16_t)(vp->v_uid >> 16);
	inode->i_gid = (uint16_t)vp->v_gid;
	inode->osd2.linux2.l_i_gid_high = (uint16_t)(vp->v_gid >> 16);
	inode->i_links_count = (uint16_t)vp->v_nlink;
	inode->i_flags = store_flags(inode->i_flags, vp->v_flags);
	store_times(vp, inode);
	/* While contents wait in the cache, the disk does not know of what they add. */
	if (vp->v_type == VREG && node->data.ndirty == 0)
		error = ext2fs_inode_size_set(m->fs, ext2_small_inode(node), (ext2_off64_t)vp->v_size);
	if (error == 0)
		error =
		    ext2fs_write_inode_full(m->fs, node->ino, ext2_small_inode(node), (int)sizeof(*inode));
	if (error == 0)
		node->dirty = node->data.ndirty != 0;
	node->vn->v_blocks = (int64_t)(ext2fs_inode_i_blocks(m->fs, ext2_small_inode(node)) +
				       node->promised * (m->cache.block_size / 512));
	return ext2_error(m, error);
}

int
ext2_setattr(struct vnode *vp, const struct vattr *va)
{
	struct ext2_mount *m = ext2_mount_of(vp->v_mount);
	int error = 0;

	if ((va->va_set & VA_FLAGS) != 0 && va->va_flags != load_flags(store_flags(0, va->va_flags)))
		return RUMP_EOPNOTSUPP;
	if ((va->va_set & VA_SIZE) != 0) {
		error = ext2_truncate(vp, va->va_size);
		if (error != 0)
			return error;
		rumpk_vnode_modified(vp);
	}
	rumpk_vnode_setattr(vp, va);
	rumpk_lock(m->lock);
	error = ext2_write_inode(m, ext2_node_of(vp));
	rumpk_unlock(m->lock);
	return error;
}

/* A new file's map of blocks is an empty tree of extents where the file system knows them. */
static errcode_t
start_extents(struct ext2_mount *m, ext2_ino_t ino, struct ext2_inode *inode)
{
	ext2_extent_handle_t handle;
	errcode_t error;

	inode->i_flags |= EXT4_EXTENTS_FL;
	error = ext2fs_extent_open2(m->fs, ino, inode, &handle);
	if (error == 0)
		ext2fs_extent_free(handle);
	return error;
}

static errcode_t
make_file(struct ext2_mount *m, const struct vattr *va, ext2_ino_t ino)
{
	struct ext2_inode inode;
	errcode_t error = 0;

	memset(&inode, 0, sizeof(inode));
	inode.i_mode = (uint16_t)(rumpk_vtype_mode(va->va_type) | va->va_mode);
	inode.i_links_count = 1;
	if (va->va_type == VCHR || va->va_type == VBLK)
		store_device(&inode, va->va_rdev);
	else if (va->va_type == VREG && ext2fs_has_feature_extents(m->fs->super))
		error = start_extents(m, ino, &inode);
	if (error == 0)
		error = ext2fs_write_new_inode(m->fs, ino, &inode);
	if (error == 0)
		ext2fs_inode_alloc_stats2(m->fs, ino, 1, 0);
	return error;
}

/* Owner, mode and times of an inode that the library has made. */
static errcode_t
finish(struct ext2_mount *m, ext2_ino_t ino, const struct vattr *va)
{
	struct rump_timespec now = rumpk_vnode_now();
	struct vnode times = {.v_atime = now, .v_mtime = now, .v_ctime = now, .v_birthtime = now};
	struct ext2_inode_large inode;
	errcode_t error = ext2fs_read_inode_full(m->fs, ino, (struct ext2_inode *)&inode, (int)sizeof(inode));

	if (error != 0)
		return error;
	inode.i_mode = (uint16_t)(rumpk_vtype_mode(va->va_type) | va->va_mode);
	inode.i_uid = (uint16_t)va->va_uid;
	inode.osd2.linux2.l_i_uid_high = (uint16_t)(va->va_uid >> 16);
	inode.i_gid = (uint16_t)va->va_gid;
	inode.osd2.linux2.l_i_gid_high = (uint16_t)(va->va_gid >> 16);
	store_times(&times, &inode);
	return ext2fs_write_inode_full(m->fs, ino, (struct ext2_inode *)&inode, (int)sizeof(inode));
}

int
ext2_new_inode(struct ext2_mount *m, struct ext2_node *parent, const struct vattr *va, const char *target,
    ext2_ino_t *ino)
{
	errcode_t error;

	/* Blocks that are promised to contents are not for directories. */
	if (ext2fs_free_blocks_count(m->fs->super) <= m->promised && va->va_type != VREG)
		return RUMP_ENOSPC;
	error = ext2fs_new_inode(
	    m->fs, parent->ino, (int)(rumpk_vtype_mode(va->va_type) | va->va_mode), NULL, ino);
	if (error != 0)
		return ext2_error(m, error);
	if (va->va_type == VDIR)
		error = ext2fs_mkdir(m->fs, parent->ino, *ino, NULL);
	else if (va->va_type == VLNK)
		error = ext2fs_symlink(m->fs, parent->ino, *ino, NULL, target);
	else
		error = make_file(m, va, *ino);
	if (error == 0)
		error = finish(m, *ino, va);
	return ext2_error(m, error);
}

void
ext2_free_inode(struct ext2_mount *m, struct ext2_node *node)
{
	struct ext2_inode *inode = ext2_small_inode(node);
	errcode_t error = 0;

	m->promised -= node->promised;
	node->promised = 0;
	node->freed = true;
	inode->i_links_count = 0;
	inode->i_dtime = (uint32_t)rumpk_vnode_now().tv_sec;
	error = ext2fs_free_ext_attr(m->fs, node->ino, &node->inode);
	if (error == 0 && ext2fs_inode_has_valid_blocks2(m->fs, inode))
		error = ext2fs_punch(m->fs, node->ino, inode, NULL, 0, ~0ULL);
	if (error == 0)
		error = ext2fs_write_inode_full(m->fs, node->ino, inode, (int)sizeof(node->inode));
	if (error == 0)
		ext2fs_inode_alloc_stats2(m->fs, node->ino, -1, node->vn->v_type == VDIR);
	(void)ext2_error(m, error);
}

void
ext2_reclaim(struct vnode *vp)
{
	struct ext2_mount *m = ext2_mount_of(vp->v_mount);
	struct ext2_node *node = ext2_node_of(vp);

	if (!m->gone && !m->rdonly && !node->freed) {
		if (vp->v_nlink == 0) {
			rumpk_lock(m->lock);
			ext2_free_inode(m, node);
			rumpk_unlock(m->lock);
		} else {
			(void)ext2_flush(vp);
		}
	}
	if (node->promised != 0) {
		rumpk_lock(m->lock);
		m->promised -= node->promised;
		rumpk_unlock(m->lock);
	}
	ext2_dir_forget(node);
	ext2_file_cache_fini(&node->data);
	rumpk_mutex_destroy(&node->dir_lock);
	rumpk_free(node, sizeof(*node));
	vp->v_data = NULL;
}

const struct vnodeops ext2_vnodeops = {
    .lookup = ext2_lookup,
    .create = ext2_create,
    .link = ext2_link,
    .remove = ext2_remove,
    .rmdir = ext2_rmdir,
    .rename = ext2_rename,
    .readdir = ext2_readdir,
    .readlink = ext2_readlink,
    .setattr = ext2_setattr,
    .read = ext2_read,
    .write = ext2_write,
    .allocate = ext2_allocate,
    .discard = ext2_discard,
    .fsync = ext2_fsync,
    .close = ext2_close,
    .getextattr = ext2_getextattr,
    .setextattr = ext2_setextattr,
    .listextattr = ext2_listextattr,
    .reclaim = ext2_reclaim,
};
