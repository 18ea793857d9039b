/* SPDX-License-Identifier: BSD-2-Clause */
/* Making and removing names. */
#include "kernel/vfs/calls.h"
#include "kernel/vfs/mount.h"
#include "kernel/vfs/where.h"

int
mount_write_begin(struct mount *mp)
{
	unsigned slot = rumpk_curlwp()->shard % MOUNT_SLOTS;

	__atomic_fetch_add(&mp->mnt_users[slot].writers_comings, 1, __ATOMIC_SEQ_CST);
	if (!(__atomic_load_n(&mp->mnt_flag, __ATOMIC_SEQ_CST) & RUMP_MNT_RDONLY))
		return 0;
	mount_write_end(mp);
	return RUMP_EROFS;
}

void
mount_write_end(struct mount *mp)
{
	unsigned slot = rumpk_curlwp()->shard % MOUNT_SLOTS;

	__atomic_fetch_add(&mp->mnt_users[slot].writers_goings, 1, __ATOMIC_SEQ_CST);
}

/* Whether an entry may be put into dvp. [X dvp] */
static int
may_enter(struct vnode *dvp, const struct rumpk_cred *cred)
{
	if (dvp->v_nlink == 0 || mount_dead(dvp->v_mount))
		return RUMP_ENOENT;
	return rumpk_vaccess(dvp, RUMP_W_OK | RUMP_X_OK, cred);
}

int
vn_create_locked(
    struct lwp *l, const struct parent *pa, struct vattr *va, const char *target, struct vnode **vpp)
{
	const struct rumpk_cred *cred = rumpk_proc_cred(l->proc);
	struct vnode *dvp = pa->pa_dvp;
	int error = may_enter(dvp, cred);

	if (error != 0)
		return error;
	if (vnode_ops(dvp)->create == NULL)
		return mount_flag(dvp->v_mount, RUMP_MNT_RDONLY) ? RUMP_EROFS : RUMP_EOPNOTSUPP;
	error = mount_write_begin(dvp->v_mount);
	if (error != 0)
		return error;
	va->va_uid = cred->euid;
	va->va_gid = dvp->v_gid;
	if ((va->va_mode & RUMP_S_ISGID) && va->va_type != VDIR && !rumpk_cred_issuper(cred) &&
	    !rumpk_cred_ismember(cred, va->va_gid))
		va->va_mode &= ~(uint32_t)RUMP_S_ISGID;
	error = vnode_ops(dvp)->create(dvp, &pa->pa_name, va, target, vpp);
	mount_write_end(dvp->v_mount);
	if (error == 0)
		rumpk_notify(&dvp->v_notes, RUMP_NOTE_WRITE | (va->va_type == VDIR ? RUMP_NOTE_LINK : 0));
	return error;
}

/* Where nothing of that name is. [X pa_dvp] */
static int
make_locked(struct lwp *l, const struct parent *pa, struct vattr *va, const char *target)
{
	struct vnode *vp;
	int error = may_enter(pa->pa_dvp, rumpk_proc_cred(l->proc));

	if (error != 0)
		return error;
	if (pa->pa_slash && va->va_type != VDIR)
		return RUMP_ENOENT;
	if (va->va_type == VNON)
		return RUMP_EINVAL;
	error = vn_create_locked(l, pa, va, target, &vp);
	if (error == 0)
		rumpk_vrele(vp);
	return error;
}

/* Makes a file that is not opened; of type VNON, no file, if everything else is right. */
static int
make(struct lwp *l, int atfd, rumpk_uaddr upath, struct vattr *va, const char *target)
{
	struct parent pa;
	struct vnode *vp;
	int error = namei_parent_user(l, atfd, upath, 0, &pa);

	if (error != 0)
		return error;
	if (pa.pa_name.len == 0 || name_isdotdot(&pa.pa_name)) {
		rumpk_vrele(pa.pa_dvp);
		return RUMP_EEXIST;
	}
	vnode_lock(pa.pa_dvp);
	error = namei_last(&pa, &vp);
	if (error == 0) {
		error = pa.pa_slash && vp->v_type != VDIR ? RUMP_ENOTDIR : RUMP_EEXIST;
		rumpk_vrele(vp);
	} else if (error == RUMP_ENOENT) {
		error = make_locked(l, &pa, va, target);
	}
	vnode_unlock(pa.pa_dvp);
	rumpk_vrele(pa.pa_dvp);
	return error;
}

static uint32_t
masked(struct lwp *l, uint64_t mode)
{
	return (uint32_t)mode & ALLPERMS & ~atomic_load_explicit(&l->proc->umask, memory_order_relaxed);
}

static int
do_mkdir(struct lwp *l, int atfd, rumpk_uaddr upath, uint64_t mode)
{
	struct vattr va = {.va_type = VDIR, .va_mode = masked(l, mode) & 0777};

	return make(l, atfd, upath, &va, NULL);
}

