/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting programs. */
#ifndef HIJACK_EXEC_H
#define HIJACK_EXEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hijack/dispatch.h"

/* Remembers, from the environment the program was started with, what programs that it starts need. False: not
 * all of it fitted. */
bool hijack_exec_start(char *const *environment);

/* Whether a new program's libraries may lie in the rump kernel at all. */
bool hijack_exec_can_audit(void);

/* An environment for a new program. */
struct hijack_environment {
	char *const *entries;
	size_t size; /* of the memory behind it; 0: it is the program's own */
};

/*
 * Completes an environment of the program's, with one more entry unless that is NULL. audit: libraries may
 * lie in the rump kernel, whatever the environment says. Returns 0 or -errno, and is to be freed when the
 * program was not started after all.
 */
int hijack_environment_build(
    uint64_t from, bool audit, const char *extra, struct hijack_environment *environment);
void hijack_environment_free(struct hijack_environment *environment);

/* execveat, with everything that the rump kernel may have to do with it. */
hijack_call_fn hijack_beyond_execveat;

/*
 * At start-up: takes over what the program before this one, in this process, had in the rump kernel, and
 * takes it out of the environment.
 */
void hijack_exec_take_over(char **environment);

#endif
