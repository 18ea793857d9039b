/* SPDX-License-Identifier: BSD-2-Clause */
/* What boot tells the allocator. */
#ifndef KERNEL_BASE_MEMLIMIT_H
#define KERNEL_BASE_MEMLIMIT_H

#include <stdint.h>

void rumpk_mem_setlimit(uint64_t bytes);

#endif
