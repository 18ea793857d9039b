/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a superblock is one that can be mounted.
 *
 * Theory of operation: the library takes the counts and sizes in it as they are when it asks for memory and
 * fills bitmaps, so they are looked at before it is called: they have to fit each other and the device. What
 * is asked for is what every mke2fs makes.
 */
#include <string.h>
#include "kernel/base/print.h"
#include "kernel/fs/ext2fs/ext2fs.h"

#define SUPERBLOCK_OFFSET 1024
/* The block sizes are 1,024 shifted by up to that. */
#define MOST_LOG_BLOCK_SIZE 6

/* Features that are not understood well enough: to be mounted at all, or to be written to. */
#define INCOMPAT_REFUSED \
	(EXT2_FEATURE_INCOMPAT_COMPRESSION | EXT3_FEATURE_INCOMPAT_JOURNAL_DEV | EXT4_FEATURE_INCOMPAT_MMP | \
	    EXT4_FEATURE_INCOMPAT_INLINE_DATA | EXT4_FEATURE_INCOMPAT_ENCRYPT | \
	    EXT4_FEATURE_INCOMPAT_CASEFOLD | EXT4_FEATURE_INCOMPAT_EA_INODE | EXT4_FEATURE_INCOMPAT_DIRDATA)
#define RO_COMPAT_REFUSED \
	(EXT4_FEATURE_RO_COMPAT_QUOTA | EXT4_FEATURE_RO_COMPAT_BIGALLOC | EXT4_FEATURE_RO_COMPAT_REPLICA | \
	    EXT4_FEATURE_RO_COMPAT_READONLY | EXT4_FEATURE_RO_COMPAT_PROJECT | \
	    EXT4_FEATURE_RO_COMPAT_VERITY | EXT4_FEATURE_RO_COMPAT_SHARED_BLOCKS | \
	    EXT4_FEATURE_RO_COMPAT_ORPHAN_PRESENT)

static int
refuse(const struct mount *mp, const char *why, int error)
{
	rumpk_warn("ext2fs: %s: %s\n", mp->mnt_from, why);
	return error;
}

/* Sizes, in bytes and as powers of two. */
static bool
sizes_are_sane(struct ext2_super_block *super)
{
	uint32_t block_size = EXT2_BLOCK_SIZE(super), inode_size = EXT2_INODE_SIZE(super);
	uint32_t most_first = block_size == 1024 ? 1 : 0;

	if (super->s_rev_level > EXT2_MAX_SUPP_REV || inode_size < EXT2_GOOD_OLD_INODE_SIZE ||
	    inode_size > block_size || (inode_size & (inode_size - 1)) != 0)
		return false;
	/* What new inodes get of the room behind the old ones' 128 bytes. */
	if (inode_size > EXT2_GOOD_OLD_INODE_SIZE &&
	    (super->s_want_extra_isize > inode_size - EXT2_GOOD_OLD_INODE_SIZE ||
		super->s_min_extra_isize > inode_size - EXT2_GOOD_OLD_INODE_SIZE ||
		super->s_want_extra_isize % 4 != 0))
		return false;
	if (ext2fs_has_feature_64bit(super) &&
	    (super->s_desc_size < EXT2_MIN_DESC_SIZE_64BIT || super->s_desc_size > block_size ||
		(super->s_desc_size & (super->s_desc_size - 1)) != 0))
		return false;
	if (ext2fs_has_feature_bigalloc(super))
		return super->s_log_cluster_size >= super->s_log_block_size &&
		       super->s_log_cluster_size - super->s_log_block_size < 16 &&
		       super->s_first_data_block <= most_first;
	return super->s_log_cluster_size == super->s_log_block_size &&
	       super->s_first_data_block == most_first;
}

