/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * squashfs, over libsquashfs.
 *
 * Theory of operation
 *
 * libsquashfs knows the format and the compressors; it is not concurrent, so everything of it is called under
 * the mount's lock. Above it are caches that are not: unpacked blocks of files (block.c), the names of
 * directories (names.h), and the vnodes themselves. So what has been unpacked is read in parallel.
 *
 * A vnode's number is the place of its inode in the image, plus one, for programs take number 0 for none.
 * Directories do not say where their parent's inode lies: that is noted by whoever comes from there
 * (parents.c), and who has not come from there cannot be here.
 *
 * Inodes are decoded here, not by the library: it trusts the counts in them when it asks for memory.
 */
#ifndef KERNEL_FS_SQUASHFS_SQUASHFS_H
#define KERNEL_FS_SQUASHFS_SQUASHFS_H

#include <sqfs/compressor.h>
#include <sqfs/data_reader.h>
#include <sqfs/id_table.h>
#include <sqfs/inode.h>
#include <sqfs/io.h>
#include <sqfs/meta_reader.h>
#include <sqfs/super.h>
#include <sqfs/xattr_reader.h>

#include <stdbool.h>
#include <sys/queue.h>
#include "kernel/base/lock.h"
#include "kernel/dev/special.h"
#include "kernel/fs/names/names.h"
#include "kernel/vfs/mount.h"

/* An unpacked block of a file, or its tail. */
struct squash_block {
	uint64_t ino;
	uint64_t index;
	uint8_t *data; /* the library's */
	size_t size;
	uint32_t pins;
	struct squash_block *hash_next;
	TAILQ_ENTRY(squash_block) used;
};

#define SQUASH_BUCKETS 256

struct squash_cache {
	rumpk_mutex lock;
	uint64_t bytes;
	TAILQ_HEAD(squash_used, squash_block) used; /* the latest first */
	struct squash_block *buckets[SQUASH_BUCKETS];
};

/* The directories that have been entered, and from where; an open hash table. */
struct squash_parents {
	rumpk_mutex lock;
	struct squash_parent *table;
	uint32_t room; /* a power of two */
	uint32_t count;
};

struct squash_mount {
	sqfs_file_t file; /* what the library reads from */
	struct rumpk_special device;
	uint32_t complaints; /* about the image, so far; atomic */
	rumpk_mutex lock;    /* held while the library works */
	sqfs_super_t super;
	sqfs_compressor_t *compressor;
	sqfs_meta_reader_t *inodes;
	sqfs_meta_reader_t *directories;
	sqfs_data_reader_t *data;
	sqfs_id_table_t *ids;
	sqfs_xattr_reader_t *xattrs; /* NULL: the image has none */
	sqfs_meta_reader_t *pairs;   /* of their keys and values, which begin there */
	uint64_t pairs_start;
	struct squash_cache cache;
	struct squash_parents parents;
};

struct squash_node {
	uint32_t xattr;          /* UINT32_MAX: none */
	struct names_slot names; /* of a directory */
	char *link;              /* text of a symbolic link, v_size bytes */
	uint32_t blocks;         /* of a regular file, but for a tail in a fragment */
	size_t inode_size;
	sqfs_inode_generic_t *inode; /* of a regular file or a directory */
};

static inline struct squash_mount *
squash_mount_of(const struct mount *mp)
{
	return mp->mnt_data;
}

static inline struct squash_node *
squash_node_of(const struct vnode *vp)
{
	return vp->v_data;
}

#define SQUASH_INO(reference) ((reference) + 1)
#define SQUASH_REFERENCE(ino) ((ino)-1)

/* error.c: the library's error as a RUMP_E*; what means that the image is broken is said on the console. */
int squash_error(struct squash_mount *m, int error);

/* image.c: opens what the library needs, and closes it again. mp->mnt_from is for messages. */
int squash_open(const struct mount *mp, struct squash_mount *m);
void squash_close(struct squash_mount *m);

/* inode.c */
int squash_load(struct mount *mp, uint64_t ino, struct vnode *vp);
void squash_reclaim(struct vnode *vp);

/* block.c: one block of a regular file, pinned until put back. */
void squash_cache_init(struct squash_cache *cache);
void squash_cache_fini(struct squash_cache *cache);
int squash_block_get(struct vnode *vp, uint64_t index, struct squash_block **blockp);
void squash_block_put(struct squash_mount *m, struct squash_block *block);

/* parents.c: notes that directory ino was found in parent, unless it has been found before; and what it was
 * found in, 0 for one that was not. */
void squash_parents_init(struct squash_parents *parents);
void squash_parents_fini(struct squash_parents *parents);
int squash_parents_note(struct squash_parents *parents, uint64_t ino, uint64_t parent);
uint64_t squash_parents_of(struct squash_parents *parents, uint64_t ino);

/* xattr.c */
int squash_getextattr(struct vnode *vp, int space, const char *name, void *buf, size_t *lenp);
int squash_listextattr(struct vnode *vp, int space, void *buf, size_t *lenp);

/* vnode.c */
extern const struct vnodeops squash_vnodeops;

#endif
