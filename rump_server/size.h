/* SPDX-License-Identifier: BSD-2-Clause */
/* Sizes and counts as users write them. */
#ifndef RUMP_SERVER_SIZE_H
#define RUMP_SERVER_SIZE_H

#include <stdint.h>

/*
 * Reads a decimal, hexadecimal (0x) or octal (0) number of bytes with at most one suffix: b (512), k, m, g or
 * t (powers of 1024), in either case. Returns 0; -EINVAL when the text is anything else; -ERANGE when the
 * value is beyond INT64_MAX, which no offset in a file can exceed.
 */
int size_parse(const char *text, uint64_t *size);

/* Reads a decimal number of min to max. Returns 0 or -EINVAL. */
int count_parse(const char *text, unsigned min, unsigned max, unsigned *count);

#endif
