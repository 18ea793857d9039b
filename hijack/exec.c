/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new program is hijacked as its caller was, whatever environment it is given: the variables that made it
 * so are added when they are missing, and the library is put first in an LD_PRELOAD without it. An
 * environment that sets one of the others keeps its own. One whose libraries may lie in the rump kernel gets
 * the library in LD_AUDIT as well, see loader.h: each program anew, none is to find it there. Their values
 * are those of the program's start; they are kept here, because programs overwrite their environment's
 * memory.
 */
#include "hijack/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hijack/beyond.h"
#include "hijack/copy.h"
#include "hijack/loader.h"
#include "hijack/mem.h"
#include "hijack/path.h"
#include "hijack/run_path.h"
#include "hijack/start.h"

#define STORE_SIZE 4096
#define LIST_MAX 4096
#define ENTRY_SIZE 32 /* as much of an entry as shows its name */

/* What the loader has lists in that this library, its auditor and what that takes belong to. */
enum list { PRELOAD, AUDIT, ROOM, LISTS };
static const char *const lists[LISTS] = {"LD_PRELOAD=", HIJACK_LOADER_VARIABLE, HIJACK_LOADER_TUNABLES};

static const char own_name[] = "librumphijack.so", search_path[] = "LD_LIBRARY_PATH=";
static const char *const names[] = {
    "RUMP_SERVER=", "RUMPHIJACK=", "RUMPHIJACK_RETRYCONNECT=", "RUMPHIJACK_VERBOSE="};
#define NAMES (sizeof(names) / sizeof(names[0]))

static char store[STORE_SIZE];
static size_t store_used;
static const char *kept[NAMES]; /* whole entries */
static const char *library;     /* as LD_PRELOAD named it; NULL when something else loaded it */

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

static bool
is_variable(const char *entry, const char *name)
{
	return strncmp(entry, name, strlen(name)) == 0;
}

bool
hijack_exec_start(char *const *environment)
{
	bool whole = true;

	for (; environment != NULL && *environment != NULL; environment++) {
		size_t length = 0;

		if (is_variable(*environment, lists[PRELOAD]) && library == NULL) {
			const char *found =
			    hijack_loader_find(*environment + strlen(lists[PRELOAD]), own_name, &length);

			if (found != NULL)
				library = keep(found, length);
			whole = whole && (found == NULL || library != NULL);
		}
		for (size_t i = 0; i < NAMES; i++) {
			if (kept[i] != NULL || !is_variable(*environment, names[i]))
				continue;
			kept[i] = keep(*environment, strlen(*environment));
			whole = whole && kept[i] != NULL;
		}
	}
	return whole;
}

/* What an environment lacks. */
struct lack {
	size_t count;     /* entries that it has */
	size_t at[LISTS]; /* which of them are lists; SIZE_MAX: none */
	bool list[LISTS]; /* this library is to be in them */
	bool name[NAMES];
};

/* Whether what an entry names for the loader may lie in the rump kernel. */
static bool
entry_may_be_inside(uint64_t entry, const char *name)
{
	char text[LIST_MAX];
	ssize_t n = hijack_copyinstr(text, entry, sizeof(text));

	return n == -ENAMETOOLONG || (n > (ssize_t)strlen(name) &&
					 hijack_run_path_listed(text + strlen(name), name == lists[PRELOAD]));
}

static void
inspect_entry(const char *start, uint64_t entry, struct lack *lack)
{
	for (int i = 0; i < LISTS; i++) {
		if (is_variable(start, lists[i]) && lack->at[i] == SIZE_MAX)
			lack->at[i] = lack->count;
	}
	for (size_t i = 0; i < NAMES; i++) {
		if (is_variable(start, names[i]))
			lack->name[i] = false;
	}
	if (library == NULL || !hijack_exec_can_audit())
		return;
	if (is_variable(start, search_path))
		lack->list[AUDIT] = lack->list[AUDIT] || entry_may_be_inside(entry, search_path);
	else if (is_variable(start, lists[PRELOAD]))
		lack->list[AUDIT] = lack->list[AUDIT] || entry_may_be_inside(entry, lists[PRELOAD]);
}

