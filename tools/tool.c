/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "tools/tool.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

void
tool_version(void)
{
	printf("%s (%s) %s\n", program_invocation_short_name, PACKAGE_NAME, PACKAGE_VERSION);
	exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

void
tool_help(const char *usage, const char *text)
{
	printf("usage: %s %s\n%s", program_invocation_short_name, usage, text);
	exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

void
tool_usage(const char *usage, const char *wrong, ...)
{
	va_list args;

	va_start(args, wrong);
	if (wrong != NULL)
		vwarnx(wrong, args);
	va_end(args);
	fprintf(stderr, "usage: %s %s\n", program_invocation_short_name, usage);
	exit(EXIT_FAILURE);
}

void
tool_bad_option(int option, char **argv, const char *letters, const char *usage)
{
	const char *word = argv[optind - 1];

	if (option == ':')
		tool_usage(usage, "%s: a value is missing", word);
	if (optopt > 0 && optopt < TOOL_HELP && strchr(letters, optopt) == NULL)
		tool_usage(usage, "-%c: no such option", optopt);
	tool_usage(usage, "%s: no such option, or one that takes no value", word);
}

void
tool_connect(void)
{
	/* The library has said on stderr what is wrong with the server. */
	if (rumpclient_init() == -1)
		exit(EXIT_FAILURE);
}

struct rump_statvfs *
tool_mounts(int *count)
{
	struct rump_statvfs *mounts = NULL, *grown;
	int room, got;

	/* Something may be mounted between the two calls: ask for more than there are. */
	do {
		room = rump_sys_getvfsstat(NULL, 0, RUMP_MNT_NOWAIT);
		if (room == -1)
			err(EXIT_FAILURE, "getvfsstat");
		room += 4;
		grown = reallocarray(mounts, (size_t)room, sizeof(*mounts));
		if (grown == NULL)
			err(EXIT_FAILURE, NULL);
		mounts = grown;
		got = rump_sys_getvfsstat(mounts, (size_t)room * sizeof(*mounts), RUMP_MNT_NOWAIT);
		if (got == -1)
			err(EXIT_FAILURE, "getvfsstat");
	} while (got >= room);
	*count = got;
	return mounts;
}

int
tool_type_matches(const char *list, const char *type)
{
	int wanted = 1;

	if (list == NULL)
		return 1;
	if (strncmp(list, "no", 2) == 0) {
		wanted = 0;
		list += 2;
	}
	for (;;) {
		size_t length = strcspn(list, ",");

		if (strlen(type) == length && memcmp(list, type, length) == 0)
			return wanted;
		if (list[length] == '\0')
			return !wanted;
		list += length + 1;
	}
}
