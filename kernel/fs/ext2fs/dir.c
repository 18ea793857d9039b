/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes to the names of a directory, and their listing: to the block on the disk first, to the index after.
 */
#include <string.h>
#include "kernel/base/mem.h"
#include "kernel/fs/ext2fs/dir.h"

/* One more block, and the index's account of it. */
static int
grow(struct ext2_mount *m, struct ext2_node *node, struct ext2_dir *dir)
{
	uint32_t *gaps = rumpk_zalloc((dir->blocks + 1) * sizeof(*gaps));
	int error;

	if (gaps == NULL)
		return RUMP_ENOMEM;
	if (ext2fs_free_blocks_count(m->fs->super) <= m->promised)
		error = RUMP_ENOSPC;
	else
		error = ext2_error(m, ext2fs_expand_dir(m->fs, node->ino));
	if (error == 0)
		error = ext2_reread_inode(m, node);
	if (error != 0) {
		rumpk_free(gaps, (dir->blocks + 1) * sizeof(*gaps));
		return error;
	}
	memcpy(gaps, dir->gaps, dir->blocks * sizeof(*gaps));
	rumpk_free(dir->gaps, dir->blocks * sizeof(*gaps));
	dir->gaps = gaps;
	dir->gaps[dir->blocks++] = m->fs->blocksize;
	node->vn->v_size = (int64_t)EXT2_I_SIZE(&node->inode);
	node->vn->v_blocks = (int64_t)ext2fs_inode_i_blocks(m->fs, ext2_small_inode(node));
	return 0;
}

/* The library takes the hashes out of the directory, while it enters the name. */
static int
enter_hashed(
    struct ext2_mount *m, struct ext2_node *node, const struct name *name, ext2_ino_t ino, uint8_t type)
{
	char text[EXT2_NAME_LEN + 1];
	errcode_t error;

	memcpy(text, name->text, name->len);
	text[name->len] = '\0';
	error = ext2fs_link(m->fs, node->ino, text, ino, type);
	if (error == EXT2_ET_DIR_NO_SPACE && (error = ext2fs_expand_dir(m->fs, node->ino)) == 0)
		error = ext2fs_link(m->fs, node->ino, text, ino, type);
	ext2_dir_forget(node);
	if (error != 0)
		return ext2_error(m, error);
	error = ext2_reread_inode(m, node);
	node->vn->v_size = (int64_t)EXT2_I_SIZE(&node->inode);
	return (int)error;
}

/* Enters a name into a block that has room for it. */
static int
enter_block(struct ext2_mount *m, struct ext2_node *node, struct ext2_dir *dir, uint64_t number,
    const struct name *name, ext2_ino_t ino, uint8_t type)
{
	char *block = rumpk_alloc(m->fs->blocksize);
	uint64_t physical;
	uint32_t offset = 0;
	int error;

	if (block == NULL)
		return RUMP_ENOMEM;
	error = ext2_dirblock_read(m, node, number, block, &physical);
	if (error == 0 && !ext2_dirblock_put(m, block, name, ino, type, &offset))
		error = ext2_error(m, EXT2_ET_DIR_CORRUPTED);
	if (error == 0)
		error = ext2_dirblock_write(m, node, physical, block);
	if (error == 0) {
		dir->gaps[number] = ext2_dirblock_gap(m, block);
		error = ext2_index_add(
		    dir, name->text, name->len, name->hash, ino, number * m->fs->blocksize + offset);
		/* The disk has it: an index that has not is worth nothing. */
		if (error != 0) {
			ext2_dir_forget(node);
			error = 0;
		}
	}
	rumpk_free(block, m->fs->blocksize);
	return error;
}

int
ext2_dir_enter(struct vnode *dvp, const struct name *name, ext2_ino_t ino, enum vtype type)
{
	struct ext2_node *node = ext2_node_of(dvp);
	struct ext2_mount *m = ext2_mount_of(dvp->v_mount);
	struct ext2_dir *dir;
	uint64_t number;
	int error;

	if ((node->inode.i_flags & EXT2_INDEX_FL) != 0)
		return enter_hashed(m, node, name, ino, ext2_entry_disk_type(type));
	error = ext2_index_get(dvp, true, &dir);
	if (error != 0)
		return error;
	for (number = 0; number < dir->blocks && dir->gaps[number] < ext2_entry_size(name->len); number++)
		continue;
	if (number == dir->blocks && (error = grow(m, node, dir)) != 0)
		return error;
	return enter_block(m, node, dir, number, name, ino, ext2_entry_disk_type(type));
}

