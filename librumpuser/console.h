/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIBRUMPUSER_CONSOLE_H
#define LIBRUMPUSER_CONSOLE_H

#include <stddef.h>

/* Writes out what the kernel has printed so far, whole lines or not. */
void console_flush(void);

/*
 * The panic message among the last lines that the kernel printed, or its very last line, without the
 * newline; "" when it printed nothing. Always terminated.
 */
void console_last_words(char *buf, size_t size);

#endif
