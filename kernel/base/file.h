/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files and descriptors.
 *
 * Theory of operation: a struct file is what open(2) made; descriptors of one or several
 * processes, messages under way and calls in progress hold references to it. It is type-stable
 * memory from a pool, so that a descriptor is looked up without a lock: read the slot, take a
 * reference unless the count is zero, read the slot again. A reference on a file touches that
 * file's cache line and no other.
 *
 * What a file does is in its fileops. They are called with no lock held but, for read and write
 * of a seekable file at its own offset, the file's offset lock; each locks what it needs itself.
 * A NULL operation is answered by the system call layer as the comment at its member says.
 */
#ifndef KERNEL_BASE_FILE_H
#define KERNEL_BASE_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <rump/rumpdefs.h>
#include "kernel/base/component.h"
#include "kernel/base/cred.h"
#include "kernel/base/lock.h"
#include "kernel/base/uio.h"

struct file;
struct fdtable;
struct lwp;
struct proc;
struct rumpk_knote;
struct rumpk_poll;

enum rumpk_filetype { RUMPK_FT_VNODE = 1, RUMPK_FT_SOCKET, RUMPK_FT_PIPE, RUMPK_FT_KQUEUE, RUMPK_FT_MISC };

/* What reads and writes are told beside the file's own flags: none of fp's state need be consulted for these.
 */
#define RUMPK_IO_NONBLOCK 0x01 /* answer EAGAIN rather than sleep (from the file's O_NONBLOCK) */
#define RUMPK_IO_APPEND 0x02   /* write at the end, atomically, and set uio->offset (from O_APPEND) */
#define RUMPK_IO_SYNC 0x04     /* the data is durable before the call returns (O_SYNC, O_DSYNC) */
#define RUMPK_IO_POSITION 0x08 /* pread or pwrite: uio->offset was given by the caller */

struct fileops {
	enum rumpk_filetype type;
	/* Has an offset: read and write use and advance it, pread and pwrite are allowed (ESPIPE otherwise).
	 */
	bool seekable;

	/*
	 * Read from, or write to, uio->offset. Return 0 or an errno; what was moved is what uio->resid
	 * lost, and a short transfer before EINTR, EAGAIN or EBADF counts as success.
	 * EPIPE from write makes the caller send SIGPIPE. NULL: EOPNOTSUPP.
	 */
	int (*read)(struct file *fp, struct rumpk_uio *uio, int flags);
	int (*write)(struct file *fp, struct rumpk_uio *uio, int flags);

	/* The new offset for lseek. NULL: ESPIPE. Called with the offset lock held; current is fp's. */
	int (*seek)(struct file *fp, int64_t current, int64_t offset, int whence, int64_t *result);

	/*
	 * cmd with its argument copied in (and out again, as cmd's direction bits say); data has at
	 * least the size that they name. FIONBIO, FIOASYNC, FIOCLEX and FIONCLEX have been dealt with,
	 * the first two are passed on nevertheless. NULL, and for what it does not know: ENOTTY.
	 */
	int (*ioctl)(struct file *fp, unsigned long cmd, void *data);

	/*
	 * Commands of fcntl that base does not answer itself (F_GETLK, F_SETLK, F_SETLKW and what is
	 * marked F_FSCTL), with their argument (a struct rump_flock for locks) copied in and out. NULL:
	 * EINVAL.
	 */
	int (*fcntl)(struct file *fp, int cmd, void *arg);

	/*
	 * Which of the events (RUMP_POLL*) hold, and POLLERR, POLLHUP. When rp is not NULL, first put
	 * a watch on the object's notelist with rumpk_poll_watch(). NULL: always readable and writable.
	 */
	int (*poll)(struct file *fp, int events, struct rumpk_poll *rp);

	/* Attaches the knote by filling kn->ops and calling rumpk_knote_watch(). NULL: EOPNOTSUPP. */
	int (*kqfilter)(struct file *fp, struct rumpk_knote *kn);

	/* NULL: EOPNOTSUPP. *st is zeroed. */
	int (*stat)(struct file *fp, struct rump_stat *st);

