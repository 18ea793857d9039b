/* SPDX-License-Identifier: BSD-2-Clause */
/* open(2) and openat(2). */
#include "kernel/base/syscall.h"
#include "kernel/dev/dev.h"
#include "kernel/vfs/advlock.h"
#include "kernel/vfs/calls.h"
#include "kernel/vfs/fifo.h"
#include "kernel/vfs/mount.h"
#include "kernel/vfs/namei.h"
#include "kernel/vfs/vnfile.h"

/* Whether vp may be opened so. */
static int
check(struct vnode *vp, const struct rumpk_cred *cred, uint32_t flags)
{
	int want = 0;

	if (vp->v_type == VSOCK)
		return RUMP_EOPNOTSUPP;
	if (vp->v_type == VLNK)
		return RUMP_EFTYPE;
	if ((flags & RUMP_O_DIRECTORY) && vp->v_type != VDIR)
		return RUMP_ENOTDIR;
	if (flags & RUMPK_FREAD)
		want |= RUMP_R_OK;
	if (flags & (RUMPK_FWRITE | RUMP_O_TRUNC)) {
		if (vp->v_type == VDIR)
			return RUMP_EISDIR;
		want |= RUMP_W_OK;
	}
	if ((flags & (RUMPK_FWRITE | RUMP_O_APPEND)) == RUMPK_FWRITE &&
	    (__atomic_load_n(&vp->v_flags, __ATOMIC_RELAXED) & (RUMP_UF_APPEND | RUMP_SF_APPEND)))
		return RUMP_EPERM;
	if ((vp->v_type == VCHR || vp->v_type == VBLK) && mount_flag(vp->v_mount, RUMP_MNT_NODEV))
		return RUMP_ENXIO;
	return rumpk_vaccess(vp, want, cred);
}

/* Makes the file that pa names, or finds that somebody else has: *created tells. */
static int
create(struct lwp *l, struct parent *pa, uint32_t mode, struct vnode **vpp, bool *created)
{
	struct vattr va = {.va_type = VREG, .va_mode = mode};
	int error;

	*created = false;
	if (pa->pa_name.len == 0) {
		rumpk_vref(pa->pa_dvp);
		*vpp = pa->pa_dvp;
		return 0;
	}
	vnode_lock(pa->pa_dvp);
	error = namei_last(pa, vpp);
	if (error == RUMP_ENOENT) {
		error = pa->pa_slash
			    ? rumpk_vaccess(pa->pa_dvp, RUMP_W_OK | RUMP_X_OK, rumpk_proc_cred(l->proc))
			    : vn_create_locked(l, pa, &va, NULL, vpp);
		if (pa->pa_slash && error == 0)
			error = RUMP_ENOENT;
		*created = error == 0;
	}
	vnode_unlock(pa->pa_dvp);
	return error;
}

/* The vnode for open with O_CREAT: made, or there already. */
static int
lookup_create(struct lwp *l, int atfd, const char *path, uint32_t flags, uint32_t mode, struct vnode **vpp,
    bool *created)
{
	struct parent pa;
	struct vnode *root;
	int error;

	strcpy(pa.pa_path, path);
	error = namei_parent(l, atfd, flags & (RUMP_O_EXCL | RUMP_O_NOFOLLOW) ? 0 : NAMEI_FOLLOW, &pa);
	if (error != 0)
		return error;
	if (name_isdotdot(&pa.pa_name))
		error = flags & RUMP_O_EXCL ? RUMP_EEXIST : RUMP_EISDIR;
	else
		error = create(l, &pa, mode, vpp, created);
	rumpk_vrele(pa.pa_dvp);
	if (error != 0 || *created)
		return error;
	while ((root = mount_cross_down(*vpp)) != NULL) {
		rumpk_vrele(*vpp);
		*vpp = root;
	}
	if (pa.pa_slash && (*vpp)->v_type != VDIR)
		error = RUMP_ENOTDIR;
	else if (flags & RUMP_O_EXCL)
		error = RUMP_EEXIST;
	if (error != 0)
		rumpk_vrele(*vpp);
	return error;
}

static int
lookup_for_open(
    struct lwp *l, int atfd, char *path, uint32_t flags, uint32_t mode, struct vnode **vpp, bool *created)
{
	const struct rumpk_cred *cred = rumpk_proc_cred(l->proc);
	unsigned follow = flags & RUMP_O_NOFOLLOW ? 0 : NAMEI_FOLLOW;
	int error;

