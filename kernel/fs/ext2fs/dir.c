/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names of a directory.
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
#include <string.h>
#include "kernel/base/mem.h"
#include "kernel/base/print.h"
#include "kernel/fs/ext2fs/ext2fs.h"

#define ENTRY_HEADER 8
#define FIRST_BUCKETS 16

struct entry {
	struct entry *next;
	uint32_t hash;
	ext2_ino_t ino;
	uint64_t position;
	uint16_t len;
	char text[];
};

struct ext2_dir {
	struct entry **table;
	uint32_t buckets;
	uint32_t count; /* without "." and ".." */
	ext2_ino_t parent;
	uint64_t parent_position;
	uint64_t blocks;
	uint32_t *gaps; /* largest of each block; `blocks` of them */
};

/* An entry as it lies in a block. */
struct raw {
	uint32_t offset;
	uint32_t len; /* up to the next one */
	uint32_t namelen;
	ext2_ino_t ino;
	uint8_t type;
	const char *name;
};

static uint32_t
entry_size(uint32_t namelen)
{
	return (ENTRY_HEADER + namelen + 3) & ~3u;
}

static struct ext2_dir_entry_2 *
at(char *block, uint32_t offset)
{
	return (struct ext2_dir_entry_2 *)(void *)(block + offset);
}

/* The entry at an offset of a block; false when it is not one. */
static bool
parse(struct ext2_mount *m, char *block, uint32_t offset, struct raw *raw)
{
	struct ext2_dir_entry_2 *entry = at(block, offset);
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
	return raw->namelen != 0 && entry_size(raw->namelen) <= raw->len &&
	       raw->ino <= m->fs->super->s_inodes_count && memchr(raw->name, '/', raw->namelen) == NULL &&
	       memchr(raw->name, '\0', raw->namelen) == NULL;
}

static bool
is_dot(const struct raw *raw)
{
	return raw->namelen == 1 && raw->name[0] == '.';
}

static bool
is_dotdot(const struct raw *raw)
{
	return raw->namelen == 2 && raw->name[0] == '.' && raw->name[1] == '.';
}

/* The room that an entry leaves behind its name. The checksum's place looks like an unused entry, and is
 * none. */
static uint32_t
gap_of(struct ext2_mount *m, const struct raw *raw)
{
	if (raw->ino == 0 && raw->type == EXT2_DIR_NAME_LEN_CSUM >> 8 &&
	    ext2fs_has_feature_metadata_csum(m->fs->super))
		return 0;
	return raw->len - (raw->ino == 0 ? 0 : entry_size(raw->namelen));
}

/* [mount's lock] */
static int
read_block(struct ext2_mount *m, struct ext2_node *node, uint64_t block, char *data, uint64_t *physical)
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

static int
write_block(struct ext2_mount *m, struct ext2_node *node, uint64_t physical, char *data)
{
	return ext2_error(m, ext2fs_write_dir_block4(m->fs, physical, data, 0, node->ino));
}

static void
index_free(struct ext2_dir *dir)
{
	for (uint32_t i = 0; i < dir->buckets; i++) {
		struct entry *entry = dir->table[i], *next;

		for (; entry != NULL; entry = next) {
			next = entry->next;
			rumpk_free(entry, sizeof(*entry) + entry->len);
		}
	}
	rumpk_free(dir->table, dir->buckets * sizeof(struct entry *));
	rumpk_free(dir->gaps, dir->blocks * sizeof(uint32_t));
	rumpk_free(dir, sizeof(*dir));
}

static void
rehash(struct ext2_dir *dir)
{
	uint32_t buckets = dir->buckets * 4;
	struct entry **table = rumpk_zalloc(buckets * sizeof(struct entry *));

	/* Longer chains are no error. */
	if (table == NULL)
		return;
	for (uint32_t i = 0; i < dir->buckets; i++) {
		struct entry *entry = dir->table[i], *next;

		for (; entry != NULL; entry = next) {
			next = entry->next;
			entry->next = table[entry->hash & (buckets - 1)];
			table[entry->hash & (buckets - 1)] = entry;
		}
	}
	rumpk_free(dir->table, dir->buckets * sizeof(struct entry *));
	dir->table = table;
	dir->buckets = buckets;
}