	/* fp's flags are about to change from their present value (fcntl F_SETFL). NULL: nothing to do. */
	int (*setflags)(struct file *fp, uint32_t newflags);

	/*
	 * A process closes a descriptor of the file, perhaps not the last one: POSIX locks of that
	 * process go here, and calls that sleep are woken, to see whether theirs is the descriptor
	 * that went (rumpk_fd_gone). NULL: nothing to do.
	 */
	void (*fdclose)(struct file *fp, struct proc *p);

	/* The last reference is gone. Its result is close(2)'s when that was what dropped it. NULL: nothing
	 * to do. */
	int (*close)(struct file *fp);
};

struct file {
	/* Read-mostly: set before the file gets a descriptor. */
	_Alignas(64) const struct fileops *ops;
	void *data;
	/* Who opened it. */
	const struct rumpk_cred *cred;
	/* RUMPK_FREAD, RUMPK_FWRITE, and RUMP_O_NONBLOCK, RUMP_O_APPEND, RUMP_O_SYNC... as open(2) has them.
	 */
	_Atomic(uint32_t) flags;
	_Atomic(uint32_t) refs;
	/* Guarded by lock, for seekable files. */
	int64_t offset;
	rumpk_mutex lock;
	/* Knotes on descriptors of this file; guarded by a lock of kqueue's. */
	_Atomic(struct rumpk_knote *) knotes;
	void *pool_link;
};

#define RUMPK_FREAD 0x01u
#define RUMPK_FWRITE 0x02u

/* open(2)'s flags to file flags: the access mode counts from 0 there, and is two bits here. */
static inline uint32_t
rumpk_fflags(int oflags)
{
	return ((uint32_t)oflags & ~3u) | (((uint32_t)oflags + 1) & 3);
}

/*
 * Opening, in three steps: rumpk_fd_alloc() gives a new file with one reference, and reserves a
 * descriptor that nobody can use yet; fill in ops, data and flags; rumpk_fd_publish(). When
 * something fails between, rumpk_fd_abort() takes both back (ops->close is not called).
 * Errors: EMFILE, ENFILE, ENOMEM.
 */
RUMPK_EXPORT int rumpk_fd_alloc(struct lwp *l, struct file **fpp, int *fdp);
RUMPK_EXPORT void rumpk_fd_publish(struct lwp *l, struct file *fp, int fd, bool cloexec);
RUMPK_EXPORT void rumpk_fd_abort(struct lwp *l, struct file *fp, int fd);

/* The file of a descriptor, with a reference to be given back by rumpk_file_rele(); NULL: EBADF. */
RUMPK_EXPORT struct file *rumpk_fd_get(struct lwp *l, int fd);
/* The same, for files of one type only; *error is EBADF or wrong_type. */
RUMPK_EXPORT struct file *rumpk_fd_get_type(
    struct lwp *l, int fd, enum rumpk_filetype type, int wrong_type, int *error);
/*
 * Whether the descriptor that this call came in by, with a file whose data is this, has been
 * closed meanwhile: no sleep may follow, and the answer is EBADF. Asked before each sleep, with
 * the lock held under which the file's fdclose wakes those who sleep.
 */
RUMPK_EXPORT bool rumpk_fd_gone(const void *data);
/* Puts a file, whose reference it takes over, under the lowest free descriptor. */
/* ... or fails (EMFILE, ENOMEM), and then does not. */
RUMPK_EXPORT int rumpk_fd_install(struct lwp *l, struct file *fp, bool cloexec, int *fdp);
/* As close(2). */
RUMPK_EXPORT int rumpk_fd_close(struct lwp *l, int fd);

RUMPK_EXPORT void rumpk_file_hold(struct file *fp);
/* Drops a reference, and closes the file with the last one: hold no lock. The result is that of ops->close.
 */
RUMPK_EXPORT int rumpk_file_rele(struct file *fp);

/* For fileops.poll: puts a watch on the notelist that wakes the poller when any of what comes true. */
struct rumpk_notelist;
RUMPK_EXPORT void rumpk_poll_watch(struct rumpk_poll *rp, struct rumpk_notelist *list, uint32_t what);

#endif
