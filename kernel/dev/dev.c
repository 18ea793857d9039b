/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/kqueue.h"
#include "kernel/base/lock.h"
#include "kernel/dev/dev.h"
#include "kernel/vfs/vnfile.h"

#define MAJORS 512

static const struct rumpk_devops *chr[MAJORS], *blk[MAJORS];
static rumpk_mutex lock;

void
dev_init(void)
{
	rumpk_mutex_init(&lock);
}

int
rumpk_dev_register(const struct rumpk_devops *ops, uint32_t chr_major, uint32_t blk_major)
{
	int error = RUMP_EEXIST;

	rumpk_lock(lock);
	if ((chr_major >= MAJORS || chr[chr_major] == NULL) &&
	    (blk_major >= MAJORS || blk[blk_major] == NULL)) {
		if (chr_major < MAJORS)
			__atomic_store_n(&chr[chr_major], ops, __ATOMIC_RELEASE);
		if (blk_major < MAJORS)
			__atomic_store_n(&blk[blk_major], ops, __ATOMIC_RELEASE);
		error = 0;
	}
	rumpk_unlock(lock);
	return error;
}

const struct rumpk_devops *
rumpk_dev_find(enum vtype type, uint64_t dev)
{
	uint32_t major = dev_major(dev);

	if (major >= MAJORS)
		return NULL;
	return __atomic_load_n(type == VBLK ? &blk[major] : &chr[major], __ATOMIC_ACQUIRE);
}

static const struct rumpk_devops *
ops_of(struct file *fp, uint64_t *dev)
{
	const struct vnode *vp = fp->data;

	*dev = vp->v_rdev;
	return rumpk_dev_find(vp->v_type, vp->v_rdev);
}

static int
devfile_read(struct file *fp, struct rumpk_uio *uio, int flags)
{
	struct vnode *vp = fp->data;
	uint64_t dev;
	const struct rumpk_devops *ops = ops_of(fp, &dev);

	if (vp->v_vflag & VV_DEAD)
		return RUMP_EIO;
	return ops->read != NULL ? ops->read(dev, uio, flags) : RUMP_ENODEV;
}

static int
devfile_write(struct file *fp, struct rumpk_uio *uio, int flags)
{
	struct vnode *vp = fp->data;
	uint64_t dev;
	const struct rumpk_devops *ops = ops_of(fp, &dev);

	if (vp->v_vflag & VV_DEAD)
		return RUMP_EIO;
	return ops->write != NULL ? ops->write(dev, uio, flags) : RUMP_ENODEV;
}

static int
devfile_ioctl(struct file *fp, unsigned long cmd, void *data)
{
	struct vnode *vp = fp->data;
	uint64_t dev;
	const struct rumpk_devops *ops = ops_of(fp, &dev);

	if (vp->v_vflag & VV_DEAD)
		return RUMP_EBADF;
	if (cmd == RUMP_FIONBIO || cmd == RUMP_FIOASYNC)
		return 0;
	return ops->ioctl != NULL ? ops->ioctl(dev, cmd, data, atomic_load(&fp->flags)) : RUMP_ENOTTY;
}

static int
devfile_poll(struct file *fp, int events, struct rumpk_poll *rp)
{
	uint64_t dev;
	const struct rumpk_devops *ops = ops_of(fp, &dev);

	if (ops->poll != NULL)
		return ops->poll(dev, events, rp);
	return events & (RUMP_POLLIN | RUMP_POLLOUT | RUMP_POLLRDNORM | RUMP_POLLWRNORM);
}

static bool
event_always(struct rumpk_knote *kn)
{
	kn->data = 0;
	return true;
}

static const struct rumpk_filterops always_filterops = {.event = event_always};

static int
devfile_kqfilter(struct file *fp, struct rumpk_knote *kn)
{
	struct vnode *vp = fp->data;

	if (kn->filter == RUMP_EVFILT_VNODE)
		return vnfile_kqfilter_vnode(vp, kn);
	if (kn->filter != RUMP_EVFILT_READ && kn->filter != RUMP_EVFILT_WRITE)
		return RUMP_EINVAL;
	kn->ops = &always_filterops;
	rumpk_knote_watch(kn, &vp->v_notes, RUMPK_NOTE_HANGUP);
	return 0;
}

static int
devfile_seek(struct file *fp, int64_t current, int64_t offset, int whence, int64_t *result)
{
	uint64_t dev, size = 0;
	const struct rumpk_devops *ops = ops_of(fp, &dev);
	int64_t base = 0;

	if (whence == RUMP_SEEK_CUR)
		base = current;
	else if (whence == RUMP_SEEK_END && ops->size != NULL && ops->size(dev, &size) == 0)
		base = (int64_t)size;
	else if (whence != RUMP_SEEK_SET && whence != RUMP_SEEK_END)
		return RUMP_EINVAL;
	if (__builtin_add_overflow(base, offset, result) || *result < 0)
		return RUMP_EINVAL;
	return 0;
}

static int
devfile_close(struct file *fp)
{
	uint64_t dev;
	const struct rumpk_devops *ops = ops_of(fp, &dev);
	int error = ops->close != NULL ? ops->close(dev, atomic_load(&fp->flags)) : 0;

	(void)vnfile_close(fp);
	return error;
}

static const struct fileops dev_fileops = {
    .type = RUMPK_FT_VNODE,
    .seekable = true,
    .read = devfile_read,
    .write = devfile_write,
    .seek = devfile_seek,
    .ioctl = devfile_ioctl,
    .fcntl = vnfile_fcntl,
    .poll = devfile_poll,
    .kqfilter = devfile_kqfilter,
    .stat = vnfile_stat,
    .fdclose = vnfile_fdclose,
    .close = devfile_close,
};

int
dev_open(struct file *fp, struct vnode *vp, uint32_t flags)
{
	const struct rumpk_devops *ops = rumpk_dev_find(vp->v_type, vp->v_rdev);

	if (ops == NULL)
		return RUMP_ENXIO;
	fp->ops = &dev_fileops;
	return ops->open != NULL ? ops->open(vp->v_rdev, flags) : 0;
}
