/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "rump_server/mountspec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
		return complain(
		    complaint, "--mount %s: not type,special,directory with an absolute directory", spec);
	error = abi_mount_prepare(&mount->mount, mount->type, mount->special, rest, &bad);
	if (error == -ENODEV)
		return complain(complaint, "--mount %s: file system type %s is not known", spec, mount->type);
	if (error != 0)
		return complain(complaint,
		    "--mount %s: option %.*s is not known for %s, or its value is wrong", spec,
		    (int)strcspn(bad, ","), bad, mount->type);
	return 0;
}

void
mountspec_free(struct mountspec *mount)
{
	free(mount->fields);
	mount->fields = NULL;
}
