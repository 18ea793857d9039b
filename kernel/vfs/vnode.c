/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/clock.h"
#include "kernel/base/lwp.h"
#include "kernel/vfs/advlock.h"
#include "kernel/vfs/fifo.h"
#include "kernel/vfs/mount.h"
#include "kernel/vfs/vcache.h"
#include "kernel/vfs/vnode.h"

void
rumpk_vnode_ctor(struct vnode *vp)
{
	memset(vp, 0, sizeof(*vp));
	rumpuser_rw_init(&vp->v_lock);
	rumpk_notelist_init(&vp->v_notes);
}

void
rumpk_vnode_dtor(struct vnode *vp)
{
	rumpk_notelist_fini(&vp->v_notes);
	rumpuser_rw_destroy(vp->v_lock);
}

/* A vnode in a pool may still be looked at by walks that began before it was freed, so all that they read is
 * atomic. */
void
rumpk_vnode_init(struct vnode *vp, struct mount *mp, const struct vnodeops *ops, enum vtype type,
    void (*v_free)(struct vnode *vp))
{
	vp->v_op = ops;
	vp->v_mount = mp;
	vp->v_data = NULL;
	vp->v_vflag = 0;
	vp->v_type = type;
	vp->v_mode = 0;
	vp->v_uid = vp->v_gid = 0;
	vp->v_flags = vp->v_nlink = vp->v_gen = 0;
	vp->v_ino = vp->v_rdev = 0;
	vp->v_size = vp->v_blocks = 0;
	vp->v_mounted = NULL;
	vp->v_readtime = 0;
	vp->v_atime = vp->v_mtime = vp->v_ctime = vp->v_birthtime = rumpk_vnode_now();
	vp->v_blksize = 4096;
	vp->v_opens = 0;
	vp->v_advlock = NULL;
	vp->v_special = NULL;
	vp->v_free = v_free;
	__atomic_store_n(&vp->v_usecount, 1, __ATOMIC_RELEASE);
}

static void
free_after_walks(struct rcu_head *head)
{
	struct vnode *vp = (struct vnode *)((char *)head - offsetof(struct vnode, v_rcu));

	vp->v_free(vp);
}

void
vnode_free_later(struct vnode *vp)
{
	if (vp->v_special != NULL)
		fifo_free(vp);
	if (vp->v_advlock != NULL)
		advlock_free(vp);
	rumpk_rcu_free(&vp->v_rcu, free_after_walks);
}

static void
last_gone(struct vnode *vp)
{
	const struct vnodeops *ops = vnode_ops(vp);

	if (ops->reclaim != NULL)
		ops->reclaim(vp);
	vnode_free_later(vp);
}

void
rumpk_vhold(struct vnode *vp)
{
	__atomic_fetch_add(&vp->v_usecount, 1, __ATOMIC_RELAXED);
}

void
rumpk_vunhold(struct vnode *vp)
{
	if (vp->v_mount->mnt_vcache != NULL)
		vcache_unhold(vp);
	else if (__atomic_sub_fetch(&vp->v_usecount, 1, __ATOMIC_ACQ_REL) == 0)
		last_gone(vp);
}

void
rumpk_vref(struct vnode *vp)
{
	mount_user_comes(vp->v_mount);
	rumpk_vhold(vp);
}

