/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories' entries.
 *
 * Theory of operation: writers hold the directory's lock. A walk without it may be in a chain while entries
 * move to a larger table: it follows a next pointer into another chain at worst, and does not find what it
 * looks for; that is why not to find anything is no answer there. What is found is right, as an entry's name
 * and directory never change.
 */
#include "kernel/fs/memfs/memfs.h"

#define FIRST_TABLE 8
#define FIRST_ORDER 8
/* "." and ".." come first. */
#define FIRST_COOKIE 2

static size_t
table_bytes(uint32_t size)
{
	return sizeof(struct dtable) + size * sizeof(struct dentry *);
}

static size_t
dentry_bytes(size_t len)
{
	return sizeof(struct dentry) + len;
}

struct dentry *
dir_find(const struct memdir *dir, const struct name *name)
{
	struct dtable *table = __atomic_load_n(&dir->table, __ATOMIC_ACQUIRE);
	struct dentry *de;

	if (table == NULL)
		return NULL;
	de = __atomic_load_n(&table->buckets[name->hash & (table->size - 1)], __ATOMIC_ACQUIRE);
	while (de != NULL && (de->hash != name->hash || de->len != name->len ||
				 memcmp(de->text, name->text, name->len) != 0))
		de = __atomic_load_n(&de->next, __ATOMIC_ACQUIRE);
	return de;
}

static void
free_table(struct rcu_head *head)
{
	struct dtable *table = (struct dtable *)((char *)head - offsetof(struct dtable, rcu));

	rumpk_free(table, table_bytes(table->size));
}

static void
free_dentry(struct rcu_head *head)
{
	struct dentry *de = (struct dentry *)((char *)head - offsetof(struct dentry, rcu));

	rumpk_free(de, dentry_bytes(de->len));
}

static void
chain(struct dtable *table, struct dentry *de)
{
	struct dentry **bucket = &table->buckets[de->hash & (table->size - 1)];

	__atomic_store_n(&de->next, *bucket, __ATOMIC_RELAXED);
	__atomic_store_n(bucket, de, __ATOMIC_RELEASE);
}

/* Doubles the table when its chains would get longer than one on average. */
static int
grow_table(struct memdir *dir)
{
	struct dtable *old = dir->table, *table;
	struct dentry *de, *next;
	uint32_t size = old == NULL ? FIRST_TABLE : old->size * 2;

	if (old != NULL && dir->count < old->size)
		return 0;
	table = rumpk_zalloc(table_bytes(size));
	if (table == NULL)
		return old == NULL ? RUMP_ENOMEM : 0;
	table->size = size;
	for (uint32_t i = 0; old != NULL && i < old->size; i++)
		for (de = old->buckets[i]; de != NULL; de = next) {
			next = de->next;
			chain(table, de);
		}
	__atomic_store_n(&dir->table, table, __ATOMIC_RELEASE);
	if (old != NULL)
		rumpk_rcu_free(&old->rcu, free_table);
	return 0;
}

static void
pack_order(struct memdir *dir)
{
	size_t to = 0;

	for (size_t from = 0; from < dir->used; from++)
		if (dir->order[from].entry != NULL) {
			dir->order[from].entry->place = to;
			dir->order[to++] = dir->order[from];
		}
	dir->used = to;
}

static int
grow_order(struct memdir *dir)
{
	size_t room = dir->room == 0 ? FIRST_ORDER : dir->room * 2;
	struct dplace *order;

	if (dir->used < dir->room)
		return 0;
	if (dir->count < dir->used / 2) {
		pack_order(dir);
		return 0;
	}
	order = rumpk_alloc(room * sizeof(*order));
	if (order == NULL)
		return RUMP_ENOMEM;
	if (dir->used > 0)
		memcpy(order, dir->order, dir->used * sizeof(*order));
	rumpk_free(dir->order, dir->room * sizeof(*order));
	dir->order = order;
	dir->room = room;
	return 0;
}

