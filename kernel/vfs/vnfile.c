/* SPDX-License-Identifier: BSD-2-Clause */
/* Regular files and directories, open. */
#include "kernel/base/kqueue.h"
#include "kernel/base/lwp.h"
#include "kernel/vfs/advlock.h"
#include "kernel/vfs/calls.h"
#include "kernel/vfs/mount.h"
#include "kernel/vfs/vnfile.h"

int
vnfile_get(struct lwp *l, int fd, struct file **fpp, struct vnode **vpp)
{
	int error;

	*fpp = rumpk_fd_get_type(l, fd, RUMPK_FT_VNODE, RUMP_EINVAL, &error);
	if (*fpp == NULL)
		return error;
	*vpp = (*fpp)->data;
	return 0;
}

/* Whether such an open file keeps the mount from becoming read-only. */
static bool
writes_mount(const struct vnode *vp, uint32_t flags)
{
	return vp->v_type == VREG && (flags & RUMPK_FWRITE);
}

int
vnfile_opened(struct vnode *vp, uint32_t flags)
{
	const struct vnodeops *ops;
	int error = 0;

	if (writes_mount(vp, flags))
		error = mount_write_begin(vp->v_mount);
	if (error != 0)
		return error;
	vnode_lock(vp);
	ops = vnode_ops(vp);
	if (mount_dead(vp->v_mount))
		error = RUMP_ENOENT;
	else if (ops->open != NULL)
		error = ops->open(vp, (int)flags);
	if (error == 0)
		vp->v_opens++;
	vnode_unlock(vp);
	if (error != 0 && writes_mount(vp, flags))
		mount_write_end(vp->v_mount);
	return error;
}

int
vnfile_closed(struct vnode *vp, uint32_t flags)
{
	const struct vnodeops *ops;
	int error = 0;

	vnode_lock(vp);
	ops = vnode_ops(vp);
	vp->v_opens--;
	if (ops->close != NULL)
		error = ops->close(vp, (int)flags);
	vnode_unlock(vp);
	if (writes_mount(vp, flags))
		mount_write_end(vp->v_mount);
	rumpk_vrele(vp);
	return error;
}

static int
vn_read(struct file *fp, struct rumpk_uio *uio, int flags)
{
	struct vnode *vp = fp->data;
	size_t before = uio->resid;
	int error;

	if (vp->v_type == VDIR)
		return RUMP_EISDIR;
	if (uio->offset < 0)
		return RUMP_EINVAL;
	vnode_lock_shared(vp);
	if (mount_dead(vp->v_mount))
		error = RUMP_EIO;
	else
		error = vnode_ops(vp)->read(vp, uio, flags & RUMPK_IO_SYNC ? IO_SYNC : 0);
	if (uio->resid != before)
		rumpk_vnode_accessed(vp);
	vnode_unlock(vp);
	return error;
}

/* The room that the process's file size limit, and the largest offset, leave: *len is cut to it. */
static int
size_limit(int64_t offset, size_t *len)
{
	uint64_t limit = atomic_load_explicit(&rumpk_curproc()->fsize, memory_order_relaxed);

	if (limit > INT64_MAX)
		limit = INT64_MAX;
	if ((uint64_t)offset >= limit)
		return RUMP_EFBIG;
	if (*len > limit - (uint64_t)offset)
		*len = limit - (uint64_t)offset;
	return 0;
}

/* [X vp] */
static int
write_locked(struct vnode *vp, struct rumpk_uio *uio, int flags)
{
	size_t len = uio->resid, cut;
	int64_t size = vp->v_size;
	int error;

	if (mount_dead(vp->v_mount))
		return RUMP_EIO;
	/* Nothing written has no effect, be it on the offset only. */
	if (len == 0)
		return 0;
	if (flags & RUMPK_IO_APPEND)
		uio->offset = size;
	error = size_limit(uio->offset, &len);
	if (error != 0)
		return error;
	cut = uio->resid - len;
	uio->resid = len;
	error = vnode_ops(vp)->write(vp, uio, flags & RUMPK_IO_SYNC ? IO_SYNC : 0);
	if (uio->resid != len) {
		rumpk_vnode_modified(vp);
		rumpk_notify(&vp->v_notes,
		    RUMP_NOTE_WRITE | RUMPK_NOTE_READABLE | (vp->v_size > size ? RUMP_NOTE_EXTEND : 0));
	}
	if (error == 0 && (flags & RUMPK_IO_SYNC) && vnode_ops(vp)->fsync != NULL)
		error = vnode_ops(vp)->fsync(vp, RUMP_FFILESYNC, 0, 0);
	uio->resid += cut;
	return error;
}

static int
vn_write(struct file *fp, struct rumpk_uio *uio, int flags)
{
	struct vnode *vp = fp->data;
	int error;

	if (uio->offset < 0)
		return RUMP_EINVAL;
	vnode_lock(vp);
	error = write_locked(vp, uio, flags);
	vnode_unlock(vp);
	if (error == RUMP_EFBIG)
		rumpk_psignal(rumpk_curproc(), RUMP_SIGXFSZ);
	return error;
}

