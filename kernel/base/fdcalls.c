/* SPDX-License-Identifier: BSD-2-Clause */
/* The system calls on descriptors that need nothing but the table and the file's operations. */
#include <string.h>
#include "kernel/base/boot.h"
#include "kernel/base/fdtable.h"
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"
#include "kernel/base/syscall.h"

/* What F_SETFL may change. */
#define SETFL_FLAGS \
	((uint32_t)(RUMP_O_APPEND | RUMP_O_ASYNC | RUMP_O_FSYNC | RUMP_O_NONBLOCK | RUMP_O_DSYNC | \
		    RUMP_O_RSYNC | RUMP_O_ALT_IO | RUMP_O_DIRECT | RUMP_O_NOSIGPIPE))

static int
sys_close(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return rumpk_fd_close(l, rumpk_arg_int(args, 0));
}

/* A second descriptor for fd's file, from min on. */
static int
dup_from(struct lwp *l, struct file *fp, int min, bool cloexec, long *retval)
{
	int fd, error;

	error = rumpk_fd_reserve(l->proc->fdtable, min, rumpk_fd_limit(l->proc), &fd);
	if (error != 0)
		return error;
	rumpk_file_hold(fp);
	rumpk_fd_set(l->proc->fdtable, fd, fp, cloexec);
	*retval = fd;
	return 0;
}

static int
sys_dup(struct lwp *l, rumpk_args args, long *retval)
{
	struct file *fp = rumpk_fd_get(l, rumpk_arg_int(args, 0));
	int error;

	if (fp == NULL)
		return RUMP_EBADF;
	error = dup_from(l, fp, 0, false, retval);
	rumpk_file_rele(fp);
	return error;
}

static int
dup_to(struct lwp *l, int from, int to, int flags, long *retval)
{
	struct fdtable *t = l->proc->fdtable;
	struct file *fp = rumpk_fd_get(l, from), *old;
	bool cloexec = (flags & RUMP_O_CLOEXEC) != 0;
	int error = 0;

	if (fp == NULL)
		return RUMP_EBADF;
	if (to < 0 || to >= rumpk_fd_limit(l->proc)) {
		error = RUMP_EBADF;
		goto out;
	}
	*retval = to;
	/* Nothing changes then, not even the descriptor's flags. */
	if (from == to)
		goto out;
	if (flags & ~(RUMP_O_CLOEXEC | RUMP_O_NONBLOCK | RUMP_O_NOSIGPIPE)) {
		error = RUMP_EINVAL;
		goto out;
	}
	if ((flags & RUMP_O_NONBLOCK) != 0)
		atomic_fetch_or_explicit(&fp->flags, RUMP_O_NONBLOCK, memory_order_relaxed);
	if ((flags & RUMP_O_NOSIGPIPE) != 0)
		atomic_fetch_or_explicit(&fp->flags, RUMP_O_NOSIGPIPE, memory_order_relaxed);
	rumpk_file_hold(fp);
	error = rumpk_fd_replace(t, to, fp, cloexec, &old);
	if (error != 0)
		rumpk_file_rele(fp);
	else if (old != NULL)
		rumpk_fd_drop(t, l->proc, to, old);
out:
	rumpk_file_rele(fp);
	return error;
}

static int
sys_dup2(struct lwp *l, rumpk_args args, long *retval)
{
	return dup_to(l, rumpk_arg_int(args, 0), rumpk_arg_int(args, 1), 0, retval);
}

static int
sys_dup3(struct lwp *l, rumpk_args args, long *retval)
{
	return dup_to(l, rumpk_arg_int(args, 0), rumpk_arg_int(args, 1), rumpk_arg_int(args, 2), retval);
}

static int
set_flag(struct file *fp, uint32_t flag, bool on)
{
	if (on)
		atomic_fetch_or_explicit(&fp->flags, flag, memory_order_relaxed);
	else
		atomic_fetch_and_explicit(&fp->flags, ~flag, memory_order_relaxed);
	return 0;
}

/* Tells a file that knows signals whether to send them from now on. */
static int
set_async(struct file *fp, bool on)
{
	int32_t value = on;
	int error = fp->ops->ioctl != NULL ? fp->ops->ioctl(fp, RUMP_FIOASYNC, &value) : 0;

	return error == RUMP_ENOTTY ? 0 : error;
}

static int
set_flags(struct file *fp, uint64_t arg)
{
	uint32_t flags = atomic_load_explicit(&fp->flags, memory_order_relaxed), wanted;
	int error;

	wanted = (uint32_t)arg + 1;
	if (((flags ^ wanted) & RUMP_O_ASYNC) != 0) {
		error = set_async(fp, (wanted & RUMP_O_ASYNC) != 0);
		if (error != 0)
			return error;
	}
	/* As open's: an access mode that is none carries over, which makes -1 no flag at all. */
	do {
		wanted = (flags & ~SETFL_FLAGS) | (((uint32_t)arg + 1) & SETFL_FLAGS);
		error = fp->ops->setflags != NULL ? fp->ops->setflags(fp, wanted) : 0;
		if (error != 0)
			return error;
	} while (!atomic_compare_exchange_weak_explicit(
	    &fp->flags, &flags, wanted, memory_order_relaxed, memory_order_relaxed));
	return 0;
}

/* The process or group that gets SIGIO: kept by the file, if it knows such a thing. */
static int
owner(struct file *fp, unsigned long cmd, int32_t *pid)
{
	return fp->ops->ioctl != NULL ? fp->ops->ioctl(fp, cmd, pid) : RUMP_ENOTTY;
}

