/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of extended attributes. Images have Linux's names, whose first component tells the space; NetBSD's
 * calls name the space apart and may or may not repeat it in the name.
 */
#ifndef KERNEL_FS_NAMES_ATTRNAME_H
#define KERNEL_FS_NAMES_ATTRNAME_H

#include <stdbool.h>
#include <string.h>
#include <rump/rumpdefs.h>

#define ATTRNAME_ROOM 512

static inline bool
attrname_begins(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Whether an image's name belongs to a space, RUMP_EXTATTR_NAMESPACE_*. */
static inline bool
attrname_in_space(int space, const char *name)
{
	bool users = attrname_begins(name, "user.") || attrname_begins(name, "trusted.");

	return (space == RUMP_EXTATTR_NAMESPACE_USER) == users;
}

/* The name that an image has it under; RUMP_ENAMETOOLONG. */
static inline int
attrname_of_image(int space, const char *name, char buf[ATTRNAME_ROOM])
{
	const char *prefix = space == RUMP_EXTATTR_NAMESPACE_USER ? "user." : "trusted.system.";

	if (attrname_begins(name, "user.") || attrname_begins(name, "trusted.") ||
	    attrname_begins(name, "security.") || attrname_begins(name, "system."))
		prefix = "";
	if (strlen(prefix) + strlen(name) >= ATTRNAME_ROOM)
		return RUMP_ENAMETOOLONG;
	memcpy(buf, prefix, strlen(prefix));
	memcpy(buf + strlen(prefix), name, strlen(name) + 1);
	return 0;
}

#endif
