/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names of a directory: entries in blocks (dir_block.c), an index of them (dir_index.c), and what changes
 * both (dir.c).
 *
 * Theory of operation: the first lookup reads the whole directory and makes an index of its names by hash,
 * with the number of the inode and the position of the entry, and for each block how large the largest gap
 * is. From then on lookups touch memory only. Changes are made to the block on the disk first and to the
 * index after. Who reads has the directory's shared lock, who changes it the exclusive one; the index is made
 * under dir_lock, by whoever comes first.
 *
 * Directories that Linux has hashed (htree) are read like others; before the first entry is added to one, the
 * library turns it into a plain one.
 */
#ifndef KERNEL_FS_EXT2FS_DIR_H
#define KERNEL_FS_EXT2FS_DIR_H

#include "kernel/fs/ext2fs/ext2fs.h"

/* An entry as it lies in a block. */
struct ext2_raw_entry {
	uint32_t offset;
	uint32_t len; /* up to the next one */
	uint32_t namelen;
	ext2_ino_t ino;
	uint8_t type;
	const char *name;
};

/* One that is in the index. */
struct ext2_indexed {
	struct ext2_indexed *next;
	uint32_t hash;
	ext2_ino_t ino;
	uint64_t position;
	uint16_t len;
	char text[];
};

struct ext2_dir {
	struct ext2_indexed **table;
	uint32_t buckets;
	uint32_t count; /* without "." and ".." */
	ext2_ino_t parent;
	uint64_t parent_position;
	uint64_t blocks;
	uint32_t *gaps; /* largest of each block; `blocks` of them */
};

uint32_t ext2_entry_size(uint32_t namelen);
struct ext2_dir_entry_2 *ext2_entry_at(char *block, uint32_t offset);
/* The entry at an offset of a block; false when it is not one. */
bool ext2_entry_parse(struct ext2_mount *m, char *block, uint32_t offset, struct ext2_raw_entry *raw);
/* The room that it leaves behind its name. */
uint32_t ext2_entry_gap(struct ext2_mount *m, const struct ext2_raw_entry *raw);
uint8_t ext2_entry_disk_type(enum vtype type);
uint8_t ext2_entry_dirent_type(const struct ext2_raw_entry *raw);

/* A block of the directory, and where it lies. [mount's lock] */
int ext2_dirblock_read(
    struct ext2_mount *m, struct ext2_node *node, uint64_t block, char *data, uint64_t *physical);
int ext2_dirblock_write(struct ext2_mount *m, struct ext2_node *node, uint64_t physical, char *data);
uint32_t ext2_dirblock_gap(struct ext2_mount *m, char *block);
/* Puts a name into the first gap that holds it; *offset is where. False: there is none. */
bool ext2_dirblock_put(struct ext2_mount *m, char *block, const struct name *name, ext2_ino_t ino,
    uint8_t type, uint32_t *offset);
/* Takes the entry at an offset out; false when there is none. */
bool ext2_dirblock_take_out(struct ext2_mount *m, char *block, uint32_t wanted);

/* The index, made if need be. [S or X dvp; the mount's lock when `locked`] */
int ext2_index_get(struct vnode *dvp, bool locked, struct ext2_dir **dirp);
int ext2_index_add(
    struct ext2_dir *dir, const char *text, uint32_t len, uint32_t hash, ext2_ino_t ino, uint64_t position);
/* The link to the name's entry, or to the NULL at the end of its bucket. */
struct ext2_indexed **ext2_index_find(struct ext2_dir *dir, const struct name *name);

#endif
