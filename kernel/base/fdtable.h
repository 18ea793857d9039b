/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptor tables.
 *
 * Theory of operation: a table is a directory of chunks of slots. Chunks are made when needed
 * and never move or go before the table does, so a slot may be read without a lock (see file.h).
 * Which numbers are taken, which chunks are full and which descriptors close on exec is kept in
 * bitmaps under the table's lock: the lowest free number is found by looking at a handful of words.
 * A number is taken before it has a file: reserved ones answer EBADF.
 */
#ifndef KERNEL_BASE_FDTABLE_H
#define KERNEL_BASE_FDTABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "kernel/base/file.h"
#include "kernel/base/lock.h"

#define RUMPK_FD_CHUNK 256
#define RUMPK_FD_CHUNKS 256
#define RUMPK_FD_MAX (RUMPK_FD_CHUNK * RUMPK_FD_CHUNKS)

/* The bitmaps share a cache line: who takes or frees a number writes both, or one, and no other. */
struct fdchunk {
	_Alignas(64) uint64_t used[RUMPK_FD_CHUNK / 64];
	uint64_t cloexec[RUMPK_FD_CHUNK / 64];
	_Atomic(struct file *) slot[RUMPK_FD_CHUNK];
};

struct fdtable {
	rumpk_mutex lock;
	/* Processes that share it. */
	unsigned refs;
	uint64_t full[RUMPK_FD_CHUNKS / 64];
	_Atomic(struct fdchunk *) chunk[RUMPK_FD_CHUNKS];
};

struct fdtable *rumpk_fdtable_create(void);
/* What fork does: all descriptors but those of kqueues, which belong to the table that they were made in. */
struct fdtable *rumpk_fdtable_copy(struct fdtable *from);
struct fdtable *rumpk_fdtable_hold(struct fdtable *t);
/* p is the process that lets go of it; the last one closes everything. */
void rumpk_fdtable_rele(struct fdtable *t, struct proc *p);
/* Closes what is marked close-on-exec. */
void rumpk_fdtable_exec(struct fdtable *t, struct proc *p);

/* Reserves the lowest free number from min on, below limit: 0, EMFILE or ENOMEM. */
int rumpk_fd_reserve(struct fdtable *t, int min, int limit, int *fdp);
/* Gives a reserved number back. */
void rumpk_fd_unreserve(struct fdtable *t, int fd);
/* Puts a file, whose reference it takes over, under a reserved number. */
void rumpk_fd_set(struct fdtable *t, int fd, struct file *fp, bool cloexec);
/*
 * Puts a file, whose reference it takes over, under exactly this number, and returns through
 * *oldp what was there, to be passed to rumpk_fd_drop(). 0, ENOMEM, or EBUSY when an open that
 * is under way has reserved it.
 */
int rumpk_fd_replace(struct fdtable *t, int fd, struct file *fp, bool cloexec, struct file **oldp);
/* The number stays with its file while *cloexec is read or set. Both return EBADF when there is none. */
int rumpk_fd_getcloexec(struct fdtable *t, int fd, bool *cloexec);
int rumpk_fd_setcloexec(struct fdtable *t, int fd, bool cloexec);
/* The highest number in use, -1 when there is none. */
int rumpk_fd_last(struct fdtable *t);
/* What remains of closing after the file has left the table. */
int rumpk_fd_drop(struct fdtable *t, struct proc *p, int fd, struct file *fp);
/* Whether the descriptor still has that file; for who has just attached something to it. */
bool rumpk_fd_is(struct fdtable *t, int fd, const struct file *fp);
/* The file of a descriptor of any table, with a reference, or NULL. */
struct file *rumpk_fdtable_get(struct fdtable *t, int fd);

/* One more than the highest number that the process may have: RLIMIT_NOFILE. */
int rumpk_fd_limit(struct proc *p);

/* file.c: a file with one reference and no descriptor, or NULL. */
struct file *rumpk_file_create(struct lwp *l);
/* For a file that was never used: its close operation is not called. */
void rumpk_file_discard(struct file *fp);
/* For a lookup: false when the file is gone. */
bool rumpk_file_tryhold(struct file *fp);

#endif
