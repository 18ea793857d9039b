/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving data between the kernel and its users.
 *
 * Theory of operation: a user's memory is this process's own, or a client's far away, which may
 * take its time to answer. So only the system call layer touches user memory, with no lock held
 * (rumpk_copyin and kin); a file's read and write get a uio over memory of this process, which
 * can neither fault nor wait, and may be moved under any lock.
 */
#ifndef KERNEL_BASE_UIO_H
#define KERNEL_BASE_UIO_H

#include <stddef.h>
#include <stdint.h>
#include <rump/rumpdefs.h>
#include "kernel/base/component.h"

struct lwp;

/* An address in the memory of the process that makes the call; what it points to is reached by copying only.
 */
typedef uint64_t rumpk_uaddr;

/*
 * All return 0 or a positive errno, EFAULT for a null address or when the client refuses.
 * They may sleep: hold no lock.
 */
RUMPK_EXPORT int rumpk_copyin(struct lwp *l, rumpk_uaddr uaddr, void *kaddr, size_t len);
RUMPK_EXPORT int rumpk_copyout(struct lwp *l, const void *kaddr, rumpk_uaddr uaddr, size_t len);
/* A string with its NUL into a buffer of len bytes; ENAMETOOLONG when it does not fit. done may be NULL. */
RUMPK_EXPORT int rumpk_copyinstr(struct lwp *l, rumpk_uaddr uaddr, char *kaddr, size_t len, size_t *done);

enum rumpk_rw { RUMPK_READ, RUMPK_WRITE };

/* A transfer under way. RUMPK_READ fills the memory, RUMPK_WRITE takes from it. */
struct rumpk_uio {
	struct rump_iovec *iov;
	int iovcnt;
	enum rumpk_rw rw;
	/* What is still to be moved, over all of iov. */
	size_t resid;
	/* Where in the file the rest goes; rumpk_uiomove() advances it. */
	int64_t offset;
};

/* Moves min(len, uio->resid) bytes between the kernel's buf and the uio's memory; never fails. */
RUMPK_EXPORT void rumpk_uiomove(void *buf, size_t len, struct rumpk_uio *uio);
/* Fills the uio's memory (of a RUMPK_READ) with len zeros. */
RUMPK_EXPORT void rumpk_uiozero(size_t len, struct rumpk_uio *uio);
/*
 * The next piece of memory that is contiguous, or NULL when nothing is left; its length goes to
 * *len. For passing it on without a copy: rumpk_uioskip() accounts for what was done.
 */
RUMPK_EXPORT void *rumpk_uiopiece(const struct rumpk_uio *uio, size_t *len);
RUMPK_EXPORT void rumpk_uioskip(struct rumpk_uio *uio, size_t len);

#endif
