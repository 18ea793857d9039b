/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KERNEL_BASE_RANDOM_H
#define KERNEL_BASE_RANDOM_H

#include <stddef.h>
#include "kernel/base/component.h"

/* Fills the buffer with what the host thinks fit for keys: 0 or an errno. */
RUMPK_EXPORT int rumpk_random(void *buf, size_t len);

#endif
