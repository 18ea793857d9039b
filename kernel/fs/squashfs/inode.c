/* SPDX-License-Identifier: BSD-2-Clause */
/* Inodes, as they lie in the image: a common part, one for each type, and what its counts say behind that. */
#include <endian.h>
#include <sqfs/error.h>
#include <string.h>
#include "kernel/base/mem.h"
#include "kernel/fs/squashfs/squashfs.h"

#define NO_XATTR UINT32_MAX
#define NO_FRAGMENT UINT32_MAX
#define LONGEST_LINK 65535
#define META_BLOCK 8192

/* What the inode says, whatever its type. */
struct decoded {
	sqfs_inode_t base;
	uint32_t nlink;
	uint32_t xattr;
	uint64_t size;
	uint32_t devno;
};

/* All of what follows is called under the mount's lock, and returns an error of the library's. */

static int
read_base(struct squash_mount *m, uint64_t ino, sqfs_inode_t *base)
{
	uint64_t reference = SQUASH_REFERENCE(ino);
	uint64_t block = reference >> 16;
	int error;

	if (block >= m->super.directory_table_start - m->super.inode_table_start)
		return SQFS_ERROR_OUT_OF_BOUNDS;
	error = sqfs_meta_reader_seek(m->inodes, m->super.inode_table_start + block, reference & 0xffff);
	if (error == 0)
		error = sqfs_meta_reader_read(m->inodes, base, sizeof(*base));
	base->type = le16toh(base->type);
	base->mode = le16toh(base->mode);
	base->uid_idx = le16toh(base->uid_idx);
	base->gid_idx = le16toh(base->gid_idx);
	base->mod_time = le32toh(base->mod_time);
	return error;
}

/* The library's form of the inode, with room for a list of blocks. */
static int
make_inode(struct squash_node *node, const sqfs_inode_t *base, uint64_t blocks)
{
	node->inode_size = sizeof(*node->inode) + (size_t)blocks * sizeof(uint32_t);
	node->inode = rumpk_zalloc(node->inode_size);
	if (node->inode == NULL)
		return SQFS_ERROR_ALLOC;
	node->inode->base = *base;
	node->inode->payload_bytes_available = node->inode->payload_bytes_used =
	    (uint32_t)(blocks * sizeof(uint32_t));
	return 0;
}

/* The list of blocks lies in the table of inodes: it cannot be longer than that unpacks to. */
static bool
list_fits(const struct squash_mount *m, uint64_t blocks)
{
	uint64_t packed = m->super.directory_table_start - m->super.inode_table_start;

	return blocks <= UINT32_MAX / sizeof(uint32_t) &&
	       blocks * sizeof(uint32_t) / META_BLOCK <= packed / 3;
}

/* Whether the tail lies within its fragment block; the library adds these up in 32 bits. */
static bool
tail_fits(const struct squash_mount *m, const sqfs_inode_file_ext_t *file)
{
	uint32_t block_size = m->super.block_size;

	return file->fragment_idx == NO_FRAGMENT ||
	       (uint64_t)file->fragment_offset + file->file_size % block_size <= block_size;
}

/* Inodes of regular files are all made extended ones. */
static int
read_file(struct squash_mount *m, struct squash_node *node, struct decoded *inode)
{
	sqfs_inode_file_ext_t file = {.nlink = 1, .xattr_idx = NO_XATTR};
	uint32_t block_size = m->super.block_size;
	sqfs_inode_file_t small;
	uint64_t blocks;
	int error;

	if (inode->base.type == SQFS_INODE_FILE) {
		error = sqfs_meta_reader_read(m->inodes, &small, sizeof(small));
		file.blocks_start = le32toh(small.blocks_start);
		file.file_size = le32toh(small.file_size);
		file.fragment_idx = le32toh(small.fragment_index);
		file.fragment_offset = le32toh(small.fragment_offset);
	} else {
		error = sqfs_meta_reader_read(m->inodes, &file, sizeof(file));
		file.blocks_start = le64toh(file.blocks_start);
		file.file_size = le64toh(file.file_size);
		file.nlink = le32toh(file.nlink);
		file.fragment_idx = le32toh(file.fragment_idx);
		file.fragment_offset = le32toh(file.fragment_offset);
		file.xattr_idx = le32toh(file.xattr_idx);
	}
	if (error != 0)
		return error;
	if (file.file_size > INT64_MAX || !tail_fits(m, &file))
		return SQFS_ERROR_CORRUPTED;
	blocks = file.file_size / block_size;
	if (file.file_size % block_size != 0 && file.fragment_idx == NO_FRAGMENT)
		blocks++;
	if (!list_fits(m, blocks))
		return SQFS_ERROR_CORRUPTED;
	error = make_inode(node, &inode->base, blocks);
	if (error != 0)
		return error;
	node->inode->base.type = SQFS_INODE_EXT_FILE;
	node->inode->data.file_ext = file;
	node->blocks = (uint32_t)blocks;
	error = sqfs_meta_reader_read(m->inodes, node->inode->extra, (size_t)blocks * sizeof(uint32_t));
	for (uint64_t i = 0; i < blocks; i++)
		node->inode->extra[i] = le32toh(node->inode->extra[i]);
	inode->nlink = file.nlink;
	inode->xattr = file.xattr_idx;
	inode->size = file.file_size;
	return error;
}

