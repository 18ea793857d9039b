/* SPDX-License-Identifier: BSD-2-Clause */
/* Unmounts file systems in the kernel of a server. */
#include "config.h"

#include <err.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump_syscalls.h>

#include "tools/tool.h"

static const char usage[] = "[-fv] [-t types] special | directory ...\n"
			    "       rump_umount -a [-fv] [-t types]";

static const char help[] =
    "Unmounts file systems in the rump kernel of the server that RUMP_SERVER names.\n"
    "\n"
    "  -a, --all         all but the root, the last one mounted first\n"
    "  -f, --force       also when files of it are in use\n"
    "  -t, --type=TYPES  only of these types, with commas between them; with \"no\" before\n"
    "                    them, only of others\n"
    "  -v, --verbose     say what was unmounted\n"
    "      --help        show this text\n"
    "      --version     show the version\n";

static const char letters[] = ":aft:v";

static const struct option long_options[] = {
    {"all", no_argument, NULL, 'a'},
    {"force", no_argument, NULL, 'f'},
    {"type", required_argument, NULL, 't'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, TOOL_HELP},
    {"version", no_argument, NULL, TOOL_VERSION},
    {NULL, 0, NULL, 0},
};

struct request {
	const char *types;
	int flags;
	bool all, verbose;
};

static bool
unmount_one(const struct request *request, const struct rump_statvfs *mount)
{
	if (strcmp(mount->f_mntonname, "/") == 0) {
		warnx("/: the root file system cannot be unmounted");
		return false;
	}
	if (rump_sys_unmount(mount->f_mntonname, request->flags) == -1) {
		warn("%s", mount->f_mntonname);
		return false;
	}
	if (request->verbose)
		printf("%s: unmounted from %s\n", mount->f_mntfromname, mount->f_mntonname);
	return true;
}

static bool
unmount_all(const struct request *request)
{
	bool good = true;
	int count;
	struct rump_statvfs *mounts = tool_mounts(&count);

	for (int i = count - 1; i >= 0; i--) {
		if (strcmp(mounts[i].f_mntonname, "/") != 0 &&
		    tool_type_matches(request->types, mounts[i].f_fstypename))
			good &= unmount_one(request, &mounts[i]);
	}
	free(mounts);
	return good;
}

/* By the directory or by what is mounted there; the last mounted is on top. */
static bool
unmount_named(const struct request *request, const char *name)
{
	size_t length = strlen(name);
	bool good = false, found = false;
	int count;
	struct rump_statvfs *mounts = tool_mounts(&count);

	while (length > 1 && name[length - 1] == '/')
		length--;
	for (int i = count - 1; i >= 0 && !found; i--) {
		found = (strncmp(mounts[i].f_mntonname, name, length) == 0 &&
			    mounts[i].f_mntonname[length] == '\0') ||
			strcmp(mounts[i].f_mntfromname, name) == 0;
		found = found && tool_type_matches(request->types, mounts[i].f_fstypename);
		if (found)
			good = unmount_one(request, &mounts[i]);
	}
	if (!found)
		warnx("%s: not mounted", *name != '\0' ? name : "\"\"");
	free(mounts);
	return good;
}

int
main(int argc, char **argv)
{
	struct request request = {.types = NULL};
	bool good = true;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		switch (option) {
		case 'a':
			request.all = true;
			break;
		case 'f':
			request.flags = RUMP_MNT_FORCE;
			break;
		case 't':
			request.types = optarg;
			break;
		case 'v':
			request.verbose = true;
			break;
		case TOOL_HELP:
			tool_help(usage, help);
		case TOOL_VERSION:
			tool_version();
		default:
			tool_bad_option(option, argv, letters, usage);
		}
	}
	if (request.all && optind != argc)
		tool_usage(usage, "%s: -a unmounts all, and takes no name", argv[optind]);
	if (!request.all && optind == argc)
		tool_usage(usage, "what to unmount is missing");
	tool_connect();
	if (request.all)
		good = unmount_all(&request);
	for (int i = optind; i < argc; i++)
		good &= unmount_named(&request, argv[i]);
	return good && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
