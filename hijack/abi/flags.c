/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/abi/flags.h"

#include <fcntl.h>
#include <stddef.h>

#include <rump/rumpdefs.h>

struct pair {
	int host;
	int netbsd;
};

/* O_SYNC contains O_DSYNC on Linux: it comes first, and takes that with it. */
static const struct pair open_pairs[] = {{O_CREAT, RUMP_O_CREAT}, {O_EXCL, RUMP_O_EXCL},
    {O_TRUNC, RUMP_O_TRUNC}, {O_APPEND, RUMP_O_APPEND}, {O_NONBLOCK, RUMP_O_NONBLOCK}, {O_SYNC, RUMP_O_SYNC},
    {O_DSYNC, RUMP_O_DSYNC}, {O_NOCTTY, RUMP_O_NOCTTY}, {O_DIRECTORY, RUMP_O_DIRECTORY},
    {O_NOFOLLOW, RUMP_O_NOFOLLOW}, {O_CLOEXEC, RUMP_O_CLOEXEC}, {O_ASYNC, RUMP_O_ASYNC}};

static const struct pair at_pairs[] = {{AT_SYMLINK_NOFOLLOW, RUMP_AT_SYMLINK_NOFOLLOW},
    {AT_SYMLINK_FOLLOW, RUMP_AT_SYMLINK_FOLLOW}, {AT_EACCESS, RUMP_AT_EACCESS}};

/* Access modes are the same. */
_Static_assert(O_ACCMODE == RUMP_O_ACCMODE && O_RDWR == RUMP_O_RDWR, "access modes");

static int
translate(int flags, const struct pair *pairs, size_t count)
{
	int result = 0;

	for (size_t i = 0; i < count; i++) {
		if ((flags & pairs[i].host) == pairs[i].host) {
			result |= pairs[i].netbsd;
			flags &= ~pairs[i].host;
		}
	}
	return result;
}

int
hijack_abi_open_flags(int flags)
{
	return (flags & O_ACCMODE) | translate(flags, open_pairs, sizeof(open_pairs) / sizeof(open_pairs[0]));
}

int
hijack_abi_open_flags_back(int flags)
{
	int result = flags & O_ACCMODE;

	for (size_t i = 0; i < sizeof(open_pairs) / sizeof(open_pairs[0]); i++) {
		if ((flags & open_pairs[i].netbsd) == open_pairs[i].netbsd)
			result |= open_pairs[i].host;
	}
	return result;
}

int
hijack_abi_at_flags(int flags)
{
	return translate(flags, at_pairs, sizeof(at_pairs) / sizeof(at_pairs[0]));
}
