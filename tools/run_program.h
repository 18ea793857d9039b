/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be told of a program before it is started. */
#ifndef TOOLS_RUN_PROGRAM_H
#define TOOLS_RUN_PROGRAM_H

/* The library to preload. Ends the program when there is none. */
const char *run_library(void);

/* Why a program, looked up as a shell would, cannot be hijacked; NULL: nothing speaks against it. */
const char *run_why_not(const char *program);

/* Joins the directory of this very program and a path relative to that. The result is to be freed. */
char *run_beside(const char *path);

#endif
