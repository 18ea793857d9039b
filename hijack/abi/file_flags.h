/* SPDX-License-Identifier: BSD-2-Clause */
/* Flags of files that lsattr(1) and chattr(1) know, NetBSD's of chflags(2): immutable, append-only, no dump.
 */
#ifndef HIJACK_ABI_FILE_FLAGS_H
#define HIJACK_ABI_FILE_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

/* FS_*_FL, which are STATX_ATTR_* too, from what NetBSD has in st_flags. */
unsigned int hijack_abi_file_flags_back(uint32_t netbsd);

/*
 * What *netbsd becomes by setting FS_*_FL; flags that only NetBSD has stay. Linux's bind the superuser too,
 * as only the system's flags do there. False: NetBSD does not have one of them.
 */
bool hijack_abi_file_flags(uint32_t *netbsd, unsigned int wanted);

#endif
