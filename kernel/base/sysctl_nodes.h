/* SPDX-License-Identifier: BSD-2-Clause */
/* The nodes that base has of its own. */
#ifndef KERNEL_BASE_SYSCTL_NODES_H
#define KERNEL_BASE_SYSCTL_NODES_H

#include <stddef.h>
#include <stdint.h>
#include "kernel/base/uio.h"

/* What the system says it is: NetBSD, of the release whose system calls it has. */
#define RUMPK_OSTYPE "NetBSD"
#define RUMPK_OSRELEASE "7.99.34"
#define RUMPK_OSREVISION 799003400
#define RUMPK_MACHINE "amd64"

struct lwp;

void rumpk_sysctl_nodes_init(void);

/* kern.proc2: which processes, by what, the size of a record and how many of them (sysctl_proc.c). */
int rumpk_sysctl_proc2(struct lwp *l, const int32_t *name, unsigned namelen, rumpk_uaddr old, size_t *len);

#endif
