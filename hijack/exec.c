/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new program is hijacked as its caller was, whatever environment it is given: the variables that made it
 * so are added when they are missing, and the library is put first in an LD_PRELOAD without it. An
 * environment that sets one of the others keeps its own. Their values are those of the program's start; they
 * are kept here, because programs overwrite their environment's memory.
 */
#include "hijack/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hijack/beyond.h"
#include "hijack/copy.h"
#include "hijack/mem.h"
#include "hijack/path.h"
#include "hijack/start.h"

#define STORE_SIZE 4096
#define PRELOAD_MAX 4096
#define ENTRY_SIZE 32 /* as much of an entry as shows its name */

static const char preload_name[] = "LD_PRELOAD=";
static const char *const names[] = {
    "RUMP_SERVER=", "RUMPHIJACK=", "RUMPHIJACK_RETRYCONNECT=", "RUMPHIJACK_VERBOSE="};
#define NAMES (sizeof(names) / sizeof(names[0]))

static char store[STORE_SIZE];
static size_t store_used;
static const char *kept[NAMES]; /* whole entries */
static const char *library;     /* as LD_PRELOAD named it; NULL when something else loaded it */

/* Where, in a list as LD_PRELOAD has it, this library is; its length in *length. */
static const char *
find_library(const char *list, size_t *length)
{
	static const char name[] = "librumphijack.so";

	while (*list != '\0') {
		const char *base = list, *end = list;

		for (; *end != '\0' && *end != ':' && *end != ' '; end++) {
			if (*end == '/')
				base = end + 1;
		}
		if (strncmp(base, name, sizeof(name) - 1) == 0) {
			*length = (size_t)(end - list);
			return list;
		}
		list = *end == '\0' ? end : end + 1;
	}
	return NULL;
}

static const char *
keep(const char *string, size_t length)
{
	char *copy = store + store_used;

	if (length >= sizeof(store) - store_used)
		return NULL;
	memcpy(copy, string, length);
	copy[length] = '\0';
	store_used += length + 1;
	return copy;
}

bool
hijack_exec_start(char *const *environment)
{
	bool whole = true;

	for (; environment != NULL && *environment != NULL; environment++) {
		size_t length = 0;

		if (strncmp(*environment, preload_name, sizeof(preload_name) - 1) == 0 && library == NULL) {
			const char *found = find_library(*environment + sizeof(preload_name) - 1, &length);

			if (found != NULL)
				library = keep(found, length);
			whole = whole && (found == NULL || library != NULL);
		}
		for (size_t i = 0; i < NAMES; i++) {
			if (kept[i] != NULL || strncmp(*environment, names[i], strlen(names[i])) != 0)
				continue;
			kept[i] = keep(*environment, strlen(*environment));
			whole = whole && kept[i] != NULL;
		}
	}
	return whole;
}

/* What an environment lacks. */
struct lack {
	size_t count;   /* entries that it has */
	size_t preload; /* which of them is LD_PRELOAD; count: none */
	bool library;
	bool name[NAMES];
};

static int
inspect(uint64_t environment, struct lack *lack)
{
	lack->library = library != NULL;
	lack->preload = SIZE_MAX;
	for (size_t i = 0; i < NAMES; i++)
		lack->name[i] = kept[i] != NULL;
	for (lack->count = 0; environment != 0; lack->count++) {
		uint64_t entry;
		char start[ENTRY_SIZE];
		ssize_t n;

		if (hijack_copyin(&entry, environment + 8 * lack->count, sizeof(entry)) != 0)
			return -EFAULT;
		if (entry == 0)
			break;
		n = hijack_copyinstr(start, entry, sizeof(start));
		if (n < 0 && n != -ENAMETOOLONG)
			return (int)n;
		if (strncmp(start, preload_name, sizeof(preload_name) - 1) == 0 && lack->preload == SIZE_MAX)
			lack->preload = lack->count;
		for (size_t i = 0; i < NAMES; i++) {
			if (strncmp(start, names[i], strlen(names[i])) == 0)
				lack->name[i] = false;
		}
	}
	return 0;
}

/* Writes the LD_PRELOAD for the new program to value, unless it is fine. */
static int
build_preload(uint64_t old, char *value, struct lack *lack)
{
	size_t used = sizeof(preload_name) - 1, length;
	ssize_t n;

	memcpy(value, preload_name, used + 1);
	if (lack->preload != SIZE_MAX) {
		n = hijack_copyinstr(value, old, PRELOAD_MAX);
		if (n < 0)
			return (int)n;
		if (find_library(value + used, &length) != NULL) {
			lack->library = false;
			return 0;
		}
	}
	length = strlen(library);
	if (strlen(value) + length + 2 > PRELOAD_MAX)
		return -E2BIG;
	memmove(value + used + length + 1, value + used, strlen(value + used) + 1);
	memcpy(value + used, library, length);
	value[used + length] = lack->preload != SIZE_MAX ? ':' : '\0';
	return 0;
}

