/* SPDX-License-Identifier: BSD-2-Clause */
/* Syscall User Dispatch for all threads of the process, from the moment that it is needed. */
#ifndef HIJACK_ARM_H
#define HIJACK_ARM_H

#include <signal.h>
#include <stdbool.h>

/* Whether calls from outside the gate are trapped, in all threads. Once true it stays so. */
extern bool hijack_armed;

/* Turns dispatch on in all threads, unless it is. why is for whoever asked for messages. */
void hijack_arm(const char *why);

/* The same for threads that shared memory with a child that did. */
void hijack_arm_threads(void);

/* Whether the process ever had a second thread. */
extern bool hijack_threaded;

/* In the handler of SIGSYS: whether the signal was this file's. */
bool hijack_arm_signal(const siginfo_t *info);

#endif
