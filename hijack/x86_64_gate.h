/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gate: the only code of the process that enters the kernel once interception is up. Its range is
 * excluded from Syscall User Dispatch, so what is called from here always reaches the host.
 */
#ifndef HIJACK_X86_64_GATE_H
#define HIJACK_X86_64_GATE_H

/* What the entry does with a call number; see hijack_route. */
#define HIJACK_ROUTE_PLAIN 0     /* to the host at once, without a look at it */
#define HIJACK_ROUTE_DISPATCH 1  /* hijack_syscall decides */
#define HIJACK_ROUTE_CLONE 2     /* returns twice, perhaps on another stack: runs in place */
#define HIJACK_ROUTE_SIGRETURN 3 /* needs the stack pointer as it was */
#define HIJACK_ROUTE_FD 4        /* hijack_syscall decides when the first argument is a shadow */

/* Where the entry finds out whether it is: see thread.h and descriptor.h. */
#define HIJACK_THREAD_STACK_USED 2
#define HIJACK_THREAD_PROCESS 8
#define HIJACK_THREAD_STACK 16
#define HIJACK_PROCESS_FDS 16
#define HIJACK_FDS_ENTRY 12
#define HIJACK_FDS 65536 /* numbers beyond are never shadows */

#define HIJACK_CALLS 512 /* call numbers that have a route; others are plain */

/* A trampoline's fixed middle: from the record that rcx names to the code after the call, and to the call run
 * in place. */
#define HIJACK_RECORD_IN_PLACE 8
#define HIJACK_RECORD_AFTER 22

#define HIJACK_CLONE_SLOT_SIZE 16
#define HIJACK_CLONE_SLOTS 64
#define HIJACK_TRAMPOLINE_SPACE 0x20000

#ifndef __ASSEMBLER__
#include <stdint.h>

extern const uint8_t hijack_gate_start[], hijack_gate_end[];
extern uint8_t
    hijack_trampolines[]; /* HIJACK_TRAMPOLINE_SPACE bytes, page-aligned; written once, at start-up */

/* A route for each call number. */
extern const uint8_t hijack_route[HIJACK_CALLS];

/* The host's answer to a call that the program made: a result or -errno. A seccomp filter of the program's
 * applies. */
long hijack_raw(long number, long a1, long a2, long a3, long a4, long a5, long a6);

/* The same for a call that this library makes for itself; a program's seccomp filter lets it pass. */
long hijack_own(long number, long a1, long a2, long a3, long a4, long a5, long a6);
extern const uint8_t hijack_own_return[]; /* the address a filter sees for hijack_own */

/* Not to be called from C: where trampolines and trapped calls arrive, how signal handlers return. */
void hijack_entry(void);
void hijack_trapped(void);
void hijack_cloned(void);
void hijack_restorer(void);
void hijack_trapped_int80(void);

/* Code that runs a clone in place for a call site that was trapped; it goes on at hijack_clone_target[slot].
 */
extern const uint8_t hijack_clone_slots[];
extern __attribute__((visibility("hidden"))) uintptr_t hijack_clone_target[HIJACK_CLONE_SLOTS];
#endif

#endif
