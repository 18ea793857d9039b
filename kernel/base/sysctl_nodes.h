/* SPDX-License-Identifier: BSD-2-Clause */
/* The nodes that base has of its own. */
#ifndef KERNEL_BASE_SYSCTL_NODES_H
#define KERNEL_BASE_SYSCTL_NODES_H

/* What the system says it is: NetBSD, of the release whose system calls it has. */
#define RUMPK_OSTYPE "NetBSD"
#define RUMPK_OSRELEASE "7.99.34"
#define RUMPK_OSREVISION 799003400
#define RUMPK_MACHINE "amd64"

void rumpk_sysctl_nodes_init(void);

#endif
