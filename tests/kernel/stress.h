/* SPDX-License-Identifier: BSD-2-Clause */
/* The stress of the kernel's file system: what its three parts share. */
#ifndef TESTS_KERNEL_STRESS_H
#define TESTS_KERNEL_STRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <rump/rump_syscalls.h>

/* A generator that the seed alone decides. */
struct dice {
	uint64_t state;
};

static inline uint32_t
roll(struct dice *d, uint32_t sides)
{
	d->state = d->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((d->state >> 33) % sides);
}

/*
 * Makes `count` random operations below the directory `name` of the kernel and below `host`, a directory of
 * the host's, and compares each answer, and the trees now and then. False, with a line on stderr, at the
 * first difference.
 */
bool stress_compare(uint64_t seed, unsigned count, const char *name, const char *host);

/* The tree that all share. */
#define STRESS_SHARED "/shared"
/* One thread's share of operations on a tree that all share. */
void stress_contend(uint64_t seed, unsigned count, unsigned thread);
/* Removes a directory of the kernel and all that lies below. */
bool stress_remove(const char *path);
/* What has to hold of that tree when all have ended; removes it. */
bool stress_invariants(void);

#endif
