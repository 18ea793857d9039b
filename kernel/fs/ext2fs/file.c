/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and writing contents, through the cache. */
#include <string.h>
#include "kernel/base/mem.h"
#include "kernel/fs/ext2fs/ext2fs.h"

/* How much may wait to be written, of the whole mount. */
#define DIRTY_BYTES (UINT64_C(16) << 20)
/* Blocks for the maps, beside those for contents. */
#define SPARE_BLOCKS 16

/* A place in a file, as the cache sees it. */
struct spot {
	uint64_t index;  /* chunk */
	uint32_t block;  /* in the chunk */
	uint32_t offset; /* in the block */
};

static struct spot
spot_of(const struct ext2_mount *m, uint64_t offset)
{
	uint64_t block = offset / m->cache.block_size;

	return (struct spot){
	    block / CHUNK_BLOCKS, (uint32_t)(block % CHUNK_BLOCKS), (uint32_t)(offset % m->cache.block_size)};
}

/* How many blocks of the chunk lie within a file of that size. */
static uint32_t
blocks_in_chunk(const struct ext2_mount *m, uint64_t index, uint64_t size)
{
	uint64_t blocks = (size + m->cache.block_size - 1) / m->cache.block_size;
	uint64_t begin = index * CHUNK_BLOCKS;

	if (blocks <= begin)
		return 0;
	return blocks - begin < CHUNK_BLOCKS ? (uint32_t)(blocks - begin) : CHUNK_BLOCKS;
}

/* Reads one run of blocks into the chunk. [file's filling mutex, or X vp] */
static int
fill_run(struct ext2_mount *m, struct ext2_node *node, struct ext2_chunk *chunk, uint32_t first,
    uint32_t count, uint32_t *done)
{
	char *data = chunk->data + (size_t)first * m->cache.block_size;
	struct ext2_run run;
	int error;

	rumpk_lock(m->lock);
	error = ext2_map(m, node, chunk->index * CHUNK_BLOCKS + first, count, &run);
	rumpk_unlock(m->lock);
	if (error != 0)
		return error;
	if (run.physical == 0 || run.unwritten)
		memset(data, 0, (size_t)run.count * m->cache.block_size);
	else
		error = rumpk_special_transfer(&m->device, RUMPK_READ, data,
		    (size_t)run.count * m->cache.block_size, run.physical * m->cache.block_size);
	*done = (uint32_t)run.count;
	return error;
}

static uint64_t
bits_of(uint32_t first, uint32_t count)
{
	return (count >= 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1) << first;
}

/* Makes blocks [first, first + count) of the chunk valid; those that are stay as they are. */
static int
fill(struct ext2_mount *m, struct ext2_node *node, struct ext2_chunk *chunk, uint32_t first, uint32_t count)
{
	int error = 0;

	if ((__atomic_load_n(&chunk->valid, __ATOMIC_ACQUIRE) & bits_of(first, count)) ==
	    bits_of(first, count))
		return 0;
	rumpk_lock(node->data.filling);
	while (count > 0 && error == 0) {
		uint32_t run = 0;

		if ((chunk->valid >> first & 1) != 0) {
			first++;
			count--;
			continue;
		}
		while (run < count && (chunk->valid >> (first + run) & 1) == 0)
			run++;
		error = fill_run(m, node, chunk, first, run, &run);
		if (error == 0)
			__atomic_fetch_or(&chunk->valid, bits_of(first, run), __ATOMIC_RELEASE);
		first += run;
		count -= run < count ? run : count;
	}
	rumpk_unlock(node->data.filling);
	return error;
}

