/* SPDX-License-Identifier: BSD-2-Clause */
/* The index of a directory: made of its blocks, and kept in step with them (dir.h). */
#include <string.h>
#include "kernel/base/mem.h"
#include "kernel/fs/ext2fs/dir.h"

#define FIRST_BUCKETS 16

static bool
is_dot(const struct ext2_raw_entry *raw)
{
	return raw->namelen == 1 && raw->name[0] == '.';
}

static bool
is_dotdot(const struct ext2_raw_entry *raw)
{
	return raw->namelen == 2 && raw->name[0] == '.' && raw->name[1] == '.';
}

static void
index_free(struct ext2_dir *dir)
{
	for (uint32_t i = 0; i < dir->buckets; i++) {
		struct ext2_indexed *entry = dir->table[i], *next;

		for (; entry != NULL; entry = next) {
			next = entry->next;
			rumpk_free(entry, sizeof(*entry) + entry->len);
		}
	}
	rumpk_free(dir->table, dir->buckets * sizeof(struct ext2_indexed *));
	rumpk_free(dir->gaps, dir->blocks * sizeof(uint32_t));
	rumpk_free(dir, sizeof(*dir));
}

static void
rehash(struct ext2_dir *dir)
{
	uint32_t buckets = dir->buckets * 4;
	struct ext2_indexed **table = rumpk_zalloc(buckets * sizeof(struct ext2_indexed *));

	/* Longer chains are no error. */
	if (table == NULL)
		return;
	for (uint32_t i = 0; i < dir->buckets; i++) {
		struct ext2_indexed *entry = dir->table[i], *next;

		for (; entry != NULL; entry = next) {
			next = entry->next;
			entry->next = table[entry->hash & (buckets - 1)];
			table[entry->hash & (buckets - 1)] = entry;
		}
	}
	rumpk_free(dir->table, dir->buckets * sizeof(struct ext2_indexed *));
	dir->table = table;
	dir->buckets = buckets;
}

int
ext2_index_add(
    struct ext2_dir *dir, const char *text, uint32_t len, uint32_t hash, ext2_ino_t ino, uint64_t position)
{
	struct ext2_indexed *entry = rumpk_alloc(sizeof(*entry) + len);

	if (entry == NULL)
		return RUMP_ENOMEM;
	if (dir->count >= dir->buckets)
		rehash(dir);
	entry->hash = hash;
	entry->ino = ino;
	entry->position = position;
	entry->len = (uint16_t)len;
	memcpy(entry->text, text, len);
	entry->next = dir->table[hash & (dir->buckets - 1)];
	dir->table[hash & (dir->buckets - 1)] = entry;
	dir->count++;
	return 0;
}

struct ext2_indexed **
ext2_index_find(struct ext2_dir *dir, const struct name *name)
{
	struct ext2_indexed **link = &dir->table[name->hash & (dir->buckets - 1)];

	while (*link != NULL && ((*link)->hash != name->hash || (*link)->len != name->len ||
				    memcmp((*link)->text, name->text, name->len) != 0))
		link = &(*link)->next;
	return link;
}

/* Takes one block's entries into the index. */
static int
index_block(struct ext2_mount *m, struct ext2_dir *dir, uint64_t number, char *block)
{
	struct ext2_raw_entry raw;
	int error = 0;

	for (uint32_t offset = 0; offset < m->fs->blocksize && error == 0; offset += raw.len) {
		uint64_t position = number * m->fs->blocksize + offset;

		if (!ext2_entry_parse(m, block, offset, &raw))
			return ext2_error(m, EXT2_ET_DIR_CORRUPTED);
		if (ext2_entry_gap(m, &raw) > dir->gaps[number])
			dir->gaps[number] = ext2_entry_gap(m, &raw);
		if (raw.ino == 0 || is_dot(&raw))
			continue;
		if (is_dotdot(&raw)) {
			dir->parent = raw.ino;
			dir->parent_position = position;
			continue;
		}
		error = ext2_index_add(
		    dir, raw.name, raw.namelen, name_hash(raw.name, raw.namelen), raw.ino, position);
	}
	return error;
}

static int
index_make(struct ext2_mount *m, struct ext2_node *node, struct ext2_dir **dirp)
{
	struct ext2_dir *dir = rumpk_zalloc(sizeof(*dir));
	char *block = rumpk_alloc(m->fs->blocksize);
	int error = RUMP_ENOMEM;
	uint64_t physical;

	if (dir == NULL || block == NULL)
		goto out;
	dir->blocks = EXT2_I_SIZE(&node->inode) / m->fs->blocksize;
	dir->gaps = rumpk_zalloc((dir->blocks != 0 ? dir->blocks : 1) * sizeof(uint32_t));
	dir->table = rumpk_zalloc(FIRST_BUCKETS * sizeof(struct ext2_indexed *));
	if (dir->gaps == NULL || dir->table == NULL)
		goto out;
	dir->buckets = FIRST_BUCKETS;
	error = 0;
	for (uint64_t number = 0; number < dir->blocks && error == 0; number++) {
		error = ext2_dirblock_read(m, node, number, block, &physical);
		if (error == 0)
			error = index_block(m, dir, number, block);
	}
	if (error == 0 && dir->parent == 0)
		error = ext2_error(m, EXT2_ET_DIR_CORRUPTED);
	if (error == 0)
		*dirp = dir;
out:
	rumpk_free(block, m->fs->blocksize);
	if (error != 0 && dir != NULL)
		index_free(dir);
	return error;
}

/* The index, made if need be. [S or X dvp; the mount's lock when `locked`] */
int
ext2_index_get(struct vnode *dvp, bool locked, struct ext2_dir **dirp)
{
	struct ext2_node *node = ext2_node_of(dvp);
	struct ext2_mount *m = ext2_mount_of(dvp->v_mount);
	int error = 0;

	*dirp = __atomic_load_n(&node->dir, __ATOMIC_ACQUIRE);
	if (*dirp != NULL)
		return 0;
	/* With the exclusive lock nobody else can be at it. */
	if (!locked) {
		rumpk_lock(node->dir_lock);
		rumpk_lock(m->lock);
	}
	*dirp = node->dir;
	if (*dirp == NULL && (error = index_make(m, node, dirp)) == 0)
		__atomic_store_n(&node->dir, *dirp, __ATOMIC_RELEASE);
	if (!locked) {
		rumpk_unlock(m->lock);
		rumpk_unlock(node->dir_lock);
	}
	return error;
}

void
ext2_dir_forget(struct ext2_node *node)
{
	if (node->dir != NULL)
		index_free(node->dir);
	node->dir = NULL;
}

int
ext2_dir_find(struct vnode *dvp, const struct name *name, struct ext2_name *found)
{
	struct ext2_dir *dir;
	struct ext2_indexed *entry;
	int error = ext2_index_get(dvp, false, &dir);

	if (error != 0)
		return error;
	if (name->len == 2 && memcmp(name->text, "..", 2) == 0) {
		*found = (struct ext2_name){dir->parent, dir->parent_position};
		return 0;
	}
	entry = *ext2_index_find(dir, name);
	if (entry == NULL)
		return RUMP_ENOENT;
	*found = (struct ext2_name){entry->ino, entry->position};
	return 0;
}

int
ext2_dir_is_empty(struct vnode *dvp, bool *empty)
{
	struct ext2_dir *dir;
	int error = ext2_index_get(dvp, false, &dir);

	if (error == 0)
		*empty = dir->count == 0;
	return error;
}
