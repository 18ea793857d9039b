/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/file.h"
#include "kernel/base/boot.h"
#include "kernel/base/fdtable.h"
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"
#include "kernel/base/print.h"

static int
file_ctor(void *object)
{
	struct file *fp = object;

	rumpk_mutex_init(&fp->lock);
	return 0;
}

static struct rumpk_pool pool = RUMPK_POOL_INIT("file", struct file, pool_link, file_ctor);

void
rumpk_file_init(void)
{
	rumpk_pool_init(&pool);
}

struct file *
rumpk_file_create(struct lwp *l)
{
	struct file *fp = rumpk_pool_get(&pool);

	if (fp == NULL)
		return NULL;
	fp->ops = NULL;
	fp->data = NULL;
	fp->cred = rumpk_proc_cred(l->proc);
	atomic_store_explicit(&fp->flags, 0, memory_order_relaxed);
	fp->offset = 0;
	atomic_store_explicit(&fp->knotes, NULL, memory_order_relaxed);
	/* From here on a stale lookup may take a reference: what it finds has to be there. */
	atomic_store_explicit(&fp->refs, 1, memory_order_release);
	return fp;
}

bool
rumpk_file_tryhold(struct file *fp)
{
	uint32_t refs = atomic_load_explicit(&fp->refs, memory_order_relaxed);

	while (refs != 0)
		if (atomic_compare_exchange_weak_explicit(
			&fp->refs, &refs, refs + 1, memory_order_acquire, memory_order_relaxed))
			return true;
	return false;
}

void
rumpk_file_hold(struct file *fp)
{
	atomic_fetch_add_explicit(&fp->refs, 1, memory_order_relaxed);
}

void
rumpk_file_discard(struct file *fp)
{
	/* A stale lookup may hold it for a moment: whoever comes last returns it. */
	fp->ops = NULL;
	rumpk_file_rele(fp);
}

int
rumpk_file_rele(struct file *fp)
{
	int error = 0;

	if (atomic_fetch_sub_explicit(&fp->refs, 1, memory_order_acq_rel) != 1)
		return 0;
	if (fp->ops != NULL && fp->ops->close != NULL)
		error = fp->ops->close(fp);
	rumpk_pool_put(&pool, fp);
	return error;
}

struct file *
rumpk_fd_get(struct lwp *l, int fd)
{
	struct file *fp = rumpk_fdtable_get(l->proc->fdtable, fd);

	l->fd = fd;
	l->file = fp;
	return fp;
}

bool
rumpk_fd_gone(const void *data)
{
	struct lwp *l = rumpk_curlwp();

	return l->file != NULL && l->file->data == data && !rumpk_fd_is(l->proc->fdtable, l->fd, l->file);
}

struct file *
rumpk_fd_get_type(struct lwp *l, int fd, enum rumpk_filetype type, int wrong_type, int *error)
{
	struct file *fp = rumpk_fd_get(l, fd);

	if (fp == NULL) {
		*error = RUMP_EBADF;
		return NULL;
	}
	if (fp->ops->type == type)
		return fp;
	rumpk_file_rele(fp);
	*error = wrong_type;
	return NULL;
}

int
rumpk_fd_limit(struct proc *p)
{
	return atomic_load_explicit(&p->nofile, memory_order_relaxed);
}

int
rumpk_fd_alloc(struct lwp *l, struct file **fpp, int *fdp)
{
	struct file *fp = rumpk_file_create(l);
	int error;

	if (fp == NULL)
		return RUMP_ENFILE;
	error = rumpk_fd_reserve(l->proc->fdtable, 0, rumpk_fd_limit(l->proc), fdp);
	if (error != 0) {
		rumpk_file_discard(fp);
		return error;
	}
	*fpp = fp;
	return 0;
}

void
rumpk_fd_publish(struct lwp *l, struct file *fp, int fd, bool cloexec)
{
	RUMPK_ASSERT(fp->ops != NULL);
	rumpk_fd_set(l->proc->fdtable, fd, fp, cloexec);
}

void
rumpk_fd_abort(struct lwp *l, struct file *fp, int fd)
{
	rumpk_fd_unreserve(l->proc->fdtable, fd);
	rumpk_file_discard(fp);
}

int
rumpk_fd_install(struct lwp *l, struct file *fp, bool cloexec, int *fdp)
{
	int error = rumpk_fd_reserve(l->proc->fdtable, 0, rumpk_fd_limit(l->proc), fdp);

	if (error == 0)
		rumpk_fd_set(l->proc->fdtable, *fdp, fp, cloexec);
	return error;
}
