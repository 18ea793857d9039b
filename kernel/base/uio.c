/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/uio.h"
#include <string.h>
#include <rump/rumpuser.h>
#include "kernel/base/lwp.h"

/* An address that no program has anything at: what NetBSD answers EFAULT for in a process of its own. */
static bool
bad(rumpk_uaddr uaddr)
{
	return uaddr == 0;
}

static void *
local(rumpk_uaddr uaddr)
{
	return (void *)(uintptr_t)uaddr;
}

int
rumpk_copyin(struct lwp *l, rumpk_uaddr uaddr, void *kaddr, size_t len)
{
	if (len == 0)
		return 0;
	if (bad(uaddr))
		return RUMP_EFAULT;
	if (!rumpk_proc_islocal(l->proc))
		return rumpuser_sp_copyin(l->proc->priv, local(uaddr), kaddr, len);
	memcpy(kaddr, local(uaddr), len);
	return 0;
}

int
rumpk_copyout(struct lwp *l, const void *kaddr, rumpk_uaddr uaddr, size_t len)
{
	if (len == 0)
		return 0;
	if (bad(uaddr))
		return RUMP_EFAULT;
	if (!rumpk_proc_islocal(l->proc))
		return rumpuser_sp_copyout(l->proc->priv, kaddr, local(uaddr), len);
	memcpy(local(uaddr), kaddr, len);
	return 0;
}

int
rumpk_copyinstr(struct lwp *l, rumpk_uaddr uaddr, char *kaddr, size_t len, size_t *done)
{
	size_t got = len;

	if (bad(uaddr))
		return RUMP_EFAULT;
	if (len == 0)
		return RUMP_ENAMETOOLONG;
	if (!rumpk_proc_islocal(l->proc)) {
		int error = rumpuser_sp_copyinstr(l->proc->priv, local(uaddr), kaddr, &got);

		if (error != 0)
			return error;
		if (got == 0 || got > len || kaddr[got - 1] != '\0')
			return RUMP_ENAMETOOLONG;
	} else {
		const char *end = memccpy(kaddr, local(uaddr), '\0', len);

		if (end == NULL)
			return RUMP_ENAMETOOLONG;
		got = (size_t)(end - kaddr);
	}
	if (done != NULL)
		*done = got;
	return 0;
}

void *
rumpk_uiopiece(const struct rumpk_uio *uio, size_t *len)
{
	const struct rump_iovec *iov = uio->iov;

	if (uio->resid == 0)
		return NULL;
	while (iov->iov_len == 0)
		iov++;
	*len = iov->iov_len < uio->resid ? iov->iov_len : uio->resid;
	return iov->iov_base;
}

void
rumpk_uioskip(struct rumpk_uio *uio, size_t len)
{
	uio->resid -= len;
	uio->offset += (int64_t)len;
	while (len > 0) {
		size_t n = uio->iov->iov_len < len ? uio->iov->iov_len : len;

		uio->iov->iov_base = (char *)uio->iov->iov_base + n;
		uio->iov->iov_len -= n;
		len -= n;
		if (uio->iov->iov_len == 0 && uio->iovcnt > 1) {
			uio->iov++;
			uio->iovcnt--;
		}
	}
}

void
rumpk_uiomove(void *buf, size_t len, struct rumpk_uio *uio)
{
	char *at = buf;

	if (len > uio->resid)
		len = uio->resid;
	while (len > 0) {
		size_t n;
		void *piece = rumpk_uiopiece(uio, &n);

		if (n > len)
			n = len;
		if (uio->rw == RUMPK_READ)
			memcpy(piece, at, n);
		else
			memcpy(at, piece, n);
		rumpk_uioskip(uio, n);
		at += n;
		len -= n;
	}
}

void
rumpk_uiozero(size_t len, struct rumpk_uio *uio)
{
	if (len > uio->resid)
		len = uio->resid;
	while (len > 0) {
		size_t n;
		void *piece = rumpk_uiopiece(uio, &n);

		if (n > len)
			n = len;
		memset(piece, 0, n);
		rumpk_uioskip(uio, n);
		len -= n;
	}
}
