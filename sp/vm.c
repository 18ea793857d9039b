/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "sp/vm.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

#define PAGE 4096

/* The kernel copies at most this much in one call. */
#define AT_ONCE ((size_t)1 << 30)

typedef ssize_t copy_fn(
    pid_t, const struct iovec *, unsigned long, const struct iovec *, unsigned long, unsigned long);

static int
copy(copy_fn *fn, pid_t pid, sp_addr_t addr, void *ours, size_t len)
{
	while (len != 0) {
		struct iovec here = {ours, len < AT_ONCE ? len : AT_ONCE};
		struct iovec there = {(void *)(uintptr_t)addr, here.iov_len};
		ssize_t n = fn(pid, &here, 1, &there, 1, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EFAULT;
		/* A partial copy ended at a page that is not there: the next round says so. */
		ours = (char *)ours + n;
		addr += (size_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int
sp_vm_read(pid_t pid, sp_addr_t addr, void *dst, size_t len)
{
	return copy(process_vm_readv, pid, addr, dst, len);
}

int
sp_vm_write(pid_t pid, sp_addr_t addr, const void *src, size_t len)
{
	return copy(process_vm_writev, pid, addr, (void *)(uintptr_t)src, len);
}

int
sp_vm_read_string(pid_t pid, sp_addr_t addr, char *dst, size_t *len)
{
	size_t have = 0;

	while (have < *len) {
		/* Never across a page's end: the string may be the last thing before a hole. */
		size_t n = PAGE - (size_t)((addr + have) % PAGE);
		const char *nul;
		int error;

		if (n > *len - have)
			n = *len - have;
		/* Most strings are short. */
		if (have == 0 && n > 256)
			n = 256;
		error = sp_vm_read(pid, addr + have, dst + have, n);
		if (error != 0)
			return error;
		nul = memchr(dst + have, '\0', n);
		if (nul != NULL) {
			*len = (size_t)(nul - dst) + 1;
			return 0;
		}
		have += n;
	}
	return -ENAMETOOLONG;
}
