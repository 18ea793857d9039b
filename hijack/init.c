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
#include <stddef.h>
#include <sys/personality.h>
#include <sys/syscall.h>

#include "hijack/arm.h"
#include "hijack/copy.h"
#include "hijack/exec.h"
#include "hijack/gate.h"
#include "hijack/loader.h"
#include "hijack/mem.h"
#include "hijack/object.h"
#include "hijack/patch.h"
#include "hijack/report.h"
#include "hijack/start.h"
#include "hijack/tables.h"
#include "hijack/thread.h"
#include "hijack/trap.h"

struct start {
	struct hijack_tables tables;
	int rewritten;
	int left;
};

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
	error = hijack_tables_find(&start->tables, object, &sites);
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

	return hijack_start_variable(start->tables.environment, "LD_AUDIT") != NULL ||
	       (personality >= 0 && personality & READ_IMPLIES_EXEC);
}

__attribute__((constructor)) static void
start_hijack(int argc, char **argv, char **environment)
{
	struct start start = {.left = 0};
	int error;

	(void)argc;
	(void)argv;
	hijack_loader_hide(environment);
	hijack_start_read(environment);
	hijack_main_process.pid = (int)hijack_own(SYS_getpid, 0, 0, 0, 0, 0, 0);
	if (!hijack_exec_start(environment))
		hijack_report("the environment's RUMP variables are too long to hand on");
	hijack_tables_open(&start.tables, environment);
	hijack_each_object(visit, &start);
	hijack_tables_close(&start.tables);
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
		    start.rewritten, start.left, start.tables.scanned ? "scanned" : "from the cache",
		    hijack_armed ? "on" : "off", (unsigned long)hijack_gate_start,
		    (unsigned long)hijack_gate_end);
}
