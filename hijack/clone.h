/* SPDX-License-Identifier: BSD-2-Clause */
/* Called by the gate around calls that return twice. */
#ifndef HIJACK_CLONE_H
#define HIJACK_CLONE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Prepares the call: resume is where a trampoline goes on, or the same as site for a trapped call.
 * stack_taken: the caller has gone over to the thread's other stack, and leaves it before the call. Returns
 * the address of the code that runs it in place, or -errno, which becomes the call's result.
 */
long hijack_before_clone(long number, long a1, long a2, uintptr_t resume, uintptr_t site, bool stack_taken);

/*
 * After the call, before hijack_after_clone: whether that should run on the thread's other stack. Little
 * stack is needed to find out.
 */
bool hijack_clone_trapped(void);

/* In the parent with the child's id or -errno, in the child with 0. */
void hijack_after_clone(long result);

#endif
