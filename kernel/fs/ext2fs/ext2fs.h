/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext2, ext3 and ext4, over libext2fs.
 *
 * Theory of operation
 *
 * libext2fs knows the format; it is not concurrent, so everything of it is called under the mount's lock.
 * Above it lie two caches that are not: the contents of files (cache.h) and the names of directories (dir.c).
 * So reads of what is cached, and lookups, run in parallel and touch neither the library nor the mount's
 * lock.
 *
 * Metadata go to the disk when they change (io.c keeps a copy for reading only), and in an order that e2fsck
 * can mend: an inode before the name that leads to it, a name's removal before the inode's, the end of a
 * block's use before its next one. Bitmaps are kept in memory and written with sync, for e2fsck makes them
 * anew. Contents wait in the cache until fsync, sync, the last close, or until there is much of them; only
 * then are blocks allocated (flush.c): as unwritten extents first, which become valid, together with the
 * file's size, once their contents are on the disk. So whenever the kernel is killed, what fsync has promised
 * is there, and nothing is there that was never written.
 *
 * Locks, outermost first: vnodes, the mount's lock, a file's cache lock, the mount's cache lock.
 */
#ifndef KERNEL_FS_EXT2FS_EXT2FS_H
#define KERNEL_FS_EXT2FS_EXT2FS_H

#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>

#include <stdbool.h>
#include <rump/rumpdefs.h>
#include "kernel/base/lock.h"
#include "kernel/dev/special.h"
#include "kernel/fs/ext2fs/cache.h"
#include "kernel/vfs/mount.h"
#include "kernel/vfs/vnode.h"

struct ext2_dir;

struct ext2_mount {
	ext2_filsys fs;
	struct rumpk_special device;
	uint32_t complaints; /* about the image, so far; atomic */
	bool rdonly;
	bool gone;      /* written back and marked clean: reclaim has nothing more to do */
	uint16_t state; /* s_state as it was, to be restored when unmounted */
	rumpk_mutex lock;
	uint64_t promised; /* blocks that dirty contents will want; guarded by lock */
	struct ext2_cache cache;
};

struct ext2_node {
	struct vnode *vn;
	ext2_ino_t ino;
	/* As on the disk, but for what dirty says. Guarded by the mount's lock. */
	struct ext2_inode_large inode;
	bool dirty;        /* attributes of the vnode are newer; guarded by the vnode's lock */
	bool freed;        /* the inode has been given back */
	uint64_t promised; /* of the mount's, for this file; guarded by the mount's lock */
	struct ext2_file_cache data;
	rumpk_mutex dir_lock; /* held while the index is made */
	struct ext2_dir *dir; /* the directory's index; atomic */
};

static inline struct ext2_mount *
ext2_mount_of(const struct mount *mp)
{
	return mp->mnt_data;
}

static inline struct ext2_node *
ext2_node_of(const struct vnode *vp)
{
	return vp->v_data;
}

static inline struct ext2_inode *
ext2_small_inode(struct ext2_node *node)
{
	return (struct ext2_inode *)&node->inode;
}

/* errno.c: libext2fs's error as a RUMP_E*. What means that the image is broken is said on the console. */
int ext2_error(struct ext2_mount *m, errcode_t error);

/*
 * super.c: says on the console why not. RUMP_EINVAL for what is no such file system, or one whose superblock
 * contradicts itself or the device; RUMP_EOPNOTSUPP and RUMP_EROFS for features.
 */
int ext2_check_super(const struct mount *mp, const struct rumpk_special *device);
int ext2_check_features(const struct mount *mp, struct ext2_super_block *super, bool rdonly);

/* io.c: an I/O manager over the mount's device. Only one mount is opened at a time. */
errcode_t ext2_open(struct ext2_mount *m, int flags);
void ext2_io_init(void);

/* inode.c. What says so wants the mount's lock held. */
int ext2_load(struct mount *mp, uint64_t ino, struct vnode *vp);
void ext2_reclaim(struct vnode *vp);
int ext2_setattr(struct vnode *vp, const struct vattr *va);
/* Writes the vnode's attributes into its inode on the disk. [X vp, mount's lock] */
int ext2_write_inode(struct ext2_mount *m, struct ext2_node *node);
/* The inode has been changed by the library: reads it again. [mount's lock] */
int ext2_reread_inode(struct ext2_mount *m, struct ext2_node *node);
/* Makes an inode as `va` wants it; a directory is entered with its parent, a link has its text. [mount's
 * lock] */
