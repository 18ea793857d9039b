/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/kqueue.h"
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"
#include "kernel/base/sigio.h"
#include "kernel/base/sleep.h"
#include "kernel/vfs/fifo.h"
#include "kernel/vfs/mount.h"
#include "kernel/vfs/vnfile.h"

#define FIFO_SIZE 16384
/* Writes up to this size are not torn. */
#define FIFO_ATOMIC RUMP_PIPE_BUF
/* What it means to all when an end comes or goes. */
#define ENDS (RUMPK_NOTE_READABLE | RUMPK_NOTE_WRITABLE | RUMPK_NOTE_HANGUP)

struct fifo {
	rumpk_mutex lock;
	struct rumpk_waitq changed; /* data, room, or an end that comes or goes */
	unsigned readers, writers;
	unsigned reader_arrivals, writer_arrivals;
	size_t start, used; /* of the ring */
	char *ring;         /* NULL while nobody has it open */
	rumpk_sigio_slot reader_sigio, writer_sigio;
};

/* The vnode's, made when there is none. */
static struct fifo *
fifo_of(struct vnode *vp)
{
	struct fifo *f;

	vnode_lock(vp);
	f = vp->v_special;
	if (f == NULL && (f = rumpk_zalloc(sizeof(*f))) != NULL) {
		rumpk_mutex_init(&f->lock);
		vp->v_special = f;
	}
	vnode_unlock(vp);
	return f;
}

void
fifo_free(struct vnode *vp)
{
	struct fifo *f = vp->v_special;

	rumpk_sigio_fini(&f->reader_sigio, &vp->v_notes);
	rumpk_sigio_fini(&f->writer_sigio, &vp->v_notes);
	rumpk_free(f->ring, FIFO_SIZE);
	rumpk_mutex_destroy(&f->lock);
	rumpk_free(f, sizeof(*f));
	vp->v_special = NULL;
}

/* Something has changed: sleepers look again, and so do polls and kevents that wait for it. [f->lock] */
static void
tell(struct vnode *vp, struct fifo *f, uint32_t what)
{
	rumpk_waitq_wake(&f->changed);
	rumpk_notify(&vp->v_notes, what);
}

static void
leave(struct vnode *vp, struct fifo *f, uint32_t flags)
{
	if (flags & RUMPK_FREAD)
		f->readers--;
	if (flags & RUMPK_FWRITE)
		f->writers--;
	if (f->readers == 0)
		rumpk_sigio_reset(&f->reader_sigio, &vp->v_notes);
	if (f->writers == 0)
		rumpk_sigio_reset(&f->writer_sigio, &vp->v_notes);
	if (f->readers == 0 && f->writers == 0) {
		rumpk_free(f->ring, FIFO_SIZE);
		f->ring = NULL;
		f->start = f->used = 0;
	}
	tell(vp, f, ENDS);
}

/* Waits for the other end, unless it is there, has been there, or need not be. [f->lock] */
static int
wait_for_peer(struct fifo *f, uint32_t flags)
{
	unsigned *arrivals = flags & RUMPK_FREAD ? &f->writer_arrivals : &f->reader_arrivals;
	const unsigned *peers = flags & RUMPK_FREAD ? &f->writers : &f->readers;
	unsigned before = *arrivals;
	int error = 0;

	if ((flags & (RUMPK_FREAD | RUMPK_FWRITE)) == (RUMPK_FREAD | RUMPK_FWRITE))
		return 0;
	if (flags & RUMP_O_NONBLOCK)
		return (flags & RUMPK_FWRITE) && *peers == 0 ? RUMP_ENXIO : 0;
	while (error == 0 && *peers == 0 && *arrivals == before)
		error = rumpk_waitq_sleep(&f->changed, f->lock, 0, RUMPK_FOREVER);
	return *peers != 0 || *arrivals != before ? 0 : error;
}

static const struct fileops fifo_fileops;

