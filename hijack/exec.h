/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HIJACK_EXEC_H
#define HIJACK_EXEC_H

#include <stdbool.h>

/* Remembers, from the environment the program was started with, what programs that it starts need. False: not
 * all of it fitted. */
bool hijack_exec_start(char *const *environment);

#endif
