/* SPDX-License-Identifier: BSD-2-Clause */
/* Mounts of memory. */
#include "kernel/fs/memfs/memfs.h"

/*
 * Files leave the kernel some of its memory, as NetBSD's do: or who fills a file system could no longer read
 * or remove what fills it, and would be told of memory where there is no space.
 */
#define RESERVED_MOST (UINT64_C(4) << 20)

static uint64_t
memory_for_files(void)
{
	uint64_t limit = rumpk_mem_limit();

	if (limit == UINT64_MAX)
		return limit;
	return limit - (limit / 8 < RESERVED_MOST ? limit / 8 : RESERVED_MOST);
}

int
rumpk_memfs_create(
    struct mount *mp, uint64_t max_bytes, uint64_t max_nodes, uint32_t mode, uint32_t uid, uint32_t gid)
{
	const size_t align = _Alignof(struct memfs);
	void *raw = rumpk_zalloc(sizeof(struct memfs) + align);
	struct vattr va = {.va_type = VDIR, .va_mode = mode, .va_uid = uid, .va_gid = gid};
	struct memfs_node *root;
	struct memfs *fs;
	int error;

	if (raw == NULL)
		return RUMP_ENOMEM;
	/* Its counters want cache lines of their own. */
	fs = (struct memfs *)(((uintptr_t)raw + align - 1) & ~(uintptr_t)(align - 1));
	fs->raw = raw;
	fs->max_bytes = max_bytes;
	fs->max_nodes = max_nodes;
	fs->max_memory = memory_for_files();
	rumpk_mutex_init(&fs->limits);
	mp->mnt_data = fs;
	error = memfs_node_create(mp, &va, NULL, &root);
	if (error != 0) {
		rumpk_memfs_free(mp);
		mp->mnt_data = NULL;
		return error;
	}
	root->vn.v_ino = 2;
	root->vn.v_vflag |= VV_ROOT;
	mp->mnt_root = &root->vn;
	return 0;
}

/*
 * Takes the last entry out of a directory, unless that is a directory with entries of its own: then *deeper
 * is that, held. False when there is no entry.
 */
static bool
take_last(struct memfs_node *dnode, struct memfs_node **deeper)
{
	struct memdir *dir = &dnode->dir;
	struct memfs_node *node;
	struct dentry *de;

	*deeper = NULL;
	vnode_lock(&dnode->vn);
	if (dir->count == 0) {
		vnode_unlock(&dnode->vn);
		return false;
	}
	de = dir->order[dir->used - 1].entry;
	node = de->node;
	vnode_lock(&node->vn);
	if (node->vn.v_type == VDIR && node->dir.count != 0) {
		*deeper = node;
		rumpk_vhold(&node->vn);
	} else {
		node->vn.v_nlink = 0;
		dir_remove(memfs_of(dnode), dir, de);
	}
	vnode_unlock(&node->vn);
	vnode_unlock(&dnode->vn);
	if (*deeper == NULL)
		rumpk_vunhold(&node->vn);
	return true;
}

/* The directory that lies above one, held; the root when it has been removed. */
static struct memfs_node *
above(struct memfs_node *dnode, struct memfs_node *root)
{
	struct memfs_node *up;

	vnode_lock_shared(&dnode->vn);
	up = dnode->vn.v_nlink != 0 ? dnode->dir.parent : root;
	rumpk_vhold(&up->vn);
	vnode_unlock(&dnode->vn);
	return up;
}

/* Whether the root is empty; nothing is made in it any more then. */
static bool
root_closed(struct memfs_node *root)
{
	bool empty;

	vnode_lock(&root->vn);
	empty = root->dir.count == 0;
	if (empty)
		root->vn.v_nlink = 0;
	vnode_unlock(&root->vn);
	return empty;
}

/*
 * Goes down to what has no entries, and up by the parents: no stack, however deep it is. Nobody comes in
 * any more; who is still in a directory finds it without links. Calls that have begun before may still add
 * and remove entries, so each directory is held, and looked at with its lock.
 */
void
rumpk_memfs_release(struct mount *mp)
{
	struct memfs_node *root = memfs_node(mp->mnt_root), *at = root, *next;

	rumpk_vhold(&at->vn);
	while (at != root || !root_closed(root)) {
		if (!take_last(at, &next) && at != root)
			next = above(at, root);
		if (next == NULL)
			continue;
		rumpk_vunhold(&at->vn);
		at = next;
	}
	rumpk_vunhold(&at->vn);
	rumpk_vunhold(&root->vn);
}

void
rumpk_memfs_free(struct mount *mp)
{
	struct memfs *fs = mp->mnt_data;

	rumpk_mutex_destroy(&fs->limits);
	rumpk_free(fs->raw, sizeof(struct memfs) + _Alignof(struct memfs));
}

int
rumpk_memfs_limits(struct mount *mp, uint64_t max_bytes, uint64_t max_nodes)
{
	struct memfs *fs = mp->mnt_data;
	uint64_t bytes, nodes;

	memfs_used(fs, &bytes, &nodes);
	if ((max_bytes != 0 && bytes > max_bytes) || (max_nodes != 0 && nodes > max_nodes))
		return RUMP_EBUSY;
	__atomic_store_n(&fs->max_bytes, max_bytes, __ATOMIC_RELAXED);
	__atomic_store_n(&fs->max_nodes, max_nodes, __ATOMIC_RELAXED);
	return 0;
}

/* Without a limit of its own, what the kernel may still use counts; without that either, a large number. */
#define MUCH (UINT64_C(1) << 40)

int
rumpk_memfs_statvfs(struct mount *mp, struct rump_statvfs *st)
{
	const struct memfs *fs = mp->mnt_data;
	uint64_t bytes, nodes, used = rumpk_mem_used(), left;
	uint64_t max = __atomic_load_n(&fs->max_bytes, __ATOMIC_RELAXED), limit = fs->max_memory;

	memfs_used(fs, &bytes, &nodes);
	left = limit == UINT64_MAX ? MUCH : limit > used ? limit - used : 0;
	if (max != 0 && max - bytes < left)
		left = bytes < max ? max - bytes : 0;
	st->f_bfree = st->f_bavail = left >> RUMPK_PAGE_SHIFT;
	st->f_blocks = max != 0 ? max >> RUMPK_PAGE_SHIFT : (bytes + left) >> RUMPK_PAGE_SHIFT;
	st->f_files = __atomic_load_n(&fs->max_nodes, __ATOMIC_RELAXED);
	if (st->f_files == 0)
		st->f_files = nodes + left / sizeof(struct memfs_node);
	st->f_ffree = st->f_favail = st->f_files > nodes ? st->f_files - nodes : 0;
	return 0;
}
