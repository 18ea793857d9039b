/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * The library is linked with -z initfirst, so the loader runs this constructor before that of any other
 * library: whatever they do is intercepted. libc is relocated by then and usable but for what its own
 * constructor sets up, such as environ. Only one thread exists, and since the text of libc is not executable
 * while it is rewritten, no function of libc is called meanwhile.
 *
 * The site tables come from the cache, or from the scanner when there is none that can be used. Of objects
 * other than the C library and the loader a table only says whether dispatch is needed. Whatever is refused
 * on the way, what works is used: a program runs with rewriting alone, with dispatch alone, and not hijacked
 * at all where there is neither.
 */
#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <sys/personality.h>
#include <sys/syscall.h>

#include "hijack/arm.h"
#include "hijack/cache.h"
#include "hijack/code.h"
#include "hijack/copy.h"
#include "hijack/exec.h"
#include "hijack/gate.h"
#include "hijack/mem.h"
#include "hijack/object.h"
#include "hijack/patch.h"
#include "hijack/report.h"
#include "hijack/scanner.h"
#include "hijack/start.h"
#include "hijack/thread.h"
#include "hijack/trap.h"

#define SMALL (1UL << 17) /* a text that is looked through as fast as a table of it is read */

#define NOT_OPENED (-4096) /* no errno */

struct start {
	char *const *environment;
	int cache[HIJACK_CACHES]; /* directories to read, NOT_OPENED or -errno */
	int store;                /* the one to write to, likewise */
	int rewritten;
	int left;
	bool scanned;
};

/* A directory's descriptor, opened when it is first needed. */
static int
cache_to_read(struct start *start, unsigned int rank)
{
	if (start->cache[rank] == NOT_OPENED)
		start->cache[rank] = hijack_cache_open(start->environment, rank, false);
	return start->cache[rank];
}

static int
cache_to_write(struct start *start)
{
	for (unsigned int rank = 0; start->store < 0 && rank < HIJACK_CACHES; rank++)
		start->store = hijack_cache_open(start->environment, rank, true);
	return start->store;
}

/* A table from the first directory that has one: 0, or an error of a file that cannot be used, or -ENOENT. */
static int
load(const struct hijack_object *object, struct start *start, struct hijack_sites *sites)
{
	int result = -ENOENT;

	for (unsigned int rank = 0; rank < HIJACK_CACHES; rank++) {
		int directory = cache_to_read(start, rank);
		int error = directory >= 0 ? hijack_cache_load(directory, object, sites) : -ENOENT;

		if (error == 0)
			return 0;
		if (error != -ENOENT)
			result = error;
	}
	return result;
}

static void
close_caches(const struct start *start)
{
	for (unsigned int rank = 0; rank < HIJACK_CACHES; rank++) {
		if (start->cache[rank] >= 0)
			(void)hijack_own(SYS_close, start->cache[rank], 0, 0, 0, 0, 0);
	}
	if (start->store >= 0)
		(void)hijack_own(SYS_close, start->store, 0, 0, 0, 0, 0);
}

static int
scan(const struct hijack_object *object, struct start *start, struct hijack_sites *sites)
{
	int error = 0, store = cache_to_write(start);

	if (!object->rewritten && !hijack_code_suspect(object->text, object->text_size)) {
		*sites = (struct hijack_sites){0};
	} else if (object->rewritten || store >= 0) {
		error = hijack_scanner_run(object, sites);
		start->scanned = true;
	} else {
		/* There would be a scan at each start. */
		*sites = (struct hijack_sites){.left = 1};
	}
	if (error != 0)
		return error;
	error = store >= 0 ? hijack_cache_store(store, object, sites) : store;
	if (error != 0 && hijack_verbose)
		hijack_report("%s: table not cached, errno %d", object->name, -error);
	return 0;
}

static int
find_sites(const struct hijack_object *object, struct start *start, struct hijack_sites *sites)
{
	int error;

	if (!object->rewritten && object->text_size <= SMALL &&
	    !hijack_code_suspect(object->text, object->text_size))
		return 0;
	error = load(object, start, sites);
	if (error == 0)
		return 0;
	if (hijack_verbose)
		hijack_report(
		    "%s: %s", object->name, error == -ESTALE ? "cached table not usable" : "no cached table");
	return scan(object, start, sites);
}

/* The C library's constants follow its text. */
static void
note_constants(const struct hijack_object *object)
{
	const Elf64_Phdr *header = object->headers;

	for (size_t i = 0; i < object->header_count; i++, header++) {
		const uint8_t *start = (const uint8_t *)(object->base + header->p_vaddr);

		if (header->p_type == PT_LOAD && !(header->p_flags & (PF_W | PF_X)) && start > object->text)
			hijack_copy_constants(start, header->p_filesz);
	}
}

static void
visit(const struct hijack_object *object, void *arg)
{
	struct start *start = arg;
	struct hijack_sites sites = {0};
	int patched = 0, error;

	if (strcmp(object->name, "libc.so.6") == 0)
		note_constants(object);
	if (object->unsettled && !object->rewritten) {
		start->left++;
		return;
	}
	error = find_sites(object, start, &sites);
	if (error == 0 && object->rewritten)
		patched = hijack_patch(&sites, (uint8_t *)(uintptr_t)object->text, object->text_size);
	if (error != 0 || patched < 0) {
		if (hijack_verbose)
			hijack_report(
			    "%s: not rewritten, errno %d", object->name, error != 0 ? -error : -patched);
		start->left++;
		return;
	}
	start->rewritten += patched;
	start->left += (int)(sites.left + sites.count) - patched;
	start->left += object->unsettled;
}

/* What no look at the objects tells: the loader's audit libraries are not among them. */
static bool
more_code(const struct start *start)
{
	long personality = hijack_own(SYS_personality, 0xffffffff, 0, 0, 0, 0, 0);

	return hijack_start_variable(start->environment, "LD_AUDIT") != NULL ||
	       (personality >= 0 && personality & READ_IMPLIES_EXEC);
}

__attribute__((constructor)) static void
start_hijack(int argc, char **argv, char **environment)
{
	struct start start = {.environment = environment, .store = NOT_OPENED};
	int error;

	(void)argc;
	(void)argv;
	hijack_start_read(environment);
	hijack_main_process.pid = (int)hijack_own(SYS_getpid, 0, 0, 0, 0, 0, 0);
	if (!hijack_exec_start(environment))
		hijack_report("the environment's RUMP variables are too long to hand on");
	for (unsigned int rank = 0; rank < HIJACK_CACHES; rank++)
		start.cache[rank] = NOT_OPENED;
	hijack_each_object(visit, &start);
	close_caches(&start);
	if (hijack_start.server != NULL)
		hijack_exec_take_over(environment);
	error = hijack_trap_start();
	if (error != 0 && hijack_verbose)
		hijack_report("no dispatch of other calls, errno %d", -error);
	if (start.left > 0 || more_code(&start))
		hijack_arm("the program has calls of its own");
	if (error != 0 && start.rewritten == 0)
		hijack_report(
		    "nothing can be hijacked here: no permission to rewrite code, no system call dispatch");
	if (hijack_verbose)
		hijack_report("%d sites rewritten, %d left to dispatch, %s; dispatch %s; gate %lx-%lx",
		    start.rewritten, start.left, start.scanned ? "scanned" : "from the cache",
		    hijack_armed ? "on" : "off", (unsigned long)hijack_gate_start,
		    (unsigned long)hijack_gate_end);
}
