/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/iovec.h"
#include <limits.h>
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"

static int
check(struct lwp *l, const struct rump_iovec *iov, int count, size_t *total)
{
	*total = 0;
	for (int i = 0; i < count; i++) {
		if (__builtin_add_overflow(*total, iov[i].iov_len, total) || *total > SSIZE_MAX)
			return RUMP_EINVAL;
		if (rumpk_proc_islocal(l->proc) && iov[i].iov_len > 0 && iov[i].iov_base == NULL)
			return RUMP_EFAULT;
	}
	return 0;
}

int
rumpk_iovec_get(struct lwp *l, rumpk_uaddr uaddr, int count, struct rump_iovec **iovp, size_t *total)
{
	size_t size = (size_t)count * sizeof(**iovp);
	struct rump_iovec *iov;
	int error;

	if (count <= 0 || count > RUMP_IOV_MAX)
		return RUMP_EINVAL;
	iov = rumpk_alloc(size);
	if (iov == NULL)
		return RUMP_ENOMEM;
	error = rumpk_copyin(l, uaddr, iov, size);
	if (error == 0)
		error = check(l, iov, count, total);
	if (error != 0) {
		rumpk_free(iov, size);
		return error;
	}
	*iovp = iov;
	return 0;
}

void
rumpk_iovec_put(struct rump_iovec *iov, int count)
{
	rumpk_free(iov, (size_t)count * sizeof(*iov));
}

int
rumpk_iovec_copyin(struct lwp *l, const struct rump_iovec *iov, int count, void *buf, size_t len)
{
	char *at = buf;

	for (int i = 0; i < count && len > 0; i++) {
		size_t n = iov[i].iov_len < len ? iov[i].iov_len : len;
		int error = rumpk_copyin(l, (rumpk_uaddr)(uintptr_t)iov[i].iov_base, at, n);

		if (error != 0)
			return error;
		at += n;
		len -= n;
	}
	return 0;
}

int
rumpk_iovec_copyout(struct lwp *l, const struct rump_iovec *iov, int count, const void *buf, size_t len)
{
	const char *at = buf;

	for (int i = 0; i < count && len > 0; i++) {
		size_t n = iov[i].iov_len < len ? iov[i].iov_len : len;
		int error = rumpk_copyout(l, at, (rumpk_uaddr)(uintptr_t)iov[i].iov_base, n);

		if (error != 0)
			return error;
		at += n;
		len -= n;
	}
	return 0;
}
