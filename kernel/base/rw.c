/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * read, write and their kin.
 *
 * Theory of operation: files move data to and from memory of this process only. For a program of
 * this process that is the caller's own memory. For a client it is a buffer of the kernel, filled
 * before the file is asked, or copied out after, so that no file is locked while a client takes
 * its time. Transfers of clients beyond BOUNCE_MAX go in several such steps where the file has an
 * offset, and are cut short where it has none.
 */
#include <limits.h>
#include "kernel/base/boot.h"
#include "kernel/base/file.h"
#include "kernel/base/iovec.h"
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"
#include "kernel/base/syscall.h"

#define BOUNCE_MAX (1024 * 1024)

/* One transfer: with the file's own offset, or (offset not NULL) at a place that the caller names. */
static int
transfer(struct file *fp, struct rumpk_uio *uio, const int64_t *offset)
{
	uint32_t fflags = atomic_load_explicit(&fp->flags, memory_order_relaxed);
	bool own = offset == NULL && fp->ops->seekable;
	size_t before = uio->resid;
	int flags = 0, error;

	if ((fflags & RUMP_O_NONBLOCK) != 0)
		flags |= RUMPK_IO_NONBLOCK;
	if ((fflags & RUMP_O_APPEND) != 0)
		flags |= RUMPK_IO_APPEND;
	if ((fflags & (RUMP_O_SYNC | RUMP_O_DSYNC)) != 0)
		flags |= RUMPK_IO_SYNC;
	if (offset != NULL)
		flags |= RUMPK_IO_POSITION;
	if (own)
		rumpk_lock(fp->lock);
	uio->offset = offset != NULL ? *offset : fp->offset;
	error = uio->rw == RUMPK_READ ? fp->ops->read(fp, uio, flags) : fp->ops->write(fp, uio, flags);
	if (own) {
		fp->offset = uio->offset;
		rumpk_unlock(fp->lock);
	}
	if (uio->resid != before && (error == RUMP_EINTR || error == RUMP_EWOULDBLOCK || error == RUMP_EBADF))
		error = 0;
	return error;
}

/* A step of a client's transfer, through the buffer: *done is what was moved. */
static int
bounce_step(struct lwp *l, struct file *fp, struct rumpk_uio *user, void *buf, size_t len,
    const int64_t *offset, size_t *done)
{
	struct rump_iovec iov = {.iov_base = buf, .iov_len = len};
	struct rumpk_uio uio = {.iov = &iov, .iovcnt = 1, .rw = user->rw, .resid = len};
	int error;

	*done = 0;
	if (user->rw == RUMPK_WRITE) {
		error = rumpk_iovec_copyin(l, user->iov, user->iovcnt, buf, len);
		if (error != 0)
			return error;
	}
	error = transfer(fp, &uio, offset);
	*done = len - uio.resid;
	if (user->rw == RUMPK_READ && error == 0)
		error = rumpk_iovec_copyout(l, user->iov, user->iovcnt, buf, *done);
	return error;
}

static int
bounce(struct lwp *l, struct file *fp, struct rumpk_uio *user, const int64_t *offset)
{
	size_t size = user->resid < BOUNCE_MAX ? user->resid : BOUNCE_MAX, done, total = 0;
	void *buf = rumpk_alloc(size);
	int64_t at = offset != NULL ? *offset : 0;
	int error;

	if (buf == NULL)
		return RUMP_ENOMEM;
	do {
		size_t len = user->resid < size ? user->resid : size;

		error = bounce_step(l, fp, user, buf, len, offset != NULL ? &at : NULL, &done);
		rumpk_uioskip(user, done);
		total += done;
		at += (int64_t)done;
		if (done < len)
			break;
	} while (error == 0 && user->resid > 0 && (fp->ops->seekable || user->rw == RUMPK_WRITE));
	rumpk_free(buf, size);
	return total > 0 && error != RUMP_EFAULT ? 0 : error;
}

int
rumpk_file_io(struct lwp *l, struct file *fp, struct rumpk_uio *uio, const int64_t *offset, long *retval)
{
	size_t before = uio->resid;
	int error;

	if ((uio->rw == RUMPK_READ ? fp->ops->read : fp->ops->write) == NULL)
		return RUMP_EOPNOTSUPP;
	if (rumpk_proc_islocal(l->proc) || uio->resid == 0)
		error = transfer(fp, uio, offset);
	else
		error = bounce(l, fp, uio, offset);
	*retval = (long)(before - uio->resid);
	if (error == RUMP_EPIPE && uio->rw == RUMPK_WRITE &&
	    (atomic_load_explicit(&fp->flags, memory_order_relaxed) & RUMP_O_NOSIGPIPE) == 0)
		rumpk_psignal(l->proc, RUMP_SIGPIPE);
	return error;
}

