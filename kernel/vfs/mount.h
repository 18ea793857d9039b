/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounts, and the file system types that they are of.
 *
 * Theory of operation
 *
 * The list of mounts, and the two links between a mount and the directory that it covers, change under one
 * lock (mount_list_lock); walks read v_mounted and mnt_root without it. A mount's users are counted by
 * references to its vnodes (rumpk_vref), in counters that are spread over cache lines: comings and goings
 * apart, so that reading all goings before all comings tells truly whether there are none. Unmounting closes
 * the mount, waits until no walk can be on its way in, and then looks whether there are users; if so, it is
 * opened again and RUMP_EBUSY answered, or by force the users' vnodes are made dead. The directory stays
 * covered meanwhile, so that nobody removes it, and walks that come to it wait for the outcome: they are not
 * to see what lies under a mount that then stays. All of this is done without the list's lock, by whoever has
 * marked the mount as leaving: nobody else unmounts it then, and who wants to mount something in it waits,
 * too. Who goes through the list only visits: that keeps no mount busy, and the end of an unmount waits for
 * it.
 */
#ifndef KERNEL_VFS_MOUNT_H
#define KERNEL_VFS_MOUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <rump/rumpdefs.h>
#include "kernel/vfs/rcu.h"
#include "kernel/vfs/vnode.h"

struct mount;
struct vcache;

/* What a type of file system does. All return 0 or a RUMP_E*. */
struct vfsops {
	const char *vfs_name; /* as mount(2) and statvfs name it */
	size_t vfs_args_size; /* of the NetBSD structure that its mount takes */
	/*
	 * Makes mp's file system: args is a copy of the caller's structure, *lenp bytes (at least
	 * vfs_args_size), and pointers in it are addresses of the caller's, for rumpk_copyinstr. Sets
	 * mp->mnt_root, with a reference (as rumpk_vhold gives), marked VV_ROOT, mp->mnt_data and
	 * mp->mnt_from. With MNT_UPDATE in `flags` it is mounted already and mnt_flag holds the new flags,
	 * the old ones being in `oldflags`: to read-only means to flush. With MNT_GETARGS it fills in args
	 * instead.
	 */
	int (*vfs_mount)(struct mount *mp, void *args, size_t *lenp, uint64_t flags, uint64_t oldflags);
	/*
	 * Nobody uses it any more, or, with force, its users only have vnodes that have been made dead or
	 * whose operations the generic code no longer calls (mnt_dead). Writes back what is dirty; an error,
	 * unless forced, leaves it mounted.
	 */
	int (*vfs_unmount)(struct mount *mp, bool force);
	/* Then: gives back all that the mount has, its root too. Vnodes still in use may be reclaimed later.
	 */
	void (*vfs_release)(struct mount *mp);
	/* And last, when no vnode is left: frees mnt_data. */
	void (*vfs_free)(struct mount *mp);
	/* Fills in blocks, files, sizes; the rest has been done. */
	int (*vfs_statvfs)(struct mount *mp, struct rump_statvfs *st);
	/* Writes back what is dirty; with wait until it is on its medium. NULL: nothing ever is. */
	int (*vfs_sync)(struct mount *mp, bool wait);

	struct vfsops *vfs_next; /* the list of types */
	uint32_t vfs_mounts;     /* how many are of this type */
};

#define MOUNT_SLOTS 16

struct mount {
	const struct vfsops *mnt_ops;
	void *mnt_data;            /* the file system's */
	struct vnode *mnt_root;    /* held for as long as it is mounted */
	struct vnode *mnt_covered; /* the directory under it, referenced; NULL for the root file system */
	struct mount *mnt_next;    /* in the order of mounting */
	uint64_t mnt_flag;         /* RUMP_MNT_*; read atomically */
	uint32_t mnt_dead;         /* forcibly unmounted */
	uint32_t mnt_closed;       /* an unmount looks whether it is in use: walks wait; atomic */
	uint32_t mnt_id;           /* its device number, st_dev */
	uint32_t mnt_owner;
	uint32_t mnt_namemax;      /* longest component */
	rumpk_mutex mnt_rename;    /* held while a directory moves, or an entry between directories */
	struct vcache *mnt_vcache; /* of file systems that use one (vcache.h) */
	char mnt_on[RUMP_VFS_MNAMELEN];
	char mnt_from[RUMP_VFS_MNAMELEN];
	/* Guarded by the list's lock. */
	bool mnt_leaving;
	unsigned mnt_visitors;
	uint32_t mnt_released, mnt_freed;
	void *mnt_raw; /* the memory that it lies in */
	struct rcu_head mnt_rcu;
	struct {
		_Alignas(64) uint64_t comings, goings;
		/* Of who has it open for writing, or is about to change something: not to become read-only.
		 */
		uint64_t writers_comings, writers_goings;
	} mnt_users[MOUNT_SLOTS];
};

/* Adds a type of file system; RUMP_EEXIST. ops stays the caller's, and is linked. */
RUMPK_EXPORT int rumpk_vfs_register(struct vfsops *ops);

static inline bool
mount_flag(const struct mount *mp, uint64_t flag)
{
	return (__atomic_load_n(&mp->mnt_flag, __ATOMIC_RELAXED) & flag) != 0;
}

static inline bool
mount_dead(const struct mount *mp)
{
	return __atomic_load_n(&mp->mnt_dead, __ATOMIC_ACQUIRE) != 0;
}

static inline bool
mount_closed(const struct mount *mp)
{
	return __atomic_load_n(&mp->mnt_closed, __ATOMIC_ACQUIRE) != 0;
}

RUMPK_EXPORT extern struct vnode *rumpk_rootvnode; /* the root of everything; never changes once up */

/* Within the component. */
int mount_create(const struct vfsops *ops, uint64_t flags, struct mount **mpp);
/* Takes a mount that has never been entered, or is unmounted, away; users of a dead one may remain. */
void mount_destroy(struct mount *mp);
void mount_user_comes(struct mount *mp);
void mount_user_goes(struct mount *mp);
bool mount_busy(const struct mount *mp);
bool mount_written(const struct mount *mp);
struct vfsops *mount_type(const char *name);
/* Puts a mount that has its root into the list, and on `covered` (NULL for the first), whose reference it
 * takes over. */
int mount_enter(struct mount *mp, struct vnode *covered);
/*
 * Unmounts; takes over the caller's reference on the mount's root. RUMP_EBUSY, RUMP_EINVAL when somebody else
 * has unmounted it meanwhile.
 */
int mount_leave(struct mount *mp, struct vnode *root, bool force);
/* The root of what is mounted on vp, with a reference; NULL when nothing is. May sleep: no lock is to be
 * held. */
struct vnode *mount_cross_down(struct vnode *vp);
/* The directory that the mount of the root vp covers, with a reference; NULL at the top. */
struct vnode *mount_cross_up(struct vnode *vp);
/* Calls f with each mount in turn, which stays meanwhile; stops at the first error, which it returns. */
int mount_each(int (*f)(struct mount *mp, void *arg), void *arg);
int mount_statvfs(struct mount *mp, struct rump_statvfs *st);
void mount_sync_all(bool wait);
void mount_init(void);
/* By force, the youngest first: for the end of the kernel. */
void mount_unmount_all(void);

#endif
