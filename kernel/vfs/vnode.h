/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vnodes: files of every kind, as the kernel sees them whatever file system they lie on.
 *
 * Theory of operation
 *
 * Attributes. A vnode carries its file's attributes itself. The file system fills them in when it makes
 * the vnode, changes them together with its own copy, and the generic code reads them without asking.
 * What path walks read without a lock (mode, owner, group, flags, size, link count) are single words,
 * loaded and stored atomically; the timestamps are guarded by the lock, but for a read's access time,
 * which is one word as well (vnode_atime).
 *
 * References. rumpk_vref and rumpk_vrele count users: open files, current directories, walks. The last one
 * gone, the vnode's reclaim operation is called, once. A file system that keeps vnodes for as long as
 * their files exist (memfs) holds references of its own, taken with rumpk_vhold: these do not keep
 * a mount busy. One that has its files elsewhere finds its vnodes in the mount's cache (vcache.h).
 *
 * Locks. One read-write lock a vnode. The generic code takes it; operations are called with
 * it held as their description says. Order: a directory before what lies in it; of two files
 * the lower address first; two directories only under their mount's rename lock.
 *
 * Lock-free walks. Vnodes, mounts and directory entries are freed only when every walk that may have seen
 * them is over (rcu.h), so that a walk may follow lookup_fast through directories without
 * touching a lock or a counter; it takes a reference on what it finds with rumpk_vref_try.
 *
 * Death. A forced unmount and revoke turn v_op into operations that fail (rumpk_vgone), under the lock;
 * the vnode itself stays until its last reference goes.
 */
#ifndef KERNEL_VFS_VNODE_H
#define KERNEL_VFS_VNODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <rump/rumpdefs.h>
#include <rump/rumpuser.h>
#include "kernel/base/cred.h"
#include "kernel/base/lock.h"
#include "kernel/base/notify.h"
#include "kernel/base/uio.h"
#include "kernel/vfs/name.h"
#include "kernel/vfs/rcu.h"

struct advlock;
struct dirsink;
struct mount;
struct vnode;

/* Flags with which a file is neither removed nor linked, nor its attributes changed. */
#define VNODE_FIXED (RUMP_UF_IMMUTABLE | RUMP_SF_IMMUTABLE | RUMP_UF_APPEND | RUMP_SF_APPEND)

enum vtype { VNON, VREG, VDIR, VBLK, VCHR, VLNK, VSOCK, VFIFO };

/* What setattr is asked to change: bits of va_set. */
enum {
	VA_MODE = 0x01,
	VA_UID = 0x02,
	VA_GID = 0x04,
	VA_FLAGS = 0x08,
	VA_ATIME = 0x10,
	VA_MTIME = 0x20,
	VA_BIRTHTIME = 0x40,
	VA_SIZE = 0x80,
};

struct vattr {
	enum vtype va_type;
	uint32_t va_set; /* VA_*: which of the fields are meant, for setattr */
	uint32_t va_mode;
	uint32_t va_uid;
	uint32_t va_gid;
	uint32_t va_flags;
	uint64_t va_rdev;
	int64_t va_size;
	struct rump_timespec va_atime;
	struct rump_timespec va_mtime;
	struct rump_timespec va_birthtime;
};

/*
 * Operations. All return 0 or a RUMP_E*. NULL means RUMP_EOPNOTSUPP (RUMP_ENOSYS never), or what
 * the description says. [S] shared lock held, [X] exclusive lock held, on the vnodes named. Permissions,
 * read-only mounts, immutable flags, types and names ("." and "..", lengths below NAME_MAX) are
 * the generic code's business and have been checked. vnodes are given back with a reference for the caller.
 */
