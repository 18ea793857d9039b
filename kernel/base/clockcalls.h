/* SPDX-License-Identifier: BSD-2-Clause */
/* Wall time in nanoseconds, for the calls that read and set it. */
#ifndef KERNEL_BASE_CLOCKCALLS_H
#define KERNEL_BASE_CLOCKCALLS_H

#include <stdint.h>

int64_t rumpk_walltime(void);
void rumpk_walltime_set(int64_t ns);

#endif