/* The index of a large directory is not read: all its names are. */
static int
read_directory(struct squash_mount *m, struct squash_node *node, struct decoded *inode)
{
	sqfs_inode_dir_ext_t dir = {.xattr_idx = NO_XATTR};
	sqfs_inode_dir_t small;
	int error;

	if (inode->base.type == SQFS_INODE_DIR) {
		error = sqfs_meta_reader_read(m->inodes, &small, sizeof(small));
		dir.nlink = le32toh(small.nlink);
		dir.size = le16toh(small.size);
		dir.start_block = le32toh(small.start_block);
		dir.offset = le16toh(small.offset);
	} else {
		error = sqfs_meta_reader_read(m->inodes, &dir, sizeof(dir));
		dir.nlink = le32toh(dir.nlink);
		dir.size = le32toh(dir.size);
		dir.start_block = le32toh(dir.start_block);
		dir.offset = le16toh(dir.offset);
		dir.xattr_idx = le32toh(dir.xattr_idx);
		dir.inodex_count = 0;
	}
	if (error == 0)
		error = make_inode(node, &inode->base, 0);
	if (error != 0)
		return error;
	node->inode->base.type = SQFS_INODE_EXT_DIR;
	node->inode->data.dir_ext = dir;
	inode->nlink = dir.nlink;
	inode->xattr = dir.xattr_idx;
	inode->size = dir.size;
	return 0;
}

static int
read_link(struct squash_mount *m, struct squash_node *node, struct decoded *inode)
{
	sqfs_inode_slink_t link;
	int error = sqfs_meta_reader_read(m->inodes, &link, sizeof(link));

	if (error != 0)
		return error;
	inode->nlink = le32toh(link.nlink);
	inode->size = le32toh(link.target_size);
	if (inode->size > LONGEST_LINK)
		return SQFS_ERROR_CORRUPTED;
	node->link = rumpk_alloc((size_t)inode->size + 1);
	if (node->link == NULL)
		return SQFS_ERROR_ALLOC;
	error = sqfs_meta_reader_read(m->inodes, node->link, (size_t)inode->size);
	if (error == 0 && inode->base.type == SQFS_INODE_EXT_SLINK)
		error = sqfs_meta_reader_read(m->inodes, &inode->xattr, sizeof(inode->xattr));
	inode->xattr = le32toh(inode->xattr);
	if (error == 0 && memchr(node->link, '\0', (size_t)inode->size) != NULL)
		error = SQFS_ERROR_CORRUPTED;
	return error;
}

/* Devices, fifos and sockets: their links, a device's number, and the attributes of an extended one. */
static int
read_special(struct squash_mount *m, struct decoded *inode)
{
	bool device = inode->base.type == SQFS_INODE_BDEV || inode->base.type == SQFS_INODE_CDEV ||
		      inode->base.type == SQFS_INODE_EXT_BDEV || inode->base.type == SQFS_INODE_EXT_CDEV;
	int error = sqfs_meta_reader_read(m->inodes, &inode->nlink, sizeof(inode->nlink));

	if (error == 0 && device)
		error = sqfs_meta_reader_read(m->inodes, &inode->devno, sizeof(inode->devno));
	if (error == 0 && inode->base.type > SQFS_INODE_SOCKET)
		error = sqfs_meta_reader_read(m->inodes, &inode->xattr, sizeof(inode->xattr));
	inode->nlink = le32toh(inode->nlink);
	inode->devno = le32toh(inode->devno);
	inode->xattr = le32toh(inode->xattr);
	return error;
}

