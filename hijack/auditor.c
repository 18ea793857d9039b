/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Libraries that a program is linked with, where they lie in the rump kernel.
 *
 * Theory of operation
 *
 * The loader maps them before any code of theirs or of the hijack library's runs, but for one kind: libraries
 * that audit it (rtld-audit(7)) are loaded first of all, each with a libc of its own that the program never
 * sees. A program that may need it (run_path.h) is therefore executed with this one in LD_AUDIT. It is made
 * of what the hijack library is made of, but rewrites the calls of the loader, and of nobody else; and it
 * takes over what the process has in the rump kernel. So the loader finds, maps and reports as it does later
 * in dlopen.
 *
 * When all is mapped and relocated this puts the loader's code back, and lets go of the connection without
 * closing it: the hijack library, whose constructor comes next, takes over by the same environment. From then
 * on there is nothing to do but for names: what a program that runs as a memory file has for $ORIGIN begins
 * with "/memfd:", which path.c understands, and which is taken off the names of libraries found by it.
 *
 * Where the loader has looked for a library in vain, and then not seen a directory, it never looks again. So
 * it must not look there for this one's libc: a DT_RPATH, which comes before everything else, says where that
 * is.
 */
#include <link.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hijack/arm.h"
#include "hijack/descriptor.h"
#include "hijack/exec.h"
#include "hijack/gate.h"
#include "hijack/mem.h"
#include "hijack/object.h"
#include "hijack/patch.h"
#include "hijack/path.h"
#include "hijack/report.h"
#include "hijack/start.h"
#include "hijack/tables.h"
#include "hijack/trap.h"
#include "rumpclient/client.h"

static const char loader_name[] = "ld-linux-x86-64.so.2";

/* From the start until the program is loaded. */
static struct {
	bool active;
	bool trapping;
	uint8_t *text; /* the loader's, once it is rewritten */
	size_t size;
	struct hijack_sites sites;
	struct rumpclient *taken; /* the process's connection, which is handed on */
} audit;

static void
rewrite_loader(const struct hijack_object *object, void *arg)
{
	struct hijack_tables *tables = arg;
	int patched;

	/* Without a table dispatch does: scanning would take longer than all that follows. */
	if (strcmp(object->name, loader_name) != 0 || hijack_tables_load(tables, object, &audit.sites) != 0)
		return;
	audit.text = (uint8_t *)(uintptr_t)object->text;
	audit.size = object->text_size;
	patched = hijack_patch(&audit.sites, audit.text, audit.size);
	audit.active = patched >= 0 && (uint32_t)patched == audit.sites.count + audit.sites.left;
}

/* The loader is as it was. */
static void
put_back(void)
{
	audit.active = false;
	if (audit.text != NULL)
		hijack_unpatch(&audit.sites, audit.text, audit.size);
	if (audit.trapping)
		hijack_trap_stop();
}

/* Some of its calls alone are worse than none: it would read from what it cannot have opened. */
static void
take_loader(struct hijack_tables *tables)
{
	hijack_each_object(rewrite_loader, tables);
	if (audit.active)
		return;
	audit.trapping = true;
	audit.active = hijack_trap_start() == 0;
	if (audit.active) {
		hijack_arm("the loader is not rewritten");
		return;
	}
	put_back();
	if (hijack_verbose)
		hijack_report("the loader finds no libraries in the rump kernel: no dispatch of its calls");
}

static char **
copy_array(char *const *environment)
{
	size_t count = 1;
	char **copy;

	for (char *const *entry = environment; *entry != NULL; entry++)
		count++;
	copy = malloc(count * sizeof(*copy));
	if (copy != NULL)
		memcpy(copy, environment, count * sizeof(*copy));
	return copy;
}

static void
start(char *const *environment)
{
	struct hijack_tables tables;
	char **copy;

	hijack_start_read(environment);
	if (hijack_start.server == NULL)
		return;
	hijack_main_process.pid = (int)hijack_own(SYS_getpid, 0, 0, 0, 0, 0, 0);
	hijack_tables_open(&tables, environment);
	take_loader(&tables);
	hijack_tables_close(&tables);
	/* Read from a copy: the program's copy of this library takes it over again. */
	copy = audit.active ? copy_array(environment) : NULL;
	if (copy != NULL)
		hijack_exec_take_over(copy);
	audit.taken = hijack_main_process.context;
}

/* What this copy has in the rump kernel, but for the connection that it was given. */
static void
leave(struct hijack_process *process)
{
	if (process->context != NULL && process->context == audit.taken)
		atomic_store(&process->context->fd, -1);
	rumpclient_ctx_free(process->context);
	rumpclient_ctx_free(process->retired);
	process->context = process->retired = NULL;
	for (size_t i = 0; i < HIJACK_EVENTS; i++) {
		if (process->events[i] != 0)
			(void)hijack_own(SYS_close, process->events[i] - 1, 0, 0, 0, 0, 0);
	}
	if (process->fds != NULL)
		(void)hijack_own(SYS_munmap, (long)process->fds, sizeof(*process->fds), 0, 0, 0, 0);
	if (process->names != NULL)
		(void)hijack_own(
		    SYS_munmap, (long)process->names, (long)HIJACK_NAME * HIJACK_FDS, 0, 0, 0, 0);
	process->fds = NULL;
	process->names = NULL;
}

#define EXPORTED __attribute__((visibility("default")))

/* 0: there is nothing to do, and the loader unloads this again. */
EXPORTED unsigned int
la_version(unsigned int version)
{
	start(environ);
	if (!audit.active)
		return 0;
	return version < LAV_CURRENT ? version : LAV_CURRENT;
}

EXPORTED void
la_activity(uintptr_t *cookie, unsigned int flag)
{
	(void)cookie;
	if (audit.active && flag == LA_ACT_CONSISTENT) {
		put_back();
		leave(&hijack_main_process);
	}
}

EXPORTED unsigned int
la_objopen(struct link_map *map, Lmid_t namespace, uintptr_t *cookie)
{
	const char *name = hijack_path_of_memory(map->l_name);

	(void)namespace;
	(void)cookie;
	if (name != map->l_name)
		memmove(map->l_name, name, strlen(name) + 1);
	return 0;
}
