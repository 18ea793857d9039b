/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls on the contents of files: sizes, syncing, links' texts, directories' entries, flock. */
#include "kernel/base/mem.h"
#include "kernel/vfs/advlock.h"
#include "kernel/vfs/calls.h"
#include "kernel/vfs/mount.h"
#include "kernel/vfs/vnfile.h"

static int
check_size(struct lwp *l, int64_t size)
{
	uint64_t limit;

	rumpk_lock(l->proc->lock);
	limit = l->proc->limits[RUMP_RLIMIT_FSIZE].rlim_cur;
	rumpk_unlock(l->proc->lock);
	if ((uint64_t)size <= limit)
		return 0;
	rumpk_psignal(l->proc, RUMP_SIGXFSZ);
	return RUMP_EFBIG;
}

int
sys_truncate(struct lwp *l, rumpk_args args, long *retval)
{
	struct vnode *vp;
	int error;

	(void)retval;
	if ((int64_t)args[2] < 0)
		return RUMP_EINVAL;
	error = rumpk_namei_user(l, RUMP_AT_FDCWD, args[0], NAMEI_FOLLOW, &vp);
	if (error != 0)
		return error;
	if (vp->v_type == VDIR)
		error = RUMP_EISDIR;
	else
		error = rumpk_vaccess(vp, RUMP_W_OK, rumpk_proc_cred(l->proc));
	if (error == 0)
		error = check_size(l, (int64_t)args[2]);
	if (error == 0)
		error = mount_write_begin(vp->v_mount);
	if (error == 0) {
		if (vp->v_type == VREG)
			error = vn_truncate(vp, (int64_t)args[2]);
		mount_write_end(vp->v_mount);
	}
	rumpk_vrele(vp);
	return error;
}

int
sys_ftruncate(struct lwp *l, rumpk_args args, long *retval)
{
	struct file *fp;
	struct vnode *vp;
	int error;

	(void)retval;
	if ((int64_t)args[2] < 0)
		return RUMP_EINVAL;
	error = vnfile_get(l, rumpk_arg_int(args, 0), &fp, &vp);
	if (error != 0)
		return error;
	if (!(atomic_load(&fp->flags) & RUMPK_FWRITE))
		error = RUMP_EINVAL;
	else if (vp->v_type == VDIR)
		error = RUMP_EISDIR;
	else
		error = check_size(l, (int64_t)args[2]);
	if (error == 0 && vp->v_type == VREG)
		error = vn_truncate(vp, (int64_t)args[2]);
	rumpk_file_rele(fp);
	return error;
}

static int
do_fsync(struct lwp *l, int fd, uint32_t needed, int flags, int64_t start, int64_t len)
{
	struct file *fp;
	struct vnode *vp;
	int error = vnfile_get(l, fd, &fp, &vp);

	if (error != 0)
		return error;
	if (needed != 0 && !(atomic_load(&fp->flags) & needed)) {
		error = RUMP_EBADF;
	} else if (!mount_dead(vp->v_mount)) {
		vnode_lock(vp);
		if (vnode_ops(vp)->fsync != NULL)
			error = vnode_ops(vp)->fsync(vp, flags, start, len);
		vnode_unlock(vp);
	}
	rumpk_file_rele(fp);
	return error;
}

int
sys_fsync(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return do_fsync(l, rumpk_arg_int(args, 0), 0, RUMP_FFILESYNC, 0, 0);
}

int
sys_fdatasync(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return do_fsync(l, rumpk_arg_int(args, 0), RUMPK_FWRITE, RUMP_FDATASYNC, 0, 0);
}

int
sys_fsync_range(struct lwp *l, rumpk_args args, long *retval)
{
	int flags = rumpk_arg_int(args, 1), kinds = flags & (RUMP_FDATASYNC | RUMP_FFILESYNC);
	int64_t start = (int64_t)args[2], len = (int64_t)args[3];

	(void)retval;
	if (kinds == 0 || kinds == (RUMP_FDATASYNC | RUMP_FFILESYNC) ||
	    (flags & ~(RUMP_FDATASYNC | RUMP_FFILESYNC | RUMP_FDISKSYNC)))
		return RUMP_EINVAL;
	if (start < 0 || len < 0 || len > INT64_MAX - start)
		return RUMP_EINVAL;
	return do_fsync(l, rumpk_arg_int(args, 0), RUMPK_FWRITE, flags, start, len);
}

