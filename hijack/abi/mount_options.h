/* SPDX-License-Identifier: BSD-2-Clause */
/* What Linux's mount(2) is asked for, in the words that abi/mount.h takes. */
#ifndef HIJACK_ABI_MOUNT_OPTIONS_H
#define HIJACK_ABI_MOUNT_OPTIONS_H

#include <stddef.h>

/* The rump kernel's name for a type of file system: Linux's own are translated, others stay as they are. */
const char *hijack_abi_mount_type(const char *type);

/*
 * Writes options for flags (MS_RDONLY and the like) and data, the options of the type, which may be NULL.
 * Flags that ask for nothing a rump kernel would do otherwise are left out. Returns 0, or -EINVAL for a flag
 * that has no like, or when there is no room.
 */
int hijack_abi_mount_options(unsigned long flags, const char *data, char *options, size_t size);

#endif
