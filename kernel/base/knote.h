/* SPDX-License-Identifier: BSD-2-Clause */
/* kqueue, as the rest of librump sees it. */
#ifndef KERNEL_BASE_KNOTE_H
#define KERNEL_BASE_KNOTE_H

#include "kernel/base/kqueue.h"

/* Drops the knotes on a descriptor that has just been closed. */
void rumpk_knotes_fdclose_slow(struct fdtable *t, int fd, struct file *fp);

/* The filters that are not on descriptors: fill kn->ops, or an errno. */
int rumpk_filter_attach(struct rumpk_knote *kn);

#include "kernel/base/file.h"

static inline void
rumpk_knotes_fdclose(struct fdtable *t, int fd, struct file *fp)
{
	if (atomic_load_explicit(&fp->knotes, memory_order_acquire) != NULL)
		rumpk_knotes_fdclose_slow(t, fd, fp);
}

#endif
