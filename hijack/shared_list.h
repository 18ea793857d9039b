/* SPDX-License-Identifier: BSD-2-Clause */
/* The process's shared mappings: kept by shared_map.c, looked through by shared_io.c. */
#ifndef HIJACK_SHARED_LIST_H
#define HIJACK_SHARED_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "hijack/shared_name.h"
#include "hijack/shared_object.h"
#include "hijack/thread.h"

struct mapping {
	struct mapping *next;
	uintptr_t start;
	uintptr_t end;
	int64_t offset;              /* in the file, of start */
	struct hijack_object object; /* descriptors of the library's own, the host's with the lock */
	uint32_t kernel;             /* whose the file is, see reconnect.c */
	uint64_t device;
	uint64_t inode;
	char name[HIJACK_SHARED_NAME];
};

/* Under the lock. */
extern __attribute__((visibility("hidden"))) struct mapping *hijack_mappings;

/* How many there have been, and one. */
extern __attribute__((visibility("hidden"))) uint32_t hijack_mappings_made;

void hijack_mappings_lock(uint64_t *mask);
void hijack_mappings_unlock(const uint64_t *mask);

/* The file is one of the present kernel's, and rump its descriptor there. */
static inline bool
hijack_mapping_is_present(const struct mapping *mapping)
{
	return mapping->kernel == __atomic_load_n(&hijack_process()->kernels, __ATOMIC_ACQUIRE);
}

#endif
