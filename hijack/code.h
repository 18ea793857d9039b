/* SPDX-License-Identifier: BSD-2-Clause */
/* Executable code: whether there may be a system call in it. */
#ifndef HIJACK_CODE_H
#define HIJACK_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hijack/dispatch.h"

/*
 * Whether the bytes of a system call instruction are anywhere in it; they may be part of another instruction,
 * or data.
 */
bool hijack_code_suspect(const uint8_t *code, size_t size);

/* mmap of what is not in the rump kernel, and what the program may do with the memory. */
long hijack_code_map(const struct hijack_call *call);

/* After code from the rump kernel was mapped: where, and by which call. */
void hijack_code_mapped(long where, const struct hijack_call *call);

#endif
