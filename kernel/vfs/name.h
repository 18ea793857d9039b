/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Components of paths, and their hash.
 *
 * Theory of operation: who names files must not be able to choose names that meet in one chain of a table.
 * A name is a polynomial whose coefficients are its bytes, evaluated at a random place modulo the prime
 * 2^61 - 1: two names of n bytes agree with a probability of n / 2^61. A multiplication by another random
 * number brings the result to 32 bits, of which tables use the lower ones. The numbers are drawn when the
 * kernel boots.
 */
#ifndef KERNEL_VFS_NAME_H
#define KERNEL_VFS_NAME_H

#include <stddef.h>
#include <stdint.h>
#include "kernel/base/component.h"

/* Not terminated. */
struct name {
	const char *text;
	uint32_t len;
	uint32_t hash; /* name_hash of it */
};

/* Where names are evaluated, below the prime, and the odd multiplier. */
struct name_key {
	uint64_t place, factor;
};
RUMPK_EXPORT extern struct name_key rumpk_name_key;

/* Draws the key: before there is any name. */
void name_hash_init(void);

#define NAME_HASH_PRIME ((UINT64_C(1) << 61) - 1)
#define NAME_HASH_START UINT64_C(1)

/* A hash in the making: byte by byte, from NAME_HASH_START to name_hash_end(). */
static inline uint64_t
name_hash_add(uint64_t hash, char c)
{
	__extension__ unsigned __int128 product =
	    (unsigned __int128)(hash + (unsigned char)c) * rumpk_name_key.place;
	uint64_t sum = ((uint64_t)product & NAME_HASH_PRIME) + (uint64_t)(product >> 61);

	return sum >= NAME_HASH_PRIME ? sum - NAME_HASH_PRIME : sum;
}

static inline uint32_t
name_hash_end(uint64_t hash)
{
	return (uint32_t)((hash * rumpk_name_key.factor) >> 32);
}

static inline uint32_t
name_hash(const char *text, size_t len)
{
	uint64_t hash = NAME_HASH_START;

	for (size_t i = 0; i < len; i++)
		hash = name_hash_add(hash, text[i]);
	return name_hash_end(hash);
}

#endif
