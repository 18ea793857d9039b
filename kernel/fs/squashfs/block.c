/* SPDX-License-Identifier: BSD-2-Clause */
/* Unpacked blocks of files, the latest used of them. */
#include <sqfs/error.h>
#include <string.h>
#include "kernel/base/mem.h"
#include "kernel/fs/squashfs/squashfs.h"

#define CACHE_BYTES (UINT64_C(32) << 20)

void
squash_cache_init(struct squash_cache *cache)
{
	rumpk_mutex_init(&cache->lock);
	TAILQ_INIT(&cache->used);
}

static struct squash_block **
bucket_of(struct squash_cache *cache, uint64_t ino, uint64_t index)
{
	return &cache->buckets[((ino ^ index << 20) * UINT64_C(0x9e3779b97f4a7c15)) >> 56];
}

static void
block_free(struct squash_block *block)
{
	sqfs_free(block->data);
	rumpk_free(block, sizeof(*block));
}

/* [cache lock] */
static void
forget(struct squash_cache *cache, struct squash_block *block)
{
	struct squash_block **link = bucket_of(cache, block->ino, block->index);

	while (*link != block)
		link = &(*link)->hash_next;
	*link = block->hash_next;
	TAILQ_REMOVE(&cache->used, block, used);
	cache->bytes -= block->size;
	block_free(block);
}

/* Down to the limit, as far as nobody is using them. [cache lock] */
static void
shrink(struct squash_cache *cache, uint64_t limit)
{
	struct squash_block *block, *before;

	for (block = TAILQ_LAST(&cache->used, squash_used); block != NULL && cache->bytes > limit;
	     block = before) {
		before = TAILQ_PREV(block, squash_used, used);
		if (block->pins == 0)
			forget(cache, block);
	}
}

void
squash_cache_fini(struct squash_cache *cache)
{
	rumpk_lock(cache->lock);
	shrink(cache, 0);
	rumpk_unlock(cache->lock);
	rumpk_mutex_destroy(&cache->lock);
}

static struct squash_block *
find(struct squash_cache *cache, uint64_t ino, uint64_t index)
{
	struct squash_block *block;

	rumpk_lock(cache->lock);
	block = *bucket_of(cache, ino, index);
	while (block != NULL && (block->ino != ino || block->index != index))
		block = block->hash_next;
	if (block != NULL) {
		block->pins++;
		TAILQ_REMOVE(&cache->used, block, used);
		TAILQ_INSERT_HEAD(&cache->used, block, used);
	}
	rumpk_unlock(cache->lock);
	return block;
}

static void
enter(struct squash_cache *cache, struct squash_block *block)
{
	struct squash_block **bucket = bucket_of(cache, block->ino, block->index);

	rumpk_lock(cache->lock);
	shrink(cache, CACHE_BYTES);
	block->pins = 1;
	block->hash_next = *bucket;
	*bucket = block;
	TAILQ_INSERT_HEAD(&cache->used, block, used);
	cache->bytes += block->size;
	rumpk_unlock(cache->lock);
}

/* [mount's lock] */
static int
unpack(struct squash_mount *m, struct squash_node *node, uint64_t index, struct squash_block *block)
{
	if (index < node->blocks)
		return sqfs_data_reader_get_block(
		    m->data, node->inode, (size_t)index, &block->size, &block->data);
	return sqfs_data_reader_get_fragment(m->data, node->inode, &block->size, &block->data);
}

/* Unpacks a block that is not in the cache, and enters it. [mount's lock] */
static int
make(struct squash_mount *m, struct vnode *vp, uint64_t index, struct squash_block **blockp)
{
	struct squash_block *block = rumpk_zalloc(sizeof(*block));
	int error;

	if (block == NULL)
		return SQFS_ERROR_ALLOC;
	block->ino = vp->v_ino;
	block->index = index;
	error = unpack(m, squash_node_of(vp), index, block);
	if (error != 0) {
		rumpk_free(block, sizeof(*block));
		return error;
	}
	enter(&m->cache, block);
	*blockp = block;
	return 0;
}

int
squash_block_get(struct vnode *vp, uint64_t index, struct squash_block **blockp)
{
	struct squash_mount *m = squash_mount_of(vp->v_mount);
	int error = 0;

	*blockp = find(&m->cache, vp->v_ino, index);
	if (*blockp != NULL)
		return 0;
	rumpk_lock(m->lock);
	/* Somebody else may have unpacked it meanwhile. */
	*blockp = find(&m->cache, vp->v_ino, index);
	if (*blockp == NULL)
		error = make(m, vp, index, blockp);
	rumpk_unlock(m->lock);
	return squash_error(m, error);
}

void
squash_block_put(struct squash_mount *m, struct squash_block *block)
{
	rumpk_lock(m->cache.lock);
	block->pins--;
	rumpk_unlock(m->cache.lock);
}
