/* SPDX-License-Identifier: BSD-2-Clause */
/* A socket as a file. */
#include <string.h>
#include "kernel/base/kqueue.h"
#include "kernel/net/socket_impl.h"

static int
so_read(struct file *fp, struct rumpk_uio *uio, int flags)
{
	struct rumpk_somsg msg = {.uio = uio};

	return rumpk_so_receive(fp->data, &msg, (flags & RUMPK_IO_NONBLOCK) != 0);
}

static int
so_write(struct file *fp, struct rumpk_uio *uio, int flags)
{
	struct rumpk_somsg msg = {.uio = uio, .cred = fp->cred, .pid = rumpk_curproc()->pid};

	return rumpk_so_send(fp->data, &msg, (flags & RUMPK_IO_NONBLOCK) != 0);
}

static void
ready_of(struct socket *so, struct rumpk_soready *r)
{
	uint32_t state = atomic_load_explicit(&so->state, memory_order_acquire);

	memset(r, 0, sizeof(*r));
	if (so->protocol->ops->ready != NULL)
		so->protocol->ops->ready(so, r);
	if ((state & RUMPK_SO_RDSHUT) != 0)
		r->read_eof = true;
	if ((state & RUMPK_SO_WRSHUT) != 0)
		r->write_eof = true;
	/* There is no writing before there is a connection. */
	if ((so->protocol->flags & RUMPK_PR_CONNREQUIRED) != 0 && (state & RUMPK_SO_CONNECTED) == 0 &&
	    !r->write_eof)
		r->writable = false;
}

static int
pending_error(struct socket *so)
{
	int error;

	rumpk_lock(so->lock);
	error = so->error;
	rumpk_unlock(so->lock);
	return error;
}

static int
protocol_ioctl(struct socket *so, unsigned long cmd, void *data)
{
	return so->protocol->ops->ioctl != NULL ? so->protocol->ops->ioctl(so, cmd, data) : RUMP_ENOTTY;
}

static int
so_ioctl(struct file *fp, unsigned long cmd, void *data)
{
	struct socket *so = fp->data;
	int32_t *value = data;
	struct rumpk_soready r;
	int error;

	switch (cmd) {
	case RUMP_FIONBIO:
		return 0;
	case RUMP_FIONREAD:
		ready_of(so, &r);
		*value = (int32_t)r.rx;
		return 0;
	case RUMP_FIONWRITE:
		/* Room and what has not been sent need not add up to the buffer in every protocol. */
		error = protocol_ioctl(so, cmd, data);
		if (error != RUMP_ENOTTY)
			return error;
		ready_of(so, &r);
		*value = atomic_load_explicit(&so->opts.sndbuf, memory_order_relaxed) - (int32_t)r.tx;
		return 0;
	case RUMP_FIONSPACE:
		ready_of(so, &r);
		*value = (int32_t)r.tx;
		return 0;
	case RUMP_FIOASYNC:
	case RUMP_SIOCSPGRP:
	case RUMP_FIOSETOWN:
	case RUMP_TIOCSPGRP:
	case RUMP_SIOCGPGRP:
	case RUMP_FIOGETOWN:
	case RUMP_TIOCGPGRP:
		error = rumpk_sigio_ioctl(&so->sigio, &so->notes, RUMPK_SO_SIGIO, cmd, value);
		/* A protocol notifies of what comes after somebody has looked. */
		if (error == 0)
			ready_of(so, &r);
		return error;
	default:
		return protocol_ioctl(so, cmd, data);
	}
}

static int
so_poll(struct file *fp, int events, struct rumpk_poll *rp)
{
	struct socket *so = fp->data;
	bool failed;
	struct rumpk_soready r;
	int revents = 0;

	if (rp != NULL)
		rumpk_poll_watch(
		    rp, &so->notes, RUMPK_NOTE_READABLE | RUMPK_NOTE_WRITABLE | RUMPK_NOTE_HANGUP);
	ready_of(so, &r);
	failed = pending_error(so) != 0;
	if (r.readable || r.read_eof || failed)
		revents |= events & (RUMP_POLLIN | RUMP_POLLRDNORM);
	if (r.writable || r.write_eof || failed)
		revents |= events & (RUMP_POLLOUT | RUMP_POLLWRNORM);
	if (r.oob)
		revents |= events & (RUMP_POLLPRI | RUMP_POLLRDBAND);
	if (r.read_eof && r.write_eof)
		revents |= RUMP_POLLHUP;
	return revents;
}