int
fifo_open(struct file *fp, struct vnode *vp, uint32_t flags)
{
	struct fifo *f = fifo_of(vp);
	int error;

	if (f == NULL)
		return RUMP_ENOMEM;
	rumpk_lock(f->lock);
	if (f->ring == NULL && (f->ring = rumpk_alloc(FIFO_SIZE)) == NULL) {
		rumpk_unlock(f->lock);
		return RUMP_ENOMEM;
	}
	if (flags & RUMPK_FREAD) {
		f->readers++;
		f->reader_arrivals++;
	}
	if (flags & RUMPK_FWRITE) {
		f->writers++;
		f->writer_arrivals++;
	}
	tell(vp, f, ENDS);
	error = wait_for_peer(f, flags);
	if (error != 0)
		leave(vp, f, flags);
	rumpk_unlock(f->lock);
	fp->ops = &fifo_fileops;
	return error;
}

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void
take(struct fifo *f, struct rumpk_uio *uio)
{
	while (uio->resid > 0 && f->used > 0) {
		size_t len = smaller(smaller(uio->resid, f->used), FIFO_SIZE - f->start);

		rumpk_uiomove(f->ring + f->start, len, uio);
		f->start = (f->start + len) % FIFO_SIZE;
		f->used -= len;
	}
	if (f->used == 0)
		f->start = 0;
}

static void
put(struct fifo *f, struct rumpk_uio *uio)
{
	while (uio->resid > 0 && f->used < FIFO_SIZE) {
		size_t end = (f->start + f->used) % FIFO_SIZE;
		size_t len = smaller(smaller(uio->resid, FIFO_SIZE - f->used), FIFO_SIZE - end);

		rumpk_uiomove(f->ring + end, len, uio);
		f->used += len;
	}
}

static int
fifo_read(struct file *fp, struct rumpk_uio *uio, int flags)
{
	struct vnode *vp = fp->data;
	struct fifo *f = vp->v_special;
	int error = 0;

	if (uio->resid == 0)
		return 0;
	rumpk_lock(f->lock);
	while (error == 0 && f->used == 0 && f->writers > 0)
		error = flags & RUMPK_IO_NONBLOCK ? RUMP_EAGAIN
			: rumpk_fd_gone(vp)       ? RUMP_EBADF
						  : rumpk_waitq_sleep(&f->changed, f->lock, 0, RUMPK_FOREVER);
	if (f->used > 0) {
		take(f, uio);
		tell(vp, f, RUMPK_NOTE_WRITABLE);
		error = 0;
	}
	rumpk_unlock(f->lock);
	return error;
}

/* Whether so much may be written now: small writes only as a whole. */
static bool
has_room(const struct fifo *f, size_t len)
{
	return FIFO_SIZE - f->used >= (len <= FIFO_ATOMIC ? len : 1);
}

static int
fifo_write(struct file *fp, struct rumpk_uio *uio, int flags)
{
	struct vnode *vp = fp->data;
	struct fifo *f = vp->v_special;
	size_t len = uio->resid;
	int error = 0;

	rumpk_lock(f->lock);
	while (error == 0 && uio->resid > 0) {
		if (f->readers == 0) {
			error = RUMP_EPIPE;
		} else if (has_room(f, len)) {
			put(f, uio);
			tell(vp, f, RUMPK_NOTE_READABLE);
		} else if (flags & RUMPK_IO_NONBLOCK) {
			error = RUMP_EAGAIN;
		} else if (rumpk_fd_gone(vp)) {
			error = RUMP_EBADF;
		} else {
			error = rumpk_waitq_sleep(&f->changed, f->lock, 0, RUMPK_FOREVER);
		}
	}
	rumpk_unlock(f->lock);
	return error;
}

static int
fifo_poll(struct file *fp, int events, struct rumpk_poll *rp)
{
	struct vnode *vp = fp->data;
	struct fifo *f = vp->v_special;
	uint32_t flags = atomic_load(&fp->flags);
	int ready = 0;

	if (rp != NULL)
		rumpk_poll_watch(
		    rp, &vp->v_notes, RUMPK_NOTE_READABLE | RUMPK_NOTE_WRITABLE | RUMPK_NOTE_HANGUP);
	rumpk_lock(f->lock);
	if ((flags & RUMPK_FREAD) && (f->used > 0 || (f->writers == 0 && f->writer_arrivals != 0)))
		ready |= events & (RUMP_POLLIN | RUMP_POLLRDNORM);
	if ((flags & RUMPK_FREAD) && f->writers == 0 && f->writer_arrivals != 0)
		ready |= RUMP_POLLHUP;
	if ((flags & RUMPK_FWRITE) && (f->readers == 0 || FIFO_SIZE - f->used >= FIFO_ATOMIC))
		ready |= events & (RUMP_POLLOUT | RUMP_POLLWRNORM);
	if ((flags & RUMPK_FWRITE) && f->readers == 0)
		ready |= RUMP_POLLHUP;
	rumpk_unlock(f->lock);
	return ready;
}

