/* SPDX-License-Identifier: BSD-2-Clause */
/* Flags of calls, both ways. */
#ifndef HIJACK_ABI_FLAGS_H
#define HIJACK_ABI_FLAGS_H

#include <stdint.h>

/* open's; O_PATH is not among them. */
int hijack_abi_open_flags(int flags);
int hijack_abi_open_flags_back(int flags);

/* AT_SYMLINK_NOFOLLOW and the like. */
int hijack_abi_at_flags(int flags);

#endif