int ext2_new_inode(struct ext2_mount *m, struct ext2_node *parent, const struct vattr *va, const char *target,
    ext2_ino_t *ino);
/* Gives the inode and its blocks back. [X vp or nobody else, mount's lock] */
void ext2_free_inode(struct ext2_mount *m, struct ext2_node *node);
extern const struct vnodeops ext2_vnodeops;

/* dir.c: the names of a directory. */
struct ext2_name {
	ext2_ino_t ino;
	uint64_t position; /* of its entry in the directory, in bytes */
};
/* [S dvp] RUMP_ENOENT. */
int ext2_dir_find(struct vnode *dvp, const struct name *name, struct ext2_name *found);
/* [X dvp, mount's lock] */
int ext2_dir_enter(struct vnode *dvp, const struct name *name, ext2_ino_t ino, enum vtype type);
int ext2_dir_remove(struct vnode *dvp, const struct name *name);
/* The name, or "..", leads elsewhere from now on. */
int ext2_dir_redirect(struct vnode *dvp, const struct name *name, ext2_ino_t ino, enum vtype type);
/* [S dvp] */
int ext2_dir_is_empty(struct vnode *dvp, bool *empty);
int ext2_readdir(struct vnode *vp, struct dirsink *sink, int64_t *offset);
void ext2_dir_forget(struct ext2_node *node);

/* names.c: operations on names. */
int ext2_lookup(struct vnode *dvp, const struct name *name, struct vnode **vpp);
int ext2_create(struct vnode *dvp, const struct name *name, const struct vattr *va, const char *target,
    struct vnode **vpp);
int ext2_link(struct vnode *dvp, const struct name *name, struct vnode *vp);
int ext2_remove(struct vnode *dvp, const struct name *name, struct vnode *vp);
int ext2_rmdir(struct vnode *dvp, const struct name *name, struct vnode *vp);
int ext2_rename(struct vnode *fdvp, const struct name *fname, struct vnode *fvp, struct vnode *tdvp,
    const struct name *tname, struct vnode *tvp);
int ext2_readlink(struct vnode *vp, char *buf, size_t *lenp);

/* file.c: contents. */
int ext2_read(struct vnode *vp, struct rumpk_uio *uio, int ioflag);
int ext2_write(struct vnode *vp, struct rumpk_uio *uio, int ioflag);
int ext2_truncate(struct vnode *vp, int64_t size);
int ext2_allocate(struct vnode *vp, int64_t offset, int64_t len);
int ext2_discard(struct vnode *vp, int64_t offset, int64_t len);

/* flush.c */
/* Puts the file's dirty contents and attributes on the disk. [X vp] */
int ext2_flush(struct vnode *vp);
int ext2_fsync(struct vnode *vp, int flags, int64_t offset, int64_t len);
int ext2_close(struct vnode *vp, int flags);

/*
 * map.c: where blocks lie. From `block` on, at most `most` blocks that are alike: all unmapped (*physical 0),
 * or mapped one after the other, and all or none of them unwritten. *count is at least 1. [mount's lock]
 */
struct ext2_run {
	uint64_t block;
	uint64_t physical;
	uint64_t count;
	bool unwritten;
};
int ext2_map(
    struct ext2_mount *m, struct ext2_node *node, uint64_t block, uint64_t most, struct ext2_run *run);
/* Makes unwritten blocks of the file valid. [mount's lock] */
int ext2_map_written(struct ext2_mount *m, struct ext2_node *node, uint64_t block, uint64_t count);

/* xattr.c */
int ext2_getextattr(struct vnode *vp, int space, const char *name, void *buf, size_t *lenp);
int ext2_setextattr(struct vnode *vp, int space, const char *name, const void *data, size_t len);
int ext2_listextattr(struct vnode *vp, int space, void *buf, size_t *lenp);

#endif
