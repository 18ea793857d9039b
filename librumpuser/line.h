/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for locks: each has a cache line of its own, so that threads that take different locks do not meet.
 * Locks that are made one after the other would otherwise lie two in a line.
 */
#ifndef LIBRUMPUSER_LINE_H
#define LIBRUMPUSER_LINE_H

#define LINE_SIZE 64

#pragma GCC visibility push(hidden)

/* A cleared line, or NULL without memory. */
void *line_get(void);
void line_put(void *line);

#pragma GCC visibility pop

#endif