/* Fills in the new array behind which is room for LD_PRELOAD's new value. */
static int
fill(uint64_t from, struct lack *lack, const char *extra, uint64_t *new, char *value)
{
	size_t count = lack->count;
	int error;

	if (hijack_copyin(new, from, 8 * lack->count) != 0)
		return -EFAULT;
	if (lack->library) {
		error = build_preload(lack->preload != SIZE_MAX ? new[lack->preload] : 0, value, lack);
		if (error != 0)
			return error;
	}
	if (lack->library)
		new[lack->preload != SIZE_MAX ? lack->preload : count++] = (uint64_t)(uintptr_t)value;
	for (size_t i = 0; i < NAMES; i++) {
		if (lack->name[i])
			new[count++] = (uint64_t)(uintptr_t)kept[i];
	}
	if (extra != NULL)
		new[count++] = (uint64_t)(uintptr_t)extra;
	new[count] = 0;
	return 0;
}

static bool
lacks_anything(const struct lack *lack)
{
	bool any = lack->library;

	for (size_t i = 0; i < NAMES; i++)
		any = any || lack->name[i];
	return any;
}

int
hijack_environment_build(uint64_t from, const char *extra, struct hijack_environment *environment)
{
	struct lack lack;
	long map;
	int error = inspect(from, &lack);

	*environment = (struct hijack_environment){(char *const *)(uintptr_t)from, 0};
	if (error != 0 || (extra == NULL && !lacks_anything(&lack)))
		return error;
	/* Mapped, not on the stack: there may be thousands of entries. And not malloc: this may be vfork's
	 * child. */
	environment->size = 8 * (lack.count + 3 + NAMES) + PRELOAD_MAX;
	map = hijack_own(
	    SYS_mmap, 0, (long)environment->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map < 0 && map > -4096)
		return (int)map;
	environment->entries = (char *const *)map;
	error = fill(from, &lack, extra, (uint64_t *)map, (char *)map + environment->size - PRELOAD_MAX);
	if (error != 0)
		hijack_environment_free(environment);
	return error;
}

void
hijack_environment_free(struct hijack_environment *environment)
{
	if (environment->size > 0)
		(void)hijack_own(SYS_munmap, (long)environment->entries, (long)environment->size, 0, 0, 0, 0);
	environment->size = 0;
}

/* Makes the call on the host, with the environment, argument n, completed. */
static long
on_host(const struct hijack_call *call, int n)
{
	struct hijack_call changed = *call;
	struct hijack_environment environment;
	long result = hijack_environment_build((uint64_t)call->arg[n], NULL, &environment);

	if (result != 0)
		return result;
	changed.arg[n] = (long)environment.entries;
	result = hijack_pass(&changed);
	hijack_environment_free(&environment);
	return result;
}

/* What a program is, and what it takes along, is found out beyond when any of it may be the rump kernel's. */
static bool
concerns(long directory, long path)
{
	return hijack_process()->context != NULL || hijack_path_concerns(directory, (uint64_t)path);
}

/* A program that is there, and was not found all the same: it is its interpreter that is not. */
static bool
is_script(const struct hijack_call *call)
{
	return hijack_start.server != NULL && !hijack_process()->sandboxed &&
	       hijack_own(SYS_access, call->arg[0], F_OK, 0, 0, 0, 0) == 0;
}

long
hijack_execve(const struct hijack_call *call)
{
	const struct hijack_call at = {
	    SYS_execveat, {AT_FDCWD, call->arg[0], call->arg[1], call->arg[2], 0}, 0};

	long error;

	if (concerns(AT_FDCWD, call->arg[0]))
		return hijack_beyond(hijack_beyond_execveat, &at);
	error = on_host(call, 2);
	if (error == -ENOENT && (is_script(call) || hijack_path_has_links(AT_FDCWD, (uint64_t)call->arg[0])))
		return hijack_beyond(hijack_beyond_execveat, &at);
	return error;
}

long
hijack_execveat(const struct hijack_call *call)
{
	long error;

	if (concerns(call->arg[0], call->arg[1]))
		return hijack_beyond(hijack_beyond_execveat, call);
	error = on_host(call, 3);
	return error == -ENOENT && hijack_start.server != NULL ? hijack_beyond(hijack_beyond_execveat, call)
							       : error;
}