struct vnodeops {
	/* [S dvp] The entry, or RUMP_ENOENT. ".." may be asked for, "." not. */
	int (*lookup)(struct vnode *dvp, const struct name *name, struct vnode **vpp);
	/*
	 * The same without a lock and without a reference, within a lock-free walk. NULL when it is not there
	 * or cannot be told this way: the walk is then done again with locks. Optional.
	 */
	struct vnode *(*lookup_fast)(struct vnode *dvp, const struct name *name);
	/*
	 * [X dvp] Makes a file of va->va_type (directories and symbolic links too; target is the latter's
	 * text) with va_mode, va_uid, va_gid, va_rdev, and enters it. The name does not exist.
	 */
	int (*create)(struct vnode *dvp, const struct name *name, const struct vattr *va, const char *target,
	    struct vnode **vpp);
	/* [X dvp, X vp] Another name for vp, of the same mount and no directory. The name does not exist. */
	int (*link)(struct vnode *dvp, const struct name *name, struct vnode *vp);
	/* [X dvp, X vp] Removes the name of vp, no directory. */
	int (*remove)(struct vnode *dvp, const struct name *name, struct vnode *vp);
	/* [X dvp, X vp] Removes a directory; RUMP_ENOTEMPTY is for the file system to find out. */
	int (*rmdir)(struct vnode *dvp, const struct name *name, struct vnode *vp);
	/*
	 * [X all] fdvp and tdvp may be the same; tvp may be NULL. Types fit, fvp is not tvp and no ancestor
	 * of tdvp. The file system finds out whether a directory tvp is empty.
	 */
	int (*rename)(struct vnode *fdvp, const struct name *fname, struct vnode *fvp, struct vnode *tdvp,
	    const struct name *tname, struct vnode *tvp);
	/*
	 * [S vp] Entries from *offset on, "." and ".." included, into the sink until it is full or there are
	 * no more; *offset then is where to go on. Offsets stay valid when entries come and go. 0 is the
	 * beginning.
	 */
	int (*readdir)(struct vnode *vp, struct dirsink *sink, int64_t *offset);
	/* [S vp] The text of a link, not terminated; *lenp is the room, then the length. */
	int (*readlink)(struct vnode *vp, char *buf, size_t *lenp);

	/* [S vp] Brings v_* up to date where the file system keeps them elsewhere. Optional. */
	int (*getattr)(struct vnode *vp);
	/*
	 * [X vp] The fields of va->va_set, VA_SIZE among them, have been checked; sets them in the vnode
	 * (vnode_setattr does) and in the file system. NULL: only in the vnode, VA_SIZE being
	 * RUMP_EOPNOTSUPP.
	 */
	int (*setattr)(struct vnode *vp, const struct vattr *va);
	/* [S vp, VREG] From uio->uio_offset; nothing beyond v_size. */
	int (*read)(struct vnode *vp, struct rumpk_uio *uio, int ioflag);
	/* [X vp, VREG] At uio->uio_offset; extends the file. IO_APPEND has been dealt with. What was written
	 * before an error stays. */
	int (*write)(struct vnode *vp, struct rumpk_uio *uio, int ioflag);
	/* [X vp, VREG] posix_fallocate and fdiscard of a range. */
	int (*allocate)(struct vnode *vp, int64_t offset, int64_t len);
	int (*discard)(struct vnode *vp, int64_t offset, int64_t len);
	/* [X vp] len 0: to the end. NULL: nothing to be done. */
	int (*fsync)(struct vnode *vp, int flags, int64_t offset, int64_t len);
	/* [X vp] An open file of its own comes and goes; flags as FREAD and FWRITE. Optional. */
	int (*open)(struct vnode *vp, int flags);
	int (*close)(struct vnode *vp, int flags);
	/* No lock held. NULL: RUMP_ENOTTY. */
	int (*ioctl)(struct vnode *vp, unsigned long command, void *data, int flags);
	/* [S vp] RUMP_EINVAL for names that it does not know; the generic code answers NAME_MAX and kin when
	 * NULL. */
	int (*pathconf)(struct vnode *vp, int name, int64_t *value);