/* Reads from one chunk, all of it that is wanted and that the file has. */
static int
read_chunk(struct ext2_mount *m, struct ext2_node *node, struct rumpk_uio *uio, uint64_t size)
{
	struct spot at = spot_of(m, (uint64_t)uio->offset);
	uint32_t blocks = blocks_in_chunk(m, at.index, size);
	uint64_t chunk_end = (at.index + 1) * CHUNK_BLOCKS * m->cache.block_size;
	uint64_t end = size < chunk_end ? size : chunk_end;
	size_t len =
	    end - (uint64_t)uio->offset < uio->resid ? (size_t)(end - (uint64_t)uio->offset) : uio->resid;
	struct ext2_chunk *chunk;
	uint32_t wanted;
	int error = ext2_chunk_get(&node->data, at.index, blocks, &chunk);

	if (error != 0)
		return error;
	wanted = (uint32_t)((at.offset + len + m->cache.block_size - 1) / m->cache.block_size);
	/* Who reads from the beginning of a chunk will want the rest of it. */
	if (at.block == 0)
		wanted = blocks;
	error = fill(m, node, chunk, at.block, wanted);
	if (error == 0)
		rumpk_uiomove(chunk->data + (size_t)at.block * m->cache.block_size + at.offset, len, uio);
	ext2_chunk_unpin(chunk);
	return error;
}

int
ext2_read(struct vnode *vp, struct rumpk_uio *uio, int ioflag)
{
	struct ext2_node *node = ext2_node_of(vp);
	struct ext2_mount *m = ext2_mount_of(vp->v_mount);
	uint64_t size = (uint64_t)vp->v_size;
	int error = 0;

	(void)ioflag;
	while (error == 0 && uio->resid > 0 && (uint64_t)uio->offset < size)
		error = read_chunk(m, node, uio, size);
	rumpk_vnode_accessed(vp);
	return error;
}

/*
 * Blocks that are about to become dirty and have no place on the disk yet: promises them one each, or
 * RUMP_ENOSPC. Blocks beyond what the inode knows have none; others are looked up.
 */
static int
promise(
    struct ext2_mount *m, struct ext2_node *node, struct ext2_chunk *chunk, uint32_t first, uint32_t count)
{
	uint64_t base = chunk->index * CHUNK_BLOCKS, fresh = 0;
	int error = 0;

	if ((chunk->dirty & bits_of(first, count)) == bits_of(first, count))
		return 0;
	rumpk_lock(m->lock);
	for (uint32_t at = first; at < first + count && error == 0;) {
		struct ext2_run run;

		error = ext2_map(m, node, base + at, first + count - at, &run);
		if (error == 0 && run.physical == 0)
			fresh |= bits_of(at, (uint32_t)run.count);
		at += (uint32_t)run.count;
	}
	if (error == 0) {
		uint64_t wanted;

		fresh &= ~chunk->dirty;
		wanted = (uint64_t)__builtin_popcountll(fresh);
		if (wanted != 0 && ext2fs_free_blocks_count(m->fs->super) <
				       m->promised + wanted + m->promised / 64 + SPARE_BLOCKS) {
			error = RUMP_ENOSPC;
		} else {
			m->promised += wanted;
			node->promised += wanted;
			chunk->fresh |= fresh;
		}
	}
	rumpk_unlock(m->lock);
	return error;
}

/* Blocks of which only a part will be written have to be valid first. */
static int
prepare(struct ext2_mount *m, struct ext2_node *node, struct ext2_chunk *chunk, struct spot at, size_t len)
{
	uint32_t block_size = m->cache.block_size;
	uint32_t last = (uint32_t)((at.offset + len - 1) / block_size);
	bool tail = (at.offset + len) % block_size != 0;
	int error = 0;

	if (at.offset != 0 || (last == 0 && tail))
		error = fill(m, node, chunk, at.block, 1);
	if (error == 0 && last > 0 && tail)
		error = fill(m, node, chunk, at.block + last, 1);
	return error;
}

/* Writes into one chunk. What is behind the end of the file reads as zeroes, so growing it leaves nothing
 * else. */
