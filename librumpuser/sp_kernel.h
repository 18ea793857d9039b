/* SPDX-License-Identifier: BSD-2-Clause */
/* A worker's way into the kernel. */
#ifndef LIBRUMPUSER_SP_KERNEL_H
#define LIBRUMPUSER_SP_KERNEL_H

#include <stdbool.h>
#include <sys/types.h>

struct lwp;
struct worker;

/* Gives the calling worker an lwp of its own, waiting for it if it has to, and takes it away. */
void kernel_attach(struct worker *worker);
void kernel_detach(struct worker *worker);

/* Between these two the calling worker has a CPU of the kernel. They do not nest. */
void kernel_enter(void);
void kernel_leave(void);

/* What follows is done between them, and ends with the worker's own lwp current unless it says so. */

/* Makes an lwp current, one that is nowhere else; NULL makes the worker's own. */
void kernel_become(struct lwp *lwp);

/* Makes a new lwp of the process current. Returns it, or NULL with the errno of NetBSD in *error. */
struct lwp *kernel_become_new(pid_t pid, int *error);

/* Releases one that is not current. */
void kernel_release(struct lwp *lwp);

/* Ends the sleep of an lwp, or the next one in its system call, begun or to be begun. It stays alive
 * meanwhile. */
void kernel_interrupt(struct lwp *lwp);

/*
 * Forks a process off the current lwp's, with `priv` for the kernel to name the client by. Returns its first
 * lwp and its number in *pid, or NULL with the errno of NetBSD in *error.
 */
struct lwp *kernel_rfork(void *priv, int flags, const char *comm, pid_t *pid, int *error);

/* kernel_release() from outside. */
void kernel_enter_release(struct lwp *lwp);

/* Whether the kernel can end a single call. */
bool kernel_can_interrupt(void);

#endif
