/* SPDX-License-Identifier: BSD-2-Clause */
/* mount, unmount and what they show. */
#include "kernel/base/mem.h"
#include "kernel/base/print.h"
#include "kernel/vfs/calls.h"
#include "kernel/vfs/mount.h"
#include "kernel/vfs/vnfile.h"
#include "kernel/vfs/where.h"

/* What a caller may set; the others are the kernel's own. */
#define FLAGS_SETTABLE \
	((RUMP_MNT_BASIC_FLAGS | RUMP_MNT_RDONLY) & \
	    ~(uint64_t)(RUMP_MNT_ROOTFS | RUMP_MNT_LOCAL | RUMP_MNT_QUOTA))
/* What nobody here acts on is not granted. */
#define FLAGS_REFUSED RUMP_MNT_UNION
/* No file system's arguments are near this. */
#define ARGS_MAX 8192

/* The arguments of a mount, copied in: at least what the type takes. */
struct mount_args {
	void *data;
	size_t size; /* of data */
	size_t len;  /* what the caller gave */
};

static int
args_get(
    struct lwp *l, const struct vfsops *ops, rumpk_uaddr udata, size_t len, bool in, struct mount_args *ma)
{
	int error = 0;

	ma->len = len != 0 ? len : ops->vfs_args_size;
	ma->size = ma->len < ops->vfs_args_size ? ops->vfs_args_size : ma->len;
	if (ma->size > ARGS_MAX || udata == 0)
		return RUMP_EINVAL;
	ma->data = rumpk_zalloc(ma->size);
	if (ma->data == NULL)
		return RUMP_ENOMEM;
	if (in)
		error = rumpk_copyin(l, udata, ma->data, ma->len);
	if (error == 0 && ma->len < ops->vfs_args_size)
		error = RUMP_EINVAL;
	if (error != 0)
		rumpk_free(ma->data, ma->size);
	return error;
}

static int
get_args(struct lwp *l, struct mount *mp, rumpk_uaddr udata, size_t len, long *retval)
{
	struct mount_args ma;
	int error = args_get(l, mp->mnt_ops, udata, len, false, &ma);

	if (error != 0)
		return error;
	error = mp->mnt_ops->vfs_mount(mp, ma.data, &ma.len, RUMP_MNT_GETARGS, 0);
	if (error == 0)
		error = rumpk_copyout(l, ma.data, udata, ma.len);
	if (error == 0)
		retval[0] = (long)ma.len;
	rumpk_free(ma.data, ma.size);
	return error;
}

/* Changes the flags of what is mounted, and lets the file system know. */
static int
update(struct lwp *l, struct mount *mp, uint64_t flags, rumpk_uaddr udata, size_t len)
{
	uint64_t old = __atomic_load_n(&mp->mnt_flag, __ATOMIC_SEQ_CST);
	uint64_t new = (old & ~FLAGS_SETTABLE) | (flags & FLAGS_SETTABLE);
	struct mount_args ma = {.data = NULL};
	int error = 0;

	if (udata != 0)
		error = args_get(l, mp->mnt_ops, udata, len, true, &ma);
	if (error != 0)
		return error;
	__atomic_store_n(&mp->mnt_flag, new, __ATOMIC_SEQ_CST);
	if ((new &RUMP_MNT_RDONLY) && !(old & RUMP_MNT_RDONLY) && !(flags & RUMP_MNT_FORCE) &&
	    mount_written(mp))
		error = RUMP_EBUSY;
	if (error == 0)
		error = mp->mnt_ops->vfs_mount(mp, ma.data, &ma.len, flags | RUMP_MNT_UPDATE, old);
	if (error != 0)
		__atomic_store_n(&mp->mnt_flag, old, __ATOMIC_SEQ_CST);
	rumpk_free(ma.data, ma.size);
	return error;
}

/* Where it is mounted, as statvfs tells. */
static int
set_on(struct mount *mp, struct vnode *vp)
{
	char *path;
	int error = vnode_path(vp, rumpk_rootvnode, NULL, mp->mnt_on, sizeof(mp->mnt_on), &path);

	if (error == 0)
		memmove(mp->mnt_on, path, strlen(path) + 1);
	return error;
}

/* Covers vp, whose reference is the mount's if it succeeds. */
static int
mount_new(struct lwp *l, struct vfsops *ops, struct vnode *vp, uint64_t flags, rumpk_uaddr udata, size_t len)
{
	struct mount_args ma;
	struct mount *mp;
	int error;

	if (vp->v_type != VDIR)
		return RUMP_ENOTDIR;
	if (vp == rumpk_rootvnode || vp->v_mounted != NULL)
		return RUMP_EBUSY;
	error = args_get(l, ops, udata, len, true, &ma);
	if (error != 0)
		return error;
	error = mount_create(ops, flags & FLAGS_SETTABLE, &mp);
	if (error != 0) {
		rumpk_free(ma.data, ma.size);
		return error;
	}
	/* A forced unmount of the same device may not have closed it yet. */
	rumpk_rcu_drain();
	error = set_on(mp, vp);
	if (error == 0)
		error = ops->vfs_mount(mp, ma.data, &ma.len, flags, 0);
	if (error == 0)
		error = mount_enter(mp, vp);
	if (error != 0)
		mount_destroy(mp);
	rumpk_free(ma.data, ma.size);
	return error;
}