	*created = false;
	/* The root cannot be made; other directories are opened, for reading. */
	if ((flags & RUMP_O_CREAT) && *path != '\0' && path[strspn(path, "/")] == '\0') {
		error = namei_check_start(l, atfd);
		return error != 0 ? error : RUMP_EEXIST;
	}
	if ((flags & (RUMP_O_CREAT | RUMP_O_EXCL)) == (RUMP_O_CREAT | RUMP_O_EXCL))
		return lookup_create(l, atfd, path, flags, mode, vpp, created);
	error = rumpk_namei(l, cred, atfd, path, follow, vpp);
	if (error == RUMP_ENOENT && (flags & RUMP_O_CREAT))
		error = lookup_create(l, atfd, path, flags, mode, vpp, created);
	/* Through a symbolic link that somebody has just put there: once more, the link being followed. */
	if (error == 0 && !*created && follow && (*vpp)->v_type == VLNK) {
		rumpk_vrele(*vpp);
		error = rumpk_namei(l, cred, atfd, path, follow, vpp);
	}
	return error;
}

int
rumpk_vn_open(struct lwp *l, int atfd, char *path, int oflags, uint32_t mode, struct vnode **vpp)
{
	uint32_t flags = rumpk_fflags(oflags);
	struct vnode *vp;
	bool created;
	int error;

	if (!(flags & (RUMPK_FREAD | RUMPK_FWRITE)) ||
	    (flags & (RUMP_O_CREAT | RUMP_O_DIRECTORY)) == (RUMP_O_CREAT | RUMP_O_DIRECTORY)) {
		error = namei_check_start(l, atfd);
		return error != 0 ? error : RUMP_EINVAL;
	}
	error = lookup_for_open(l, atfd, path, flags, mode, &vp, &created);
	if (error != 0)
		return error;
	if (!created) {
		error = check(vp, rumpk_proc_cred(l->proc), flags);
		if (error == 0 && (flags & RUMP_O_TRUNC) && vp->v_type == VREG)
			error = vn_truncate(vp, 0);
	}
	if (error == 0)
		error = vnfile_opened(vp, flags);
	if (error != 0) {
		rumpk_vrele(vp);
		return error;
	}
	*vpp = vp;
	return 0;
}

int
rumpk_vn_close(struct vnode *vp, uint32_t flags)
{
	return vnfile_closed(vp, flags);
}

/* What depends on the type: the file's operations, and waiting for a fifo's other end. */
static int
attach(struct file *fp, struct vnode *vp, uint32_t flags)
{
	switch (vp->v_type) {
	case VFIFO:
		return fifo_open(fp, vp, flags);
	case VCHR:
	case VBLK:
		return dev_open(fp, vp, flags);
	default:
		fp->ops = &vn_fileops;
		return 0;
	}
}

/* O_SHLOCK and O_EXLOCK. */
static int
lock_opened(struct file *fp, uint32_t flags)
{
	int how = flags & RUMP_O_EXLOCK ? RUMP_LOCK_EX : RUMP_LOCK_SH;

	if (!(flags & (RUMP_O_EXLOCK | RUMP_O_SHLOCK)))
		return 0;
	return advlock_flock(fp, flags & RUMP_O_NONBLOCK ? how | RUMP_LOCK_NB : how);
}

static int
open_file(struct lwp *l, struct file *fp, int atfd, char *path, int oflags, uint32_t mode)
{
	uint32_t flags = rumpk_fflags(oflags);
	struct vnode *vp;
	int error;

	error = rumpk_vn_open(l, atfd, path, oflags, mode, &vp);
	if (error != 0)
		return error;
	fp->data = vp;
	atomic_store(&fp->flags, flags & (RUMPK_FREAD | RUMPK_FWRITE | OPEN_FLAGS_KEPT));
	error = attach(fp, vp, flags);
	if (error != 0) {
		(void)vnfile_closed(vp, flags);
		return error;
	}
	error = lock_opened(fp, flags);
	if (error != 0)
		(void)fp->ops->close(fp);
	return error;
}

static int
do_open(struct lwp *l, int atfd, rumpk_uaddr upath, int oflags, uint32_t mode, long *retval)
{
	char path[RUMP_MAXPATHLEN];
	struct file *fp;
	int fd, error;

	oflags &= ~RUMP_O_SEARCH;
	error = rumpk_copyinpath(l, upath, path);
	if (error != 0)
		return error;
	error = rumpk_fd_alloc(l, &fp, &fd);
	if (error != 0)
		return error;
	mode &=
	    ~atomic_load_explicit(&l->proc->umask, memory_order_relaxed) & ALLPERMS & ~(uint32_t)RUMP_S_ISVTX;
	error = open_file(l, fp, atfd, path, oflags, mode);
	if (error != 0) {
		rumpk_fd_abort(l, fp, fd);
		return error;
	}
	rumpk_fd_publish(l, fp, fd, (oflags & RUMP_O_CLOEXEC) != 0);
	retval[0] = fd;
	return 0;
}

int
sys_open(struct lwp *l, rumpk_args args, long *retval)
{
	return do_open(l, RUMP_AT_FDCWD, args[0], rumpk_arg_int(args, 1), (uint32_t)args[2], retval);
}

int
sys_openat(struct lwp *l, rumpk_args args, long *retval)
{
	return do_open(l, rumpk_arg_int(args, 0), args[1], rumpk_arg_int(args, 2), (uint32_t)args[3], retval);
}
