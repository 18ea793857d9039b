/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared mappings of files in the rump kernel. */
#ifndef HIJACK_SHARED_MAP_H
#define HIJACK_SHARED_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rump/rumpdefs.h>

#include "hijack/dispatch.h"

/* Reads size bytes of a file to memory, or as many as there are. 0 or -errno. */
long hijack_map_fill(int rump, uint8_t *memory, size_t size, int64_t offset);

/* mmap with MAP_SHARED on a descriptor that reads and writes. */
long hijack_map_shared(const struct hijack_call *call, int rump, const struct rump_stat *st);

/* Writes back all that is mapped and may have changed: before the process ends, or becomes another program.
 */
void hijack_map_write_back(void);

/* Whether there are any: munmap and msync are of interest then. */
bool hijack_mapped(void);

/* In a child of fork. */
void hijack_map_forked(void);

/* Whether a descriptor is one that the library keeps for a mapping. */
bool hijack_map_owns(int fd);

#endif
