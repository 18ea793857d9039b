/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the cache to the disk.
 *
 * Theory of operation: dirty blocks are written in runs that lie together in the cache and on the disk. Those
 * that have no place yet get one, as unwritten blocks; contents are written; then the inode gets its size and
 * the blocks become valid. The library updates the inode with each step, so the new size goes into it before
 * the blocks are made valid.
 */
#include "kernel/base/print.h"
#include "kernel/fs/ext2fs/ext2fs.h"

/* Gives unmapped blocks a place; the promise for them is kept. [mount's lock] */
static int
allocate(struct ext2_mount *m, struct ext2_node *node, uint64_t block, uint64_t count)
{
	/* Without extents there is no such thing as an unwritten block. */
	int flags = (node->inode.i_flags & EXT4_EXTENTS_FL) != 0 ? 0 : EXT2_FALLOCATE_FORCE_INIT;

	return ext2_error(m, ext2fs_fallocate(m->fs, flags | EXT2_FALLOCATE_INIT_BEYOND_EOF, node->ino,
				 ext2_small_inode(node), ~0ULL, block, count));
}

/* Writes `count` blocks of the chunk from `first` on. [X vp, mount's lock] */
static int
write_run(
    struct ext2_mount *m, struct ext2_node *node, struct ext2_chunk *chunk, uint32_t first, uint32_t count)
{
	uint64_t block = chunk->index * CHUNK_BLOCKS + first;
	uint32_t block_size = m->cache.block_size;
	struct ext2_run run;
	int error;

	while (count > 0) {
		error = ext2_map(m, node, block, count, &run);
		if (error == 0 && run.physical == 0) {
			error = allocate(m, node, block, run.count);
			if (error == 0)
				error = ext2_map(m, node, block, count, &run);
			if (error == 0 && run.physical == 0)
				error = RUMP_EIO;
		}
		if (error != 0)
			return error;
		error =
		    rumpk_special_transfer(&m->device, RUMPK_WRITE, chunk->data + (size_t)first * block_size,
			(size_t)run.count * block_size, run.physical * block_size);
		if (error != 0)
			return error;
		block += run.count;
		first += (uint32_t)run.count;
		count -= (uint32_t)run.count;
	}
	return 0;
}

/* The next run of set bits from *first on; its length, 0 when there is none. */
static uint32_t
next_run(uint64_t bits, uint32_t *first)
{
	uint32_t count;

	if (*first >= 64 || (bits >>= *first) == 0)
		return 0;
	*first += (uint32_t)__builtin_ctzll(bits);
	bits >>= __builtin_ctzll(bits);
	count = ~bits == 0 ? 64 : (uint32_t)__builtin_ctzll(~bits);
	return count;
}

/* The blocks have their place now: what was promised to them is no longer wanted. [mount's lock] */
static void
fulfil(struct ext2_mount *m, struct ext2_node *node, struct ext2_chunk *chunk)
{
	uint64_t fresh = (uint64_t)__builtin_popcountll(chunk->fresh);

	m->promised -= fresh;
	node->promised -= fresh;
	ext2_chunk_set_clean(chunk);
}

/* Writes one chunk, and notes which blocks have been written: [*begin, *end). [X vp, mount's lock] */
static int
write_chunk(
    struct ext2_mount *m, struct ext2_node *node, struct ext2_chunk *chunk, uint64_t *begin, uint64_t *end)
{
	uint32_t first = 0, count;

	while ((count = next_run(chunk->dirty, &first)) != 0) {
		int error = write_run(m, node, chunk, first, count);

		if (error != 0)
			return error;
		if (chunk->index * CHUNK_BLOCKS + first < *begin)
			*begin = chunk->index * CHUNK_BLOCKS + first;
		if (chunk->index * CHUNK_BLOCKS + first + count > *end)
			*end = chunk->index * CHUNK_BLOCKS + first + count;
		first += count;
	}
	return 0;
}

static int
write_contents(struct ext2_mount *m, struct ext2_node *node)
{
	uint64_t from = 0;
	int error = 0;

	while (error == 0) {
		struct ext2_chunk *chunk = ext2_chunk_next_dirty(&node->data, from);
		uint64_t begin = UINT64_MAX, end = 0;

		if (chunk == NULL)
			break;
		rumpk_lock(m->lock);
		/* A file that has been written to is as long as the vnode says, once its contents are there.
		 */
		error = write_chunk(m, node, chunk, &begin, &end);
		if (error == 0 && begin < end) {
			error = ext2_error(m, ext2fs_inode_size_set(m->fs, ext2_small_inode(node),
						  (ext2_off64_t)node->vn->v_size));
			if (error == 0)
				error = ext2_map_written(m, node, begin, end - begin);
		}
		if (error == 0)
			fulfil(m, node, chunk);
		rumpk_unlock(m->lock);
		from = chunk->index + 1;
		ext2_chunk_unpin(chunk);
	}
	return error;
}

int
ext2_flush(struct vnode *vp)
{
	struct ext2_node *node = ext2_node_of(vp);
	struct ext2_mount *m = ext2_mount_of(vp->v_mount);
	int error = 0;

	if (m->rdonly || node->freed)
		return 0;
	if (node->data.ndirty != 0) {
		error = write_contents(m, node);
		node->dirty = true;
	}
	if (node->dirty && error == 0) {
		rumpk_lock(m->lock);
		error = ext2_write_inode(m, node);
		rumpk_unlock(m->lock);
	}
	if (error != 0)
		rumpk_log("ext2fs: writing back inode %u failed: error %d\n", (unsigned)node->ino, error);
	return error;
}

int
ext2_fsync(struct vnode *vp, int flags, int64_t offset, int64_t len)
{
	struct ext2_mount *m = ext2_mount_of(vp->v_mount);
	int error = ext2_flush(vp);

	(void)flags;
	(void)offset;
	(void)len;
	if (error == 0 && !m->rdonly && m->device.ops->flush != NULL)
		error = m->device.ops->flush(m->device.dev);
	return error;
}

int
ext2_close(struct vnode *vp, int flags)
{
	/* One that is about to go need not be written. */
	if ((flags & (int)RUMPK_FWRITE) == 0 || vp->v_nlink == 0)
		return 0;
	return ext2_flush(vp);
}