/* What the two calls that give and take space have in common. */
static int
change_range(struct lwp *l, rumpk_args args, bool discard)
{
	int64_t pos = (int64_t)args[2], len = (int64_t)args[3];
	int (*op)(struct vnode * vp, int64_t offset, int64_t len);
	struct file *fp;
	struct vnode *vp;
	int error;

	if (pos < 0 || len < 0 || len > INT64_MAX - pos)
		return RUMP_EINVAL;
	error = vnfile_get(l, rumpk_arg_int(args, 0), &fp, &vp);
	if (error != 0)
		return error;
	if (!(atomic_load(&fp->flags) & RUMPK_FWRITE))
		error = RUMP_EBADF;
	else if (vp->v_type == VFIFO)
		error = discard ? RUMP_ENODEV : RUMP_ESPIPE;
	else if (vp->v_type == VDIR)
		error = discard ? RUMP_EISDIR : RUMP_ENODEV;
	else if (vp->v_type != VREG)
		error = RUMP_ENODEV;
	else if (!discard)
		error = check_size(l, pos + len);
	if (error == 0 && len != 0) {
		vnode_lock(vp);
		op = discard ? vnode_ops(vp)->discard : vnode_ops(vp)->allocate;
		error = op == NULL ? RUMP_EOPNOTSUPP : mount_dead(vp->v_mount) ? RUMP_EIO : op(vp, pos, len);
		if (error == 0)
			rumpk_vnode_modified(vp);
		vnode_unlock(vp);
	}
	rumpk_file_rele(fp);
	return error;
}

/* These two return the error itself. */
int
sys_posix_fallocate(struct lwp *l, rumpk_args args, long *retval)
{
	retval[0] = change_range(l, args, false);
	return 0;
}

int
sys_posix_fadvise(struct lwp *l, rumpk_args args, long *retval)
{
	struct file *fp;
	struct vnode *vp;
	int error = 0;

	if (rumpk_arg_int(args, 4) < 0 || rumpk_arg_int(args, 4) > 5)
		error = RUMP_EINVAL;
	else
		error = vnfile_get(l, rumpk_arg_int(args, 0), &fp, &vp);
	if (error == 0) {
		error = vp->v_type == VFIFO ? RUMP_ESPIPE : 0;
		rumpk_file_rele(fp);
	}
	retval[0] = error;
	return 0;
}

int
sys_fdiscard(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return change_range(l, args, true);
}

/* readlink */

static int
do_readlink(struct lwp *l, int atfd, rumpk_uaddr upath, rumpk_uaddr ubuf, size_t size, long *retval)
{
	char text[RUMP_MAXPATHLEN];
	size_t len = size < sizeof(text) ? size : sizeof(text);
	struct vnode *vp;
	int error = rumpk_namei_user(l, atfd, upath, 0, &vp);

	if (error != 0)
		return error;
	if (vp->v_type != VLNK || vnode_ops(vp)->readlink == NULL) {
		error = RUMP_EINVAL;
	} else {
		vnode_lock_shared(vp);
		error = vnode_ops(vp)->readlink(vp, text, &len);
		vnode_unlock(vp);
	}
	rumpk_vrele(vp);
	if (error == 0 && len > 0)
		error = rumpk_copyout(l, text, ubuf, len);
	if (error == 0)
		retval[0] = (long)len;
	return error;
}

int
sys_readlink(struct lwp *l, rumpk_args args, long *retval)
{
	return do_readlink(l, RUMP_AT_FDCWD, args[0], args[1], args[2], retval);
}

int
sys_readlinkat(struct lwp *l, rumpk_args args, long *retval)
{
	return do_readlink(l, rumpk_arg_int(args, 0), args[1], args[2], args[3], retval);
}

/* getdents */

/* As much as is gathered at a time. */
#define ENTRIES_MAX 65536

static int
read_entries(struct file *fp, struct vnode *vp, struct dirsink *sink)
{
	int error;

	rumpk_lock(fp->lock);
	vnode_lock_shared(vp);
	if (mount_dead(vp->v_mount))
		error = RUMP_EIO;
	else if (vnode_ops(vp)->readdir == NULL)
		error = RUMP_EOPNOTSUPP;
	else
		error = vnode_ops(vp)->readdir(vp, sink, &fp->offset);
	rumpk_vnode_accessed(vp);
	vnode_unlock(vp);
	rumpk_unlock(fp->lock);
	return error;
}