	/*
	 * Extended attributes. [S vp] *lenp is the room, then the length; with a buf of NULL only the length
	 * is wanted. list: length-prefixed names. [X vp] set; NULL data deletes (RUMP_ENOATTR). The space is
	 * RUMP_EXTATTR_NAMESPACE_*.
	 */
	int (*getextattr)(struct vnode *vp, int space, const char *name, void *buf, size_t *lenp);
	int (*setextattr)(struct vnode *vp, int space, const char *name, const void *data, size_t len);
	int (*listextattr)(struct vnode *vp, int space, void *buf, size_t *lenp);

	/*
	 * Gives back what v_data stands for: nobody refers to the vnode any more (no lock held), or it is
	 * made dead under its users [X vp]. Afterwards, when the last user has gone and after a grace period,
	 * v_free is called.
	 */
	void (*reclaim)(struct vnode *vp);
};

/* ioflag bits of read and write. */
enum { IO_APPEND = 0x1, IO_SYNC = 0x2, IO_NONBLOCK = 0x4, IO_DSYNC = 0x8 };

/* v_vflag bits. */
enum {
	VV_ROOT = 0x1,   /* the root of its mount */
	VV_SYSTEM = 0x2, /* no user's file */
	VV_DEAD = 0x4,   /* rumpk_vgone has been here */
};

struct vnode {
	const struct vnodeops *v_op; /* changed under the exclusive lock; read atomically */
	struct mount *v_mount;       /* never changes */
	void *v_data;                /* the file system's */
	uint32_t v_usecount;
	uint32_t v_vflag;
	enum vtype v_type; /* never changes */
	uint32_t v_mode;   /* permission bits and S_IS* */
	uint32_t v_uid;
	uint32_t v_gid;
	uint32_t v_flags; /* chflags */
	uint32_t v_nlink;
	uint64_t v_ino;
	uint64_t v_rdev;
	int64_t v_size;
	int64_t v_blocks;        /* of 512 bytes */
	struct mount *v_mounted; /* what is mounted on this directory; atomic */
	struct rumpuser_rw *v_lock;

	int64_t v_readtime; /* access time of a later read, in nanoseconds; 0: v_atime is right */
	struct rump_timespec v_atime;
	struct rump_timespec v_mtime;
	struct rump_timespec v_ctime;
	struct rump_timespec v_birthtime;
	uint32_t v_gen;
	uint32_t v_blksize;
	uint32_t v_opens; /* open files; guarded by the lock */

	struct advlock *v_advlock; /* advisory locks, made when first used (advlock.h) */
	void *v_special; /* a fifo's buffer (fifo.h), made with the first open; guarded by the lock */
	struct rumpk_notelist v_notes; /* kevents and polls that watch it */
	void (*v_free)(struct vnode *vp);
	struct rcu_head v_rcu;
};

static inline const struct vnodeops *
vnode_ops(const struct vnode *vp)
{
	return __atomic_load_n(&vp->v_op, __ATOMIC_ACQUIRE);
}

static inline void
vnode_lock_shared(struct vnode *vp)
{
	rumpuser_rw_enter(RUMPUSER_RW_READER, vp->v_lock);
}

static inline void
vnode_lock(struct vnode *vp)
{
	rumpuser_rw_enter(RUMPUSER_RW_WRITER, vp->v_lock);
}

static inline void
vnode_unlock(struct vnode *vp)
{
	rumpuser_rw_exit(vp->v_lock);
}

/* Makes the parts that a vnode keeps while it lies in a pool: to be called once in its memory's life.
 * RUMP_ENOMEM never. */
RUMPK_EXPORT void rumpk_vnode_ctor(struct vnode *vp);
RUMPK_EXPORT void rumpk_vnode_dtor(struct vnode *vp);
/*
 * Readies a constructed vnode, as part of the file system's own structure or alone, with one reference of the
 * kind that rumpk_vhold takes, the mount's owner as owner and the present as its times. The other attributes
 * are the caller's to fill in. v_free gives the memory back, in any thread and without sleeping.
 */
