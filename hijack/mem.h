/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory and strings without libc. What runs between a program's system call and the host must not touch
 * vector registers: the program does not expect a system call to change them. libc's own functions use the
 * widest there are. These have the standard names, hidden in this library, so that the compiler's own calls
 * find them as well.
 */
#ifndef HIJACK_MEM_H
#define HIJACK_MEM_H

#include <stddef.h>

#pragma GCC visibility push(hidden)
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *string);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t size);
#pragma GCC visibility pop

#endif