int
vn_truncate(struct vnode *vp, int64_t size)
{
	struct vattr va = {.va_set = VA_SIZE, .va_size = size};
	bool grows;
	int error;

	vnode_lock(vp);
	grows = size > vp->v_size;
	if (mount_dead(vp->v_mount))
		error = RUMP_EIO;
	else if (vp->v_flags & VNODE_FIXED)
		error = RUMP_EPERM;
	else if (vnode_ops(vp)->setattr == NULL)
		error = RUMP_EOPNOTSUPP;
	else
		error = vnode_ops(vp)->setattr(vp, &va);
	if (error == 0)
		rumpk_notify(
		    &vp->v_notes, RUMP_NOTE_ATTRIB | (grows ? RUMP_NOTE_EXTEND : 0) | RUMPK_NOTE_READABLE);
	vnode_unlock(vp);
	return error;
}

int
rumpk_vn_rdwr(struct vnode *vp, enum rumpk_rw rw, void *buf, size_t len, int64_t offset, size_t *done)
{
	struct rump_iovec iov = {.iov_base = buf, .iov_len = len};
	struct rumpk_uio uio = {.iov = &iov, .iovcnt = 1, .rw = rw, .resid = len, .offset = offset};
	const struct vnodeops *ops;
	int error = RUMP_EINVAL;

	if (rw == RUMPK_READ) {
		vnode_lock_shared(vp);
		ops = vnode_ops(vp);
		if (ops->read != NULL)
			error = ops->read(vp, &uio, 0);
	} else {
		vnode_lock(vp);
		error = write_locked(vp, &uio, 0);
	}
	vnode_unlock(vp);
	*done = len - uio.resid;
	return error;
}

static int
vn_seek(struct file *fp, int64_t current, int64_t offset, int whence, int64_t *result)
{
	struct vnode *vp = fp->data;
	int64_t base;

	switch (whence) {
	case RUMP_SEEK_SET:
		base = 0;
		break;
	case RUMP_SEEK_CUR:
		base = current;
		break;
	case RUMP_SEEK_END:
		base = __atomic_load_n(&vp->v_size, __ATOMIC_RELAXED);
		break;
	default:
		return RUMP_EINVAL;
	}
	if (__builtin_add_overflow(base, offset, result) || *result < 0)
		return RUMP_EINVAL;
	return 0;
}

static int64_t
bytes_ahead(struct file *fp)
{
	int64_t ahead;

	rumpk_lock(fp->lock);
	ahead = __atomic_load_n(&((struct vnode *)fp->data)->v_size, __ATOMIC_RELAXED) - fp->offset;
	rumpk_unlock(fp->lock);
	return ahead;
}

static int
vn_ioctl(struct file *fp, unsigned long cmd, void *data)
{
	struct vnode *vp = fp->data;

	switch (cmd) {
	case RUMP_FIONREAD:
		*(int32_t *)data = (int32_t)bytes_ahead(fp);
		return 0;
	case RUMP_FIONBIO:
	case RUMP_FIOASYNC:
		return 0;
	}
	if (vnode_ops(vp)->ioctl == NULL)
		return RUMP_ENOTTY;
	return vnode_ops(vp)->ioctl(vp, cmd, data, (int)atomic_load(&fp->flags));
}

int
vnfile_fcntl(struct file *fp, int cmd, void *arg)
{
	switch (cmd) {
	case RUMP_F_GETLK:
	case RUMP_F_SETLK:
	case RUMP_F_SETLKW:
		return advlock_fcntl(fp, cmd, arg);
	default:
		return RUMP_EINVAL;
	}
}

int
vnfile_stat(struct file *fp, struct rump_stat *st)
{
	return rumpk_vnode_stat(fp->data, st);
}

void
vnfile_fdclose(struct file *fp, struct proc *p)
{
	advlock_release_process(fp->data, p);
}

int
vnfile_close(struct file *fp)
{
	advlock_release_file(fp);
	advlock_release_process(fp->data, rumpk_curproc());
	return vnfile_closed(fp->data, atomic_load(&fp->flags));
}

static bool
event_read(struct rumpk_knote *kn)
{
	kn->data = bytes_ahead(kn->fp);
	return kn->data != 0;
}

static bool
event_write(struct rumpk_knote *kn)
{
	kn->data = 0;
	return true;
}

static const struct rumpk_filterops read_filterops = {.event = event_read};
static const struct rumpk_filterops write_filterops = {.event = event_write};

int
vnfile_kqfilter_vnode(struct vnode *vp, struct rumpk_knote *kn)
{
	kn->ops = &rumpk_vnode_filterops;
	rumpk_knote_watch(kn, &vp->v_notes, 0xffff);
	return 0;
}

static int
vn_kqfilter(struct file *fp, struct rumpk_knote *kn)
{
	struct vnode *vp = fp->data;

	switch (kn->filter) {
	case RUMP_EVFILT_READ:
		kn->ops = &read_filterops;
		rumpk_knote_watch(kn, &vp->v_notes, RUMPK_NOTE_READABLE | RUMPK_NOTE_HANGUP);
		return 0;
	case RUMP_EVFILT_WRITE:
		kn->ops = &write_filterops;
		rumpk_knote_watch(kn, &vp->v_notes, RUMPK_NOTE_WRITABLE | RUMPK_NOTE_HANGUP);
		return 0;
	case RUMP_EVFILT_VNODE:
		return vnfile_kqfilter_vnode(vp, kn);
	default:
		return RUMP_EINVAL;
	}
}

const struct fileops vn_fileops = {
    .type = RUMPK_FT_VNODE,
    .seekable = true,
    .read = vn_read,
    .write = vn_write,
    .seek = vn_seek,
    .ioctl = vn_ioctl,
    .fcntl = vnfile_fcntl,
    .kqfilter = vn_kqfilter,
    .stat = vnfile_stat,
    .fdclose = vnfile_fdclose,
    .close = vnfile_close,
};