int
dir_prepare(struct memfs *fs, struct memdir *dir, const struct name *name, struct dentry **dep)
{
	struct dentry *de;
	int error;

	if (!memfs_charge(fs, dentry_bytes(name->len)))
		return RUMP_ENOSPC;
	de = rumpk_alloc(dentry_bytes(name->len));
	if (de == NULL) {
		memfs_uncharge(fs, dentry_bytes(name->len));
		return RUMP_ENOSPC;
	}
	de->hash = name->hash;
	de->len = (uint16_t)name->len;
	memcpy(de->text, name->text, name->len);
	error = grow_order(dir);
	if (error == 0)
		error = grow_table(dir);
	if (error != 0) {
		dir_cancel(fs, de);
		return RUMP_ENOSPC;
	}
	*dep = de;
	return 0;
}

void
dir_cancel(struct memfs *fs, struct dentry *de)
{
	memfs_uncharge(fs, dentry_bytes(de->len));
	rumpk_free(de, dentry_bytes(de->len));
}

void
dir_enter(struct memdir *dir, struct dentry *de, struct memfs_node *node)
{
	de->node = node;
	de->cookie = FIRST_COOKIE + dir->last_cookie++;
	de->place = dir->used;
	dir->order[dir->used++] = (struct dplace){.cookie = de->cookie, .entry = de};
	dir->count++;
	chain(dir->table, de);
}

void
dir_remove(struct memfs *fs, struct memdir *dir, struct dentry *de)
{
	struct dentry **where = &dir->table->buckets[de->hash & (dir->table->size - 1)];

	while (*where != de)
		where = &(*where)->next;
	__atomic_store_n(where, de->next, __ATOMIC_RELEASE);
	dir->order[de->place].entry = NULL;
	dir->count--;
	while (dir->used > 0 && dir->order[dir->used - 1].entry == NULL)
		dir->used--;
	memfs_uncharge(fs, dentry_bytes(de->len));
	rumpk_rcu_free(&de->rcu, free_dentry);
}

void
dir_destroy(struct memfs *fs, struct memdir *dir)
{
	(void)fs;
	if (dir->table != NULL)
		rumpk_rcu_free(&dir->table->rcu, free_table);
	rumpk_free(dir->order, dir->room * sizeof(*dir->order));
	__atomic_store_n(&dir->table, NULL, __ATOMIC_RELEASE);
	dir->order = NULL;
	dir->used = dir->room = dir->count = 0;
}

/* The first place whose cookie is at least that. */
static size_t
place_of(const struct memdir *dir, uint64_t cookie)
{
	size_t low = 0, high = dir->used;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (dir->order[middle].cookie < cookie)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int
dir_read(struct memfs_node *node, struct dirsink *sink, int64_t *offset)
{
	const struct memdir *dir = &node->dir;
	uint64_t parent = dir->parent != NULL ? dir->parent->vn.v_ino : node->vn.v_ino;

	if (*offset < 0)
		return RUMP_EINVAL;
	if (*offset == 0) {
		if (!rumpk_dirsink_emit(sink, node->vn.v_ino, RUMP_DT_DIR, ".", 1))
			return 0;
		*offset = 1;
	}
	if (*offset == 1) {
		if (!rumpk_dirsink_emit(sink, parent, RUMP_DT_DIR, "..", 2))
			return 0;
		*offset = FIRST_COOKIE;
	}
	for (size_t i = place_of(dir, (uint64_t)*offset); i < dir->used; i++) {
		const struct dentry *de = dir->order[i].entry;

		if (de == NULL)
			continue;
		if (!rumpk_dirsink_emit(
			sink, de->node->vn.v_ino, rumpk_vtype_dirent(de->node->vn.v_type), de->text, de->len))
			return 0;
		*offset = (int64_t)de->cookie + 1;
	}
	return 0;
}