/* The file behind fd, opened for this direction, and fit for an offset when there is one. */
static int
get_file(struct lwp *l, int fd, enum rumpk_rw rw, const int64_t *offset, struct file **fpp)
{
	struct file *fp = rumpk_fd_get(l, fd);
	uint32_t need = rw == RUMPK_READ ? RUMPK_FREAD : RUMPK_FWRITE;
	int error = 0;

	if (fp == NULL)
		return RUMP_EBADF;
	if ((atomic_load_explicit(&fp->flags, memory_order_relaxed) & need) == 0)
		error = RUMP_EBADF;
	else if (offset != NULL && !fp->ops->seekable)
		error = RUMP_ESPIPE;
	else if (offset != NULL && *offset < 0)
		error = RUMP_EINVAL;
	if (error != 0) {
		rumpk_file_rele(fp);
		return error;
	}
	*fpp = fp;
	return 0;
}

static int
single(struct lwp *l, rumpk_args args, enum rumpk_rw rw, const int64_t *offset, long *retval)
{
	struct rump_iovec iov = {.iov_base = (void *)(uintptr_t)args[1], .iov_len = args[2]};
	struct rumpk_uio uio = {.iov = &iov, .iovcnt = 1, .rw = rw, .resid = args[2]};
	struct file *fp;
	int error;

	error = get_file(l, rumpk_arg_int(args, 0), rw, offset, &fp);
	if (error != 0)
		return error;
	if (uio.resid > SSIZE_MAX)
		error = RUMP_EINVAL;
	else if (uio.resid > 0 && args[1] == 0)
		error = RUMP_EFAULT;
	else
		error = rumpk_file_io(l, fp, &uio, offset, retval);
	rumpk_file_rele(fp);
	return error;
}

static int
vectored(struct lwp *l, rumpk_args args, enum rumpk_rw rw, const int64_t *offset, long *retval)
{
	struct rump_iovec *iov;
	struct rumpk_uio uio = {.iovcnt = rumpk_arg_int(args, 2), .rw = rw};
	struct file *fp;
	int error;

	error = get_file(l, rumpk_arg_int(args, 0), rw, offset, &fp);
	if (error != 0)
		return error;
	/* Unlike a message, a vector has to have an element. */
	error = uio.iovcnt == 0 ? RUMP_EINVAL : rumpk_iovec_get(l, args[1], uio.iovcnt, &iov, &uio.resid);
	if (error == 0) {
		uio.iov = iov;
		error = rumpk_file_io(l, fp, &uio, offset, retval);
		rumpk_iovec_put(iov, rumpk_arg_int(args, 2));
	}
	rumpk_file_rele(fp);
	return error;
}

static int
sys_read(struct lwp *l, rumpk_args args, long *retval)
{
	return single(l, args, RUMPK_READ, NULL, retval);
}

static int
sys_write(struct lwp *l, rumpk_args args, long *retval)
{
	return single(l, args, RUMPK_WRITE, NULL, retval);
}

static int
sys_pread(struct lwp *l, rumpk_args args, long *retval)
{
	const int64_t offset = (int64_t)args[4];

	return single(l, args, RUMPK_READ, &offset, retval);
}

static int
sys_pwrite(struct lwp *l, rumpk_args args, long *retval)
{
	const int64_t offset = (int64_t)args[4];

	return single(l, args, RUMPK_WRITE, &offset, retval);
}

static int
sys_readv(struct lwp *l, rumpk_args args, long *retval)
{
	return vectored(l, args, RUMPK_READ, NULL, retval);
}

static int
sys_writev(struct lwp *l, rumpk_args args, long *retval)
{
	return vectored(l, args, RUMPK_WRITE, NULL, retval);
}

static int
sys_preadv(struct lwp *l, rumpk_args args, long *retval)
{
	const int64_t offset = (int64_t)args[4];

	return vectored(l, args, RUMPK_READ, &offset, retval);
}

static int
sys_pwritev(struct lwp *l, rumpk_args args, long *retval)
{
	const int64_t offset = (int64_t)args[4];

	return vectored(l, args, RUMPK_WRITE, &offset, retval);
}

static const struct rumpk_syscall calls[] = {
    {RUMPK_SYS_read, sys_read},
    {RUMPK_SYS_write, sys_write},
    {RUMPK_SYS_pread, sys_pread},
    {RUMPK_SYS_pwrite, sys_pwrite},
    {RUMPK_SYS_readv, sys_readv},
    {RUMPK_SYS_writev, sys_writev},
    {RUMPK_SYS_preadv, sys_preadv},
    {RUMPK_SYS_pwritev, sys_pwritev},
};

void
rumpk_rw_init(void)
{
	rumpk_syscall_register(calls, sizeof(calls) / sizeof(*calls));
}
