/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <rump/rumpdefs.h>
#include "kernel/base/mem.h"
#include "kernel/fs/ext2fs/cache.h"

#define CACHE_BYTES (UINT64_C(64) << 20)
#define FIRST_BUCKETS 4

void
ext2_cache_init(struct ext2_cache *cache, uint32_t block_size)
{
	memset(cache, 0, sizeof(*cache));
	cache->block_size = block_size;
	rumpk_mutex_init(&cache->lock);
	TAILQ_INIT(&cache->ring);
}

static size_t
data_bytes(const struct ext2_cache *cache, uint32_t capacity)
{
	return (size_t)capacity * cache->block_size;
}

void
ext2_cache_fini(struct ext2_cache *cache)
{
	while (cache->nspare > 0)
		rumpk_free(cache->spare[--cache->nspare], data_bytes(cache, CHUNK_BLOCKS));
	rumpk_mutex_destroy(&cache->lock);
}

void
ext2_file_cache_init(struct ext2_file_cache *file, struct ext2_cache *cache)
{
	memset(file, 0, sizeof(*file));
	file->cache = cache;
	rumpk_mutex_init(&file->lock);
	rumpk_mutex_init(&file->filling);
}

static uint64_t
chunk_bytes(const struct ext2_chunk *chunk)
{
	return (uint64_t)chunk->capacity * chunk->file->cache->block_size;
}

static struct ext2_chunk **
bucket_of(struct ext2_file_cache *file, uint64_t index)
{
	return &file->table[index & (file->buckets - 1)];
}

/* Takes a chunk out of its file's table. [file lock] */
static void
unhash(struct ext2_chunk *chunk)
{
	struct ext2_chunk **link = bucket_of(chunk->file, chunk->index);

	while (*link != chunk)
		link = &(*link)->hash_next;
	*link = chunk->hash_next;
	chunk->file->count--;
}

/* Takes it out of the ring. [cache lock] */
static void
leave_ring(struct ext2_cache *cache, struct ext2_chunk *chunk)
{
	TAILQ_REMOVE(&cache->ring, chunk, ring);
	cache->bytes -= chunk_bytes(chunk);
}

/* Memory for that many blocks. */
static char *
data_alloc(struct ext2_cache *cache, uint32_t capacity)
{
	char *data = NULL;

	if (capacity == CHUNK_BLOCKS) {
		rumpk_lock(cache->lock);
		if (cache->nspare > 0)
			data = cache->spare[--cache->nspare];
		rumpk_unlock(cache->lock);
	}
	return data != NULL ? data : rumpk_alloc(data_bytes(cache, capacity));
}

static void
data_free(struct ext2_cache *cache, char *data, uint32_t capacity)
{
	if (capacity == CHUNK_BLOCKS) {
		rumpk_lock(cache->lock);
		if (cache->nspare < SPARE_CHUNKS) {
			cache->spare[cache->nspare++] = data;
			data = NULL;
		}
		rumpk_unlock(cache->lock);
	}
	rumpk_free(data, data_bytes(cache, capacity));
}

static void
chunk_free(struct ext2_chunk *chunk)
{
	data_free(chunk->file->cache, chunk->data, chunk->capacity);
	rumpk_free(chunk, sizeof(*chunk));
}

static void
count_dirty(struct ext2_cache *cache, int64_t blocks)
{
	__atomic_fetch_add(&cache->dirty_bytes, (uint64_t)(blocks * cache->block_size), __ATOMIC_RELAXED);
}

void
ext2_file_cache_fini(struct ext2_file_cache *file)
{
	(void)ext2_cache_drop(file, 0, UINT64_MAX);
	rumpk_free(file->table, file->buckets * sizeof(struct ext2_chunk *));
	rumpk_mutex_destroy(&file->lock);
	rumpk_mutex_destroy(&file->filling);
}

/*
 * Gives back what has not been used lately, once round the ring at most. A file's lock ranks above the
 * ring's: it is only tried here.
 */
static void
make_room(struct ext2_cache *cache)
{
	struct ext2_chunk *chunk, *next, *given = NULL;
	uint64_t looked = 0;

	rumpk_lock(cache->lock);
	for (chunk = TAILQ_FIRST(&cache->ring);
	     chunk != NULL && cache->bytes > CACHE_BYTES && looked++ < 4096; chunk = next) {
		struct ext2_file_cache *file = chunk->file;
		bool was_used = __atomic_load_n(&chunk->used, __ATOMIC_RELAXED);

		next = TAILQ_NEXT(chunk, ring);
		__atomic_store_n(&chunk->used, false, __ATOMIC_RELAXED);
		if (was_used || rumpuser_mutex_tryenter(file->lock) != 0) {
			TAILQ_REMOVE(&cache->ring, chunk, ring);
			TAILQ_INSERT_TAIL(&cache->ring, chunk, ring);
			continue;
		}
		if (__atomic_load_n(&chunk->pins, __ATOMIC_ACQUIRE) == 0 &&
		    __atomic_load_n(&chunk->dirty, __ATOMIC_ACQUIRE) == 0) {
			leave_ring(cache, chunk);
			unhash(chunk);
			chunk->hash_next = given;
			given = chunk;
		}
		rumpk_unlock(file->lock);
	}
	rumpk_unlock(cache->lock);
	while ((chunk = given) != NULL) {
		given = chunk->hash_next;
		chunk_free(chunk);
	}
}