bool
rumpk_vref_try(struct vnode *vp)
{
	uint32_t count = __atomic_load_n(&vp->v_usecount, __ATOMIC_RELAXED);

	mount_user_comes(vp->v_mount);
	do {
		if (count == 0) {
			mount_user_goes(vp->v_mount);
			return false;
		}
	} while (!__atomic_compare_exchange_n(
	    &vp->v_usecount, &count, count + 1, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
	return true;
}

void
rumpk_vrele(struct vnode *vp)
{
	struct mount *mp = vp->v_mount;

	rumpk_vunhold(vp);
	mount_user_goes(mp);
}

struct rump_timespec
rumpk_vnode_now(void)
{
	struct rump_timespec now;

	rumpk_nanotime(&now);
	return now;
}

void
rumpk_vnode_accessed(struct vnode *vp)
{
	struct rump_timespec now;

	if (mount_flag(vp->v_mount, RUMP_MNT_RDONLY | RUMP_MNT_NOATIME))
		return;
	now = rumpk_vnode_now();
	__atomic_store_n(&vp->v_readtime, now.tv_sec * 1000000000 + now.tv_nsec, __ATOMIC_RELAXED);
}

struct rump_timespec
rumpk_vnode_atime(const struct vnode *vp)
{
	int64_t ns = __atomic_load_n(&vp->v_readtime, __ATOMIC_RELAXED);

	if (ns == 0)
		return vp->v_atime;
	return (struct rump_timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

void
rumpk_vnode_changed(struct vnode *vp)
{
	vp->v_ctime = rumpk_vnode_now();
}

void
rumpk_vnode_modified(struct vnode *vp)
{
	vp->v_mtime = vp->v_ctime = rumpk_vnode_now();
}

void
rumpk_vnode_written(struct vnode *vp)
{
	const uint32_t setid = RUMP_S_ISUID | RUMP_S_ISGID;

	rumpk_vnode_modified(vp);
	if ((vp->v_mode & setid) != 0 && !rumpk_cred_issuper(rumpk_proc_cred(rumpk_curproc())))
		__atomic_store_n(&vp->v_mode, vp->v_mode & ~setid, __ATOMIC_RELAXED);
}

void
rumpk_vnode_setattr(struct vnode *vp, const struct vattr *va)
{
	if (va->va_set & VA_MODE)
		__atomic_store_n(&vp->v_mode, va->va_mode, __ATOMIC_RELAXED);
	if (va->va_set & VA_UID)
		__atomic_store_n(&vp->v_uid, va->va_uid, __ATOMIC_RELAXED);
	if (va->va_set & VA_GID)
		__atomic_store_n(&vp->v_gid, va->va_gid, __ATOMIC_RELAXED);
	if (va->va_set & VA_FLAGS)
		__atomic_store_n(&vp->v_flags, va->va_flags, __ATOMIC_RELAXED);
	if (va->va_set & VA_ATIME) {
		vp->v_atime = va->va_atime;
		__atomic_store_n(&vp->v_readtime, 0, __ATOMIC_RELAXED);
	}
	if (va->va_set & VA_MTIME)
		vp->v_mtime = va->va_mtime;
	if (va->va_set & VA_BIRTHTIME)
		vp->v_birthtime = va->va_birthtime;
	rumpk_vnode_changed(vp);
}

int
rumpk_vnode_stat(struct vnode *vp, struct rump_stat *st)
{
	const struct vnodeops *ops;
	int error = 0;

	memset(st, 0, sizeof(*st));
	vnode_lock_shared(vp);
	ops = vnode_ops(vp);
	if (ops->getattr != NULL)
		error = ops->getattr(vp);
	st->st_dev = vp->v_mount->mnt_id;
	st->st_mode = rumpk_vtype_mode(vp->v_type) | vp->v_mode;
	st->st_ino = vp->v_ino;
	st->st_nlink = vp->v_nlink;
	st->st_uid = vp->v_uid;
	st->st_gid = vp->v_gid;
	st->st_rdev = vp->v_rdev;
	st->st_atim = rumpk_vnode_atime(vp);
	st->st_mtim = vp->v_mtime;
	st->st_ctim = vp->v_ctime;
	st->st_birthtim = vp->v_birthtime;
	st->st_size = vp->v_size;
	st->st_blocks = vp->v_blocks;
	st->st_blksize = (int32_t)vp->v_blksize;
	st->st_flags = vp->v_flags;
	st->st_gen = vp->v_gen;
	vnode_unlock(vp);
	return error;
}

static const struct {
	uint32_t mode;
	uint8_t dirent;
} types[] = {
    [VNON] = {0, RUMP_DT_UNKNOWN},
    [VREG] = {RUMP_S_IFREG, RUMP_DT_REG},
    [VDIR] = {RUMP_S_IFDIR, RUMP_DT_DIR},
    [VBLK] = {RUMP_S_IFBLK, RUMP_DT_BLK},
    [VCHR] = {RUMP_S_IFCHR, RUMP_DT_CHR},
    [VLNK] = {RUMP_S_IFLNK, RUMP_DT_LNK},
    [VSOCK] = {RUMP_S_IFSOCK, RUMP_DT_SOCK},
    [VFIFO] = {RUMP_S_IFIFO, RUMP_DT_FIFO},
};
static_assert(sizeof(types) / sizeof(types[0]) == VFIFO + 1, "one row a vnode type");

uint32_t
rumpk_vtype_mode(enum vtype type)
{
	return types[type].mode;
}

uint8_t
rumpk_vtype_dirent(enum vtype type)
{
	return types[type].dirent;
}

enum vtype
rumpk_mode_vtype(uint32_t mode)
{
	for (enum vtype type = VREG; type <= VFIFO; type++)
		if (types[type].mode == (mode & RUMP_S_IFMT))
			return type;
	return VNON;
}

/* Everything that a dead vnode is asked fails: by the NULLs, but for what has to say something else. */
static int
dead_io(struct vnode *vp, struct rumpk_uio *uio, int ioflag)
{
	(void)vp, (void)uio, (void)ioflag;
	return RUMP_EIO;
}

static int
dead_lookup(struct vnode *dvp, const struct name *name, struct vnode **vpp)
{
	(void)dvp, (void)name;
	*vpp = NULL;
	return RUMP_ENOENT;
}

static int
dead_getattr(struct vnode *vp)
{
	(void)vp;
	return RUMP_EBADF;
}

static int
dead_ioctl(struct vnode *vp, unsigned long command, void *data, int flags)
{
	(void)vp, (void)command, (void)data, (void)flags;
	return RUMP_EBADF;
}

const struct vnodeops dead_ops = {
    .lookup = dead_lookup,
    .getattr = dead_getattr,
    .read = dead_io,
    .write = dead_io,
    .ioctl = dead_ioctl,
};

int
rumpk_vaccess(struct vnode *vp, int want, const struct rumpk_cred *cred)
{
	uint32_t mode = __atomic_load_n(&vp->v_mode, __ATOMIC_RELAXED);
	uint32_t flags = __atomic_load_n(&vp->v_flags, __ATOMIC_RELAXED);

	if (want & RUMP_W_OK) {
		if (mount_flag(vp->v_mount, RUMP_MNT_RDONLY) &&
		    (vp->v_type == VREG || vp->v_type == VDIR || vp->v_type == VLNK))
			return RUMP_EROFS;
		if (flags & (RUMP_UF_IMMUTABLE | RUMP_SF_IMMUTABLE))
			return RUMP_EPERM;
	}
	if (rumpk_cred_issuper(cred))
		return (want & RUMP_X_OK) && vp->v_type != VDIR && (mode & 0111) == 0 ? RUMP_EACCES : 0;
	if (__atomic_load_n(&vp->v_uid, __ATOMIC_RELAXED) == cred->euid)
		mode >>= 6;
	else if (rumpk_cred_ismember(cred, __atomic_load_n(&vp->v_gid, __ATOMIC_RELAXED)))
		mode >>= 3;
	return (mode & (uint32_t)want) == (uint32_t)want ? 0 : RUMP_EACCES;
}

bool
rumpk_dirsink_emit(struct dirsink *sink, uint64_t ino, uint8_t type, const char *name, size_t namelen)
{
	size_t reclen = (offsetof(struct rump_dirent, d_name) + namelen + 1 + 7) & ~(size_t)7;
	struct rump_dirent *entry;

	if (sink->ds_size - sink->ds_used < reclen)
		return false;
	entry = (struct rump_dirent *)(void *)(sink->ds_buf + sink->ds_used);
	memset(entry, 0, offsetof(struct rump_dirent, d_name));
	entry->d_fileno = ino;
	entry->d_reclen = (uint16_t)reclen;
	entry->d_namlen = (uint16_t)namelen;
	entry->d_type = type;
	memcpy(entry->d_name, name, namelen);
	memset(entry->d_name + namelen, 0, reclen - offsetof(struct rump_dirent, d_name) - namelen);
	sink->ds_used += reclen;
	return true;
}

void
rumpk_vgone(struct vnode *vp)
{
	const struct vnodeops *ops;

	vnode_lock(vp);
	ops = vnode_ops(vp);
	if (ops != &dead_ops) {
		if (ops->reclaim != NULL)
			ops->reclaim(vp);
		__atomic_store_n(&vp->v_op, &dead_ops, __ATOMIC_RELEASE);
		__atomic_store_n(&vp->v_vflag, vp->v_vflag | VV_DEAD, __ATOMIC_RELEASE);
	}
	vnode_unlock(vp);
	rumpk_notify(
	    &vp->v_notes, RUMP_NOTE_REVOKE | RUMPK_NOTE_READABLE | RUMPK_NOTE_WRITABLE | RUMPK_NOTE_HANGUP);
}
