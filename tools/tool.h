/* SPDX-License-Identifier: BSD-2-Clause */
/* What the small client programs have in common. Each ends the program when it cannot go on. */
#ifndef TOOLS_TOOL_H
#define TOOLS_TOOL_H

#include <rump/rumpdefs.h>

/* Prints "name (package) version". */
_Noreturn void tool_version(void);

/* Prints "usage: name ..." and the text to stdout. */
_Noreturn void tool_help(const char *usage, const char *text);

/* Prints what is wrong, unless that is NULL, and "usage: name ..." to stderr, and exits with 1. */
_Noreturn void tool_usage(const char *usage, const char *wrong, ...) __attribute__((format(printf, 2, 3)));

/* Values of long options without a letter. */
enum { TOOL_HELP = 256, TOOL_VERSION };

/*
 * tool_usage() about an option that getopt_long() refused: what it returned, with opterr 0 and letters that
 * begin with a colon.
 */
_Noreturn void tool_bad_option(int option, char **argv, const char *letters, const char *usage);

/* Connects to the server of RUMP_SERVER. */
void tool_connect(void);

/* What is mounted, in the order of mounting; *count of them, to be freed. */
struct rump_statvfs *tool_mounts(int *count);

/* Whether type is in list, names with commas between them, or is not when the list starts with "no"; NULL has
 * all. */
int tool_type_matches(const char *list, const char *type);

#endif
