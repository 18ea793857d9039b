/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a file's blocks lie on the disk. */
#include "kernel/fs/ext2fs/ext2fs.h"

static bool
has_extents(const struct ext2_node *node)
{
	return (node->inode.i_flags & EXT4_EXTENTS_FL) != 0;
}

/* Which blocks the device has: what lies elsewhere is a broken image's. */
static bool
run_is_sane(const struct ext2_mount *m, const struct ext2_run *run)
{
	uint64_t blocks = ext2fs_blocks_count(m->fs->super);

	return run->physical == 0 || (run->physical >= m->fs->super->s_first_data_block &&
					 run->physical < blocks && run->count <= blocks - run->physical);
}

/* The extent at or behind the handle's position begins later than `block`: a hole up to there. */
static void
hole_before(uint64_t block, uint64_t begin, struct ext2_run *run)
{
	if (begin > block && begin - block < run->count)
		run->count = begin - block;
}

static errcode_t
map_extent(ext2_extent_handle_t handle, uint64_t block, struct ext2_run *run)
{
	struct ext2fs_extent extent;
	errcode_t error = ext2fs_extent_goto(handle, block);

	if (error == EXT2_ET_EXTENT_NOT_FOUND) {
		/* The position is now at the extent before the hole, or at the first one behind it. */
		error = ext2fs_extent_get(handle, EXT2_EXTENT_CURRENT, &extent);
		if (error == 0 && extent.e_lblk <= block)
			error = ext2fs_extent_get(handle, EXT2_EXTENT_NEXT_LEAF, &extent);
		if (error == 0)
			hole_before(block, extent.e_lblk, run);
		return 0;
	}
	if (error == 0)
		error = ext2fs_extent_get(handle, EXT2_EXTENT_CURRENT, &extent);
	if (error != 0)
		return error;
	if (block < extent.e_lblk || block - extent.e_lblk >= extent.e_len)
		return EXT2_ET_EXTENT_HEADER_BAD;
	run->physical = extent.e_pblk + (block - extent.e_lblk);
	run->unwritten = (extent.e_flags & EXT2_EXTENT_FLAGS_UNINIT) != 0;
	if (extent.e_len - (block - extent.e_lblk) < run->count)
		run->count = extent.e_len - (block - extent.e_lblk);
	return 0;
}

/* Block by block, for the maps of ext2 and ext3. */
static errcode_t
map_indirect(struct ext2_mount *m, struct ext2_node *node, uint64_t block, struct ext2_run *run)
{
	uint64_t most = run->count;
	blk64_t physical;
	errcode_t error;

	error = ext2fs_bmap2(m->fs, node->ino, ext2_small_inode(node), NULL, 0, block, NULL, &physical);
	if (error != 0)
		return error;
	run->physical = physical;
	for (run->count = 1; run->count < most; run->count++) {
		error = ext2fs_bmap2(
		    m->fs, node->ino, ext2_small_inode(node), NULL, 0, block + run->count, NULL, &physical);
		if (error != 0 || physical != (run->physical == 0 ? 0 : run->physical + run->count))
			break;
	}
	return 0;
}

int
ext2_map(struct ext2_mount *m, struct ext2_node *node, uint64_t block, uint64_t most, struct ext2_run *run)
{
	ext2_extent_handle_t handle;
	errcode_t error;

	*run = (struct ext2_run){.block = block, .count = most};
	if (!has_extents(node)) {
		error = map_indirect(m, node, block, run);
	} else {
		error = ext2fs_extent_open2(m->fs, node->ino, ext2_small_inode(node), &handle);
		if (error == 0) {
			error = map_extent(handle, block, run);
			ext2fs_extent_free(handle);
		}
	}
	if (error == 0 && !run_is_sane(m, run))
		error = EXT2_ET_BAD_BLOCK_NUM;
	return ext2_error(m, error);
}

/* Makes the extent at the handle's position valid, or its blocks within [block, end) alone. */
static errcode_t
make_written(ext2_extent_handle_t handle, struct ext2fs_extent *extent, uint64_t block, uint64_t end)
{
	uint64_t begin = extent->e_lblk < block ? block : extent->e_lblk;
	uint64_t stop = extent->e_lblk + extent->e_len < end ? extent->e_lblk + extent->e_len : end;
	errcode_t error = 0;

	if (begin == extent->e_lblk && stop == extent->e_lblk + extent->e_len) {
		extent->e_flags &= ~(__u32)EXT2_EXTENT_FLAGS_UNINIT;
		return ext2fs_extent_replace(handle, 0, extent);
	}
	for (uint64_t at = begin; at < stop && error == 0; at++)
		error = ext2fs_extent_set_bmap(handle, at, extent->e_pblk + (at - extent->e_lblk), 0);
	return error;
}

int
ext2_map_written(struct ext2_mount *m, struct ext2_node *node, uint64_t block, uint64_t count)
{
	uint64_t at = block, end = block + count;
	ext2_extent_handle_t handle;
	errcode_t error;

	if (!has_extents(node))
		return 0;
	error = ext2fs_extent_open2(m->fs, node->ino, ext2_small_inode(node), &handle);
	if (error != 0)
		return ext2_error(m, error);
	while (at < end && error == 0) {
		struct ext2fs_extent extent;

		error = ext2fs_extent_goto(handle, at);
		/* A hole between what was written. */
		if (error == EXT2_ET_EXTENT_NOT_FOUND) {
			at++;
			error = 0;
			continue;
		}
		if (error == 0)
			error = ext2fs_extent_get(handle, EXT2_EXTENT_CURRENT, &extent);
		if (error != 0)
			break;
		at = extent.e_lblk + extent.e_len;
		if ((extent.e_flags & EXT2_EXTENT_FLAGS_UNINIT) != 0)
			error = make_written(handle, &extent, block, end);
	}
	ext2fs_extent_free(handle);
	return ext2_error(m, error);
}
