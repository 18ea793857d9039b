/* SPDX-License-Identifier: BSD-2-Clause */
/* Disks that are files, or devices, of the host: what etfs puts under a block or character node. */
#ifndef KERNEL_DEV_HOSTDISK_H
#define KERNEL_DEV_HOSTDISK_H

#include <stdint.h>

/*
 * Makes [begin, begin + size) of the host's file a disk; *devp is its number, for a VBLK or VCHR node. The
 * file is opened with the first open of the disk, read-only if it is opened so. RUMP_ENOSPC: there are too
 * many.
 */
int hostdisk_create(const char *hostpath, uint64_t begin, uint64_t size, uint64_t *devp);
/* RUMP_EBUSY while it is open. */
int hostdisk_destroy(uint64_t dev);
void hostdisk_init(void);

#endif
