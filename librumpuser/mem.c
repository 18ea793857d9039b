/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rump/rumpdefs.h>
#include <rump/rumpuser.h>

#include "abi/errno.h"

/* Nothing that a 47-bit address space holds can be aligned to more. */
#define MAX_ALIGNBIT 46

int
rumpuser_malloc(size_t len, int alignment, void **memp)
{
	void *mem;

	if (alignment < 0 || (alignment & (alignment - 1)) != 0)
		return RUMP_EINVAL;
	/* What malloc() aligns to anyway is the path that counts: it is served from a cache of the thread's.
	 */
	if ((size_t)alignment <= alignof(max_align_t)) {
		mem = malloc(len);
		if (mem == NULL && len != 0)
			return RUMP_ENOMEM;
	} else if (posix_memalign(&mem, (size_t)alignment, len) != 0) {
		return RUMP_ENOMEM;
	}
	*memp = mem;
	return 0;
}

void
rumpuser_free(void *mem, size_t len)
{
	(void)len;
	free(mem);
}

/* Maps size bytes at a multiple of alignment by mapping more and giving back what is too much. */
static void *
map_aligned(size_t size, size_t alignment, int prot)
{
	size_t total, before, after;
	uintptr_t start, aligned;
	void *mem;

	if (__builtin_add_overflow(size, alignment, &total)) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	mem = mmap(NULL, total, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		return MAP_FAILED;
	start = (uintptr_t)mem;
	aligned = (start + alignment - 1) & ~(alignment - 1);
	before = aligned - start;
	after = alignment - before;
	if (before != 0)
		munmap(mem, before);
	if (after != 0)
		munmap((void *)(aligned + size), after);
	return (void *)aligned;
}

int
rumpuser_anonmmap(void *prefaddr, size_t size, int alignbit, int exec, void **memp)
{
	int prot = PROT_READ | PROT_WRITE | (exec ? PROT_EXEC : 0);
	size_t page = (size_t)sysconf(_SC_PAGESIZE), alignment;
	void *mem;

	if (alignbit < 0 || alignbit > MAX_ALIGNBIT || size == 0)
		return RUMP_EINVAL;
	if (__builtin_add_overflow(size, page - 1, &size))
		return RUMP_ENOMEM;
	size &= ~(page - 1);
	alignment = (size_t)1 << alignbit;

	/* prefaddr is a wish. It is tried first, since it may well be aligned. */
	if (prefaddr != NULL || alignment <= page) {
		mem = mmap(prefaddr, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (mem != MAP_FAILED && ((uintptr_t)mem & (alignment - 1)) != 0) {
			munmap(mem, size);
			mem = map_aligned(size, alignment, prot);
		}
	} else {
		mem = map_aligned(size, alignment, prot);
	}
	if (mem == MAP_FAILED)
		return abi_errno_to_netbsd(errno);
	*memp = mem;
	return 0;
}

void
rumpuser_unmap(void *addr, size_t len)
{
	munmap(addr, len);
}
