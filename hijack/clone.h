/* SPDX-License-Identifier: BSD-2-Clause */
/* Called by the gate around calls that return twice. */
#ifndef HIJACK_CLONE_H
#define HIJACK_CLONE_H

#include <stdint.h>

/*
 * Prepares the call: resume is where a trampoline goes on, or the same as site for a trapped call. Returns
 * the address of the code that runs it in place, or -errno, which becomes the call's result.
 */
long hijack_before_clone(long number, long a1, long a2, uintptr_t resume, uintptr_t site);

/* In the parent with the child's id or -errno, in the child with 0. */
void hijack_after_clone(long result);

#endif