RUMPK_EXPORT void rumpk_vnode_init(struct vnode *vp, struct mount *mp, const struct vnodeops *ops,
    enum vtype type, void (*v_free)(struct vnode *vp));

/* A user's reference. rumpk_vref wants that there is one already. */
RUMPK_EXPORT void rumpk_vref(struct vnode *vp);
/* Within a lock-free walk: false when the vnode's last reference is gone. */
RUMPK_EXPORT bool rumpk_vref_try(struct vnode *vp);
/* Gives one back. May sleep: holds no vnode's lock. */
RUMPK_EXPORT void rumpk_vrele(struct vnode *vp);
/* The file system's own references, which do not keep the mount busy. The last rumpk_vunhold reclaims. */
RUMPK_EXPORT void rumpk_vhold(struct vnode *vp);
RUMPK_EXPORT void rumpk_vunhold(struct vnode *vp);

/* Makes every operation on vp fail with RUMP_EIO (RUMP_EBADF where one would expect it) from now on. No lock
 * held. */
RUMPK_EXPORT void rumpk_vgone(struct vnode *vp);

/* Sets the fields of va->va_set but VA_SIZE in the vnode, and the change time. [X vp] */
RUMPK_EXPORT void rumpk_vnode_setattr(struct vnode *vp, const struct vattr *va);
/* The time of a new timestamp. */
RUMPK_EXPORT struct rump_timespec rumpk_vnode_now(void);
/* Notes a read, unless the mount is read-only or says noatime. [S vp] */
RUMPK_EXPORT void rumpk_vnode_accessed(struct vnode *vp);
/* Notes a change of the contents: modification and change times, v_readtime folded in. [X vp] */
RUMPK_EXPORT void rumpk_vnode_modified(struct vnode *vp);
/*
 * The same after a write, which takes the set-id bits away unless it is the superuser's: for file systems
 * that do so. Those in memory do not, as NetBSD's. [X vp]
 */
RUMPK_EXPORT void rumpk_vnode_written(struct vnode *vp);
/* Notes a change of the attributes alone. [X vp] */
RUMPK_EXPORT void rumpk_vnode_changed(struct vnode *vp);
/* The access time, whichever of the two fields holds it. [S vp] */
RUMPK_EXPORT struct rump_timespec rumpk_vnode_atime(const struct vnode *vp);
/* All of it, as stat(2) wants it. Takes the shared lock. */
RUMPK_EXPORT int rumpk_vnode_stat(struct vnode *vp, struct rump_stat *st);

/* RUMP_S_IFREG and kin for a type, the dirent's type, and back from S_IF*. */
RUMPK_EXPORT uint32_t rumpk_vtype_mode(enum vtype type);
RUMPK_EXPORT uint8_t rumpk_vtype_dirent(enum vtype type);
RUMPK_EXPORT enum vtype rumpk_mode_vtype(uint32_t mode);

/*
 * Whether cred may do all of `want` (RUMP_R_OK | RUMP_W_OK | RUMP_X_OK): 0, or RUMP_EACCES. The superuser may
 * do everything but execute what nobody may. Write access to an immutable file is RUMP_EPERM, to a file of a
 * read-only mount RUMP_EROFS (devices, fifos and sockets excepted).
 */
RUMPK_EXPORT int rumpk_vaccess(struct vnode *vp, int want, const struct rumpk_cred *cred);

/*
 * Where readdir puts its entries: NetBSD's struct dirent, packed as getdents30 wants them. sink_emit returns
 * false when there is no room for this one.
 */
struct dirsink {
	char *ds_buf;
	size_t ds_size;
	size_t ds_used;
};
RUMPK_EXPORT bool rumpk_dirsink_emit(
    struct dirsink *sink, uint64_t ino, uint8_t type, const char *name, size_t namelen);

/* Within the component. */
extern const struct vnodeops dead_ops;
/* After reclaim: gives the rest back, and the vnode after a grace period. */
void vnode_free_later(struct vnode *vp);

#endif
