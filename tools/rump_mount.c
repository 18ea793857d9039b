/* SPDX-License-Identifier: BSD-2-Clause */
/* Mounts a file system in the kernel of a server, or lists what is mounted there. */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump_syscalls.h>

#include "abi/mount.h"
#include "tools/tool.h"

static const char usage[] = "[-v] [-t types]\n"
			    "       rump_mount [-fruv] [-o options] -t type special directory\n"
			    "       rump_mount -u [-frv] [-o options] [-t type] special | directory";

static const char help[] =
    "Mounts a file system in the rump kernel of the server that RUMP_SERVER names;\n"
    "without a directory, lists what is mounted there.\n"
    "\n"
    "  -t, --type=TYPE       the type of the file system; for the list, types with commas\n"
    "                        between them, with \"no\" before them for all others\n"
    "  -o, --options=LIST    options with commas between them, such as ro,noatime\n"
    "  -r, --read-only       mount read-only, as -o ro\n"
    "  -u, --update          change the options of what is mounted\n"
    "  -f, --force           make it read-only though files are being written, as -o force\n"
    "  -v, --verbose         say what was done; list counts of reads and writes\n"
    "      --help            show this text\n"
    "      --version         show the version\n";

static const char letters[] = ":fo:rt:uv";

static const struct option long_options[] = {
    {"type", required_argument, NULL, 't'},
    {"options", required_argument, NULL, 'o'},
    {"read-only", no_argument, NULL, 'r'},
    {"update", no_argument, NULL, 'u'},
    {"force", no_argument, NULL, 'f'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, TOOL_HELP},
    {"version", no_argument, NULL, TOOL_VERSION},
    {NULL, 0, NULL, 0},
};

struct request {
	const char *type, *special, *directory;
	char options[1024];
	bool update, verbose;
};

static void
add_options(struct request *request, const char *options)
{
	size_t used = strlen(request->options);
	int length = snprintf(
	    request->options + used, sizeof(request->options) - used, "%s%s", used == 0 ? "" : ",", options);

	if (length < 0 || (size_t)length >= sizeof(request->options) - used)
		errx(EXIT_FAILURE, "-o %s: too many options", options);
}

static void
show(const struct rump_statvfs *mount, bool verbose)
{
	char words[256];

	abi_mount_describe(mount->f_flag, words, sizeof(words));
	printf("%s on %s type %s", mount->f_mntfromname, mount->f_mntonname, mount->f_fstypename);
	if (words[0] != '\0')
		printf(" (%s)", words);
	if (verbose)
		printf(" reads: sync %llu async %llu, writes: sync %llu async %llu",
		    (unsigned long long)mount->f_syncreads, (unsigned long long)mount->f_asyncreads,
		    (unsigned long long)mount->f_syncwrites, (unsigned long long)mount->f_asyncwrites);
	putchar('\n');
}

static int
list(const struct request *request)
{
	int count;
	struct rump_statvfs *mounts = tool_mounts(&count);

	for (int i = 0; i < count; i++) {
		if (tool_type_matches(request->type, mounts[i].f_fstypename))
			show(&mounts[i], request->verbose);
	}
	free(mounts);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Fills in what the caller left out about something that is mounted. mounts has to outlive the request. */
static void
find_mounted(struct request *request, const struct rump_statvfs *mounts, int count, const char *name)
{
	for (int i = count - 1; i >= 0; i--) {
		if (strcmp(mounts[i].f_mntonname, name) != 0 && strcmp(mounts[i].f_mntfromname, name) != 0)
			continue;
		if (request->type == NULL)
			request->type = mounts[i].f_fstypename;
		request->special = mounts[i].f_mntfromname;
		request->directory = mounts[i].f_mntonname;
		return;
	}
	errx(EXIT_FAILURE, "%s: not mounted", name);
}

_Noreturn static void
refuse_type(const char *type)
{
	char known[256];

	abi_mount_types(known, sizeof(known));
	errx(EXIT_FAILURE, "-t %s: file system type is not known; known are %s",
	    *type != '\0' ? type : "\"\"", known);
}

static void
mount_it(const struct request *request)
{
	struct abi_mount mount;
	const char *bad = NULL;
	int error;

	error = abi_mount_prepare(&mount, request->type, request->special, request->options, &bad);
	if (error == -ENODEV)
		refuse_type(request->type);
	if (error != 0)
		errx(EXIT_FAILURE, "-o %.*s: not known for %s, or its value is wrong", (int)strcspn(bad, ","),
		    bad, request->type);
	if (rump_sys_mount(request->type, request->directory, mount.flags, &mount.args, mount.size) == -1) {
		if (errno == ENODEV)
			errx(EXIT_FAILURE, "-t %s: the kernel was started without a component that has it",
			    request->type);
		err(EXIT_FAILURE, "%s on %s", request->special, request->directory);
	}
	if (request->verbose)
		printf("%s on %s type %s\n", request->special, request->directory, request->type);
}

static void
parse(struct request *request, int argc, char **argv)
{
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		switch (option) {
		case 'f':
			add_options(request, "force");
			break;
		case 'o':
			add_options(request, optarg);
			break;
		case 'r':
			add_options(request, "ro");
			break;
		case 't':
			request->type = optarg;
			break;
		case 'u':
			request->update = true;
			add_options(request, "update");
			break;
		case 'v':
			request->verbose = true;
			break;
		case TOOL_HELP:
			tool_help(usage, help);
		case TOOL_VERSION:
			tool_version();
		default:
			tool_bad_option(option, argv, letters, usage);
		}
	}
}

static void
check(const struct request *request, int argc, char **argv)
{
	if (argc == 2 && request->type == NULL)
		errx(EXIT_FAILURE, "say with -t what type of file system %s has", argv[0]);
	if (argc > 2)
		tool_usage(usage, "%s: one file system at a time", argv[2]);
	if (argc == 0)
		tool_usage(usage, "-o %s: what to mount or update is missing", request->options);
	if (argc == 1 && !request->update)
		tool_usage(usage, "%s: the directory to mount it on is missing", argv[0]);
}

int
main(int argc, char **argv)
{
	static struct request request;
	struct rump_statvfs *mounts = NULL;
	int count;

	parse(&request, argc, argv);
	argc -= optind;
	argv += optind;
	if (argc == 0 && request.options[0] == '\0') {
		tool_connect();
		return list(&request);
	}
	check(&request, argc, argv);
	tool_connect();
	if (argc == 2) {
		request.special = argv[0];
		request.directory = argv[1];
	} else {
		mounts = tool_mounts(&count);
		find_mounted(&request, mounts, count, argv[0]);
	}
	mount_it(&request);
	free(mounts);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
