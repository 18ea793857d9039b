/* SPDX-License-Identifier: BSD-2-Clause */
/* The entries of one block of a directory. Nothing in it is trusted: parsing ends at the first that makes no
 * sense. */
#include <string.h>
#include "kernel/fs/ext2fs/dir.h"

#define ENTRY_HEADER 8

uint32_t
ext2_entry_size(uint32_t namelen)
{
	return (ENTRY_HEADER + namelen + 3) & ~3u;
}

struct ext2_dir_entry_2 *
ext2_entry_at(char *block, uint32_t offset)
{
	return (struct ext2_dir_entry_2 *)(void *)(block + offset);
}

/* The entry at an offset of a block; false when it is not one. */
bool
ext2_entry_parse(struct ext2_mount *m, char *block, uint32_t offset, struct ext2_raw_entry *raw)
{
	struct ext2_dir_entry_2 *entry = ext2_entry_at(block, offset);
	unsigned rec_len;

	if (offset % 4 != 0 || m->fs->blocksize - offset < ENTRY_HEADER ||
	    ext2fs_get_rec_len(m->fs, (struct ext2_dir_entry *)entry, &rec_len) != 0)
		return false;
	raw->offset = offset;
	raw->len = rec_len;
	raw->namelen = entry->name_len;
	raw->ino = entry->inode;
	raw->type = entry->file_type;
	raw->name = entry->name;
	if (raw->len < ENTRY_HEADER || raw->len % 4 != 0 || raw->len > m->fs->blocksize - offset)
		return false;
	if (raw->ino == 0)
		return true;
	return raw->namelen != 0 && ext2_entry_size(raw->namelen) <= raw->len &&
	       raw->ino <= m->fs->super->s_inodes_count && memchr(raw->name, '/', raw->namelen) == NULL &&
	       memchr(raw->name, '\0', raw->namelen) == NULL;
}

/* The room that an entry leaves behind its name. The checksum's place looks like an unused entry, and is
 * none. */
uint32_t
ext2_entry_gap(struct ext2_mount *m, const struct ext2_raw_entry *raw)
{
	if (raw->ino == 0 && raw->type == EXT2_DIR_NAME_LEN_CSUM >> 8 &&
	    ext2fs_has_feature_metadata_csum(m->fs->super))
		return 0;
	return raw->len - (raw->ino == 0 ? 0 : ext2_entry_size(raw->namelen));
}

/* [mount's lock] */
int
ext2_dirblock_read(
    struct ext2_mount *m, struct ext2_node *node, uint64_t block, char *data, uint64_t *physical)
{
	struct ext2_run run;
	int error = ext2_map(m, node, block, 1, &run);

	if (error != 0)
		return error;
	if (run.physical == 0 || run.unwritten)
		return ext2_error(m, EXT2_ET_DIR_CORRUPTED);
	*physical = run.physical;
	return ext2_error(m, ext2fs_read_dir_block4(m->fs, run.physical, data, 0, node->ino));
}

int
ext2_dirblock_write(struct ext2_mount *m, struct ext2_node *node, uint64_t physical, char *data)
{
	return ext2_error(m, ext2fs_write_dir_block4(m->fs, physical, data, 0, node->ino));
}

uint32_t
ext2_dirblock_gap(struct ext2_mount *m, char *block)
{
	uint32_t largest = 0;
	struct ext2_raw_entry raw;

	for (uint32_t offset = 0; offset < m->fs->blocksize && ext2_entry_parse(m, block, offset, &raw);
	     offset += raw.len)
		if (ext2_entry_gap(m, &raw) > largest)
			largest = ext2_entry_gap(m, &raw);
	return largest;
}

static void
put(struct ext2_mount *m, char *block, uint32_t offset, uint32_t len, const struct name *name, ext2_ino_t ino,
    uint8_t type)
{
	struct ext2_dir_entry_2 *entry = ext2_entry_at(block, offset);

	(void)ext2fs_set_rec_len(m->fs, len, (struct ext2_dir_entry *)entry);
	entry->inode = ino;
	entry->name_len = (uint8_t)name->len;
	entry->file_type = ext2fs_has_feature_filetype(m->fs->super) ? type : 0;
	memcpy(entry->name, name->text, name->len);
}

/* Puts a name into the first gap of the block that holds it; *offset is where. */
bool
ext2_dirblock_put(struct ext2_mount *m, char *block, const struct name *name, ext2_ino_t ino, uint8_t type,
    uint32_t *offset)
{
	struct ext2_raw_entry raw;

	for (uint32_t here = 0; here < m->fs->blocksize && ext2_entry_parse(m, block, here, &raw);
	     here += raw.len) {
		uint32_t used = raw.ino == 0 ? 0 : ext2_entry_size(raw.namelen);

		if (ext2_entry_gap(m, &raw) < ext2_entry_size(name->len))
			continue;
		if (used != 0)
			(void)ext2fs_set_rec_len(
			    m->fs, used, (struct ext2_dir_entry *)ext2_entry_at(block, here));
		put(m, block, here + used, raw.len - used, name, ino, type);
		*offset = here + used;
		return true;
	}
	return false;
}

/* Takes the entry at an offset out of its block: the one before gets its room, or it becomes an unused one.
 */
bool
ext2_dirblock_take_out(struct ext2_mount *m, char *block, uint32_t wanted)
{
	struct ext2_raw_entry raw, before = {.len = 0};

	for (uint32_t offset = 0; offset < m->fs->blocksize && ext2_entry_parse(m, block, offset, &raw);
	     offset += raw.len) {
		if (offset == wanted) {
			if (before.len != 0)
				(void)ext2fs_set_rec_len(m->fs, before.len + raw.len,
				    (struct ext2_dir_entry *)ext2_entry_at(block, before.offset));
			else
				ext2_entry_at(block, offset)->inode = 0;
			return true;
		}
		before = raw;
	}
	return false;
}

uint8_t
ext2_entry_disk_type(enum vtype type)
{
	static const uint8_t types[] = {
	    [VREG] = EXT2_FT_REG_FILE,
	    [VDIR] = EXT2_FT_DIR,
	    [VBLK] = EXT2_FT_BLKDEV,
	    [VCHR] = EXT2_FT_CHRDEV,
	    [VLNK] = EXT2_FT_SYMLINK,
	    [VSOCK] = EXT2_FT_SOCK,
	    [VFIFO] = EXT2_FT_FIFO,
	};

	return types[type];
}

uint8_t
ext2_entry_dirent_type(const struct ext2_raw_entry *raw)
{
	static const enum vtype types[] = {
	    [EXT2_FT_REG_FILE] = VREG,
	    [EXT2_FT_DIR] = VDIR,
	    [EXT2_FT_CHRDEV] = VCHR,
	    [EXT2_FT_BLKDEV] = VBLK,
	    [EXT2_FT_FIFO] = VFIFO,
	    [EXT2_FT_SOCK] = VSOCK,
	    [EXT2_FT_SYMLINK] = VLNK,
	};

	return raw->type < sizeof(types) / sizeof(types[0]) && types[raw->type] != VNON
		   ? rumpk_vtype_dirent(types[raw->type])
		   : RUMP_DT_UNKNOWN;
}
