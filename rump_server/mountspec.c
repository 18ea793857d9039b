/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "rump_server/mountspec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rump_server/path.h"

static int
unknown_type(const struct mountspec *mount, struct complaint *complaint)
{
	char known[256];

	abi_mount_types(known, sizeof(known));
	return complain(complaint, "--mount %s: file system type %s is not known; known are %s", mount->spec,
	    *mount->type != '\0' ? mount->type : "\"\"", known);
}

int
mountspec_parse(struct mountspec *mount, const char *spec, struct complaint *complaint)
{
	char *rest;
	const char *bad = NULL;
	int error;

	memset(mount, 0, sizeof(*mount));
	mount->spec = spec;
	mount->fields = rest = strdup(spec);
	if (rest == NULL)
		return complain(complaint, "out of memory");
	mount->type = strsep(&rest, ",");
	mount->special = strsep(&rest, ",");
	mount->directory = strsep(&rest, ",");
	if (mount->directory == NULL || mount->directory[0] != '/')
		return complain(complaint,
		    "--mount %s: not type,special,directory with an absolute directory, such as "
		    "tmpfs,tmpfs,/mnt",
		    *spec != '\0' ? spec : "\"\"");
	if (path_is_root(mount->directory))
		return complain(complaint,
		    "--mount %s: %s has the root file system; another directory is needed, such as /mnt",
		    spec, mount->directory);
	error = abi_mount_prepare(&mount->mount, mount->type, mount->special, rest, &bad);
	if (error == -ENODEV)
		return unknown_type(mount, complaint);
	if (mount->special[0] == '\0' && abi_mount_special(mount->type))
		return complain(
		    complaint, "--mount %s: what to mount is missing before %s", spec, mount->directory);
	if (error != 0)
		return complain(complaint,
		    "--mount %s: option %.*s is not known for %s, or its value is wrong; see rump_mount(1)",
		    spec, (int)strcspn(bad, ","), bad, mount->type);
	return 0;
}

void
mountspec_free(struct mountspec *mount)
{
	free(mount->fields);
	mount->fields = NULL;
}