int
sys_mount(struct lwp *l, rumpk_args args, long *retval)
{
	uint64_t flags = (uint32_t)args[2];
	char type[RUMP_VFS_NAMELEN];
	struct vfsops *ops;
	struct vnode *vp;
	int error;

	if (!rumpk_cred_issuper(rumpk_proc_cred(l->proc)))
		return RUMP_EPERM;
	if (flags & FLAGS_REFUSED)
		return RUMP_EOPNOTSUPP;
	error = rumpk_namei_user(l, RUMP_AT_FDCWD, args[1], NAMEI_FOLLOW, &vp);
	if (error != 0)
		return error;
	if (flags & (RUMP_MNT_GETARGS | RUMP_MNT_UPDATE)) {
		if (!(vp->v_vflag & VV_ROOT))
			error = RUMP_EINVAL;
		else if (flags & RUMP_MNT_GETARGS)
			error = get_args(l, vp->v_mount, args[3], args[4], retval);
		else
			error = update(l, vp->v_mount, flags, args[3], args[4]);
		rumpk_vrele(vp);
		return error;
	}
	error = rumpk_copyinstr(l, args[0], type, sizeof(type), NULL);
	if (error == 0) {
		ops = mount_type(type);
		error = ops == NULL ? RUMP_ENODEV : mount_new(l, ops, vp, flags, args[3], args[4]);
	}
	if (error != 0)
		rumpk_vrele(vp);
	return error;
}

int
sys_unmount(struct lwp *l, rumpk_args args, long *retval)
{
	struct vnode *vp;
	struct mount *mp;
	int error = rumpk_namei_user(l, RUMP_AT_FDCWD, args[0], NAMEI_FOLLOW, &vp);

	(void)retval;
	if (error != 0)
		return error;
	mp = vp->v_mount;
	if (!rumpk_cred_issuper(rumpk_proc_cred(l->proc)))
		error = RUMP_EPERM;
	else if (!(vp->v_vflag & VV_ROOT) || vp == rumpk_rootvnode)
		error = RUMP_EINVAL;
	if (error != 0)
		rumpk_vrele(vp);
	else
		error = mount_leave(mp, vp, (args[1] & RUMP_MNT_FORCE) != 0);
	return error;
}

static int
count_one(struct mount *mp, void *arg)
{
	(void)mp;
	++*(size_t *)arg;
	return 0;
}

struct listing {
	struct rump_statvfs *st;
	size_t room, count;
};

static int
list_one(struct mount *mp, void *arg)
{
	struct listing *list = arg;

	if (list->count < list->room && mount_statvfs(mp, &list->st[list->count]) == 0)
		list->count++;
	return 0;
}

/* No mount is visited while the user is written to: that may take its time. */
static int
list_mounts(struct lwp *l, rumpk_uaddr buf, struct listing *list)
{
	size_t size = list->room * sizeof(*list->st);
	int error = 0;

	list->st = rumpk_alloc(size);
	if (list->st == NULL)
		return RUMP_ENOMEM;
	(void)mount_each(list_one, list);
	if (list->count > 0)
		error = rumpk_copyout(l, list->st, buf, list->count * sizeof(*list->st));
	rumpk_free(list->st, size);
	return error;
}

int
sys_getvfsstat(struct lwp *l, rumpk_args args, long *retval)
{
	struct listing list = {.room = args[1] / sizeof(struct rump_statvfs)};
	size_t mounts = 0;
	int error;

	(void)mount_each(count_one, &mounts);
	retval[0] = (long)mounts;
	if (args[0] == 0)
		return 0;
	if (list.room > mounts)
		list.room = mounts;
	error = list_mounts(l, args[0], &list);
	if (error == 0)
		retval[0] = (long)list.count;
	return error;
}

static int
statvfs_of(struct lwp *l, struct vnode *vp, rumpk_uaddr ust)
{
	struct rump_statvfs st;
	int error = mount_dead(vp->v_mount) ? RUMP_ENOENT : mount_statvfs(vp->v_mount, &st);

	return error != 0 ? error : rumpk_copyout(l, &st, ust, sizeof(st));
}

int
sys_statvfs(struct lwp *l, rumpk_args args, long *retval)
{
	struct vnode *vp;
	int error = rumpk_namei_user(l, RUMP_AT_FDCWD, args[0], NAMEI_FOLLOW, &vp);

	(void)retval;
	if (error != 0)
		return error;
	error = statvfs_of(l, vp, args[1]);
	rumpk_vrele(vp);
	return error;
}

int
sys_fstatvfs(struct lwp *l, rumpk_args args, long *retval)
{
	struct file *fp;
	struct vnode *vp;
	int error = vnfile_get(l, rumpk_arg_int(args, 0), &fp, &vp);

	(void)retval;
	if (error != 0)
		return error;
	error = statvfs_of(l, vp, args[1]);
	rumpk_file_rele(fp);
	return error;
}

int
sys_sync(struct lwp *l, rumpk_args args, long *retval)
{
	(void)l, (void)args, (void)retval;
	mount_sync_all(false);
	return 0;
}
