/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Advisory locks: fcntl's, of processes and ranges, and flock's, of open files.
 *
 * Theory of operation: a vnode that has ever been locked has a list of its locks, guarded by a mutex of the
 * list's. Two locks conflict when they overlap, one excludes, and their owners differ; the two kinds conflict
 * with each other. Who waits is on the list too, and sleeps until anything is released. Before a process
 * sleeps for a fcntl lock it follows, under a mutex of all waiting processes, whom it would wait for, and
 * whom that one waits for: when that leads back to itself, RUMP_EDEADLK.
 */
#ifndef KERNEL_VFS_ADVLOCK_H
#define KERNEL_VFS_ADVLOCK_H

#include "kernel/base/file.h"
#include "kernel/vfs/vnode.h"

/* fcntl's F_GETLK, F_SETLK and F_SETLKW; arg is a struct rump_flock. */
int advlock_fcntl(struct file *fp, int cmd, void *arg);
/* flock(2). */
int advlock_flock(struct file *fp, int how);
/* What a process, and an open file, hold on close. */
void advlock_release_process(struct vnode *vp, struct proc *p);
void advlock_release_file(struct file *fp);
/* The list of a vnode that nobody uses any more. */
void advlock_free(struct vnode *vp);
void advlock_init(void);

#endif