static int
read_inode(struct squash_mount *m, uint64_t ino, struct squash_node *node, struct decoded *inode)
{
	int error = read_base(m, ino, &inode->base);

	if (error != 0)
		return error;
	switch (inode->base.type) {
	case SQFS_INODE_FILE:
	case SQFS_INODE_EXT_FILE:
		return read_file(m, node, inode);
	case SQFS_INODE_DIR:
	case SQFS_INODE_EXT_DIR:
		return read_directory(m, node, inode);
	case SQFS_INODE_SLINK:
	case SQFS_INODE_EXT_SLINK:
		return read_link(m, node, inode);
	default:
		if (inode->base.type == 0 || inode->base.type > SQFS_INODE_EXT_SOCKET)
			return SQFS_ERROR_CORRUPTED;
		return read_special(m, inode);
	}
}

static enum vtype
type_of(unsigned type)
{
	static const enum vtype types[] = {
	    [SQFS_INODE_DIR] = VDIR,
	    [SQFS_INODE_FILE] = VREG,
	    [SQFS_INODE_SLINK] = VLNK,
	    [SQFS_INODE_BDEV] = VBLK,
	    [SQFS_INODE_CDEV] = VCHR,
	    [SQFS_INODE_FIFO] = VFIFO,
	    [SQFS_INODE_SOCKET] = VSOCK,
	};

	return types[type > SQFS_INODE_SOCKET ? type - SQFS_INODE_SOCKET : type];
}

static void
take_attributes(const struct squash_mount *m, const struct decoded *inode, struct vnode *vp)
{
	vp->v_type = type_of(inode->base.type);
	vp->v_mode = inode->base.mode & 07777;
	/* One without links would be taken for deleted. */
	vp->v_nlink = inode->nlink != 0 ? inode->nlink : 1;
	/* Linux packs major and minor as NetBSD does. */
	vp->v_rdev = inode->devno;
	vp->v_size = (int64_t)inode->size;
	vp->v_blocks = (int64_t)((inode->size + 511) / 512);
	vp->v_blksize = m->super.block_size;
	vp->v_mtime = (struct rump_timespec){.tv_sec = inode->base.mod_time};
	vp->v_atime = vp->v_ctime = vp->v_birthtime = vp->v_mtime;
}

static void
node_free(struct squash_node *node, int64_t size)
{
	if (node->link != NULL)
		rumpk_free(node->link, (size_t)size + 1);
	rumpk_free(node->inode, node->inode_size);
	names_slot_fini(&node->names);
	rumpk_free(node, sizeof(*node));
}

int
squash_load(struct mount *mp, uint64_t ino, struct vnode *vp)
{
	struct squash_mount *m = squash_mount_of(mp);
	struct squash_node *node = rumpk_zalloc(sizeof(*node));
	struct decoded inode = {.xattr = NO_XATTR};
	int error;

	if (node == NULL)
		return RUMP_ENOMEM;
	names_slot_init(&node->names);
	rumpk_lock(m->lock);
	error = read_inode(m, ino, node, &inode);
	if (error == 0)
		error = sqfs_id_table_index_to_id(m->ids, inode.base.uid_idx, &vp->v_uid);
	if (error == 0)
		error = sqfs_id_table_index_to_id(m->ids, inode.base.gid_idx, &vp->v_gid);
	rumpk_unlock(m->lock);
	if (error != 0) {
		node_free(node, (int64_t)inode.size);
		return squash_error(m, error);
	}
	take_attributes(m, &inode, vp);
	node->xattr = inode.xattr;
	vp->v_op = &squash_vnodeops;
	vp->v_data = node;
	if (ino == SQUASH_INO(m->super.root_inode_ref))
		vp->v_vflag |= VV_ROOT;
	return 0;
}

void
squash_reclaim(struct vnode *vp)
{
	struct squash_node *node = squash_node_of(vp);

	node_free(node, vp->v_size);
	vp->v_data = NULL;
}