static int
write_chunk(struct ext2_mount *m, struct ext2_node *node, struct rumpk_uio *uio)
{
	struct spot at = spot_of(m, (uint64_t)uio->offset);
	uint64_t chunk_end = (at.index + 1) * CHUNK_BLOCKS * m->cache.block_size;
	size_t len = chunk_end - (uint64_t)uio->offset < uio->resid
			 ? (size_t)(chunk_end - (uint64_t)uio->offset)
			 : uio->resid;
	uint32_t count = (uint32_t)((at.offset + len + m->cache.block_size - 1) / m->cache.block_size);
	/* Who writes from the beginning of a later chunk will write the rest of it. */
	uint32_t room = at.block == 0 && at.index > 0 ? CHUNK_BLOCKS : at.block + count;
	struct ext2_chunk *chunk;
	int error = ext2_chunk_get(&node->data, at.index, room, &chunk);

	if (error != 0)
		return error;
	if ((error = prepare(m, node, chunk, at, len)) == 0 &&
	    (error = promise(m, node, chunk, at.block, count)) == 0) {
		rumpk_uiomove(chunk->data + (size_t)at.block * m->cache.block_size + at.offset, len, uio);
		for (uint32_t i = 0; i < count; i++)
			ext2_chunk_set_dirty(chunk, at.block + i);
		if (uio->offset > node->vn->v_size)
			node->vn->v_size = uio->offset;
	}
	ext2_chunk_unpin(chunk);
	return error;
}

/* The bytes of the last block behind the file's end: they become part of it when it grows. [X vp] */
static int
zero_tail(struct ext2_mount *m, struct ext2_node *node, uint64_t size)
{
	struct spot at = spot_of(m, size);
	struct ext2_chunk *chunk;
	int error;

	if (at.offset == 0)
		return 0;
	error = ext2_chunk_get(&node->data, at.index, at.block + 1, &chunk);
	if (error != 0)
		return error;
	if ((error = fill(m, node, chunk, at.block, 1)) == 0 &&
	    (error = promise(m, node, chunk, at.block, 1)) == 0) {
		memset(chunk->data + (size_t)at.block * m->cache.block_size + at.offset, 0,
		    m->cache.block_size - at.offset);
		ext2_chunk_set_dirty(chunk, at.block);
	}
	ext2_chunk_unpin(chunk);
	return error;
}

static int
check_size(const struct ext2_mount *m, const struct ext2_node *node, uint64_t end)
{
	uint64_t blocks = UINT64_C(0xfffffffe);

	if ((node->inode.i_flags & EXT4_EXTENTS_FL) == 0) {
		uint64_t each = m->cache.block_size / 4;

		blocks = EXT2_NDIR_BLOCKS + each + each * each + each * each * each;
		if (blocks > UINT64_C(0xfffffffe))
			blocks = UINT64_C(0xfffffffe);
	}
	return end > blocks * m->cache.block_size ? RUMP_EFBIG : 0;
}

int
ext2_write(struct vnode *vp, struct rumpk_uio *uio, int ioflag)
{
	struct ext2_node *node = ext2_node_of(vp);
	struct ext2_mount *m = ext2_mount_of(vp->v_mount);
	size_t before = uio->resid;
	int error = check_size(m, node, (uint64_t)uio->offset + uio->resid);

	if (error == 0 && uio->offset > vp->v_size)
		error = zero_tail(m, node, (uint64_t)vp->v_size);
	if (error != 0)
		return error;
	node->dirty = true;
	while (error == 0 && uio->resid > 0)
		error = write_chunk(m, node, uio);
	if (uio->resid != before)
		rumpk_vnode_written(vp);
	vp->v_blocks = (int64_t)(ext2fs_inode_i_blocks(m->fs, ext2_small_inode(node)) +
				 node->promised * (m->cache.block_size / 512));
	if (error == 0 && (ioflag & RUMPK_IO_SYNC) != 0)
		return ext2_fsync(vp, 0, 0, 0);
	if (error == 0 && __atomic_load_n(&m->cache.dirty_bytes, __ATOMIC_RELAXED) > DIRTY_BYTES)
		error = ext2_flush(vp);
	return error;
}

/* Takes blocks [first, last] from the file: from the cache, and from the disk. [X vp] */
static int
punch(struct ext2_mount *m, struct ext2_node *node, uint64_t first, uint64_t last)
{
	uint64_t promised = ext2_cache_drop(&node->data, first, last);
	int error;

	rumpk_lock(m->lock);
	m->promised -= promised;
	node->promised -= promised;
	error = ext2_error(m, ext2fs_punch(m->fs, node->ino, ext2_small_inode(node), NULL, first, last));
	rumpk_unlock(m->lock);
	return error;
}

