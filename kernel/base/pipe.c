/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation: a pipe is a ring of bytes under one lock, with a file for either end. The
 * ring starts small and grows once, when a large write finds it empty. Writes of at most PIPE_BUF
 * bytes go in whole or not at all.
 */
#include <string.h>
#include "kernel/base/boot.h"
#include "kernel/base/clock.h"
#include "kernel/base/file.h"
#include "kernel/base/kqueue.h"
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"
#include "kernel/base/notify.h"
#include "kernel/base/sigio.h"
#include "kernel/base/sleep.h"
#include "kernel/base/syscall.h"

#define SIZE_SMALL 16384
#define SIZE_BIG 65536
#define ATOMIC_MAX 512

struct pipe {
	rumpk_mutex lock;
	char *ring;
	size_t size, out, count;
	bool reader_open, writer_open;
	struct rumpk_waitq readers, writers;
	struct rumpk_notelist reader_notes, writer_notes;
	struct rump_timespec made, read, written;
	rumpk_sigio_slot reader_sigio, writer_sigio;
};

static bool
is_reader(const struct file *fp)
{
	return (atomic_load_explicit(&fp->flags, memory_order_relaxed) & RUMPK_FREAD) != 0;
}

static void
ring_take(struct pipe *p, struct rumpk_uio *uio)
{
	while (p->count > 0 && uio->resid > 0) {
		size_t n = p->size - p->out;

		if (n > p->count)
			n = p->count;
		if (n > uio->resid)
			n = uio->resid;
		rumpk_uiomove(p->ring + p->out, n, uio);
		p->out = (p->out + n) % p->size;
		p->count -= n;
	}
	if (p->count == 0)
		p->out = 0;
}

static void
ring_put(struct pipe *p, struct rumpk_uio *uio)
{
	while (p->count < p->size && uio->resid > 0) {
		size_t in = (p->out + p->count) % p->size, n = in < p->out ? p->out - in : p->size - in;

		if (n > uio->resid)
			n = uio->resid;
		rumpk_uiomove(p->ring + in, n, uio);
		p->count += n;
	}
}

static int
pipe_read(struct file *fp, struct rumpk_uio *uio, int flags)
{
	struct pipe *p = fp->data;
	bool moved = false;
	int error = 0;

	if (uio->resid == 0)
		return 0;
	rumpk_lock(p->lock);
	while (p->count == 0 && p->writer_open && error == 0) {
		if ((flags & RUMPK_IO_NONBLOCK) != 0)
			error = RUMP_EAGAIN;
		else if (rumpk_fd_gone(p))
			error = RUMP_EBADF;
		else
			error = rumpk_waitq_sleep(&p->readers, p->lock, 0, RUMPK_FOREVER);
	}
	if (p->count > 0) {
		ring_take(p, uio);
		rumpk_waitq_wake(&p->writers);
		moved = true;
		error = 0;
	}
	if (error == 0)
		rumpk_nanotime(&p->read);
	rumpk_unlock(p->lock);
	if (moved)
		rumpk_notify(&p->writer_notes, RUMPK_NOTE_WRITABLE);
	return error;
}

/* With the lock: more room for a large write. */
static void
grow(struct pipe *p, size_t wanted)
{
	char *bigger;

	if (wanted <= SIZE_SMALL || p->size > SIZE_SMALL || p->count > 0)
		return;
	bigger = rumpk_alloc(SIZE_BIG);
	if (bigger == NULL)
		return;
	rumpk_free(p->ring, p->size);
	p->ring = bigger;
	p->size = SIZE_BIG;
	p->out = 0;
}