static bool
event_read(struct rumpk_knote *kn)
{
	struct fifo *f = ((struct vnode *)kn->fp->data)->v_special;
	bool hangup;

	rumpk_lock(f->lock);
	kn->data = (int64_t)f->used;
	hangup = f->writers == 0;
	rumpk_unlock(f->lock);
	kn->flags = hangup ? kn->flags | RUMP_EV_EOF : kn->flags & ~(uint32_t)RUMP_EV_EOF;
	return hangup || kn->data > 0;
}

static bool
event_write(struct rumpk_knote *kn)
{
	struct fifo *f = ((struct vnode *)kn->fp->data)->v_special;
	bool hangup;

	rumpk_lock(f->lock);
	kn->data = (int64_t)(FIFO_SIZE - f->used);
	hangup = f->readers == 0;
	rumpk_unlock(f->lock);
	kn->flags = hangup ? kn->flags | RUMP_EV_EOF : kn->flags & ~(uint32_t)RUMP_EV_EOF;
	return hangup || kn->data >= FIFO_ATOMIC;
}

static const struct rumpk_filterops read_filterops = {.event = event_read};
static const struct rumpk_filterops write_filterops = {.event = event_write};

static int
fifo_kqfilter(struct file *fp, struct rumpk_knote *kn)
{
	struct vnode *vp = fp->data;

	if (kn->filter == RUMP_EVFILT_VNODE)
		return vnfile_kqfilter_vnode(vp, kn);
	if (kn->filter != RUMP_EVFILT_READ && kn->filter != RUMP_EVFILT_WRITE)
		return RUMP_EINVAL;
	kn->ops = kn->filter == RUMP_EVFILT_READ ? &read_filterops : &write_filterops;
	rumpk_knote_watch(kn, &vp->v_notes, RUMPK_NOTE_READABLE | RUMPK_NOTE_WRITABLE | RUMPK_NOTE_HANGUP);
	return 0;
}

/* Who reads, or both, is told of what can be read. */
static int
fifo_sigio(struct file *fp, struct fifo *f, unsigned long cmd, int32_t *value)
{
	struct vnode *vp = fp->data;

	if (atomic_load_explicit(&fp->flags, memory_order_relaxed) & RUMPK_FREAD)
		return rumpk_sigio_ioctl(
		    &f->reader_sigio, &vp->v_notes, RUMPK_NOTE_READABLE | RUMPK_NOTE_HANGUP, cmd, value);
	return rumpk_sigio_ioctl(
	    &f->writer_sigio, &vp->v_notes, RUMPK_NOTE_WRITABLE | RUMPK_NOTE_HANGUP, cmd, value);
}

static int
fifo_ioctl(struct file *fp, unsigned long cmd, void *data)
{
	struct fifo *f = ((struct vnode *)fp->data)->v_special;

	switch (cmd) {
	case RUMP_FIONBIO:
		return 0;
	case RUMP_FIONREAD:
		rumpk_lock(f->lock);
		*(int32_t *)data = (int32_t)f->used;
		rumpk_unlock(f->lock);
		return 0;
	default:
		return fifo_sigio(fp, f, cmd, data);
	}
}

static void
fifo_fdclose(struct file *fp, struct proc *p)
{
	struct vnode *vp = fp->data;
	struct fifo *f = vp->v_special;

	vnfile_fdclose(fp, p);
	rumpk_lock(f->lock);
	rumpk_waitq_wake(&f->changed);
	rumpk_unlock(f->lock);
}

static int
fifo_close(struct file *fp)
{
	struct vnode *vp = fp->data;
	struct fifo *f = vp->v_special;

	rumpk_lock(f->lock);
	leave(vp, f, atomic_load(&fp->flags));
	rumpk_unlock(f->lock);
	return vnfile_close(fp);
}

static const struct fileops fifo_fileops = {
    .type = RUMPK_FT_VNODE,
    .seekable = false,
    .read = fifo_read,
    .write = fifo_write,
    .ioctl = fifo_ioctl,
    .fcntl = vnfile_fcntl,
    .poll = fifo_poll,
    .kqfilter = fifo_kqfilter,
    .stat = vnfile_stat,
    .fdclose = fifo_fdclose,
    .close = fifo_close,
};
