/* SPDX-License-Identifier: BSD-2-Clause */
/* The first line of a script, and what it makes of the arguments. */
#ifndef HIJACK_SCRIPT_H
#define HIJACK_SCRIPT_H

#include <stdbool.h>
#include <sys/types.h>

#define HIJACK_SCRIPT_LINE 256 /* as much as Linux looks at */

/* Splits "#!interpreter argument" in place, in a buffer of HIJACK_SCRIPT_LINE bytes. False: it is none. */
bool hijack_script_parse(char *line, ssize_t length, char **interpreter, char **argument);

/*
 * The interpreter, its argument unless that is NULL, the script, and what the script is given, all in one
 * piece of memory but for the last. NULL: there is no memory.
 */
char **hijack_script_arguments(
    const char *interpreter, const char *argument, const char *script, char *const *arguments);

#endif
