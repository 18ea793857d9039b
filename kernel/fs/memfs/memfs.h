/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file system in memory: the root of every kernel, and what tmpfs mounts.
 *
 * Theory of operation
 *
 * A node is a file; the vnode is part of it, so a file in use and one that only exists are the same thing.
 * Every name of a node holds a reference, as does the mount on its root, so the last reference goes with the
 * last name and the last user. A directory does not hold its parent: it is cleared (dir->parent) when the
 * directory is removed.
 *
 * Directory entries lie in a hash table, for lookups with and without the lock, and in an array in the order
 * in which they were made. An entry's place in that order is its offset for readdir; it never changes and is
 * not used again, so that reading goes on at the right place whatever comes and goes (dir.c).
 *
 * File contents are pages in a radix tree; what has no page is a hole and reads as zeros (pages.c). Limits
 * count pages and nodes of a mount.
 */
#ifndef KERNEL_FS_MEMFS_H
#define KERNEL_FS_MEMFS_H

#include "kernel/base/mem.h"
#include "kernel/vfs/mount.h"
#include "kernel/vfs/vnode.h"

struct memfs_node;

#define MEMFS_SLOTS 16

/*
 * A mount. The limits are 0 when there are none. What is in use is counted in several places, so that threads
 * do not meet; where there is a limit, they take turns, as all of it has to be added up.
 */
struct memfs {
	uint64_t max_bytes, max_nodes; /* atomic, as a remount changes them */
	uint64_t max_memory;           /* of the kernel's in use, for files to get more; constant */
	rumpk_mutex limits;
	struct {
		_Alignas(64) uint64_t bytes, nodes; /* may be negative, taken alone */
		uint64_t last_ino;
	} used[MEMFS_SLOTS];
	void *raw; /* the memory that it lies in */
};

struct dentry {
	struct dentry *next; /* in its bucket; read without the lock */
	struct memfs_node *node;
	uint64_t cookie; /* its readdir offset */
	size_t place;    /* in the directory's order */
	struct rcu_head rcu;
	uint32_t hash;
	uint16_t len;
	char text[];
};

struct dtable {
	struct rcu_head rcu;
	uint32_t size; /* a power of two */
	struct dentry *buckets[];
};

/* A removed entry leaves its place and cookie behind until the order is packed. */
struct dplace {
	uint64_t cookie;
	struct dentry *entry;
};

struct memdir {
	struct dtable *table; /* NULL while empty; read without the lock */
	struct dplace *order;
	size_t used, room; /* of order */
	size_t count;
	uint64_t last_cookie;
	struct memfs_node *parent;
};

#define PAGES_DIRECT 4
struct pages {
	void *direct[PAGES_DIRECT];
	void *tree;
	unsigned height; /* of the tree: 0 when there is none */
	uint64_t count;
};

struct memfs_xattr;

struct memfs_node {
	struct vnode vn;
	void *pool_link;
	struct memfs_xattr *xattrs;
	union {
		struct memdir dir;
		struct pages pages;
		struct {
			char *text;
			size_t len;
		} link;
	};
};

static inline struct memfs_node *
memfs_node(struct vnode *vp)
{
	return (struct memfs_node *)vp;
}

static inline struct memfs *
memfs_of(const struct memfs_node *node)
{
	return node->vn.v_mount->mnt_data;
}

/* dir.c. [X] the directory's lock held, [S] shared, [-] within a walk. */
struct dentry *dir_find(const struct memdir *dir, const struct name *name); /* [S] or [-] */
/* Makes room, so that dir_enter cannot fail; gives the entry, not in the directory yet. [X] RUMP_ENOMEM,
 * RUMP_ENOSPC. */
int dir_prepare(struct memfs *fs, struct memdir *dir, const struct name *name, struct dentry **dep);
void dir_enter(struct memdir *dir, struct dentry *de, struct memfs_node *node); /* [X] */
void dir_cancel(struct memfs *fs, struct dentry *de);
void dir_remove(struct memfs *fs, struct memdir *dir, struct dentry *de);     /* [X] */
int dir_read(struct memfs_node *node, struct dirsink *sink, int64_t *offset); /* [S] */
void dir_destroy(struct memfs *fs, struct memdir *dir); /* of its memory; entries must be gone */

/* pages.c */
void *pages_find(const struct pages *pages, uint64_t index);
/* The page, made when there is none (cleared if `clear`). RUMP_ENOSPC. */
int pages_make(struct memfs *fs, struct pages *pages, uint64_t index, bool clear, void **pagep);
/* Frees pages from index `from` on, before `to`. */
void pages_drop(struct memfs *fs, struct pages *pages, uint64_t from, uint64_t to);

/* Counts bytes against the mount's limit: false when they do not fit. */
bool memfs_charge(struct memfs *fs, uint64_t bytes);
void memfs_uncharge(struct memfs *fs, uint64_t bytes);
/* Of all slots. */
void memfs_used(const struct memfs *fs, uint64_t *bytes, uint64_t *nodes);

/* What a directory's size counts for each entry. */
#define MEMFS_DIRENT_SIZE 48

/* xattr.c */
void xattrs_free(struct memfs_node *node);
int memfs_getextattr(struct vnode *vp, int space, const char *name, void *buf, size_t *lenp);
int memfs_setextattr(struct vnode *vp, int space, const char *name, const void *data, size_t len);
int memfs_listextattr(struct vnode *vp, int space, void *buf, size_t *lenp);

extern const struct vnodeops memfs_ops;
/* [X] or nobody else sees it. */
int memfs_node_create(
    struct mount *mp, const struct vattr *va, const char *target, struct memfs_node **nodep);
int memfs_file_truncate(struct memfs_node *node, int64_t size);
int memfs_read(struct vnode *vp, struct rumpk_uio *uio, int ioflag);
int memfs_write(struct vnode *vp, struct rumpk_uio *uio, int ioflag);
int memfs_allocate(struct vnode *vp, int64_t offset, int64_t len);
int memfs_discard(struct vnode *vp, int64_t offset, int64_t len);

/*
 * For the file system types that are made of it: a memfs on mp, with an empty root of that mode and owner.
 * Limits of 0: none but the kernel's memory.
 */
RUMPK_EXPORT int rumpk_memfs_create(
    struct mount *mp, uint64_t max_bytes, uint64_t max_nodes, uint32_t mode, uint32_t uid, uint32_t gid);
RUMPK_EXPORT int rumpk_memfs_statvfs(struct mount *mp, struct rump_statvfs *st);
RUMPK_EXPORT void rumpk_memfs_release(struct mount *mp);
RUMPK_EXPORT void rumpk_memfs_free(struct mount *mp);
/* New limits; RUMP_EBUSY when more is in use. */
RUMPK_EXPORT int rumpk_memfs_limits(struct mount *mp, uint64_t max_bytes, uint64_t max_nodes);
void memfs_init(void);

#endif
