/* SPDX-License-Identifier: BSD-2-Clause */
/* Halts the kernel of a server, which ends it. */
#include "config.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include <rump/rump_syscalls.h>

#include "tools/tool.h"

static const char usage[] = "[-dhn]";

static const char help[] =
    "Halts the rump kernel of the server that RUMP_SERVER names, and so ends the server.\n"
    "\n"
    "  -d, --dump     have the server leave a core\n"
    "  -h, --halt     halt the kernel, but leave its process\n"
    "  -n, --nosync   do not write out what is cached: file systems are left as after a crash\n"
    "      --help     show this text\n"
    "      --version  show the version\n";

static const char letters[] = ":dhn";

static const struct option options[] = {
    {"dump", no_argument, NULL, 'd'},
    {"halt", no_argument, NULL, 'h'},
    {"nosync", no_argument, NULL, 'n'},
    {"help", no_argument, NULL, TOOL_HELP},
    {"version", no_argument, NULL, TOOL_VERSION},
    {NULL, 0, NULL, 0},
};

int
main(int argc, char **argv)
{
	int option, how = RUMP_RB_AUTOBOOT;

	opterr = 0;
	while ((option = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		switch (option) {
		case 'd':
			how |= RUMP_RB_DUMP;
			break;
		case 'h':
			how |= RUMP_RB_HALT;
			break;
		case 'n':
			how |= RUMP_RB_NOSYNC;
			break;
		case TOOL_HELP:
			tool_help(usage, help);
		case TOOL_VERSION:
			tool_version();
		default:
			tool_bad_option(option, argv, letters, usage);
		}
	}
	if (optind != argc)
		tool_usage(usage, "%s: no argument is taken; RUMP_SERVER names the server", argv[optind]);
	tool_connect();
	if (rump_sys_reboot(how, NULL) == -1)
		err(EXIT_FAILURE, "reboot");
	return EXIT_SUCCESS;
}
