/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fifos.
 *
 * Theory of operation: the buffer belongs to the vnode (v_special), and is made with the first open and
 * emptied with the last close. It has a mutex of its own, under which readers and writers are counted and
 * sleep; no vnode lock is held then. Opening for reading waits for a writer and the other way round, unless
 * told not to; who has come since is known by counting arrivals, so that an end that opens and closes at once
 * is not missed.
 */
#ifndef KERNEL_VFS_FIFO_H
#define KERNEL_VFS_FIFO_H

#include "kernel/base/file.h"
#include "kernel/vfs/vnode.h"

/* Makes fp an end of the fifo, after vnfile_opened. May sleep: RUMP_EINTR. RUMP_ENXIO: writing, not to wait,
 * and no reader. */
int fifo_open(struct file *fp, struct vnode *vp, uint32_t flags);
void fifo_free(struct vnode *vp);

#endif
