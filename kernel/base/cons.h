/* SPDX-License-Identifier: BSD-2-Clause */
/* The console: what a client's first three descriptors are on. Output goes to the host's; there is no input.
 */
#ifndef KERNEL_BASE_CONS_H
#define KERNEL_BASE_CONS_H

#include <stddef.h>
#include "kernel/base/component.h"

struct lwp;
struct rumpk_uio;

/* Opens descriptors 0, 1 and 2 of a new process. */
void rumpk_cons_open(struct lwp *l);

/* For the device node as well. */
RUMPK_EXPORT int rumpk_cons_write(struct rumpk_uio *uio);
RUMPK_EXPORT int rumpk_cons_ioctl(unsigned long cmd, void *data);

#endif
