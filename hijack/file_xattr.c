/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes. NetBSD has Linux's twelve calls, with the same arguments and the same names. What
 * Linux keeps in "system." is not an attribute there but another view of the file, such as its access control
 * list, which stands for its mode too; a rump kernel would store it like any other. So it is refused, as by a
 * file system that has none, and not listed.
 */
#include <errno.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>

#include "hijack/copy.h"
#include "hijack/files.h"
#include "hijack/rump.h"

#define SYSTEM "system."

/* 0, or the error of a name that there cannot be. */
static long
check(long name)
{
	char start[sizeof(SYSTEM)];
	ssize_t n = hijack_copyinstr(start, (uint64_t)name, sizeof(start));

	if (n == -EFAULT)
		return n;
	return strncmp(start, SYSTEM, sizeof(SYSTEM) - 1) == 0 ? -EOPNOTSUPP : 0;
}

/* Linux shows the superuser what is "trusted." and everybody what is "security.". */
static bool
is_shown(const char *name)
{
	return strncmp(name, "trusted.", 8) == 0 || strncmp(name, "security.", 9) == 0;
}

/* Drops the names of "system." from a list. Returns its size. */
static long
without_system(char *list, long size)
{
	long kept = 0;

	for (long at = 0; at < size;) {
		long length = (long)strnlen(list + at, (size_t)(size - at)) + 1;

		if (at + length > size)
			return -EIO;
		if (strncmp(list + at, SYSTEM, sizeof(SYSTEM) - 1) != 0) {
			memmove(list + kept, list + at, (size_t)length);
			kept += length;
		}
		at += length;
	}
	return kept;
}

/* Adds the names that are shown from a list of NetBSD's form, each with its length before it. */
static long
add_shown(char *list, long used, const uint8_t *names, long size)
{
	char name[UINT8_MAX + 1];

	for (long at = 0; at < size && at + names[at] < size; at += 1 + names[at]) {
		memcpy(name, names + at + 1, names[at]);
		name[names[at]] = '\0';
		if (!is_shown(name) || used + names[at] + 1 > XATTR_LIST_MAX)
			continue;
		memcpy(list + used, name, names[at] + 1U);
		used += names[at] + 1;
	}
	return used;
}

/* NetBSD's call lists its user space; its system space is listed by another. Their numbers, by what is
 * listed. */
struct calls {
	enum hijack_rump_number user, system;
};

/* object: a path of the library's, or a descriptor. Returns the list's size, or -errno. */
static long
gather(struct calls calls, uint64_t object, char *list, uint8_t *names)
{
	long size = hijack_rump_call(
		 calls.user, (const uint64_t[]){object, hijack_slot(list), XATTR_LIST_MAX}, 3, NULL),
	     more;

	if (size >= 0)
		size = without_system(list, size);
	if (size < 0)
		return size;
	more = hijack_rump_call(calls.system,
	    (const uint64_t[]){object, RUMP_EXTATTR_NAMESPACE_SYSTEM, hijack_slot(names), XATTR_LIST_MAX}, 4,
	    NULL);
	return more > 0 ? add_shown(list, size, names, more) : size;
}

/* to, room: as the program gave them. */
static long
list(struct calls calls, uint64_t object, long to, long room)
{
	char *memory = malloc(2 * XATTR_LIST_MAX);
	long size = -ENOMEM;

	if (memory == NULL)
		return size;
	size = gather(calls, object, memory, (uint8_t *)memory + XATTR_LIST_MAX);
	if (size > room && room != 0)
		size = -ERANGE;
	if (size > 0 && room != 0 && hijack_copyout((uint64_t)to, memory, (size_t)size) != 0)
		size = -EFAULT;
	free(memory);
	return size;
}

/* object: a path, or a descriptor; rest: the program's arguments behind it. */
static long
named(enum hijack_rump_number number, uint64_t object, const long *rest, size_t count)
{
	uint64_t slots[5] = {object};
	long error = check(rest[0]);

	for (size_t i = 0; i < count; i++)
		slots[1 + i] = (uint64_t)rest[i];
	return error != 0 ? error : hijack_rump_call(number, slots, 1 + count, NULL);
}

/* The calls by path have no form that is relative to a descriptor: the file is opened. Or -errno. */
static long
opened(const struct hijack_place *place, bool follow)
{
	uint64_t flags = RUMP_O_RDONLY | RUMP_O_NONBLOCK | RUMP_O_CLOEXEC | (follow ? 0 : RUMP_O_NOFOLLOW);

	return HIJACK_RUMP(openat, (uint64_t)place->directory, hijack_slot(place->path), flags, 0);
}

static long
named_below(enum hijack_rump_number number, bool follow, const struct hijack_place *place, const long *rest,
    size_t count)
{
	long fd = opened(place, follow), result;

	if (fd < 0)
		return fd;
	result = named(number, (uint64_t)fd, rest, count);
	(void)HIJACK_RUMP(close, (uint64_t)fd);
	return result;
}

#define ON_PATH(call, fd_call, follow, count) \
	long hijack_inside_##call(const struct hijack_place *place, const long *rest) \
	{ \
		return place->directory == RUMP_AT_FDCWD \
			   ? named(HIJACK_RUMP_##call, hijack_slot(place->path), rest, count) \
			   : named_below(HIJACK_RUMP_##fd_call, follow, place, rest, count); \
	}
#define ON_FD(call, count) \
	long hijack_inside_##call(const struct hijack_call *fd_call) \
	{ \
		return named(HIJACK_RUMP_##call, (uint64_t)fd_call->arg[0], &fd_call->arg[1], count); \
	}

ON_PATH(getxattr, fgetxattr, true, 3)
ON_PATH(lgetxattr, fgetxattr, false, 3)
ON_PATH(setxattr, fsetxattr, true, 4)
ON_PATH(lsetxattr, fsetxattr, false, 4)
ON_PATH(removexattr, fremovexattr, true, 1)
ON_PATH(lremovexattr, fremovexattr, false, 1)
ON_FD(fgetxattr, 3)
ON_FD(fsetxattr, 4)
ON_FD(fremovexattr, 1)

static const struct calls on_fd = {HIJACK_RUMP_flistxattr, HIJACK_RUMP_extattr_list_fd};

static long
list_below(const struct hijack_place *place, bool follow, const long *rest)
{
	long fd = opened(place, follow), result;

	if (fd < 0)
		return fd;
	result = list(on_fd, (uint64_t)fd, rest[0], rest[1]);
	(void)HIJACK_RUMP(close, (uint64_t)fd);
	return result;
}

long
hijack_inside_listxattr(const struct hijack_place *place, const long *rest)
{
	if (place->directory != RUMP_AT_FDCWD)
		return list_below(place, true, rest);
	return list((struct calls){HIJACK_RUMP_listxattr, HIJACK_RUMP_extattr_list_file},
	    hijack_slot(place->path), rest[0], rest[1]);
}

long
hijack_inside_llistxattr(const struct hijack_place *place, const long *rest)
{
	if (place->directory != RUMP_AT_FDCWD)
		return list_below(place, false, rest);
	return list((struct calls){HIJACK_RUMP_llistxattr, HIJACK_RUMP_extattr_list_link},
	    hijack_slot(place->path), rest[0], rest[1]);
}

long
hijack_inside_flistxattr(const struct hijack_call *call)
{
	return list(on_fd, (uint64_t)call->arg[0], call->arg[1], call->arg[2]);
}