static int
getdents(struct lwp *l, struct file *fp, struct vnode *vp, rumpk_uaddr ubuf, size_t size, long *retval)
{
	struct dirsink sink = {.ds_size = size < ENTRIES_MAX ? size : ENTRIES_MAX};
	int error;

	if (!(atomic_load(&fp->flags) & RUMPK_FREAD))
		return RUMP_EBADF;
	if (vp->v_type != VDIR)
		return RUMP_EINVAL;
	if (size == 0)
		return 0;
	sink.ds_buf = rumpk_alloc(sink.ds_size);
	if (sink.ds_buf == NULL)
		return RUMP_ENOMEM;
	error = read_entries(fp, vp, &sink);
	if (error == 0 && sink.ds_used > 0)
		error = rumpk_copyout(l, sink.ds_buf, ubuf, sink.ds_used);
	rumpk_free(sink.ds_buf, sink.ds_size);
	if (error == 0)
		retval[0] = (long)sink.ds_used;
	return error;
}

int
sys_getdents(struct lwp *l, rumpk_args args, long *retval)
{
	struct file *fp;
	struct vnode *vp;
	int error = vnfile_get(l, rumpk_arg_int(args, 0), &fp, &vp);

	if (error != 0)
		return error;
	error = getdents(l, fp, vp, args[1], args[2], retval);
	rumpk_file_rele(fp);
	return error;
}

int
sys_flock(struct lwp *l, rumpk_args args, long *retval)
{
	int how = rumpk_arg_int(args, 1), error;
	struct file *fp;
	struct vnode *vp;

	(void)retval;
	error = vnfile_get(l, rumpk_arg_int(args, 0), &fp, &vp);
	if (error != 0)
		return error == RUMP_EINVAL ? RUMP_EOPNOTSUPP : error;
	/* Of several, none is meant. */
	if ((how & ~RUMP_LOCK_NB) != RUMP_LOCK_UN && (how & ~RUMP_LOCK_NB) != RUMP_LOCK_EX &&
	    (how & ~RUMP_LOCK_NB) != RUMP_LOCK_SH)
		error = RUMP_EINVAL;
	else
		error = advlock_flock(fp, how);
	rumpk_file_rele(fp);
	return error;
}

/* pathconf */

static int
generic_pathconf(struct vnode *vp, int name, int64_t *value)
{
	switch (name) {
	case RUMP__PC_LINK_MAX:
		*value = RUMP_LINK_MAX;
		return 0;
	case RUMP__PC_NAME_MAX:
		*value = vp->v_mount->mnt_namemax;
		return 0;
	case RUMP__PC_PATH_MAX:
		*value = RUMP_PATH_MAX;
		return 0;
	case RUMP__PC_PIPE_BUF:
		*value = RUMP_PIPE_BUF;
		return 0;
	case RUMP__PC_CHOWN_RESTRICTED:
	case RUMP__PC_NO_TRUNC:
	case RUMP__PC_SYNC_IO:
		*value = 1;
		return 0;
	case RUMP__PC_FILESIZEBITS:
		*value = 64;
		return 0;
	default:
		return RUMP_EINVAL;
	}
}

static int
vnode_pathconf(struct vnode *vp, int name, long *retval)
{
	int64_t value;
	int error = RUMP_EINVAL;

	vnode_lock_shared(vp);
	if (vnode_ops(vp)->pathconf != NULL)
		error = vnode_ops(vp)->pathconf(vp, name, &value);
	vnode_unlock(vp);
	if (error == RUMP_EINVAL)
		error = generic_pathconf(vp, name, &value);
	if (error == 0)
		retval[0] = value;
	return error;
}

int
sys_pathconf(struct lwp *l, rumpk_args args, long *retval)
{
	struct vnode *vp;
	int error = rumpk_namei_user(l, RUMP_AT_FDCWD, args[0], NAMEI_FOLLOW, &vp);

	if (error != 0)
		return error;
	error = vnode_pathconf(vp, rumpk_arg_int(args, 1), retval);
	rumpk_vrele(vp);
	return error;
}

int
sys_fpathconf(struct lwp *l, rumpk_args args, long *retval)
{
	int fd = rumpk_arg_int(args, 0), name = rumpk_arg_int(args, 1), error;
	struct file *fp = rumpk_fd_get(l, fd);

	if (fp == NULL)
		return RUMP_EBADF;
	if (fp->ops->type == RUMPK_FT_VNODE) {
		error = vnode_pathconf(fp->data, name, retval);
	} else if (name == RUMP__PC_PIPE_BUF &&
		   (fp->ops->type == RUMPK_FT_PIPE || fp->ops->type == RUMPK_FT_SOCKET)) {
		retval[0] = RUMP_PIPE_BUF;
		error = 0;
	} else {
		error = fp->ops->type == RUMPK_FT_MISC ? RUMP_EOPNOTSUPP : RUMP_EINVAL;
	}
	rumpk_file_rele(fp);
	return error;
}
