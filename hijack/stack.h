/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stack for the calls that a thread makes from code with system calls of its own; see x86_64_gate.S for
 * how it is entered and left.
 */
#ifndef HIJACK_STACK_H
#define HIJACK_STACK_H

/* The calling thread is about to make such a call. Without memory for it, it stays on its own stack. */
void hijack_stack_need(void);

/* The calling thread's storage will be used by two at once, which cannot have the same stack. */
void hijack_stack_refuse(void);

#endif
