/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/mem.h"
#include <stdatomic.h>
#include <string.h>
#include <rump/rumpuser.h>
#include "kernel/base/memlimit.h"

/*
 * Theory of operation: the count of bytes in use is needed only when there is a limit, and only
 * allocations of a page and more are worth counting; smaller ones would make every thread write
 * to one shared word. So small ones are counted by the pools, a slab at a time.
 */
static _Atomic(uint64_t) used;
static uint64_t limit = UINT64_MAX;

static bool
charge(uint64_t len)
{
	uint64_t before = atomic_fetch_add_explicit(&used, len, memory_order_relaxed);

	if (before + len <= limit)
		return true;
	atomic_fetch_sub_explicit(&used, len, memory_order_relaxed);
	return false;
}

static void
uncharge(uint64_t len)
{
	atomic_fetch_sub_explicit(&used, len, memory_order_relaxed);
}

void
rumpk_mem_setlimit(uint64_t bytes)
{
	limit = bytes;
}

uint64_t
rumpk_mem_used(void)
{
	return atomic_load_explicit(&used, memory_order_relaxed);
}

uint64_t
rumpk_mem_limit(void)
{
	return limit;
}

void *
rumpk_alloc(size_t len)
{
	void *mem;

	if (len == 0)
		len = 1;
	if (len >= RUMPK_PAGE_SIZE && !charge(len))
		return NULL;
	if (rumpuser_malloc(len, 0, &mem) == 0)
		return mem;
	if (len >= RUMPK_PAGE_SIZE)
		uncharge(len);
	return NULL;
}

void *
rumpk_zalloc(size_t len)
{
	void *mem = rumpk_alloc(len);

	if (mem != NULL)
		memset(mem, 0, len);
	return mem;
}

void
rumpk_free(void *mem, size_t len)
{
	if (mem == NULL)
		return;
	if (len == 0)
		len = 1;
	rumpuser_free(mem, len);
	if (len >= RUMPK_PAGE_SIZE)
		uncharge(len);
}

char *
rumpk_strdup(const char *text)
{
	size_t len = strlen(text) + 1;
	char *copy = rumpk_alloc(len);

	if (copy != NULL)
		memcpy(copy, text, len);
	return copy;
}

void *
rumpk_pages_alloc(size_t npages)
{
	void *mem;
	size_t len;

	if (__builtin_mul_overflow(npages, (size_t)RUMPK_PAGE_SIZE, &len) || !charge(len))
		return NULL;
	if (rumpuser_anonmmap(NULL, len, 0, 0, &mem) == 0)
		return mem;
	uncharge(len);
	return NULL;
}

void
rumpk_pages_free(void *mem, size_t npages)
{
	if (mem == NULL)
		return;
	rumpuser_unmap(mem, npages * RUMPK_PAGE_SIZE);
	uncharge(npages * RUMPK_PAGE_SIZE);
}