static int
pipe_write(struct file *fp, struct rumpk_uio *uio, int flags)
{
	struct pipe *p = fp->data;
	bool moved = false;
	int error = 0;

	rumpk_lock(p->lock);
	if (!p->reader_open)
		error = RUMP_EPIPE;
	else
		grow(p, uio->resid);
	while (error == 0 && uio->resid > 0) {
		size_t space = p->size - p->count;

		if (space < uio->resid && uio->resid <= ATOMIC_MAX)
			space = 0;
		if (space > 0) {
			ring_put(p, uio);
			rumpk_waitq_wake(&p->readers);
			moved = true;
			continue;
		}
		if ((flags & RUMPK_IO_NONBLOCK) != 0) {
			error = RUMP_EAGAIN;
			break;
		}
		if (moved) {
			/* Those who poll have to hear of it before this sleeps. */
			rumpk_notify(&p->reader_notes, RUMPK_NOTE_READABLE);
		}
		error =
		    rumpk_fd_gone(p) ? RUMP_EBADF : rumpk_waitq_sleep(&p->writers, p->lock, 0, RUMPK_FOREVER);
		if (!p->reader_open)
			error = RUMP_EPIPE;
	}
	if (error == 0)
		rumpk_nanotime(&p->written);
	rumpk_unlock(p->lock);
	if (moved)
		rumpk_notify(&p->reader_notes, RUMPK_NOTE_READABLE);
	return error;
}

static int
sigio_ioctl(struct file *fp, unsigned long cmd, int32_t *value)
{
	struct pipe *p = fp->data;

	if (is_reader(fp))
		return rumpk_sigio_ioctl(
		    &p->reader_sigio, &p->reader_notes, RUMPK_NOTE_READABLE | RUMPK_NOTE_HANGUP, cmd, value);
	return rumpk_sigio_ioctl(
	    &p->writer_sigio, &p->writer_notes, RUMPK_NOTE_WRITABLE | RUMPK_NOTE_HANGUP, cmd, value);
}

static int
pipe_ioctl(struct file *fp, unsigned long cmd, void *data)
{
	struct pipe *p = fp->data;
	int32_t *value = data;
	int error = 0;

	rumpk_lock(p->lock);
	switch (cmd) {
	case RUMP_FIONBIO:
		break;
	case RUMP_FIONREAD:
		*value = is_reader(fp) ? (int32_t)p->count : 0;
		break;
	case RUMP_FIONWRITE:
		*value = is_reader(fp) ? 0 : (int32_t)p->count;
		break;
	case RUMP_FIONSPACE:
		*value = is_reader(fp) ? 0 : (int32_t)(p->size - p->count);
		break;
	default:
		error = RUMP_ENOTTY;
		break;
	}
	rumpk_unlock(p->lock);
	return error == RUMP_ENOTTY ? sigio_ioctl(fp, cmd, value) : error;
}

static int
pipe_poll(struct file *fp, int events, struct rumpk_poll *rp)
{
	struct pipe *p = fp->data;
	bool reader = is_reader(fp), alone;
	int revents = 0;

	if (rp != NULL && reader)
		rumpk_poll_watch(rp, &p->reader_notes, RUMPK_NOTE_READABLE | RUMPK_NOTE_HANGUP);
	if (rp != NULL && !reader)
		rumpk_poll_watch(rp, &p->writer_notes, RUMPK_NOTE_WRITABLE | RUMPK_NOTE_HANGUP);
	rumpk_lock(p->lock);
	alone = !(reader ? p->writer_open : p->reader_open);
	if (alone || (reader && p->count > 0))
		revents |= events & (RUMP_POLLIN | RUMP_POLLRDNORM);
	if (alone || (!reader && p->size - p->count >= ATOMIC_MAX))
		revents |= events & (RUMP_POLLOUT | RUMP_POLLWRNORM);
	if (alone)
		revents |= RUMP_POLLHUP;
	rumpk_unlock(p->lock);
	return revents;
}

static bool
read_event(struct rumpk_knote *kn)
{
	struct pipe *p = kn->fp->data;
	bool holds;

	rumpk_lock(p->lock);
	kn->data = is_reader(kn->fp) ? (int64_t)p->count : 0;
	if (!(is_reader(kn->fp) ? p->writer_open : p->reader_open))
		kn->flags |= RUMP_EV_EOF;
	holds = kn->data > 0 || (kn->flags & RUMP_EV_EOF) != 0;
	rumpk_unlock(p->lock);
	return holds;
}

