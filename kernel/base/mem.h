/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory. Everything comes from rumpuser_malloc() and rumpuser_anonmmap(); the kernel counts
 * what it takes against RUMP_MEMLIMIT.
 */
#ifndef KERNEL_BASE_MEM_H
#define KERNEL_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel/base/component.h"

struct rumpuser_mtx;

/* Returns NULL when the memory limit is reached or the host refuses. The caller frees with the same len. */
RUMPK_EXPORT void *rumpk_alloc(size_t len) __attribute__((__malloc__, __warn_unused_result__));

/* The same, cleared. */
RUMPK_EXPORT void *rumpk_zalloc(size_t len) __attribute__((__malloc__, __warn_unused_result__));

/* mem may be NULL. */
RUMPK_EXPORT void rumpk_free(void *mem, size_t len);

/* A copy of the string, to be freed with rumpk_free(copy, strlen(copy) + 1); NULL without memory. */
RUMPK_EXPORT char *rumpk_strdup(const char *text) __attribute__((__malloc__, __warn_unused_result__));

/*
 * Memory of file systems: whole pages, cleared, straight from the host and returned to it.
 * npages is a count of RUMPK_PAGE_SIZE.
 */
#define RUMPK_PAGE_SHIFT 12
#define RUMPK_PAGE_SIZE 4096
RUMPK_EXPORT void *rumpk_pages_alloc(size_t npages) __attribute__((__malloc__, __warn_unused_result__));
RUMPK_EXPORT void rumpk_pages_free(void *mem, size_t npages);

/* Bytes in use, and the limit (UINT64_MAX when there is none). */
RUMPK_EXPORT uint64_t rumpk_mem_used(void);
RUMPK_EXPORT uint64_t rumpk_mem_limit(void);

/*
 * A pool of equal objects, for what is allocated often. Objects are type-stable: memory that
 * once held one never holds anything else, so that a reader may look at an object that has
 * been returned (and must then check that it is still the one it wanted). An object keeps its
 * contents while it is in the pool; ctor runs once in its life, and returns 0 or an errno.
 * Free lists are per shard of the calling lwp, so that parallel threads do not meet.
 * Statically initialized with RUMPK_POOL_INIT; never destroyed.
 */
#define RUMPK_POOL_SHARDS 8
struct rumpk_pool_shard {
	_Alignas(64) struct rumpuser_mtx *lock;
	void *free;
	size_t nfree;
};
struct rumpk_pool {
	const char *name;
	size_t size;
	size_t align;
	int (*ctor)(void *object);
	/* Offset of a pointer in the object that the pool may use while the object is free. */
	size_t link;
	struct rumpk_pool_shard *shards;
};
#define RUMPK_POOL_INIT(pool_name, type, link_member, constructor) \
	{ \
		.name = (pool_name), .size = sizeof(type), .align = _Alignof(type), .ctor = (constructor), \
		.link = offsetof(type, link_member), .shards = NULL \
	}

/* To be called once, at boot, before the pool is used. */
RUMPK_EXPORT void rumpk_pool_init(struct rumpk_pool *pool);
/* NULL without memory. */
RUMPK_EXPORT void *rumpk_pool_get(struct rumpk_pool *pool) __attribute__((__warn_unused_result__));
RUMPK_EXPORT void rumpk_pool_put(struct rumpk_pool *pool, void *object);

#endif
