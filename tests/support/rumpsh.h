/* SPDX-License-Identifier: BSD-2-Clause */
/* What rumpsh can do. */
#ifndef TESTS_SUPPORT_RUMPSH_H
#define TESTS_SUPPORT_RUMPSH_H

#include <stddef.h>

struct command {
	const char *name;
	int arguments;
	const char *usage;
	/* Prints what it finds and returns 0, or -1 with errno set. argv[0] is the name. */
	int (*run)(char **argv);
};

extern const struct command commands[];
extern const size_t commands_count;

#endif
