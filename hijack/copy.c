/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/copy.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "hijack/gate.h"
#include "hijack/mem.h"
#include "hijack/thread.h"

#define PAGE 4096
#define STRING_PIECE 256 /* most strings are shorter; reading more takes longer */

static uintptr_t constant_start, constant_end;

/* -EPERM: it cannot be done this way. Otherwise the number of bytes that were there. */
static long
transfer(long number, void *mine, uint64_t theirs, size_t size)
{
	struct iovec local = {mine, size}, remote = {(void *)(uintptr_t)theirs, size};
	long n;

	if (hijack_process()->sandboxed)
		return -EPERM;
	n = hijack_own(number, hijack_process()->pid, (long)&local, 1, (long)&remote, 1, 0);
	return n == -ENOSYS || n == -ESRCH ? -EPERM : n;
}

int
hijack_copyin(void *to, uint64_t from, size_t size)
{
	long n = size > 0 ? transfer(SYS_process_vm_readv, to, from, size) : 0;

	if (n != -EPERM)
		return n >= 0 && (size_t)n == size ? 0 : -EFAULT;
	/* A bad address now faults in the program's place. */
	memcpy(to, (const void *)(uintptr_t)from, size);
	return 0;
}

int
hijack_copyout(uint64_t to, const void *from, size_t size)
{
	long n = size > 0 ? transfer(SYS_process_vm_writev, (void *)(uintptr_t)from, to, size) : 0;

	if (n != -EPERM)
		return n >= 0 && (size_t)n == size ? 0 : -EFAULT;
	memcpy((void *)(uintptr_t)to, from, size);
	return 0;
}

void
hijack_copy_constants(const void *start, size_t size)
{
	constant_start = (uintptr_t)start;
	constant_end = constant_start + size;
}

ssize_t
hijack_copyinstr(char *to, uint64_t from, size_t size)
{
	size_t done = 0;

	while (from + done >= constant_start && from + done < constant_end && done < size) {
		to[done] = *(const char *)(uintptr_t)(from + done);
		if (to[done] == '\0')
			return (ssize_t)done;
		done++;
	}
	while (done < size) {
		/* No further than the page: the next one may not be there, and the string may end before. */
		size_t piece = PAGE - ((from + done) & (PAGE - 1));

		if (piece > size - done)
			piece = size - done;
		if (piece > STRING_PIECE)
			piece = STRING_PIECE;
		if (hijack_copyin(to + done, from + done, piece) != 0)
			return -EFAULT;
		for (size_t i = done; i < done + piece; i++) {
			if (to[i] == '\0')
				return (ssize_t)i;
		}
		done += piece;
	}
	return -ENAMETOOLONG;
}