static int
inspect(uint64_t environment, bool audit, struct lack *lack)
{
	lack->list[PRELOAD] = library != NULL;
	lack->list[AUDIT] = library != NULL && audit;
	lack->at[PRELOAD] = lack->at[AUDIT] = lack->at[ROOM] = SIZE_MAX;
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
		inspect_entry(start, entry, lack);
	}
	lack->list[ROOM] = lack->list[AUDIT];
	return 0;
}

/* Writes a list for the new program to value, unless it is fine. */
static int
build_list(enum list list, uint64_t old, char *value, struct lack *lack)
{
	static const char *const wanted[LISTS] = {own_name, HIJACK_LOADER_AUDITOR, HIJACK_LOADER_ROOM};
	size_t used = strlen(lists[list]), length;
	char auditor[PATH_MAX];
	const char *add = list == PRELOAD ? library : wanted[list];
	ssize_t n;

	memcpy(value, lists[list], used + 1);
	if (old != 0) {
		n = hijack_copyinstr(value, old, LIST_MAX);
		if (n < 0)
			return (int)n;
	}
	if (list == AUDIT)
		add = hijack_loader_auditor(library, auditor, sizeof(auditor)) ? auditor : NULL;
	if (add == NULL || hijack_loader_find(value + used, wanted[list], &length) != NULL) {
		lack->list[list] = false;
		return 0;
	}
	length = strlen(add);
	if (strlen(value) + length + 2 > LIST_MAX)
		return -E2BIG;
	memmove(value + used + length + 1, value + used, strlen(value + used) + 1);
	memcpy(value + used, add, length);
	value[used + length] = old != 0 ? ':' : '\0';
	return 0;
}

/* Fills in the new array behind which is room for the lists' new values. */
static int
fill(uint64_t from, struct lack *lack, const char *extra, uint64_t *new, char *value)
{
	size_t count = lack->count;

	if (hijack_copyin(new, from, 8 * lack->count) != 0)
		return -EFAULT;
	for (int i = 0; i < LISTS; i++, value += LIST_MAX) {
		size_t at = lack->at[i] != SIZE_MAX ? lack->at[i] : count;
		int error;

		if (!lack->list[i])
			continue;
		error = build_list((enum list)i, at < count ? new[at] : 0, value, lack);
		if (error != 0)
			return error;
		if (!lack->list[i])
			continue;
		new[at] = (uint64_t)(uintptr_t)value;
		count += at == count;
	}
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
	bool any = lack->list[PRELOAD] || lack->list[AUDIT];

	for (size_t i = 0; i < NAMES; i++)
		any = any || lack->name[i];
	return any;
}

bool
hijack_exec_can_audit(void)
{
	const struct hijack_config *config = &hijack_start.config;

	return hijack_start.server != NULL && (config->path != NULL || config->blankets > 0) &&
	       !hijack_process()->root_inside;
}

int
hijack_environment_build(uint64_t from, bool audit, const char *extra, struct hijack_environment *environment)
{
	struct lack lack;
	long map;
	int error = inspect(from, audit, &lack);

	*environment = (struct hijack_environment){(char *const *)(uintptr_t)from, 0};
	if (error != 0 || (extra == NULL && !lacks_anything(&lack)))
		return error;
	/* Mapped, not on the stack: there may be thousands of entries. And not malloc: this may be vfork's
	 * child. */
	environment->size = 8 * (lack.count + LISTS + 2 + NAMES) + LISTS * LIST_MAX;
	map = hijack_own(
	    SYS_mmap, 0, (long)environment->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map < 0 && map > -4096)
		return (int)map;
	environment->entries = (char *const *)map;
	error = fill(from, &lack, extra, (uint64_t *)map, (char *)map + environment->size - LISTS * LIST_MAX);
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

/* Makes the call on the host, as if it were execveat, with the environment, argument n, completed. */
static long
on_host(const struct hijack_call *call, const struct hijack_call *at, int n)
{
	struct hijack_call changed = *call;
	struct hijack_environment environment;
	bool audit =
	    hijack_exec_can_audit() && hijack_run_path_of(at->arg[0], (uint64_t)at->arg[1], at->arg[4]);
	long result = hijack_environment_build((uint64_t)call->arg[n], audit, NULL, &environment);

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
	error = on_host(call, &at, 2);
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
	error = on_host(call, call, 3);
	return error == -ENOENT && hijack_start.server != NULL ? hijack_beyond(hijack_beyond_execveat, call)
							       : error;
}
