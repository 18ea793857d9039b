/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * malloc and its kin, hidden in this library. The program's calls reach it at any instruction: inside libc's
 * malloc, from a signal handler, in a child of vfork, between fork and the moment that libc has put its locks
 * right. So the library has memory of its own, taken and given back without a lock: blocks of a size come 64
 * to a chunk, whose bitmap says which are taken. A chunk is never given back; what is larger than the largest
 * block is mapped for itself.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "hijack/gate.h"
#include "hijack/mem.h"

#define SMALLEST 6 /* log2 of the smallest block */
#define CLASSES 9
#define BLOCKS 64
#define HEADER 16

struct chunk {
	struct chunk *next;
	uint64_t taken; /* a bit a block */
	char block[];
};

/* Before each block's memory. */
struct header {
	struct chunk *chunk; /* NULL: mapped for itself */
	uint64_t size;       /* of the block, or the mapping */
};
_Static_assert(sizeof(struct header) == HEADER, "blocks stay aligned");

static struct chunk *chunks[CLASSES];

static void *
map(size_t size)
{
	long address =
	    hijack_own(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return address < 0 && address > -4096 ? NULL : (void *)address;
}

static void *
fill(struct chunk *chunk, size_t index, size_t size)
{
	struct header *header = (struct header *)(chunk->block + index * size);

	*header = (struct header){chunk, size};
	return header + 1;
}

static void *
take(struct chunk *chunk, size_t size)
{
	uint64_t taken = __atomic_load_n(&chunk->taken, __ATOMIC_RELAXED);

	while (taken != UINT64_MAX) {
		int index = __builtin_ctzll(~taken);

		if (__atomic_compare_exchange_n(&chunk->taken, &taken, taken | 1ULL << index, false,
			__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return fill(chunk, (size_t)index, size);
	}
	return NULL;
}

static void *
take_any(size_t class)
{
	size_t size = (size_t)1 << (class + SMALLEST);
	struct chunk *first = __atomic_load_n(&chunks[class], __ATOMIC_ACQUIRE);
	struct chunk *fresh;

	for (struct chunk *chunk = first; chunk != NULL; chunk = chunk->next) {
		void *memory = take(chunk, size);

		if (memory != NULL)
			return memory;
	}
	fresh = map(sizeof(*fresh) + BLOCKS * size);
	if (fresh == NULL)
		return NULL;
	fresh->taken = 1;
	do
		fresh->next = first;
	while (!__atomic_compare_exchange_n(
	    &chunks[class], &first, fresh, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	return fill(fresh, 0, size);
}

void *
malloc(size_t size)
{
	size_t whole = size + HEADER;
	void *memory = NULL;

	if (whole < size)
		whole = SIZE_MAX;
	for (size_t class = 0; class < CLASSES; class ++) {
		if (whole <= (size_t)1 << (class + SMALLEST)) {
			memory = take_any(class);
			break;
		}
		if (class == CLASSES - 1 && whole != SIZE_MAX) {
			struct header *header = map(whole);

			if (header != NULL) {
				*header = (struct header){NULL, whole};
				memory = header + 1;
			}
		}
	}
	if (memory == NULL)
		errno = ENOMEM;
	return memory;
}

void
free(void *memory)
{
	struct header *header = (struct header *)memory - 1;
	size_t index;

	if (memory == NULL)
		return;
	if (header->chunk == NULL) {
		(void)hijack_own(SYS_munmap, (long)header, (long)header->size, 0, 0, 0, 0);
		return;
	}
	index = (size_t)((char *)header - header->chunk->block) / header->size;
	__atomic_fetch_and(&header->chunk->taken, ~(1ULL << index), __ATOMIC_RELEASE);
}

void *
calloc(size_t count, size_t size)
{
	size_t whole;
	void *memory;

	if (__builtin_mul_overflow(count, size, &whole)) {
		errno = ENOMEM;
		return NULL;
	}
	memory = malloc(whole);
	return memory != NULL ? memset(memory, 0, whole) : NULL;
}

void *
realloc(void *memory, size_t size)
{
	size_t had = memory != NULL ? ((struct header *)memory - 1)->size - HEADER : 0;
	void *moved;

	if (memory != NULL && size <= had)
		return memory;
	moved = malloc(size);
	if (moved != NULL && memory != NULL) {
		memcpy(moved, memory, had);
		free(memory);
	}
	return moved;
}
