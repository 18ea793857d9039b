/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "hijack/descriptor.h"
#include "hijack/rump.h"

#define SIZE HIJACK_NAME

static char *
kept(long fd)
{
	char *names = __atomic_load_n(&hijack_process()->names, __ATOMIC_ACQUIRE);

	return names != NULL && (unsigned long)fd < HIJACK_FDS ? names + fd * SIZE : NULL;
}

/* The same, in memory that is made when it is not there. */
static char *
place_for(long fd)
{
	struct hijack_process *process = hijack_process();
	char *names = __atomic_load_n(&process->names, __ATOMIC_ACQUIRE);
	long map;

	if (names != NULL)
		return kept(fd);
	map = hijack_own(SYS_mmap, 0, (long)SIZE * HIJACK_FDS, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map < 0 && map > -4096)
		return NULL;
	if (!__atomic_compare_exchange_n(
		&process->names, &names, (char *)map, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		(void)hijack_own(SYS_munmap, map, (long)SIZE * HIJACK_FDS, 0, 0, 0, 0);
	return kept(fd);
}

/* The rump kernel's name for the current directory. */
static const char *
current(void)
{
	struct hijack_process *process = hijack_process();

	if (process->cwd_name[0] == '\0')
		hijack_names_ask();
	return process->cwd_name;
}

void
hijack_names_current(const char *name)
{
	struct hijack_process *process = hijack_process();
	struct rump_stat above;
	size_t length = strlen(name);

	if (length >= SIZE || (process->cwd_real && strcmp(name, process->cwd_name) == 0))
		return;
	memcpy(process->cwd_name, name, length + 1);
	process->above_device = process->above_inode = 0;
	if (HIJACK_RUMP(fstatat, RUMP_AT_FDCWD, hijack_slot(".."), hijack_slot(&above), 0) == 0) {
		process->above_device = above.st_dev;
		process->above_inode = above.st_ino;
	}
	process->cwd_real = true;
}

void
hijack_names_ask(void)
{
	const struct hijack_process *process = hijack_process();
	char name[SIZE];

	if (process->cwd_inside && !process->cwd_real && !process->cwd_lost &&
	    HIJACK_RUMP(__getcwd, hijack_slot(name), sizeof(name)) >= 0)
		hijack_names_current(name);
}

bool
hijack_names_above_is_same(void)
{
	const struct hijack_process *process = hijack_process();
	struct rump_stat above;
	char name[SIZE];
	char *end;
	long error;

	if (!process->cwd_inside || !process->cwd_real || process->cwd_lost)
		return false;
	memcpy(name, process->cwd_name, sizeof(name));
	end = strrchr(name, '/');
	end[end == name] = '\0';
	error = HIJACK_RUMP(
	    fstatat, RUMP_AT_FDCWD, hijack_slot(name), hijack_slot(&above), RUMP_AT_SYMLINK_NOFOLLOW);
	return error == -ENOENT ||
	       (error == 0 && above.st_dev == process->above_device && above.st_ino == process->above_inode);
}

/* The number of the program's that stands for a directory of the rump kernel's. */
static const char *
directory_name(long program_fd)
{
	const char *name = hijack_name_kept(program_fd);

	return name != NULL ? name : "";
}

/* An absolute name for a place. False: there is none that is short enough. */
static bool
name_of(const struct hijack_place *place, char name[SIZE])
{
	const char *base = "";
	size_t used = 0, length = strlen(place->path);

	if (place->path[0] != '/') {
		base = place->directory == RUMP_AT_FDCWD ? current() : directory_name(place->base);
		used = strlen(base);
	}
	if ((place->path[0] != '/' && used == 0) || used + length + 2 > SIZE)
		return false;
	memmove(name, base, used);
	if (place->path[0] != '/')
		name[used++] = '/';
	memcpy(name + used, place->path, length + 1);
	return true;
}

void
hijack_name_set(long fd, const struct hijack_place *place)
{
	char *to = place_for(fd);

	if (to != NULL && !name_of(place, to))
		*to = '\0';
}

void
hijack_names_renamed(const struct hijack_place *from, const struct hijack_place *to)
{
	const struct hijack_fds *fds = hijack_process()->fds;
	char before[SIZE], after[SIZE];
	size_t length;

	if (hijack_process()->names == NULL || fds == NULL || !name_of(from, before) || !name_of(to, after))
		return;
	length = strlen(before);
	for (uint32_t fd = 0; fd < fds->used; fd++) {
		char *name = fds->entry[fd] != 0 ? kept(fd) : NULL;
		size_t rest;

		if (name == NULL || strncmp(name, before, length) != 0 ||
		    (name[length] != '\0' && name[length] != '/'))
			continue;
		rest = strnlen(name + length, SIZE - length);
		if (strlen(after) + rest >= SIZE)
			continue;
		memmove(name + strlen(after), name + length, rest + 1);
		memcpy(name, after, strlen(after));
	}
}

void
hijack_name_copy(long from, long to)
{
	const char *name = hijack_name_kept(from);

	if (name != NULL)
		hijack_name_restore(to, name, strnlen(name, SIZE));
}

void
hijack_name_forget(long fd)
{
	char *name = kept(fd);

	/* A page that was never used stays so. */
	if (name != NULL && *name != '\0')
		*name = '\0';
}

void
hijack_names_moved(const struct hijack_place *place)
{
	struct hijack_process *process = hijack_process();
	size_t used = place->path[0] == '/' ? 0 : strlen(process->cwd_name), length = strlen(place->path);

	process->cwd_lost = process->cwd_real = false;
	/* One that leads up, or from nowhere, is asked for when it is needed. */
	if ((place->path[0] != '/' && (used == 0 || strstr(place->path, "..") != NULL)) ||
	    used + length + 2 > SIZE) {
		process->cwd_name[0] = '\0';
		return;
	}
	if (place->path[0] != '/')
		process->cwd_name[used++] = '/';
	memcpy(process->cwd_name + used, place->path, length + 1);
}

void
hijack_names_moved_fd(long fd)
{
	const char *name = hijack_name_kept(fd);

	hijack_process()->cwd_lost = hijack_process()->cwd_real = false;
	snprintf(hijack_process()->cwd_name, SIZE, "%s", name != NULL ? name : "");
}

void
hijack_names_rooted(void)
{
	char *names = hijack_process()->names;

	hijack_process()->cwd_name[0] = '\0';
	hijack_process()->cwd_real = false;
	if (names != NULL)
		(void)hijack_own(SYS_madvise, (long)names, (long)SIZE * HIJACK_FDS, MADV_DONTNEED, 0, 0, 0);
}

const char *
hijack_name_kept(long fd)
{
	const char *parent = hijack_process()->parent_names, *name = kept(fd);

	if ((name == NULL || *name == '\0') && parent != NULL && (unsigned long)fd < HIJACK_FDS)
		name = parent + fd * SIZE;
	return name != NULL && *name == '/' && strnlen(name, SIZE) < SIZE ? name : NULL;
}

void
hijack_name_restore(long fd, const char *name, size_t length)
{
	char *to = length < SIZE ? place_for(fd) : NULL;

	if (to == NULL)
		return;
	memcpy(to, name, length);
	to[length] = '\0';
}

static bool
is_file_of(const struct hijack_place *place, long fd)
{
	struct rump_stat named, opened;

	return HIJACK_RUMP(fstatat, RUMP_AT_FDCWD, hijack_slot(place->path), hijack_slot(&named),
		   RUMP_AT_SYMLINK_NOFOLLOW) == 0 &&
	       HIJACK_RUMP(__fstat50, (uint64_t)hijack_fd(fd), hijack_slot(&opened)) == 0 &&
	       named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
}

int
hijack_name_find(long fd, char path[PATH_MAX], struct hijack_place *place)
{
	const char *name = hijack_name_kept(fd);
	char seen[PATH_MAX];

	if (name == NULL)
		return -ENOENT;
	snprintf(place->path, sizeof(place->path), "%.*s", (int)SIZE, name);
	hijack_path_seen(path, place->path);
	memcpy(seen, path, sizeof(seen));
	place->directory = RUMP_AT_FDCWD;
	place->shadow = -1;
	place->inside = true;
	if (hijack_path_real(seen, place) != 0 || !is_file_of(place, fd))
		return 0;
	memcpy(path, seen, sizeof(seen));
	return 1;
}