static int
fcntl_file_op(struct lwp *l, struct file *fp, int cmd, rumpk_uaddr uaddr)
{
	struct rump_flock lock;
	int error;

	if (fp->ops->fcntl == NULL)
		return RUMP_EINVAL;
	error = rumpk_copyin(l, uaddr, &lock, sizeof(lock));
	if (error == 0)
		error = fp->ops->fcntl(fp, cmd, &lock);
	if (error == 0 && cmd == RUMP_F_GETLK)
		error = rumpk_copyout(l, &lock, uaddr, sizeof(lock));
	return error;
}

static int
do_fcntl(struct lwp *l, struct file *fp, int fd, int cmd, uint64_t arg, long *retval)
{
	uint32_t flags = atomic_load_explicit(&fp->flags, memory_order_relaxed);
	int32_t pid = (int32_t)arg;
	bool cloexec;
	int error;

	switch (cmd) {
	case RUMP_F_DUPFD:
	case RUMP_F_DUPFD_CLOEXEC:
		if ((uint32_t)arg >= (uint32_t)rumpk_fd_limit(l->proc))
			return RUMP_EINVAL;
		return dup_from(l, fp, (int)arg, cmd == RUMP_F_DUPFD_CLOEXEC, retval);
	case RUMP_F_GETFD:
		error = rumpk_fd_getcloexec(l->proc->fdtable, fd, &cloexec);
		*retval = error == 0 && cloexec ? RUMP_FD_CLOEXEC : 0;
		return error;
	case RUMP_F_SETFD:
		return rumpk_fd_setcloexec(l->proc->fdtable, fd, (arg & RUMP_FD_CLOEXEC) != 0);
	case RUMP_F_GETNOSIGPIPE:
		*retval = (flags & RUMP_O_NOSIGPIPE) != 0;
		return 0;
	case RUMP_F_SETNOSIGPIPE:
		return set_flag(fp, RUMP_O_NOSIGPIPE, arg != 0);
	case RUMP_F_GETFL:
		/* The access mode counts from 1 in a file. */
		*retval = (long)(flags - 1);
		return 0;
	case RUMP_F_SETFL:
		return set_flags(fp, arg);
	case RUMP_F_GETOWN:
		error = owner(fp, RUMP_FIOGETOWN, &pid);
		*retval = pid;
		return error;
	case RUMP_F_SETOWN:
		return owner(fp, RUMP_FIOSETOWN, &pid);
	case RUMP_F_GETLK:
	case RUMP_F_SETLK:
	case RUMP_F_SETLKW:
		return fcntl_file_op(l, fp, cmd, arg);
	default:
		return RUMP_EINVAL;
	}
}

/* Closes everything from fd on. */
static int
close_from(struct lwp *l, int fd)
{
	int last;

	if (fd < 0)
		return RUMP_EBADF;
	while ((last = rumpk_fd_last(l->proc->fdtable)) >= fd)
		if (rumpk_fd_close(l, last) == RUMP_EBADF)
			break;
	return 0;
}

static int
sys_fcntl(struct lwp *l, rumpk_args args, long *retval)
{
	int fd = rumpk_arg_int(args, 0), cmd = rumpk_arg_int(args, 1), error;
	struct file *fp;

	if (cmd == RUMP_F_CLOSEM)
		return close_from(l, fd);
	if (cmd == RUMP_F_MAXFD) {
		*retval = rumpk_fd_last(l->proc->fdtable);
		return 0;
	}
	fp = rumpk_fd_get(l, fd);
	if (fp == NULL)
		return RUMP_EBADF;
	error = do_fcntl(l, fp, fd, cmd, args[2], retval);
	rumpk_file_rele(fp);
	return error;
}

static int
sys_lseek(struct lwp *l, rumpk_args args, long *retval)
{
	struct file *fp = rumpk_fd_get(l, rumpk_arg_int(args, 0));
	int64_t offset;
	int error;

	if (fp == NULL)
		return RUMP_EBADF;
	if (fp->ops->seek == NULL) {
		rumpk_file_rele(fp);
		return RUMP_ESPIPE;
	}
	rumpk_lock(fp->lock);
	error = fp->ops->seek(fp, fp->offset, (int64_t)args[2], rumpk_arg_int(args, 3), &offset);
	if (error == 0)
		fp->offset = offset;
	rumpk_unlock(fp->lock);
	if (error == 0)
		*retval = offset;
	rumpk_file_rele(fp);
	return error;
}

static int
sys_fstat(struct lwp *l, rumpk_args args, long *retval)
{
	struct file *fp = rumpk_fd_get(l, rumpk_arg_int(args, 0));
	struct rump_stat st;
	int error = RUMP_EOPNOTSUPP;

	(void)retval;
	if (fp == NULL)
		return RUMP_EBADF;
	memset(&st, 0, sizeof(st));
	if (fp->ops->stat != NULL)
		error = fp->ops->stat(fp, &st);
	rumpk_file_rele(fp);
	return error != 0 ? error : rumpk_copyout(l, &st, args[1], sizeof(st));
}

static const struct rumpk_syscall calls[] = {
    {RUMPK_SYS_close, sys_close},
    {RUMPK_SYS_dup, sys_dup},
    {RUMPK_SYS_dup2, sys_dup2},
    {RUMPK_SYS_dup3, sys_dup3},
    {RUMPK_SYS_fcntl, sys_fcntl},
    {RUMPK_SYS_lseek, sys_lseek},
    {RUMPK_SYS___fstat50, sys_fstat},
};

void
rumpk_fdcalls_init(void)
{
	rumpk_syscall_register(calls, sizeof(calls) / sizeof(*calls));
}
