/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls with two names: both have to be on one side. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/syscall.h>

#include "hijack/copy.h"
#include "hijack/files.h"
#include "hijack/names.h"
#include "hijack/rump.h"

struct two {
	struct hijack_place from;
	struct hijack_place to;
};

/* Finds both places. Returns 1 when they are inside, 0 on the host, or -errno. */
static int
find(const struct hijack_call *call, bool follow, struct two *two)
{
	int error = hijack_path_find(call->arg[0], (uint64_t)call->arg[1], follow, &two->from);

	if (error == 0)
		error = hijack_path_find(call->arg[2], (uint64_t)call->arg[3], false, &two->to);
	if (error != 0)
		return error;
	/* A descriptor's name cannot be linked to. */
	if (two->from.inside != two->to.inside ||
	    (two->from.inside && (two->from.shadow >= 0 || two->to.shadow >= 0)))
		return -EXDEV;
	return two->from.inside;
}

static long
on_host(const struct hijack_call *call, const struct two *two)
{
	struct hijack_call changed = *call;

	if (two->from.renamed) {
		changed.arg[0] = AT_FDCWD;
		changed.arg[1] = (long)two->from.path;
	}
	if (two->to.renamed) {
		changed.arg[2] = AT_FDCWD;
		changed.arg[3] = (long)two->to.path;
	}
	return hijack_pass(&changed);
}

static bool
exists(const struct hijack_place *place)
{
	struct rump_stat st;

	return HIJACK_RUMP(fstatat, (uint64_t)place->directory, hijack_slot(place->path), hijack_slot(&st),
		   RUMP_AT_SYMLINK_NOFOLLOW) == 0;
}

static bool
needs_directory(const struct hijack_place *place)
{
	return place->path[0] != '/' && place->directory != RUMP_AT_FDCWD;
}

/* Of two links to one file both stay. NetBSD's renameat removes one, so it is only for names in other
 * directories than the current one. */
static long
rename_inside(const struct two *two)
{
	if (!needs_directory(&two->from) && !needs_directory(&two->to))
		return HIJACK_RUMP(__posix_rename, hijack_slot(two->from.path), hijack_slot(two->to.path));
	return HIJACK_RUMP(renameat, (uint64_t)two->from.directory, hijack_slot(two->from.path),
	    (uint64_t)two->to.directory, hijack_slot(two->to.path));
}

long
hijack_beyond_rename(const struct hijack_call *call)
{
	struct two two;
	int inside = find(call, false, &two);
	long error;

	if (inside <= 0)
		return inside < 0 ? inside : on_host(call, &two);
	/* There is no call for the others. Not replacing is asked for first, so another may come in between.
	 */
	if (call->arg[4] & ~RENAME_NOREPLACE)
		return -EINVAL;
	if (call->arg[4] & RENAME_NOREPLACE && exists(&two.to))
		return -EEXIST;
	error = rename_inside(&two);
	if (error == 0)
		hijack_names_renamed(&two.from, &two.to);
	return error;
}

long
hijack_beyond_link(const struct hijack_call *call)
{
	struct two two;
	bool follow = (call->arg[4] & AT_SYMLINK_FOLLOW) != 0;
	int inside = find(call, follow, &two);

	if (inside <= 0)
		return inside < 0 ? inside : on_host(call, &two);
	return HIJACK_RUMP(linkat, (uint64_t)two.from.directory, hijack_slot(two.from.path),
	    (uint64_t)two.to.directory, hijack_slot(two.to.path), follow ? RUMP_AT_SYMLINK_FOLLOW : 0);
}

long
hijack_beyond_symlink(const struct hijack_call *call)
{
	char target[PATH_MAX];
	struct hijack_place place;
	struct hijack_call changed = *call;
	ssize_t length = hijack_copyinstr(target, (uint64_t)call->arg[0], sizeof(target));
	int error = length < 0 ? (int)length : length == 0 ? -ENOENT : 0;

	if (error == 0)
		error = hijack_path_find(call->arg[1], (uint64_t)call->arg[2], false, &place);
	if (error != 0)
		return error;
	if (place.inside)
		return HIJACK_RUMP(
		    symlinkat, hijack_slot(target), (uint64_t)place.directory, hijack_slot(place.path));
	if (place.renamed) {
		changed.arg[1] = AT_FDCWD;
		changed.arg[2] = (long)place.path;
	}
	return hijack_pass(&changed);
}
