/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A kernel for librumpuser whose upcalls do nothing but check that a thread gives up only the CPU that it
 * holds, and takes only one. What is wrong aborts the test program.
 */
#ifndef TESTS_UNIT_STRICT_KERNEL_H
#define TESTS_UNIT_STRICT_KERNEL_H

#include <stdbool.h>

/* Calls rumpuser_init(), once a program. The calling thread then holds the CPU. */
void strict_kernel_start(void);

/* Lets the calling thread, one of the program's own, hold the CPU. */
void strict_kernel_enter(void);

/* Whether the calling thread holds the CPU. */
bool strict_kernel_has_cpu(void);

/* How often the calling thread gave up its CPU in a hypercall. */
unsigned strict_kernel_releases(void);

/* How often other threads took the CPU to make upcalls. */
unsigned strict_kernel_visits(void);

#endif