static struct ext2_chunk *
find_locked(struct ext2_file_cache *file, uint64_t index)
{
	struct ext2_chunk *chunk = file->buckets != 0 ? *bucket_of(file, index) : NULL;

	while (chunk != NULL && chunk->index != index)
		chunk = chunk->hash_next;
	if (chunk != NULL) {
		__atomic_fetch_add(&chunk->pins, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&chunk->used, true, __ATOMIC_RELAXED);
	}
	return chunk;
}

struct ext2_chunk *
ext2_chunk_find(struct ext2_file_cache *file, uint64_t index)
{
	struct ext2_chunk *chunk;

	rumpk_lock(file->lock);
	chunk = find_locked(file, index);
	rumpk_unlock(file->lock);
	return chunk;
}

void
ext2_chunk_unpin(struct ext2_chunk *chunk)
{
	__atomic_fetch_sub(&chunk->pins, 1, __ATOMIC_RELEASE);
}

/* [file lock] */
static int
grow_table(struct ext2_file_cache *file)
{
	uint32_t buckets = file->buckets == 0 ? FIRST_BUCKETS : file->buckets * 4;
	struct ext2_chunk **table, **old = file->table;
	uint32_t old_buckets = file->buckets;

	if (file->count < file->buckets * 2)
		return 0;
	table = rumpk_zalloc(buckets * sizeof(struct ext2_chunk *));
	if (table == NULL)
		return old_buckets == 0 ? RUMP_ENOMEM : 0;
	file->table = table;
	file->buckets = buckets;
	for (uint32_t i = 0; i < old_buckets; i++) {
		struct ext2_chunk *chunk = old[i], *next;

		for (; chunk != NULL; chunk = next) {
			next = chunk->hash_next;
			chunk->hash_next = *bucket_of(file, chunk->index);
			*bucket_of(file, chunk->index) = chunk;
		}
	}
	rumpk_free(old, old_buckets * sizeof(struct ext2_chunk *));
	return 0;
}

static uint32_t
round_capacity(uint32_t blocks)
{
	uint32_t capacity = 1;

	while (capacity < blocks)
		capacity *= 2;
	return capacity;
}

/* The chunk has no room for that many blocks: moves it. [X vnode, so nobody else has it pinned] */
static int
grow_chunk(struct ext2_chunk *chunk, uint32_t blocks)
{
	struct ext2_cache *cache = chunk->file->cache;
	uint32_t capacity = round_capacity(blocks);
	char *data = data_alloc(cache, capacity);

	if (data == NULL)
		return RUMP_ENOMEM;
	memcpy(data, chunk->data, (size_t)chunk_bytes(chunk));
	data_free(cache, chunk->data, chunk->capacity);
	rumpk_lock(cache->lock);
	cache->bytes += (uint64_t)(capacity - chunk->capacity) * cache->block_size;
	chunk->data = data;
	chunk->capacity = capacity;
	rumpk_unlock(cache->lock);
	return 0;
}

static struct ext2_chunk *
chunk_alloc(struct ext2_file_cache *file, uint64_t index, uint32_t blocks)
{
	struct ext2_chunk *chunk = rumpk_zalloc(sizeof(*chunk));

	if (chunk == NULL)
		return NULL;
	chunk->index = index;
	chunk->file = file;
	chunk->capacity = round_capacity(blocks);
	chunk->pins = 1;
	chunk->used = true;
	chunk->data = data_alloc(file->cache, chunk->capacity);
	if (chunk->data == NULL) {
		rumpk_free(chunk, sizeof(*chunk));
		return NULL;
	}
	return chunk;
}

