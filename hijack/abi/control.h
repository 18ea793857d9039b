/* SPDX-License-Identifier: BSD-2-Clause */
/* Control messages, but for those that carry descriptors: their data begin at the same place on both sides.
 */
#ifndef HIJACK_ABI_CONTROL_H
#define HIJACK_ABI_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#define HIJACK_CONTROL_DATA 16  /* behind a header, on both sides; the next one begins at a multiple of 8 */
#define HIJACK_CONTROL_GROWS 16 /* how much longer data may get */

static inline size_t
hijack_abi_control_space(size_t length)
{
	return (length + 7) & ~(size_t)7;
}

/*
 * Translate one message's level, type and data to the rump kernel's and back. Return the length of the data
 * at to, which has room for length + HIJACK_CONTROL_GROWS, or -EINVAL: there is none like it.
 */
long hijack_abi_control(int *level, int *type, void *to, const void *from, size_t length);
long hijack_abi_control_back(int *level, int *type, void *to, const void *from, size_t length);

#endif
