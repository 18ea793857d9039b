/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the cache to the disk.
 *
 * Theory of operation: dirty chunks that follow each other are taken together, and their dirty blocks written
 * in runs that lie together on the disk. Those that have no place yet get one, as unwritten blocks; contents
 * are written; then the inode gets its size and the blocks become valid. The library updates the inode with
 * each step, so the new size goes into it before the blocks are made valid.
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

/* Dirty chunks that follow each other, pinned. */
#define MOST_CHUNKS 16

struct batch {
	struct ext2_chunk *chunks[MOST_CHUNKS];
	uint32_t count;
	uint64_t begin, end; /* the blocks of all of them */
};

static struct ext2_chunk *
find_dirty(struct ext2_node *node, uint64_t index)
{
	struct ext2_chunk *chunk = ext2_chunk_find(&node->data, index);

	if (chunk != NULL && chunk->dirty == 0) {
		ext2_chunk_unpin(chunk);
		return NULL;
	}
	return chunk;
}

/* Gathers what is dirty from chunk `from` on; false when nothing is. */
static bool
batch_gather(struct ext2_node *node, uint64_t from, struct batch *batch)
{
	struct ext2_chunk *chunk = ext2_chunk_next_dirty(&node->data, from);

	if (chunk == NULL)
		return false;
	batch->begin = chunk->index * CHUNK_BLOCKS;
	for (batch->count = 0; chunk != NULL;) {
		uint64_t next = chunk->index + 1;

		batch->chunks[batch->count++] = chunk;
		batch->end = next * CHUNK_BLOCKS;
		chunk = batch->count < MOST_CHUNKS ? find_dirty(node, next) : NULL;
	}
	return true;
}

static void
batch_release(struct batch *batch)
{
	for (uint32_t i = 0; i < batch->count; i++)
		ext2_chunk_unpin(batch->chunks[i]);
}

/* The next run of dirty blocks from *block on, across chunks; its length, 0 when there is none. */
static uint64_t
next_run(const struct batch *batch, uint64_t *block)
{
	uint64_t begin = *block, at;

	for (; begin < batch->end; begin++) {
		uint64_t dirty = batch->chunks[(begin - batch->begin) / CHUNK_BLOCKS]->dirty;

		if ((dirty >> begin % CHUNK_BLOCKS & 1) != 0)
			break;
	}
	for (at = begin; at < batch->end; at++) {
		uint64_t dirty = batch->chunks[(at - batch->begin) / CHUNK_BLOCKS]->dirty;

		if ((dirty >> at % CHUNK_BLOCKS & 1) == 0)
			break;
	}
	*block = begin;
	return at - begin;
}

/* Writes `count` blocks from `block` on to where they lie. */
static int
write_blocks(
    struct ext2_mount *m, const struct batch *batch, uint64_t block, uint64_t count, uint64_t physical)
{
	uint32_t block_size = m->cache.block_size;

	while (count > 0) {
		const struct ext2_chunk *chunk = batch->chunks[(block - batch->begin) / CHUNK_BLOCKS];
		uint32_t first = (uint32_t)(block % CHUNK_BLOCKS);
		uint64_t some = count < CHUNK_BLOCKS - first ? count : CHUNK_BLOCKS - first;
		int error =
		    rumpk_special_transfer(&m->device, RUMPK_WRITE, chunk->data + (size_t)first * block_size,
			(size_t)some * block_size, physical * block_size);

		if (error != 0)
			return error;
		block += some;
		physical += some;
		count -= some;
	}
	return 0;
}

/* Writes `count` dirty blocks from `block` on, and gives those a place that have none. [X vp, mount's lock]
 */
static int
write_run(
    struct ext2_mount *m, struct ext2_node *node, const struct batch *batch, uint64_t block, uint64_t count)
{
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
		if (error == 0)
			error = write_blocks(m, batch, block, run.count, run.physical);
		if (error != 0)
			return error;
		block += run.count;
		count -= run.count;
	}
	return 0;
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

/* A file that has been written to is as long as the vnode says, once its contents are there. [X vp, mount's
 * lock] */
static int
write_batch(struct ext2_mount *m, struct ext2_node *node, const struct batch *batch)
{
	uint64_t block = batch->begin, begin = UINT64_MAX, end = 0, count;
	int error = 0;

	while (error == 0 && (count = next_run(batch, &block)) != 0) {
		error = write_run(m, node, batch, block, count);
		if (begin == UINT64_MAX)
			begin = block;
		block += count;
		end = block;
	}
	if (error == 0 && begin < end) {
		error = ext2_error(
		    m, ext2fs_inode_size_set(m->fs, ext2_small_inode(node), (ext2_off64_t)node->vn->v_size));
		if (error == 0)
			error = ext2_map_written(m, node, begin, end - begin);
	}
	for (uint32_t i = 0; i < batch->count && error == 0; i++)
		fulfil(m, node, batch->chunks[i]);
	return error;
}

static int
write_contents(struct ext2_mount *m, struct ext2_node *node)
{
	struct batch batch;
	uint64_t from = 0;
	int error = 0;

	while (error == 0 && batch_gather(node, from, &batch)) {
		rumpk_lock(m->lock);
		error = write_batch(m, node, &batch);
		rumpk_unlock(m->lock);
		from = batch.end / CHUNK_BLOCKS;
		batch_release(&batch);
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