int
ext2_chunk_get(struct ext2_file_cache *file, uint64_t index, uint32_t blocks, struct ext2_chunk **chunkp)
{
	struct ext2_chunk *chunk = ext2_chunk_find(file, index), *made;
	int error = 0;

	if (chunk != NULL) {
		if (chunk->capacity < blocks && (error = grow_chunk(chunk, blocks)) != 0)
			ext2_chunk_unpin(chunk);
		*chunkp = chunk;
		return error;
	}
	make_room(file->cache);
	made = chunk_alloc(file, index, blocks);
	if (made == NULL)
		return RUMP_ENOMEM;
	rumpk_lock(file->lock);
	chunk = find_locked(file, index);
	if (chunk == NULL && (error = grow_table(file)) == 0) {
		made->hash_next = *bucket_of(file, index);
		*bucket_of(file, index) = made;
		file->count++;
		rumpk_lock(file->cache->lock);
		TAILQ_INSERT_TAIL(&file->cache->ring, made, ring);
		file->cache->bytes += chunk_bytes(made);
		rumpk_unlock(file->cache->lock);
		chunk = made;
		made = NULL;
	}
	rumpk_unlock(file->lock);
	if (made != NULL)
		chunk_free(made);
	*chunkp = chunk;
	return error;
}

void
ext2_chunk_set_dirty(struct ext2_chunk *chunk, uint32_t block)
{
	uint64_t bit = UINT64_C(1) << block;

	if (chunk->dirty == 0)
		chunk->file->ndirty++;
	if ((chunk->dirty & bit) == 0) {
		__atomic_store_n(&chunk->dirty, chunk->dirty | bit, __ATOMIC_RELEASE);
		count_dirty(chunk->file->cache, 1);
	}
	__atomic_store_n(&chunk->valid, chunk->valid | bit, __ATOMIC_RELEASE);
}

void
ext2_chunk_set_clean(struct ext2_chunk *chunk)
{
	if (chunk->dirty == 0)
		return;
	count_dirty(chunk->file->cache, -(int64_t)__builtin_popcountll(chunk->dirty));
	chunk->fresh = 0;
	chunk->file->ndirty--;
	__atomic_store_n(&chunk->dirty, 0, __ATOMIC_RELEASE);
}

struct ext2_chunk *
ext2_chunk_next_dirty(struct ext2_file_cache *file, uint64_t from)
{
	struct ext2_chunk *best = NULL;

	if (file->ndirty == 0)
		return NULL;
	rumpk_lock(file->lock);
	for (uint32_t i = 0; i < file->buckets; i++)
		for (struct ext2_chunk *chunk = file->table[i]; chunk != NULL; chunk = chunk->hash_next)
			if (chunk->dirty != 0 && chunk->index >= from &&
			    (best == NULL || chunk->index < best->index))
				best = chunk;
	if (best != NULL)
		__atomic_fetch_add(&best->pins, 1, __ATOMIC_RELAXED);
	rumpk_unlock(file->lock);
	return best;
}

/* The chunk's blocks that lie in [first, last], as bits. */
static uint64_t
blocks_within(const struct ext2_chunk *chunk, uint64_t first, uint64_t last)
{
	uint64_t begin = chunk->index * CHUNK_BLOCKS, bits = UINT64_MAX;

	if (last < begin || first > begin + CHUNK_BLOCKS - 1)
		return 0;
	if (first > begin)
		bits &= UINT64_MAX << (first - begin);
	if (last < begin + CHUNK_BLOCKS - 1)
		bits &= UINT64_MAX >> (begin + CHUNK_BLOCKS - 1 - last);
	return bits;
}

uint64_t
ext2_cache_drop(struct ext2_file_cache *file, uint64_t first, uint64_t last)
{
	struct ext2_chunk *given = NULL, *chunk, *next;
	uint64_t promised = 0;

	rumpk_lock(file->lock);
	for (uint32_t i = 0; i < file->buckets; i++) {
		for (chunk = file->table[i]; chunk != NULL; chunk = next) {
			uint64_t bits = blocks_within(chunk, first, last);

			next = chunk->hash_next;
			if (bits == 0)
				continue;
			promised += (uint64_t)__builtin_popcountll(chunk->fresh & bits);
			chunk->fresh &= ~bits;
			count_dirty(file->cache, -(int64_t)__builtin_popcountll(chunk->dirty & bits));
			if (chunk->dirty != 0 && (chunk->dirty & ~bits) == 0)
				file->ndirty--;
			__atomic_store_n(&chunk->dirty, chunk->dirty & ~bits, __ATOMIC_RELEASE);
			__atomic_store_n(&chunk->valid, chunk->valid & ~bits, __ATOMIC_RELEASE);
			if (chunk->valid != 0)
				continue;
			unhash(chunk);
			rumpk_lock(file->cache->lock);
			leave_ring(file->cache, chunk);
			rumpk_unlock(file->cache->lock);
			chunk->hash_next = given;
			given = chunk;
		}
	}
	rumpk_unlock(file->lock);
	while ((chunk = given) != NULL) {
		given = chunk->hash_next;
		chunk_free(chunk);
	}
	return promised;
}