/* The groups: how many there are, and what is in each. */
static bool
groups_are_sane(struct ext2_super_block *super, uint64_t device_size)
{
	uint32_t block_size = EXT2_BLOCK_SIZE(super), first = super->s_first_data_block;
	uint32_t per_group = super->s_blocks_per_group, clusters = super->s_clusters_per_group;
	uint32_t inodes = super->s_inodes_per_group;
	uint32_t ratio_bits = super->s_log_cluster_size - super->s_log_block_size;
	uint64_t blocks = ext2fs_blocks_count(super), groups, tables;

	if (blocks <= first || blocks > device_size / block_size || clusters == 0 || clusters % 8 != 0 ||
	    clusters > block_size * 8 || per_group != (uint64_t)clusters << ratio_bits || inodes == 0 ||
	    inodes % 8 != 0 || inodes > block_size * 8)
		return false;
	groups = (blocks - first + per_group - 1) / per_group;
	tables = groups * (((uint64_t)inodes * EXT2_INODE_SIZE(super) + block_size - 1) / block_size);
	return groups * inodes == super->s_inodes_count && tables < blocks &&
	       super->s_inodes_count > EXT2_FIRST_INO(super) && EXT2_FIRST_INO(super) > EXT2_ROOT_INO;
}

/* What is counted and reserved within them. */
static bool
counts_are_sane(struct ext2_super_block *super)
{
	uint64_t blocks = ext2fs_blocks_count(super);
	uint32_t block_size = EXT2_BLOCK_SIZE(super);
	uint32_t desc_size = EXT2_DESC_SIZE(super);
	uint64_t groups =
	    (blocks - super->s_first_data_block + super->s_blocks_per_group - 1) / super->s_blocks_per_group;

	return ext2fs_free_blocks_count(super) <= blocks && ext2fs_r_blocks_count(super) <= blocks &&
	       super->s_free_inodes_count <= super->s_inodes_count &&
	       super->s_reserved_gdt_blocks <= block_size / 4 && super->s_log_groups_per_flex < 32 &&
	       (!ext2fs_has_feature_meta_bg(super) ||
		   super->s_first_meta_bg <= (groups * desc_size + block_size - 1) / block_size);
}

int
ext2_check_super(const struct mount *mp, const struct rumpk_special *device)
{
	struct ext2_super_block super;
	int error;

	if (device->size < SUPERBLOCK_OFFSET + sizeof(super))
		return refuse(mp, "is no ext2, ext3 or ext4 file system", RUMP_EINVAL);
	error = rumpk_special_transfer(device, RUMPK_READ, &super, sizeof(super), SUPERBLOCK_OFFSET);
	if (error != 0)
		return error;
#ifdef WORDS_BIGENDIAN
	ext2fs_swap_super(&super);
#endif
	if (super.s_magic != EXT2_SUPER_MAGIC)
		return refuse(mp, "is no ext2, ext3 or ext4 file system", RUMP_EINVAL);
	if (super.s_log_block_size > MOST_LOG_BLOCK_SIZE || !sizes_are_sane(&super))
		return refuse(mp, "is broken: sizes in its superblock make no sense", RUMP_EINVAL);
	if (ext2fs_blocks_count(&super) > device->size / EXT2_BLOCK_SIZE(&super))
		return refuse(mp, "is larger than its device", RUMP_EINVAL);
	if (!groups_are_sane(&super, device->size) || !counts_are_sane(&super))
		return refuse(mp, "is broken: counts in its superblock make no sense", RUMP_EINVAL);
	return 0;
}

int
ext2_check_features(const struct mount *mp, struct ext2_super_block *super, bool rdonly)
{
	if ((super->s_feature_incompat & INCOMPAT_REFUSED) != 0)
		return refuse(mp, "has a feature that is not supported", RUMP_EOPNOTSUPP);
	if (rdonly)
		return 0;
	if (ext2fs_has_feature_journal_needs_recovery(super))
		return refuse(
		    mp, "its journal needs recovery: run e2fsck, or mount it read-only", RUMP_EROFS);
	if ((super->s_feature_ro_compat & RO_COMPAT_REFUSED) != 0)
		return refuse(mp, "has a feature that allows reading only: mount it read-only", RUMP_EROFS);
	if ((super->s_state & EXT2_ERROR_FS) != 0)
		return refuse(mp, "is marked as damaged: run e2fsck, or mount it read-only", RUMP_EROFS);
	return 0;
}
