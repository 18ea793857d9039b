/* SPDX-License-Identifier: BSD-2-Clause */
/* The kqueue as a file. */
#include "kernel/base/file.h"
#include "kernel/base/kqueue_impl.h"
#include "kernel/base/kqueue_parts.h"
#include "kernel/base/poll.h"

static int
kq_poll(struct file *fp, int events, struct rumpk_poll *rp)
{
	struct kqueue *kq = fp->data;
	int64_t count;

	if (rp != NULL)
		rumpk_poll_watch(rp, &kq->notes, RUMPK_NOTE_READABLE);
	return rumpk_kq_ready(kq, &count) ? events & (RUMP_POLLIN | RUMP_POLLRDNORM) : 0;
}

static bool
kq_event(struct rumpk_knote *kn)
{
	return rumpk_kq_ready(kn->fp->data, &kn->data);
}

static int
kq_kqfilter(struct file *fp, struct rumpk_knote *kn)
{
	static const struct rumpk_filterops ops = {.event = kq_event};
	struct kqueue *kq = fp->data;

	if (kn->filter != RUMP_EVFILT_READ)
		return RUMP_EPERM;
	kn->ops = &ops;
	rumpk_knote_watch(kn, &kq->notes, RUMPK_NOTE_READABLE);
	return 0;
}

static int
kq_stat(struct file *fp, struct rump_stat *st)
{
	struct kqueue *kq = fp->data;

	rumpk_lock(kq->lock);
	st->st_size = kq->count;
	rumpk_unlock(kq->lock);
	st->st_blksize = sizeof(struct rump_kevent);
	st->st_mode = RUMP_S_IFIFO;
	return 0;
}

static int
kq_ioctl(struct file *fp, unsigned long cmd, void *data)
{
	(void)fp;
	(void)cmd;
	(void)data;
	return RUMP_ENOTTY;
}

static void
kq_fdclose(struct file *fp, struct proc *p)
{
	struct kqueue *kq = fp->data;

	(void)p;
	rumpk_lock(kq->lock);
	rumpk_waitq_wake(&kq->collectors);
	rumpk_unlock(kq->lock);
}

static int
kq_close(struct file *fp)
{
	struct kqueue *kq = fp->data;

	rumpk_lock(kq->table);
	for (uint32_t i = 0; i < kq->nbuckets; i++)
		while (kq->buckets[i] != NULL)
			rumpk_kq_remove(kq, kq->buckets[i]);
	rumpk_unlock(kq->table);
	rumpk_kq_rele(kq);
	return 0;
}

static int
kq_read(struct file *fp, struct rumpk_uio *uio, int flags)
{
	(void)fp;
	(void)uio;
	(void)flags;
	return RUMP_ENXIO;
}

const struct fileops rumpk_kqueue_ops = {
    .type = RUMPK_FT_KQUEUE,
    .read = kq_read,
    .write = kq_read,
    .ioctl = kq_ioctl,
    .poll = kq_poll,
    .kqfilter = kq_kqfilter,
    .stat = kq_stat,
    .fdclose = kq_fdclose,
    .close = kq_close,
};