int
ext2_truncate(struct vnode *vp, int64_t size)
{
	struct ext2_node *node = ext2_node_of(vp);
	struct ext2_mount *m = ext2_mount_of(vp->v_mount);
	uint64_t first = ((uint64_t)size + m->cache.block_size - 1) / m->cache.block_size;
	int64_t old = vp->v_size;
	int error = check_size(m, node, (uint64_t)size);

	if (error == 0)
		error = zero_tail(m, node, (uint64_t)(size < old ? size : old));
	if (error != 0 || size == old)
		return error;
	vp->v_size = size;
	node->dirty = true;
	rumpk_lock(m->lock);
	error = ext2_write_inode(m, node);
	rumpk_unlock(m->lock);
	if (error == 0 && size < old)
		error = punch(m, node, first, UINT64_MAX / m->cache.block_size);
	return error;
}

int
ext2_allocate(struct vnode *vp, int64_t offset, int64_t len)
{
	struct ext2_node *node = ext2_node_of(vp);
	struct ext2_mount *m = ext2_mount_of(vp->v_mount);
	uint64_t first = (uint64_t)offset / m->cache.block_size;
	uint64_t end = ((uint64_t)offset + (uint64_t)len + m->cache.block_size - 1) / m->cache.block_size;
	int error = check_size(m, node, (uint64_t)offset + (uint64_t)len);

	if (error == 0 && (node->inode.i_flags & EXT4_EXTENTS_FL) == 0)
		error = RUMP_EOPNOTSUPP;
	if (error == 0 && offset + len > vp->v_size)
		error = zero_tail(m, node, (uint64_t)vp->v_size);
	/* What is dirty gets its place first, so that no block has two. */
	if (error == 0)
		error = ext2_flush(vp);
	if (error != 0)
		return error;
	rumpk_lock(m->lock);
	if (ext2fs_free_blocks_count(m->fs->super) < m->promised + (end - first) + SPARE_BLOCKS)
		error = RUMP_ENOSPC;
	else
		error = ext2_error(m, ext2fs_fallocate(m->fs, EXT2_FALLOCATE_INIT_BEYOND_EOF, node->ino,
					  ext2_small_inode(node), ~0ULL, first, end - first));
	if (error == 0) {
		if (offset + len > vp->v_size)
			vp->v_size = offset + len;
		rumpk_vnode_changed(vp);
		error = ext2_write_inode(m, node);
	}
	rumpk_unlock(m->lock);
	return error;
}

/* Zeroes a part of one block. [X vp] */
static int
zero_part(struct ext2_mount *m, struct ext2_node *node, uint64_t offset, uint64_t end)
{
	struct spot at = spot_of(m, offset);
	struct ext2_chunk *chunk;
	int error = ext2_chunk_get(&node->data, at.index, at.block + 1, &chunk);

	if (error != 0)
		return error;
	if ((error = fill(m, node, chunk, at.block, 1)) == 0 &&
	    (error = promise(m, node, chunk, at.block, 1)) == 0) {
		memset(chunk->data + (size_t)at.block * m->cache.block_size + at.offset, 0,
		    (size_t)(end - offset));
		ext2_chunk_set_dirty(chunk, at.block);
	}
	ext2_chunk_unpin(chunk);
	return error;
}

int
ext2_discard(struct vnode *vp, int64_t offset, int64_t len)
{
	struct ext2_node *node = ext2_node_of(vp);
	struct ext2_mount *m = ext2_mount_of(vp->v_mount);
	uint64_t block_size = m->cache.block_size, begin = (uint64_t)offset, end = begin + (uint64_t)len;
	uint64_t first = (begin + block_size - 1) / block_size, stop;
	int error = 0;

	if (end > (uint64_t)vp->v_size)
		end = (uint64_t)vp->v_size;
	if (begin >= end)
		return 0;
	stop = end == (uint64_t)vp->v_size ? (end + block_size - 1) / block_size : end / block_size;
	if (begin % block_size != 0)
		error = zero_part(m, node, begin, end < first * block_size ? end : first * block_size);
	if (error == 0 && stop >= first && end > stop * block_size && end > begin)
		error = zero_part(m, node, stop * block_size, end);
	if (error == 0 && stop > first)
		error = punch(m, node, first, stop - 1);
	rumpk_vnode_modified(vp);
	node->dirty = true;
	return error;
}
