/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "rump_server/path.h"

#include <stddef.h>
#include <string.h>

static bool
is_dots(const char *component, size_t length, size_t dots)
{
	return length == dots && memcmp(component, "..", length) == 0;
}

bool
path_is_plain(const char *path)
{
	if (*path != '/')
		return false;
	while (*path == '/') {
		size_t length = strcspn(++path, "/");

		if (length == 0 || is_dots(path, length, 1) || is_dots(path, length, 2))
			return false;
		path += length;
	}
	return true;
}

bool
path_is_root(const char *path)
{
	size_t depth = 0;

	if (*path != '/')
		return false;
	while (*path == '/') {
		size_t length = strcspn(++path, "/");

		if (is_dots(path, length, 2))
			depth -= depth > 0;
		else if (length > 0 && !is_dots(path, length, 1))
			depth++;
		path += length;
	}
	return depth == 0;
}