static bool
write_event(struct rumpk_knote *kn)
{
	struct pipe *p = kn->fp->data;
	bool holds;

	rumpk_lock(p->lock);
	kn->data = p->reader_open && !is_reader(kn->fp) ? (int64_t)(p->size - p->count) : 0;
	if (!(is_reader(kn->fp) ? p->writer_open : p->reader_open))
		kn->flags |= RUMP_EV_EOF;
	holds = kn->data >= ATOMIC_MAX || (kn->flags & RUMP_EV_EOF) != 0;
	rumpk_unlock(p->lock);
	return holds;
}

static int
pipe_kqfilter(struct file *fp, struct rumpk_knote *kn)
{
	static const struct rumpk_filterops read_ops = {.event = read_event},
					    write_ops = {.event = write_event};
	struct pipe *p = fp->data;
	bool reader = is_reader(fp), alone;

	if (kn->filter != RUMP_EVFILT_READ && kn->filter != RUMP_EVFILT_WRITE)
		return RUMP_EINVAL;
	rumpk_lock(p->lock);
	alone = !(reader ? p->writer_open : p->reader_open);
	rumpk_unlock(p->lock);
	if (kn->filter == RUMP_EVFILT_WRITE && alone)
		return RUMP_EBADF;
	kn->ops = kn->filter == RUMP_EVFILT_READ ? &read_ops : &write_ops;
	if (reader)
		rumpk_knote_watch(kn, &p->reader_notes, RUMPK_NOTE_READABLE | RUMPK_NOTE_HANGUP);
	else
		rumpk_knote_watch(kn, &p->writer_notes, RUMPK_NOTE_WRITABLE | RUMPK_NOTE_HANGUP);
	return 0;
}

static int
pipe_stat(struct file *fp, struct rump_stat *st)
{
	struct pipe *p = fp->data;

	rumpk_lock(p->lock);
	st->st_mode = RUMP_S_IFIFO | RUMP_S_IRUSR | RUMP_S_IWUSR;
	st->st_size = is_reader(fp) ? (int64_t)p->count : 0;
	st->st_blocks = st->st_size > 0;
	st->st_blksize = (int32_t)p->size;
	st->st_uid = fp->cred->euid;
	st->st_gid = fp->cred->egid;
	st->st_atim = p->read;
	st->st_mtim = p->written;
	st->st_ctim = st->st_birthtim = p->made;
	rumpk_unlock(p->lock);
	return 0;
}

static void
pipe_free(struct pipe *p)
{
	rumpk_notelist_fini(&p->reader_notes);
	rumpk_notelist_fini(&p->writer_notes);
	rumpk_mutex_destroy(&p->lock);
	rumpk_free(p->ring, p->size);
	rumpk_free(p, sizeof(*p));
}

static void
pipe_fdclose(struct file *fp, struct proc *proc)
{
	struct pipe *p = fp->data;

	(void)proc;
	rumpk_lock(p->lock);
	rumpk_waitq_wake(is_reader(fp) ? &p->readers : &p->writers);
	rumpk_unlock(p->lock);
}

static int
pipe_close(struct file *fp)
{
	struct pipe *p = fp->data;
	bool last;

	if (is_reader(fp))
		rumpk_sigio_fini(&p->reader_sigio, &p->reader_notes);
	else
		rumpk_sigio_fini(&p->writer_sigio, &p->writer_notes);
	rumpk_lock(p->lock);
	if (is_reader(fp))
		p->reader_open = false;
	else
		p->writer_open = false;
	last = !p->reader_open && !p->writer_open;
	rumpk_waitq_wake(&p->readers);
	rumpk_waitq_wake(&p->writers);
	if (!last) {
		/* Under the lock: the other end may go at once when it is let go. */
		rumpk_notify(&p->reader_notes, RUMPK_NOTE_HANGUP);
		rumpk_notify(&p->writer_notes, RUMPK_NOTE_HANGUP);
	}
	rumpk_unlock(p->lock);
	if (last)
		pipe_free(p);
	return 0;
}

