/* SPDX-License-Identifier: BSD-2-Clause */
/* Arrays of iovecs from user memory. */
#ifndef KERNEL_BASE_IOVEC_H
#define KERNEL_BASE_IOVEC_H

#include <stddef.h>
#include "kernel/base/uio.h"

struct file;

/*
 * Copies the array in and checks it: EINVAL for a count or a sum that is out of range, EFAULT, ENOMEM.
 * The sum goes to *total. To be returned by rumpk_iovec_put() with the same count.
 */
RUMPK_EXPORT int rumpk_iovec_get(
    struct lwp *l, rumpk_uaddr uaddr, int count, struct rump_iovec **iovp, size_t *total);
RUMPK_EXPORT void rumpk_iovec_put(struct rump_iovec *iov, int count);

/* Between user memory that the iovecs describe and a buffer of the kernel; len bytes of it. May sleep. */
RUMPK_EXPORT int rumpk_iovec_copyin(
    struct lwp *l, const struct rump_iovec *iov, int count, void *buf, size_t len);
RUMPK_EXPORT int rumpk_iovec_copyout(
    struct lwp *l, const struct rump_iovec *iov, int count, const void *buf, size_t len);

/*
 * A whole read or write of a file, with user memory in the uio: at *offset, or at the file's own
 * when that is NULL. *retval gets what was moved.
 */
int rumpk_file_io(struct lwp *l, struct file *fp, struct rumpk_uio *uio, const int64_t *offset, long *retval);

#endif
