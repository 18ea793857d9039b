/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contents of files in memory.
 *
 * Theory of operation: a file's contents are cached in chunks of up to CHUNK_BLOCKS blocks, each block valid
 * or not, and dirty or not. A chunk is pinned while it is used: it neither moves nor goes then. Who reads
 * holds the vnode's shared lock, so several may be in one chunk, and fill different blocks of it, at once:
 * filling is done under the file's `filling` mutex. Who writes holds the vnode's exclusive lock. All chunks
 * of a mount are in a ring; when they are more than they should be, clean ones that have not been used lately
 * are given back, by whoever wants a new one.
 */
#ifndef KERNEL_FS_EXT2FS_CACHE_H
#define KERNEL_FS_EXT2FS_CACHE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include "kernel/base/lock.h"

#define CHUNK_BLOCKS 64

struct ext2_file_cache;

struct ext2_chunk {
	uint64_t index;    /* the file's chunk number */
	uint64_t valid;    /* a bit a block; set after the block is filled (release) */
	uint64_t dirty;    /* guarded by the vnode's exclusive lock */
	uint64_t fresh;    /* dirty blocks that a promise was taken for */
	uint32_t capacity; /* blocks that `data` has room for */
	uint32_t pins;     /* atomic */
	bool used;         /* lately */
	char *data;
	struct ext2_file_cache *file;
	struct ext2_chunk *hash_next;
	TAILQ_ENTRY(ext2_chunk) ring;
};

/* Memory of whole chunks that is kept for the next ones: getting it from the host again costs page faults. */
#define SPARE_CHUNKS 32

struct ext2_cache {
	rumpk_mutex lock; /* guards the ring, `bytes` and the spare memory */
	uint64_t bytes;
	uint64_t dirty_bytes; /* atomic */
	uint32_t block_size;
	TAILQ_HEAD(ext2_ring, ext2_chunk) ring;
	char *spare[SPARE_CHUNKS];
	unsigned nspare;
};

struct ext2_file_cache {
	struct ext2_cache *cache;
	rumpk_mutex lock;    /* guards the table */
	rumpk_mutex filling; /* held while blocks are read into chunks */
	struct ext2_chunk **table;
	uint32_t buckets;
	uint32_t count;
	uint32_t ndirty; /* chunks with dirty blocks; guarded by the vnode's exclusive lock */
};

void ext2_cache_init(struct ext2_cache *cache, uint32_t block_size);
void ext2_cache_fini(struct ext2_cache *cache);
void ext2_file_cache_init(struct ext2_file_cache *file, struct ext2_cache *cache);
/* Forgets everything, dirty or not. */
void ext2_file_cache_fini(struct ext2_file_cache *file);

/* The chunk of that number, pinned; NULL when there is none. */
struct ext2_chunk *ext2_chunk_find(struct ext2_file_cache *file, uint64_t index);
/*
 * The same, made when there is none, with room for at least `blocks` blocks. A chunk grows only under the
 * vnode's exclusive lock. RUMP_ENOMEM.
 */
int ext2_chunk_get(struct ext2_file_cache *file, uint64_t index, uint32_t blocks, struct ext2_chunk **chunkp);
void ext2_chunk_unpin(struct ext2_chunk *chunk);

/* [X vnode] */
void ext2_chunk_set_dirty(struct ext2_chunk *chunk, uint32_t block);
void ext2_chunk_set_clean(struct ext2_chunk *chunk);
/* The dirty chunk with the lowest number that is at least `from`, pinned; NULL: none. */
struct ext2_chunk *ext2_chunk_next_dirty(struct ext2_file_cache *file, uint64_t from);
/* Forgets blocks from `first` on, whatever they hold; returns how many of them had a promise. [X vnode] */
uint64_t ext2_cache_drop(struct ext2_file_cache *file, uint64_t first, uint64_t last);

#endif