int
sys_mkdir(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return do_mkdir(l, RUMP_AT_FDCWD, args[0], args[1]);
}

int
sys_mkdirat(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return do_mkdir(l, rumpk_arg_int(args, 0), args[1], args[2]);
}

static int
do_mknod(struct lwp *l, int atfd, rumpk_uaddr upath, uint64_t mode, uint64_t dev)
{
	struct vattr va = {.va_mode = masked(l, mode), .va_rdev = dev};

	va.va_type = rumpk_mode_vtype((uint32_t)mode);
	if (!rumpk_cred_issuper(rumpk_proc_cred(l->proc)))
		return RUMP_EPERM;
	/* Fifos are mkfifo's alone to make. */
	if (va.va_type != VCHR && va.va_type != VBLK && va.va_type != VREG)
		va.va_type = VNON;
	if (va.va_type == VREG)
		va.va_rdev = 0;
	return make(l, atfd, upath, &va, NULL);
}

int
sys_mknod(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return do_mknod(l, RUMP_AT_FDCWD, args[0], args[1], args[2]);
}

int
sys_mknodat(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return do_mknod(l, rumpk_arg_int(args, 0), args[1], args[2], args[4]);
}

static int
do_mkfifo(struct lwp *l, int atfd, rumpk_uaddr upath, uint64_t mode)
{
	struct vattr va = {.va_type = VFIFO, .va_mode = masked(l, mode)};

	return make(l, atfd, upath, &va, NULL);
}

int
sys_mkfifo(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return do_mkfifo(l, RUMP_AT_FDCWD, args[0], args[1]);
}

int
sys_mkfifoat(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return do_mkfifo(l, rumpk_arg_int(args, 0), args[1], args[2]);
}

static int
do_symlink(struct lwp *l, rumpk_uaddr utarget, int atfd, rumpk_uaddr upath)
{
	struct vattr va = {.va_type = VLNK, .va_mode = masked(l, 0777)};
	char target[RUMP_MAXPATHLEN];
	int error = rumpk_copyinpath(l, utarget, target);

	return error != 0 ? error : make(l, atfd, upath, &va, target);
}

int
sys_symlink(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return do_symlink(l, args[0], RUMP_AT_FDCWD, args[1]);
}

int
sys_symlinkat(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return do_symlink(l, args[0], rumpk_arg_int(args, 1), args[2]);
}

/* [X dvp] */
static int
link_locked(struct lwp *l, const struct parent *pa, struct vnode *vp)
{
	struct vnode *dvp = pa->pa_dvp, *there;
	int error = namei_last(pa, &there);

	if (error == 0) {
		error = pa->pa_slash && there->v_type != VDIR ? RUMP_ENOTDIR : RUMP_EEXIST;
		rumpk_vrele(there);
		return error;
	}
	if (error != RUMP_ENOENT)
		return error;
	error = may_enter(dvp, rumpk_proc_cred(l->proc));
	if (error != 0)
		return error;
	if (pa->pa_slash)
		return RUMP_ENOENT;
	if (vp->v_type == VDIR)
		return RUMP_EPERM;
	if (dvp->v_mount != vp->v_mount)
		return RUMP_EXDEV;
	if (vnode_ops(dvp)->link == NULL)
		return RUMP_EOPNOTSUPP;
	error = mount_write_begin(dvp->v_mount);
	if (error != 0)
		return error;
	vnode_lock(vp);
	if (vp->v_nlink == 0)
		error = RUMP_ENOENT;
	else if (vp->v_nlink >= RUMP_LINK_MAX)
		error = RUMP_EMLINK;
	else if (vp->v_flags & VNODE_FIXED)
		error = RUMP_EPERM;
	else
		error = vnode_ops(dvp)->link(dvp, &pa->pa_name, vp);
	vnode_unlock(vp);
	mount_write_end(dvp->v_mount);
	if (error == 0) {
		rumpk_notify(&dvp->v_notes, RUMP_NOTE_WRITE);
		rumpk_notify(&vp->v_notes, RUMP_NOTE_LINK);
	}
	return error;
}

static int
do_link(struct lwp *l, int fromfd, rumpk_uaddr ufrom, int tofd, rumpk_uaddr uto, unsigned follow)
{
	struct vnode *vp;
	struct parent pa;
	int error = rumpk_namei_user(l, fromfd, ufrom, follow, &vp);

	if (error != 0)
		return error;
	error = namei_parent_user(l, tofd, uto, 0, &pa);
	if (error != 0) {
		rumpk_vrele(vp);
		return error;
	}
	if (pa.pa_name.len == 0 || name_isdotdot(&pa.pa_name)) {
		error = RUMP_EEXIST;
	} else {
		vnode_lock(pa.pa_dvp);
		error = link_locked(l, &pa, vp);
		vnode_unlock(pa.pa_dvp);
	}
	rumpk_vrele(pa.pa_dvp);
	rumpk_vrele(vp);
	return error;
}

