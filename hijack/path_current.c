/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of places inside as the program sees them, and above all of its current directory. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "hijack/gate.h"
#include "hijack/names.h"
#include "hijack/path.h"
#include "hijack/rump.h"
#include "hijack/start.h"

size_t
hijack_path_prefix(void)
{
	return hijack_start.config.path != NULL && !hijack_process()->root_inside
		   ? strlen(hijack_start.config.path)
		   : 0;
}

void
hijack_path_seen(char path[PATH_MAX], const char *inner)
{
	bool blanket = hijack_config_match(&hijack_start.config, inner) == 0;

	snprintf(path, PATH_MAX, "%s%s", hijack_path_prefix() == 0 || blanket ? "" : hijack_start.config.path,
	    strcmp(inner, "/") == 0 && hijack_path_prefix() > 0 ? "" : inner);
}

long
hijack_path_current(char *path, size_t size)
{
	size_t prefix = hijack_path_prefix();
	long error;

	if (!hijack_process()->cwd_inside) {
		error = hijack_own(SYS_getcwd, (long)path, (long)size, 0, 0, 0, 0);
		return error > 0 ? error - 1 : error;
	}
	if (hijack_process()->cwd_lost)
		return -ENOENT;
	if (size <= prefix + 1)
		return -ERANGE;
	error = HIJACK_RUMP(__getcwd, hijack_slot(path + prefix), size - prefix);
	if (error < 0)
		return error;
	hijack_names_current(path + prefix);
	/* Below a blanket the name is the program's own. */
	if (hijack_config_match(&hijack_start.config, path + prefix) == 0) {
		memmove(path, path + prefix, strlen(path + prefix) + 1);
		return (long)strlen(path);
	}
	if (prefix > 0)
		memcpy(path, hijack_start.config.path, prefix);
	if (strcmp(path + prefix, "/") == 0 && prefix > 0)
		path[prefix] = '\0';
	return (long)strlen(path);
}

long
hijack_path_last_current(char path[PATH_MAX])
{
	const struct hijack_process *process = hijack_process();

	if (!process->cwd_inside || !process->cwd_real || process->cwd_lost)
		return -ENOENT;
	hijack_path_seen(path, process->cwd_name);
	return (long)strlen(path);
}

int
hijack_path_absolute(char path[PATH_MAX])
{
	char current[PATH_MAX];
	size_t length = strlen(path);
	long n;

	if (path[0] == '/')
		return 0;
	n = hijack_path_current(current, sizeof(current));
	if (n < 0)
		return (int)n;
	if ((size_t)n + 1 + length >= PATH_MAX)
		return -ENAMETOOLONG;
	memmove(path + n + 1, path, length + 1);
	memcpy(path, current, (size_t)n);
	path[n] = '/';
	return 0;
}
