/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program's memory. Addresses come from the program and may be anything; nothing here faults. Everything
 * that the dispatcher reads or writes for a program goes through these, so that the program might as well be
 * another process.
 */
#ifndef HIJACK_COPY_H
#define HIJACK_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The whole range or -EFAULT. */
int hijack_copyin(void *to, uint64_t from, size_t size);
int hijack_copyout(uint64_t to, const void *from, size_t size);

/* A string with its NUL: the length without it, -EFAULT, or -ENAMETOOLONG when there is none in size bytes.
 */
ssize_t hijack_copyinstr(char *to, uint64_t from, size_t size);

/*
 * Memory that is there, and the same, for ever: the C library's constants, such as the empty path of its
 * fstat(). Strings there are read without the kernel's help.
 */
void hijack_copy_constants(const void *start, size_t size);

#endif