int
sys_link(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return do_link(l, RUMP_AT_FDCWD, args[0], RUMP_AT_FDCWD, args[1], NAMEI_FOLLOW);
}

int
sys_linkat(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return do_link(l, rumpk_arg_int(args, 0), args[1], rumpk_arg_int(args, 2), args[3],
	    args[4] & RUMP_AT_SYMLINK_FOLLOW ? NAMEI_FOLLOW : 0);
}

int
vn_may_remove(struct vnode *dvp, struct vnode *vp, const struct rumpk_cred *cred)
{
	int error = rumpk_vaccess(dvp, RUMP_W_OK | RUMP_X_OK, cred);

	if (error != 0)
		return error;
	if ((vp->v_flags & VNODE_FIXED) || (dvp->v_flags & (RUMP_UF_APPEND | RUMP_SF_APPEND)))
		return RUMP_EPERM;
	if ((dvp->v_mode & RUMP_S_ISVTX) && !rumpk_cred_issuper(cred) && cred->euid != dvp->v_uid &&
	    cred->euid != vp->v_uid)
		return RUMP_EPERM;
	return 0;
}

/* [X dvp, X vp] */
static int
remove_locked(const struct parent *pa, struct vnode *vp, bool directory, const struct rumpk_cred *cred)
{
	struct vnode *dvp = pa->pa_dvp;
	const struct vnodeops *ops = vnode_ops(dvp);
	int error;

	/* What the directory says comes first, before what the name is of. */
	error = rumpk_vaccess(dvp, RUMP_W_OK | RUMP_X_OK, cred);
	if (error != 0)
		return error;
	if (pa->pa_slash && vp->v_type != VDIR)
		return RUMP_ENOTDIR;
	if ((vp->v_vflag & VV_ROOT) || vp->v_mounted != NULL)
		return RUMP_EBUSY;
	if (directory != (vp->v_type == VDIR))
		return directory ? RUMP_ENOTDIR : RUMP_EPERM;
	error = vn_may_remove(dvp, vp, cred);
	if (error != 0)
		return error;
	if (directory ? ops->rmdir == NULL : ops->remove == NULL)
		return RUMP_EOPNOTSUPP;
	error = mount_write_begin(dvp->v_mount);
	if (error != 0)
		return error;
	error = (directory ? ops->rmdir : ops->remove)(dvp, &pa->pa_name, vp);
	mount_write_end(dvp->v_mount);
	if (error == 0) {
		rumpk_notify(&dvp->v_notes, RUMP_NOTE_WRITE | (directory ? RUMP_NOTE_LINK : 0));
		rumpk_notify(&vp->v_notes, vp->v_nlink > 0 ? RUMP_NOTE_LINK : RUMP_NOTE_DELETE);
	}
	return error;
}

/* What dots as a last component answer. */
static int
remove_dots(const struct parent *pa, bool directory)
{
	struct vnode *above;
	int error;

	if (name_isdot(&pa->pa_name))
		return pa->pa_dvp->v_vflag & VV_ROOT ? RUMP_EBUSY : RUMP_EINVAL;
	error = vnode_above(pa->pa_dvp, &above);
	if (error != 0)
		return error;
	error = above->v_vflag & VV_ROOT ? RUMP_EBUSY : directory ? RUMP_ENOTEMPTY : RUMP_EPERM;
	rumpk_vrele(above);
	return error;
}

static int
do_remove(struct lwp *l, int atfd, rumpk_uaddr upath, bool directory)
{
	struct parent pa;
	struct vnode *vp;
	int error = namei_parent_user(l, atfd, upath, 0, &pa);

	if (error != 0)
		return error;
	if (pa.pa_name.len == 0)
		error = RUMP_EBUSY;
	else if (mount_flag(pa.pa_dvp->v_mount, RUMP_MNT_RDONLY))
		error = RUMP_EROFS;
	else if (name_isdot(&pa.pa_name) || name_isdotdot(&pa.pa_name))
		error = remove_dots(&pa, directory);
	if (error == 0) {
		vnode_lock(pa.pa_dvp);
		error = namei_last(&pa, &vp);
		if (error == 0) {
			vnode_lock(vp);
			error = remove_locked(&pa, vp, directory, rumpk_proc_cred(l->proc));
			vnode_unlock(vp);
		} else {
			vp = NULL;
		}
		vnode_unlock(pa.pa_dvp);
		if (vp != NULL)
			rumpk_vrele(vp);
	}
	rumpk_vrele(pa.pa_dvp);
	return error;
}

int
sys_unlink(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return do_remove(l, RUMP_AT_FDCWD, args[0], false);
}

int
sys_rmdir(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return do_remove(l, RUMP_AT_FDCWD, args[0], true);
}

int
sys_unlinkat(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return do_remove(l, rumpk_arg_int(args, 0), args[1], (args[2] & RUMP_AT_REMOVEDIR) != 0);
}