static const struct fileops pipe_ops = {
    .type = RUMPK_FT_PIPE,
    .read = pipe_read,
    .write = pipe_write,
    .ioctl = pipe_ioctl,
    .poll = pipe_poll,
    .kqfilter = pipe_kqfilter,
    .stat = pipe_stat,
    .fdclose = pipe_fdclose,
    .close = pipe_close,
};

static struct pipe *
pipe_create(void)
{
	struct pipe *p = rumpk_zalloc(sizeof(*p));

	if (p == NULL)
		return NULL;
	p->ring = rumpk_alloc(SIZE_SMALL);
	if (p->ring == NULL) {
		rumpk_free(p, sizeof(*p));
		return NULL;
	}
	p->size = SIZE_SMALL;
	p->reader_open = p->writer_open = true;
	rumpk_mutex_init(&p->lock);
	rumpk_nanotime(&p->made);
	p->read = p->written = p->made;
	return p;
}

static int
make(struct lwp *l, uint32_t flags, int fds[2])
{
	/* F_GETFL shows all of them, close-on-exec too. */
	uint32_t common = flags & (RUMP_O_CLOEXEC | RUMP_O_NONBLOCK | RUMP_O_NOSIGPIPE);
	struct file *reader, *writer;
	struct pipe *p;
	int error;

	p = pipe_create();
	if (p == NULL)
		return RUMP_ENOMEM;
	error = rumpk_fd_alloc(l, &reader, &fds[0]);
	if (error != 0)
		goto out;
	error = rumpk_fd_alloc(l, &writer, &fds[1]);
	if (error != 0) {
		rumpk_fd_abort(l, reader, fds[0]);
		goto out;
	}
	reader->ops = writer->ops = &pipe_ops;
	reader->data = writer->data = p;
	atomic_store_explicit(&reader->flags, RUMPK_FREAD | common, memory_order_relaxed);
	atomic_store_explicit(&writer->flags, RUMPK_FWRITE | common, memory_order_relaxed);
	rumpk_fd_publish(l, reader, fds[0], (flags & RUMP_O_CLOEXEC) != 0);
	rumpk_fd_publish(l, writer, fds[1], (flags & RUMP_O_CLOEXEC) != 0);
	return 0;
out:
	pipe_free(p);
	return error;
}

static int
sys_pipe(struct lwp *l, rumpk_args args, long *retval)
{
	int fds[2], error;

	(void)args;
	error = make(l, 0, fds);
	if (error == 0) {
		retval[0] = fds[0];
		retval[1] = fds[1];
	}
	return error;
}

static int
sys_pipe2(struct lwp *l, rumpk_args args, long *retval)
{
	uint32_t flags = (uint32_t)args[1];
	int fds[2], error;

	(void)retval;
	if ((flags & ~(uint32_t)(RUMP_O_CLOEXEC | RUMP_O_NONBLOCK | RUMP_O_NOSIGPIPE)) != 0)
		return RUMP_EINVAL;
	error = make(l, flags, fds);
	if (error != 0)
		return error;
	error = rumpk_copyout(l, fds, args[0], sizeof(fds));
	if (error != 0) {
		rumpk_fd_close(l, fds[0]);
		rumpk_fd_close(l, fds[1]);
	}
	return error;
}

static const struct rumpk_syscall calls[] = {
    {RUMPK_SYS_pipe, sys_pipe},
    {RUMPK_SYS_pipe2, sys_pipe2},
};

void
rumpk_pipe_init(void)
{
	rumpk_syscall_register(calls, sizeof(calls) / sizeof(*calls));
}
