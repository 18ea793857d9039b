/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The links that the host has under /proc to what a process has open, where that is the rump kernel's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "hijack/abi/flags.h"
#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/files.h"
#include "hijack/names.h"
#include "hijack/rump.h"
#include "hijack/start.h"

static const char deleted[] = " (deleted)";
static const char memory_file[] = "/memfd:";

/* A descriptor's; -ENOENT where the host has to say something. */
static long
descriptor_link(long fd, char path[PATH_MAX])
{
	struct hijack_place place;
	struct rump_stat st;
	int found;

	if (hijack_fd_kind(fd) == HIJACK_KIND_SOCKET) {
		if (HIJACK_RUMP(__fstat50, (uint64_t)hijack_fd(fd), hijack_slot(&st)) != 0)
			return -ENOENT;
		return snprintf(path, PATH_MAX, "socket:[%lu]", (unsigned long)st.st_ino);
	}
	found = hijack_name_find(fd, path, &place);
	if (found < 0)
		return found;
	if (found == 0)
		strncat(path, deleted, PATH_MAX - strlen(path) - 1);
	return (long)strlen(path);
}

/* The current directory's. */
static long
directory_link(char path[PATH_MAX])
{
	long n = hijack_path_current(path, PATH_MAX);

	if (n == -ENOENT && hijack_path_last_current(path) >= 0) {
		strncat(path, deleted, PATH_MAX - strlen(path) - 1);
		n = (long)strlen(path);
	}
	return n;
}

/* The program's: one that lay in the rump kernel runs as a memory file with its name. */
static long
program_link(char path[PATH_MAX])
{
	long n = hijack_own(SYS_readlink, (long)"/proc/self/exe", (long)path, PATH_MAX - 1, 0, 0, 0);
	size_t before = sizeof(memory_file) - 1, after = sizeof(deleted) - 1;

	if (n <= (long)(before + after) || memcmp(path, memory_file, before) != 0 || path[before] != '/' ||
	    memcmp(path + n - after, deleted, after) != 0)
		return n;
	n -= (long)(before + after);
	memmove(path, path + before, (size_t)n);
	return n;
}

long
hijack_read_own_link(const struct hijack_own_name *own, uint64_t to, long size)
{
	char path[PATH_MAX];
	long n;

	if ((int)size <= 0)
		return -EINVAL;
	if (own->kind == HIJACK_OWN_PROGRAM)
		n = program_link(path);
	else if (own->kind == HIJACK_OWN_DIRECTORY)
		n = directory_link(path);
	else
		n = descriptor_link(own->fd, path);
	if (n > size)
		n = size;
	return n < 0 ? n : hijack_copyout(to, path, (size_t)n) == 0 ? n : -EFAULT;
}

/* A duplicate, which can do no more than the descriptor itself. */
static long
open_again_as_copy(long fd, int flags)
{
	struct hijack_call call = {
	    .arg = {hijack_fd(fd), flags & O_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD, 0}, .shadow = fd};
	long have = HIJACK_RUMP(fcntl, (uint64_t)hijack_fd(fd), RUMP_F_GETFL, 0), error = 0;
	int access = flags & O_ACCMODE;

	if (have < 0)
		return have;
	have &= O_ACCMODE;
	if (!(flags & O_PATH) && have != O_RDWR && have != access)
		return -EACCES;
	if (flags & O_TRUNC && access != O_RDONLY)
		error = hijack_inside_ftruncate(&(const struct hijack_call){.arg = {hijack_fd(fd), 0}});
	return error != 0 ? error : hijack_inside_fcntl(&call);
}

long
hijack_open_own_link(long fd, int flags)
{
	struct hijack_place place;
	char path[PATH_MAX];
	const long rest[] = {flags & ~(O_CREAT | O_EXCL), 0};

	if (hijack_fd_kind(fd) == HIJACK_KIND_SOCKET && !(flags & O_PATH))
		return -ENXIO;
	if (hijack_name_find(fd, path, &place) == 1)
		return hijack_inside_openat(&place, rest);
	return open_again_as_copy(fd, flags);
}
