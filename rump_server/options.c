/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "rump_server/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "rump_server/size.h"

static const char help[] =
    "Runs a rump kernel that serves clients at url (unix://path, tcp://address:port or\n"
    "tcp6://[address]:port).\n"
    "\n"
    "  -s, --foreground        do not detach\n"
    "  -v, --verbose           show what the kernel prints while it boots\n"
    "  -c, --ncpu=N            virtual CPUs: a number, or \"host\" for as many as there are\n"
    "  -r, --ram=SIZE          limit of the kernel's memory, 1m at least\n"
    "  -l, --library=NAME      load a component, and what it depends on; repeatable\n"
    "  -m, --module=FILE       load a kernel module; repeatable\n"
    "  -d, --drive=SPEC        map a host file into the kernel; repeatable. SPEC is\n"
    "                          key=/dev/x,hostpath=FILE and either size=SIZE[,offset=SIZE],\n"
    "                          size=host, disklabel=LETTER or partition=NUMBER, and\n"
    "                          optionally type=blk, type=chr or type=reg\n"
    "      --mount=SPEC        mount a file system once the kernel is up; repeatable. SPEC is\n"
    "                          TYPE,SPECIAL,DIRECTORY[,OPTION...]\n"
    "      --list              list the components that are found, where, and what each needs\n"
    "      --help              show this text\n"
    "      --version           show the version\n"
    "\n"
    "A SIZE may end in b (512), k, m, g or t. Components are looked for in the directories of\n"
    "RUMP_COMPONENT_PATH, then, unless one of those has a kernel, where the embedded one is installed.\n"
    "The exit status is 0 once the kernel serves clients (or, with -s, was halted), else 1.\n";

#define MEMORY_LEAST (1u << 20)

enum { OPTION_MOUNT = 256, OPTION_LIST, OPTION_HELP, OPTION_VERSION };

static const char short_options[] = ":c:d:l:m:r:sv";

static const struct option long_options[] = {
    {"foreground", no_argument, NULL, 's'},
    {"verbose", no_argument, NULL, 'v'},
    {"ncpu", required_argument, NULL, 'c'},
    {"ram", required_argument, NULL, 'r'},
    {"library", required_argument, NULL, 'l'},
    {"module", required_argument, NULL, 'm'},
    {"drive", required_argument, NULL, 'd'},
    {"mount", required_argument, NULL, OPTION_MOUNT},
    {"list", no_argument, NULL, OPTION_LIST},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

void
options_print_usage(FILE *stream)
{
	fprintf(stream,
	    "usage: %s [-sv] [-c ncpu] [-d drive] [-l library] [-m module] [-r ram]\n"
	    "           [--mount type,special,dir[,option...]] url\n",
	    program_invocation_short_name);
}

void
options_print_help(FILE *stream)
{
	options_print_usage(stream);
	fputs(help, stream);
}

static int
append(struct string_list *list, const char *item, struct complaint *complaint)
{
	const char **grown = reallocarray(list->items, list->count + 1, sizeof(*grown));

	if (grown == NULL)
		return complain(complaint, "out of memory");
	list->items = grown;
	grown[list->count++] = item;
	return 0;
}

static int
set_ncpu(struct server_options *options, const char *value, struct complaint *complaint)
{
	unsigned number;

	options->ncpu = value;
	if (strcmp(value, "host") != 0 && count_parse(value, 1, 1024, &number) != 0)
		return complain(complaint, "-c %s: not a number of CPUs from 1 to 1024, nor \"host\"", value);
	return 0;
}

static int
set_memory_limit(struct server_options *options, const char *value, struct complaint *complaint)
{
	int error = size_parse(value, &options->memory_limit);

	if (error == -ERANGE)
		return complain(complaint, "-r %s: too large", value);
	if (error != 0 || options->memory_limit == 0)
		return complain(complaint, "-r %s: not a size, such as 64m or 1g", value);
	if (options->memory_limit < MEMORY_LEAST)
		return complain(complaint, "-r %s: too small, a kernel needs 1m at least", value);
	return 0;
}

static int
apply(struct server_options *options, int option, const char *value, struct complaint *complaint)
{
	switch (option) {
	case 's':
		options->foreground = true;
		return 0;
	case 'v':
		options->verbose = true;
		return 0;
	case 'c':
		return set_ncpu(options, value, complaint);
	case 'r':
		return set_memory_limit(options, value, complaint);
	case 'l':
		return append(&options->libraries, value, complaint);
	case 'm':
		return append(&options->modules, value, complaint);
	case 'd':
		return append(&options->drives, value, complaint);
	case OPTION_MOUNT:
		return append(&options->mounts, value, complaint);
	case OPTION_LIST:
		options->action = ACTION_LIST;
		return 0;
	case OPTION_HELP:
		options->action = ACTION_HELP;
		return 0;
	default:
		options->action = ACTION_VERSION;
		return 0;
	}
}

int
options_parse(struct server_options *options, int argc, char **argv, struct complaint *complaint)
{
	int option;

	memset(options, 0, sizeof(*options));
	optind = 0; /* glibc: start over, also in a process that parsed before */
	while ((option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
		if (option == '?' && optopt != 0 && optopt < OPTION_MOUNT &&
		    strchr(short_options, optopt) == NULL)
			return complain(complaint, "-%c: no such option", optopt);
		if (option == '?')
			return complain(
			    complaint, "%s: no such option, or one that takes no value", argv[optind - 1]);
		if (option == ':')
			return complain(complaint, "%s: a value is missing", argv[optind - 1]);
		if (apply(options, option, optarg, complaint) != 0)
			return -1;
	}
	if (options->action != ACTION_SERVE)
		return 0;
	if (optind == argc)
		return complain(complaint, "the URL to serve at is missing");
	if (optind != argc - 1)
		return complain(complaint, "%s: one URL only", argv[optind + 1]);
	options->url = argv[optind];
	return 0;
}

void
options_free(struct server_options *options)
{
	free(options->libraries.items);
	free(options->modules.items);
	free(options->drives.items);
	free(options->mounts.items);
}