static int
index_add(
    struct ext2_dir *dir, const char *text, uint32_t len, uint32_t hash, ext2_ino_t ino, uint64_t position)
{
	struct entry *entry = rumpk_alloc(sizeof(*entry) + len);

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

static struct entry **
index_find(struct ext2_dir *dir, const struct name *name)
{
	struct entry **link = &dir->table[name->hash & (dir->buckets - 1)];

	while (*link != NULL && ((*link)->hash != name->hash || (*link)->len != name->len ||
				    memcmp((*link)->text, name->text, name->len) != 0))
		link = &(*link)->next;
	return link;
}

/* Takes one block's entries into the index. */
static int
index_block(struct ext2_mount *m, struct ext2_dir *dir, uint64_t number, char *block)
{
	struct raw raw;
	int error = 0;

	for (uint32_t offset = 0; offset < m->fs->blocksize && error == 0; offset += raw.len) {
		uint64_t position = number * m->fs->blocksize + offset;

		if (!parse(m, block, offset, &raw))
			return ext2_error(m, EXT2_ET_DIR_CORRUPTED);
		if (gap_of(m, &raw) > dir->gaps[number])
			dir->gaps[number] = gap_of(m, &raw);
		if (raw.ino == 0 || is_dot(&raw))
			continue;
		if (is_dotdot(&raw)) {
			dir->parent = raw.ino;
			dir->parent_position = position;
			continue;
		}
		error = index_add(
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
	dir->table = rumpk_zalloc(FIRST_BUCKETS * sizeof(struct entry *));
	if (dir->gaps == NULL || dir->table == NULL)
		goto out;
	dir->buckets = FIRST_BUCKETS;
	error = 0;
	for (uint64_t number = 0; number < dir->blocks && error == 0; number++) {
		error = read_block(m, node, number, block, &physical);
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
static int
index_get(struct vnode *dvp, bool locked, struct ext2_dir **dirp)
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
	struct entry *entry;
	int error = index_get(dvp, false, &dir);

	if (error != 0)
		return error;
	if (name->len == 2 && memcmp(name->text, "..", 2) == 0) {
		*found = (struct ext2_name){dir->parent, dir->parent_position};
		return 0;
	}
	entry = *index_find(dir, name);
	if (entry == NULL)
		return RUMP_ENOENT;
	*found = (struct ext2_name){entry->ino, entry->position};
	return 0;
}

int
ext2_dir_is_empty(struct vnode *dvp, bool *empty)
{
	struct ext2_dir *dir;
	int error = index_get(dvp, false, &dir);

	if (error == 0)
		*empty = dir->count == 0;
	return error;
}

static uint32_t
largest_gap(struct ext2_mount *m, char *block)
{
	uint32_t largest = 0;
	struct raw raw;

	for (uint32_t offset = 0; offset < m->fs->blocksize && parse(m, block, offset, &raw);
	     offset += raw.len)
		if (gap_of(m, &raw) > largest)
			largest = gap_of(m, &raw);
	return largest;
}

static void
put(struct ext2_mount *m, char *block, uint32_t offset, uint32_t len, const struct name *name, ext2_ino_t ino,
    uint8_t type)
{
	struct ext2_dir_entry_2 *entry = at(block, offset);

	(void)ext2fs_set_rec_len(m->fs, len, (struct ext2_dir_entry *)entry);
	entry->inode = ino;
	entry->name_len = (uint8_t)name->len;
	entry->file_type = ext2fs_has_feature_filetype(m->fs->super) ? type : 0;
	memcpy(entry->name, name->text, name->len);
}

/* Puts a name into the first gap of the block that holds it; *offset is where. */
static bool
put_into_gap(struct ext2_mount *m, char *block, const struct name *name, ext2_ino_t ino, uint8_t type,
    uint32_t *offset)
{
	struct raw raw;

	for (uint32_t here = 0; here < m->fs->blocksize && parse(m, block, here, &raw); here += raw.len) {
		uint32_t used = raw.ino == 0 ? 0 : entry_size(raw.namelen);

		if (gap_of(m, &raw) < entry_size(name->len))
			continue;
		if (used != 0)
			(void)ext2fs_set_rec_len(m->fs, used, (struct ext2_dir_entry *)at(block, here));
		put(m, block, here + used, raw.len - used, name, ino, type);
		*offset = here + used;
		return true;
	}
	return false;
}

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

static uint8_t
disk_type(enum vtype type)
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
	error = read_block(m, node, number, block, &physical);
	if (error == 0 && !put_into_gap(m, block, name, ino, type, &offset))
		error = ext2_error(m, EXT2_ET_DIR_CORRUPTED);
	if (error == 0)
		error = write_block(m, node, physical, block);
	if (error == 0) {
		dir->gaps[number] = largest_gap(m, block);
		error = index_add(
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
		return enter_hashed(m, node, name, ino, disk_type(type));
	error = index_get(dvp, true, &dir);
	if (error != 0)
		return error;
	for (number = 0; number < dir->blocks && dir->gaps[number] < entry_size(name->len); number++)
		continue;
	if (number == dir->blocks && (error = grow(m, node, dir)) != 0)
		return error;
	return enter_block(m, node, dir, number, name, ino, disk_type(type));
}

/* Takes the entry at an offset out of its block: the one before gets its room, or it becomes an unused one.
 */
static bool
take_out(struct ext2_mount *m, char *block, uint32_t wanted)
{
	struct raw raw, before = {.len = 0};

	for (uint32_t offset = 0; offset < m->fs->blocksize && parse(m, block, offset, &raw);
	     offset += raw.len) {
		if (offset == wanted) {
			if (before.len != 0)
				(void)ext2fs_set_rec_len(m->fs, before.len + raw.len,
				    (struct ext2_dir_entry *)at(block, before.offset));
			else
				at(block, offset)->inode = 0;
			return true;
		}
		before = raw;
	}
	return false;
}

int
ext2_dir_remove(struct vnode *dvp, const struct name *name)
{
	struct ext2_node *node = ext2_node_of(dvp);
	struct ext2_mount *m = ext2_mount_of(dvp->v_mount);
	char *block = rumpk_alloc(m->fs->blocksize);
	struct ext2_dir *dir;
	struct entry **link, *entry;
	uint64_t number, physical;
	int error;

	if (block == NULL)
		return RUMP_ENOMEM;
	error = index_get(dvp, true, &dir);
	if (error != 0)
		goto out;
	link = index_find(dir, name);
	entry = *link;
	if (entry == NULL) {
		error = RUMP_ENOENT;
		goto out;
	}
	number = entry->position / m->fs->blocksize;
	error = read_block(m, node, number, block, &physical);
	if (error == 0 && !take_out(m, block, (uint32_t)(entry->position % m->fs->blocksize)))
		error = ext2_error(m, EXT2_ET_DIR_CORRUPTED);
	if (error == 0)
		error = write_block(m, node, physical, block);
	if (error == 0) {
		dir->gaps[number] = largest_gap(m, block);
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
	struct entry *entry = NULL;
	struct ext2_dir *dir;
	uint64_t position, physical;
	int error;

	if (block == NULL)
		return RUMP_ENOMEM;
	error = index_get(dvp, true, &dir);
	if (error == 0 && !up && (entry = *index_find(dir, name)) == NULL)
		error = RUMP_ENOENT;
	if (error == 0) {
		position = up ? dir->parent_position : entry->position;
		error = read_block(m, node, position / m->fs->blocksize, block, &physical);
	}
	if (error == 0) {
		struct ext2_dir_entry_2 *raw = at(block, (uint32_t)(position % m->fs->blocksize));

		raw->inode = ino;
		if (ext2fs_has_feature_filetype(m->fs->super))
			raw->file_type = disk_type(type);
		error = write_block(m, node, physical, block);
	}
	if (error == 0 && up)
		dir->parent = ino;
	else if (error == 0)
		entry->ino = ino;
	rumpk_free(block, m->fs->blocksize);
	return error;
}

static uint8_t
dirent_type(const struct raw *raw)
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

/* Emits a block's entries from *offset on; false when the sink is full. */
static int
emit_block(
    struct ext2_mount *m, char *block, uint64_t number, struct dirsink *sink, int64_t *offset, bool *full)
{
	uint64_t begin = number * m->fs->blocksize;
	struct raw raw;

	for (uint32_t here = 0; here < m->fs->blocksize; here += raw.len) {
		if (!parse(m, block, here, &raw))
			return ext2_error(m, EXT2_ET_DIR_CORRUPTED);
		/* An entry that has gone since may leave *offset in the middle of the one before. */
		if (begin + here >= (uint64_t)*offset && raw.ino != 0 &&
		    !rumpk_dirsink_emit(sink, raw.ino, dirent_type(&raw), raw.name, raw.namelen)) {
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
		error = read_block(m, node, number, block, &physical);
		rumpk_unlock(m->lock);
		if (error == 0)
			error = emit_block(m, block, number, sink, offset, &full);
	}
	rumpk_free(block, m->fs->blocksize);
	if (error == 0)
		rumpk_vnode_accessed(vp);
	return error;
}
