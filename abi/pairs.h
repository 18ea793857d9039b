/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of what both sides have under different numbers. */
#ifndef ABI_PAIRS_H
#define ABI_PAIRS_H

#include <stddef.h>

struct abi_pair {
	int host;
	int netbsd;
};
/* The first two arguments of the functions. */
#define ABI_PAIRS(table) table, sizeof(table) / sizeof((table)[0])

/* The other side's number, of the first pair that fits, or otherwise where there is none. */
static inline int
abi_pairs_to_netbsd(const struct abi_pair *pairs, size_t count, int host, int otherwise)
{
	for (size_t i = 0; i < count; i++) {
		if (pairs[i].host == host)
			return pairs[i].netbsd;
	}
	return otherwise;
}

static inline int
abi_pairs_to_host(const struct abi_pair *pairs, size_t count, int netbsd, int otherwise)
{
	for (size_t i = 0; i < count; i++) {
		if (pairs[i].netbsd == netbsd)
			return pairs[i].host;
	}
	return otherwise;
}

/* Flags: those of them that the other side has, too. */
static inline int
abi_pairs_flags_to_netbsd(const struct abi_pair *pairs, size_t count, int host)
{
	int result = 0;

	for (size_t i = 0; i < count; i++)
		result |= host & pairs[i].host ? pairs[i].netbsd : 0;
	return result;
}

static inline int
abi_pairs_flags_to_host(const struct abi_pair *pairs, size_t count, int netbsd)
{
	int result = 0;

	for (size_t i = 0; i < count; i++)
		result |= netbsd & pairs[i].netbsd ? pairs[i].host : 0;
	return result;
}

#endif
