/* SPDX-License-Identifier: BSD-2-Clause */
/* Ways to make the host refuse and run out of things. */
#ifndef TESTS_UNIT_FAULTS_H
#define TESTS_UNIT_FAULTS_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether limits on memory mean what they say: not under sanitizers and valgrind, which need it themselves.
 */
bool faults_can_limit_memory(void);

/* Whether this runs under valgrind, or instrumented: some faults are then not to be had. */
bool faults_instrumented(void);

/*
 * Runs function(arg) in a child process and returns its exit status: what the function returned, or 128 and
 * the signal that ended it. The child inherits one thread.
 */
int faults_in_child(int (*function)(void *arg), void *arg);

/* Makes a child of faults_in_child() leave root behind, whom limits on processes do not bind. */
void faults_leave_root(void);

/* A file in a directory that is removed at exit. The path is the caller's to free. */
char *faults_path(const char *name);

#endif