int
ext2_dir_remove(struct vnode *dvp, const struct name *name)
{
	struct ext2_node *node = ext2_node_of(dvp);
	struct ext2_mount *m = ext2_mount_of(dvp->v_mount);
	char *block = rumpk_alloc(m->fs->blocksize);
	struct ext2_dir *dir;
	struct ext2_indexed **link, *entry;
	uint64_t number, physical;
	int error;

	if (block == NULL)
		return RUMP_ENOMEM;
	error = ext2_index_get(dvp, true, &dir);
	if (error != 0)
		goto out;
	link = ext2_index_find(dir, name);
	entry = *link;
	if (entry == NULL) {
		error = RUMP_ENOENT;
		goto out;
	}
	number = entry->position / m->fs->blocksize;
	error = ext2_dirblock_read(m, node, number, block, &physical);
	if (error == 0 && !ext2_dirblock_take_out(m, block, (uint32_t)(entry->position % m->fs->blocksize)))
		error = ext2_error(m, EXT2_ET_DIR_CORRUPTED);
	if (error == 0)
		error = ext2_dirblock_write(m, node, physical, block);
	if (error == 0) {
		dir->gaps[number] = ext2_dirblock_gap(m, block);
		*link = entry->next;
		dir->count--;
		rumpk_free(entry, sizeof(*entry) + entry->len);
	}
out:
	rumpk_free(block, m->fs->blocksize);
	return error;
}

int
ext2_dir_redirect(struct vnode *dvp, const struct name *name, ext2_ino_t ino, enum vtype type)
{
	struct ext2_node *node = ext2_node_of(dvp);
	struct ext2_mount *m = ext2_mount_of(dvp->v_mount);
	bool up = name->len == 2 && memcmp(name->text, "..", 2) == 0;
	char *block = rumpk_alloc(m->fs->blocksize);
	struct ext2_indexed *entry = NULL;
	struct ext2_dir *dir;
	uint64_t position, physical;
	int error;

	if (block == NULL)
		return RUMP_ENOMEM;
	error = ext2_index_get(dvp, true, &dir);
	if (error == 0 && !up && (entry = *ext2_index_find(dir, name)) == NULL)
		error = RUMP_ENOENT;
	if (error == 0) {
		position = up ? dir->parent_position : entry->position;
		error = ext2_dirblock_read(m, node, position / m->fs->blocksize, block, &physical);
	}
	if (error == 0) {
		struct ext2_dir_entry_2 *raw = ext2_entry_at(block, (uint32_t)(position % m->fs->blocksize));

		raw->inode = ino;
		if (ext2fs_has_feature_filetype(m->fs->super))
			raw->file_type = ext2_entry_disk_type(type);
		error = ext2_dirblock_write(m, node, physical, block);
	}
	if (error == 0 && up)
		dir->parent = ino;
	else if (error == 0)
		entry->ino = ino;
	rumpk_free(block, m->fs->blocksize);
	return error;
}

/* Emits a block's entries from *offset on; false when the sink is full. */
static int
emit_block(
    struct ext2_mount *m, char *block, uint64_t number, struct dirsink *sink, int64_t *offset, bool *full)
{
	uint64_t begin = number * m->fs->blocksize;
	struct ext2_raw_entry raw;

	for (uint32_t here = 0; here < m->fs->blocksize; here += raw.len) {
		if (!ext2_entry_parse(m, block, here, &raw))
			return ext2_error(m, EXT2_ET_DIR_CORRUPTED);
		/* An entry that has gone since may leave *offset in the middle of the one before. */
		if (begin + here >= (uint64_t)*offset && raw.ino != 0 &&
		    !rumpk_dirsink_emit(sink, raw.ino, ext2_entry_dirent_type(&raw), raw.name, raw.namelen)) {
			*full = true;
			return 0;
		}
		if (begin + here + raw.len > (uint64_t)*offset)
			*offset = (int64_t)(begin + here + raw.len);
	}
	return 0;
}

int
ext2_readdir(struct vnode *vp, struct dirsink *sink, int64_t *offset)
{
	struct ext2_node *node = ext2_node_of(vp);
	struct ext2_mount *m = ext2_mount_of(vp->v_mount);
	char *block = rumpk_alloc(m->fs->blocksize);
	bool full = false;
	int error = 0;

	if (block == NULL)
		return RUMP_ENOMEM;
	while (error == 0 && !full && *offset < vp->v_size) {
		uint64_t number = (uint64_t)*offset / m->fs->blocksize, physical;

		rumpk_lock(m->lock);
		error = ext2_dirblock_read(m, node, number, block, &physical);
		rumpk_unlock(m->lock);
		if (error == 0)
			error = emit_block(m, block, number, sink, offset, &full);
	}
	rumpk_free(block, m->fs->blocksize);
	if (error == 0)
		rumpk_vnode_accessed(vp);
	return error;
}
