/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared mappings of files in the rump kernel. */
#ifndef HIJACK_SHARED_MAP_H
#define HIJACK_SHARED_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rump/rumpdefs.h>

#include "hijack/dispatch.h"

/* mmap with MAP_SHARED on a descriptor that reads, and may write: flags are its own, of NetBSD's. */
long hijack_map_shared(const struct hijack_call *call, int rump, const struct rump_stat *st, int flags);

/* Writes back all that is mapped and may have changed: before the process ends, or becomes another program.
 */
void hijack_map_write_back(void);

/* Whether there are any: munmap and msync are of interest then, and reading and writing. */
bool hijack_mapped(void);

/* Before a file is read from the offset, or from the descriptor's position (-1). */
void hijack_shared_before_read(int rump, int64_t offset, size_t size);

/* Around a call that writes to a file at the offset, or at the descriptor's position (-1), and changes its
 * size. Nothing else is done with mappings in between. */
struct mapping;
struct hijack_shared_write {
	const struct mapping *mapping;
	int rump;
	int64_t offset;
	uint64_t mask;
};
void hijack_shared_before_write(struct hijack_shared_write *state, int rump, int64_t offset);
void hijack_shared_after_write(const struct hijack_shared_write *state, long result);

/* A file has been truncated by its name. */
void hijack_shared_resized(void);

/* In a child of fork. */
void hijack_map_forked(void);

/* The end of the process, for all of its threads: what was stored is written back, nothing is mapped any
 * more. */
void hijack_map_end(void);

/* Whether a descriptor is one that the library keeps for a mapping. */
bool hijack_map_owns(int fd);

#endif
