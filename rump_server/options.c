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
	    "           [--mount type,special,dir[,option...]] url\n"
	    "       %s --list | --help | --version\n",
	    program_invocation_short_name, program_invocation_short_name);
}

void
options_print_help(FILE *stream)
{
	options_print_usage(stream);
	fputs(help, stream);
}

/* What the user called an option, for messages. */
static const char *
name_of(int option, bool full)
{
	static const struct {
		int option;
		const char *brief, *full;
	} names[] = {{'c', "-c", "--ncpu"}, {'r', "-r", "--ram"}, {'l', "-l", "--library"},
	    {'m', "-m", "--module"}, {'d', "-d", "--drive"}, {OPTION_MOUNT, "--mount", "--mount"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].option == option)
			return full ? names[i].full : names[i].brief;
	}
	return "";
}

static const char *
shown(const char *value)
{
	return *value != '\0' ? value : "\"\"";
}

static int
append(struct option_list *list, const struct option_value *given, struct complaint *complaint)
{
	struct option_value *grown = reallocarray(list->items, list->count + 1, sizeof(*grown));

	if (grown == NULL)
		return complain(complaint, "out of memory");
	list->items = grown;
	grown[list->count++] = *given;
	return 0;
}

static int
set_ncpu(struct server_options *options, const struct option_value *given, struct complaint *complaint)
{
	unsigned number;

	options->ncpu = given->value;
	if (strcmp(given->value, "host") != 0 && count_parse(given->value, 1, 1024, &number) != 0)
		return complain(complaint, "%s %s: not a number of CPUs from 1 to 1024, nor \"host\"",
		    given->option, shown(given->value));
	return 0;
}

static int
set_memory_limit(
    struct server_options *options, const struct option_value *given, struct complaint *complaint)
{
	int error = size_parse(given->value, &options->memory_limit);

	if (error == -ERANGE)
		return complain(complaint, "%s %s: too large", given->option, given->value);
	if (error != 0)
		return complain(
		    complaint, "%s %s: not a size, such as 64m or 1g", given->option, shown(given->value));
	if (options->memory_limit < MEMORY_LEAST)
		return complain(
		    complaint, "%s %s: too small, a kernel needs 1m at least", given->option, given->value);
	return 0;
}

static int
add_library(struct server_options *options, const struct option_value *given, struct complaint *complaint)
{
	if (*given->value == '\0')
		return complain(complaint, "%s \"\": no component's name, such as rumpvfs", given->option);
	return append(&options->libraries, given, complaint);
}

static int
apply(
    struct server_options *options, int option, const struct option_value *given, struct complaint *complaint)
{
	switch (option) {
	case 's':
		options->foreground = true;
		return 0;
	case 'v':
		options->verbose = true;
		return 0;
	case 'c':
		return set_ncpu(options, given, complaint);
	case 'r':
		return set_memory_limit(options, given, complaint);
	case 'l':
		return add_library(options, given, complaint);
	case 'm':
		return append(&options->modules, given, complaint);
	case 'd':
		return append(&options->drives, given, complaint);
	case OPTION_MOUNT:
		return append(&options->mounts, given, complaint);
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

/* An option that getopt_long() does not take: word, unless it is a letter among others. */
static int
refuse_option(const char *word, struct complaint *complaint)
{
	size_t length = strcspn(word, "="), matches = 0;

	if (optopt != 0 && optopt < OPTION_MOUNT && strchr(short_options, optopt) == NULL)
		return complain(complaint, "-%c: no such option", optopt);
	for (const struct option *o = long_options; o->name != NULL; o++)
		matches += length > 2 && strncmp(o->name, word + 2, length - 2) == 0;
	if (matches == 0)
		return complain(complaint, "%s: no such option", word);
	return complain(complaint, "%s: %s", word,
	    matches == 1 ? "this option takes no value" : "more than one option begins so");
}

static int
set_url(struct server_options *options, int argc, char **argv, struct complaint *complaint)
{
	if (options->action == ACTION_LIST && optind != argc)
		return complain(complaint, "%s: --list serves no clients, and takes no URL", argv[optind]);
	if (options->action != ACTION_SERVE)
		return 0;
	if (optind == argc)
		return complain(complaint, "the URL to serve at is missing, such as unix:///tmp/ctl");
	if (optind != argc - 1)
		return complain(
		    complaint, "%s: one URL only, and there is %s", argv[optind + 1], shown(argv[optind]));
	options->url = argv[optind];
	return 0;
}

int
options_parse(struct server_options *options, int argc, char **argv, struct complaint *complaint)
{
	int option, index = -1;

	memset(options, 0, sizeof(*options));
	optind = 0; /* glibc: start over, also in a process that parsed before */
	while ((option = getopt_long(argc, argv, short_options, long_options, &index)) != -1) {
		const struct option_value given = {name_of(option, index != -1), optarg};

		index = -1;
		if (option == '?')
			return refuse_option(argv[optind - 1], complaint);
		if (option == ':')
			return complain(complaint, "%s: a value is missing", argv[optind - 1]);
		if (apply(options, option, &given, complaint) != 0)
			return -1;
	}
	return set_url(options, argc, argv, complaint);
}

void
options_free(struct server_options *options)
{
	free(options->libraries.items);
	free(options->modules.items);
	free(options->drives.items);
	free(options->mounts.items);
}