static void
flag_end(struct rumpk_knote *kn, bool end)
{
	if (!end) {
		kn->flags &= ~(uint32_t)RUMP_EV_EOF;
		return;
	}
	kn->flags |= RUMP_EV_EOF;
	kn->fflags = (uint32_t)pending_error(kn->fp->data);
}

static bool
read_event(struct rumpk_knote *kn)
{
	struct socket *so = kn->fp->data;
	struct rumpk_soready r;

	ready_of(so, &r);
	kn->data = r.rx;
	flag_end(kn, r.read_eof);
	if (r.read_eof || pending_error(so) != 0)
		return true;
	if ((kn->sfflags & RUMP_NOTE_LOWAT) != 0)
		return kn->data >= kn->sdata;
	return r.readable;
}

static bool
write_event(struct rumpk_knote *kn)
{
	struct socket *so = kn->fp->data;
	struct rumpk_soready r;

	ready_of(so, &r);
	kn->data = r.tx;
	flag_end(kn, r.write_eof);
	if (r.write_eof || pending_error(so) != 0)
		return true;
	if ((kn->sfflags & RUMP_NOTE_LOWAT) != 0)
		return r.writable && kn->data >= kn->sdata;
	return r.writable;
}

static int
so_kqfilter(struct file *fp, struct rumpk_knote *kn)
{
	static const struct rumpk_filterops read_ops = {.event = read_event},
					    write_ops = {.event = write_event};
	struct socket *so = fp->data;

	if (kn->filter == RUMP_EVFILT_READ) {
		kn->ops = &read_ops;
		rumpk_knote_watch(kn, &so->notes, RUMPK_NOTE_READABLE | RUMPK_NOTE_HANGUP);
	} else if (kn->filter == RUMP_EVFILT_WRITE) {
		kn->ops = &write_ops;
		rumpk_knote_watch(kn, &so->notes, RUMPK_NOTE_WRITABLE | RUMPK_NOTE_HANGUP);
	} else {
		return RUMP_EINVAL;
	}
	return 0;
}

static int
so_stat(struct file *fp, struct rump_stat *st)
{
	struct socket *so = fp->data;

	st->st_mode = RUMP_S_IFSOCK;
	st->st_uid = fp->cred->euid;
	st->st_gid = fp->cred->egid;
	if (so->protocol->ops->stat != NULL)
		so->protocol->ops->stat(so, st);
	return 0;
}

static void
so_fdclose(struct file *fp, struct proc *p)
{
	struct socket *so = fp->data;

	(void)p;
	rumpk_lock(so->lock);
	rumpk_waitq_wake(&so->rx_wait);
	rumpk_waitq_wake(&so->tx_wait);
	rumpk_unlock(so->lock);
}

static int
so_close(struct file *fp)
{
	struct socket *so = fp->data;

	so->protocol->ops->detach(so);
	/* A notification that was under way when the protocol let go has the lock. */
	rumpk_lock(so->lock);
	rumpk_unlock(so->lock);
	rumpk_so_free(so);
	return 0;
}

const struct fileops rumpk_socket_ops = {
    .type = RUMPK_FT_SOCKET,
    .read = so_read,
    .write = so_write,
    .ioctl = so_ioctl,
    .poll = so_poll,
    .kqfilter = so_kqfilter,
    .stat = so_stat,
    .fdclose = so_fdclose,
    .close = so_close,
};

int
rumpk_so_get(struct lwp *l, int fd, struct file **fpp, struct socket **sop)
{
	int error = 0;

	*fpp = rumpk_fd_get_type(l, fd, RUMPK_FT_SOCKET, RUMP_ENOTSOCK, &error);
	if (*fpp == NULL)
		return error;
	*sop = (*fpp)->data;
	return 0;
}

int
rumpk_so_open(struct lwp *l, struct socket *so, int flags, int *fdp)
{
	uint32_t fflags = RUMPK_FREAD | RUMPK_FWRITE;
	struct file *fp;
	int error;

	error = rumpk_fd_alloc(l, &fp, fdp);
	if (error != 0)
		return error;
	if ((flags & RUMP_SOCK_NONBLOCK) != 0)
		fflags |= RUMP_O_NONBLOCK;
	if ((flags & RUMP_SOCK_NOSIGPIPE) != 0)
		fflags |= RUMP_O_NOSIGPIPE;
	fp->ops = &rumpk_socket_ops;
	fp->data = so;
	atomic_store_explicit(&fp->flags, fflags, memory_order_relaxed);
	rumpk_fd_publish(l, fp, *fdp, (flags & RUMP_SOCK_CLOEXEC) != 0);
	return 0;
}
