/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation: a shard is a free list with a lock; a thread uses the shard of its lwp.
 * An empty shard takes a slab from the host and cuts it up. An object returned goes to the shard
 * of the thread that returns it, so objects may drift; a shard that has grown beyond a few slabs
 * and a shard that is empty meet through the first shard, which is everybody's reserve.
 */
#include "kernel/base/mem.h"
#include <string.h>
#include "kernel/base/lock.h"
#include "kernel/base/lwp.h"
#include "kernel/base/print.h"

#define SLAB_BYTES 4096
#define SHARD_KEEPS 32

static void **
link_of(const struct rumpk_pool *pool, void *object)
{
	return (void **)(void *)((char *)object + pool->link);
}

void
rumpk_pool_init(struct rumpk_pool *pool)
{
	void *mem;

	if (rumpuser_malloc(sizeof(*pool->shards) * RUMPK_POOL_SHARDS, 64, &mem) != 0)
		rumpk_panic("no memory for pool %s", pool->name);
	pool->shards = mem;
	for (unsigned i = 0; i < RUMPK_POOL_SHARDS; i++) {
		pool->shards[i].free = NULL;
		pool->shards[i].nfree = 0;
		rumpk_mutex_init(&pool->shards[i].lock);
	}
}

/* Both with the shard's lock held. */
static void *
pop(struct rumpk_pool *pool, struct rumpk_pool_shard *shard)
{
	void *object = shard->free;

	if (object != NULL) {
		shard->free = *link_of(pool, object);
		__atomic_store_n(&shard->nfree, shard->nfree - 1, __ATOMIC_RELAXED);
	}
	return object;
}

static void
push(struct rumpk_pool *pool, struct rumpk_pool_shard *shard, void *object)
{
	*link_of(pool, object) = shard->free;
	shard->free = object;
	__atomic_store_n(&shard->nfree, shard->nfree + 1, __ATOMIC_RELAXED);
}

/* A new slab: its first object is the result, the others are chained through their links to *rest. */
static void *
slab_make(struct rumpk_pool *pool, void **rest)
{
	size_t stride = (pool->size + pool->align - 1) / pool->align * pool->align;
	size_t count = stride >= SLAB_BYTES ? 1 : SLAB_BYTES / stride;
	void *slab, *first = NULL;

	if (rumpuser_malloc(stride * count, (int)(pool->align < 16 ? 16 : pool->align), &slab) != 0)
		return NULL;
	memset(slab, 0, stride * count);
	*rest = NULL;
	for (size_t i = 0; i < count; i++) {
		void *object = (char *)slab + i * stride;

		if (pool->ctor != NULL && pool->ctor(object) != 0)
			continue;
		if (first == NULL) {
			first = object;
			continue;
		}
		*link_of(pool, object) = *rest;
		*rest = object;
	}
	return first;
}

void *
rumpk_pool_get(struct rumpk_pool *pool)
{
	struct rumpk_pool_shard *shard = &pool->shards[rumpk_curlwp()->shard % RUMPK_POOL_SHARDS];
	struct rumpk_pool_shard *reserve = &pool->shards[0];
	void *object, *rest;

	rumpk_lock(shard->lock);
	object = pop(pool, shard);
	rumpk_unlock(shard->lock);
	if (object != NULL)
		return object;
	if (shard != reserve) {
		rumpk_lock(reserve->lock);
		object = pop(pool, reserve);
		rumpk_unlock(reserve->lock);
		if (object != NULL)
			return object;
	}
	object = slab_make(pool, &rest);
	if (object == NULL)
		return NULL;
	rumpk_lock(shard->lock);
	while (rest != NULL) {
		void *next = *link_of(pool, rest);

		push(pool, shard, rest);
		rest = next;
	}
	rumpk_unlock(shard->lock);
	return object;
}

void
rumpk_pool_put(struct rumpk_pool *pool, void *object)
{
	struct rumpk_pool_shard *shard = &pool->shards[rumpk_curlwp()->shard % RUMPK_POOL_SHARDS];

	/* Read without the lock: a hint is enough to choose where it goes. */
	if (__atomic_load_n(&shard->nfree, __ATOMIC_RELAXED) >= SHARD_KEEPS)
		shard = &pool->shards[0];
	rumpk_lock(shard->lock);
	push(pool, shard, object);
	rumpk_unlock(shard->lock);
}
