/* SPDX-License-Identifier: BSD-2-Clause */
/* Syscall User Dispatch: calls that were not rewritten arrive as SIGSYS. */
#ifndef HIJACK_TRAP_H
#define HIJACK_TRAP_H

#include <stdbool.h>

/* Installs the handler of SIGSYS for the process. Returns 0 or -errno. */
int hijack_trap_handle(void);

/* Turns dispatch on for the calling thread; it is inherited by no other. Returns 0 or -errno. */
int hijack_trap_arm(void);

/*
 * At start-up: remembers what the program inherited (an ignored or blocked SIGSYS), and handles it from now
 * on. Returns 0, or -errno where there is no dispatch.
 */
int hijack_trap_start(void);

/* Takes all of it back: the calling thread's dispatch, the handler and the mask. */
void hijack_trap_stop(void);

/* Whether there is dispatch, and the handler installed. Whether it is on: hijack_armed. */
extern bool hijack_trap_works;

/* A SIGSYS that came while the program had it blocked, now that it no longer has. */
void hijack_trap_pending(void);

#endif
