/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program links to no kernel. Each rump_sys_* of its own is a jump through a slot, which is
 * filled from the library that is loaded: so one program runs against any of them.
 */
#include "tests/kernel/kernel.h"
#include <dlfcn.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <rump/rumpdefs.h>

struct kernel kernel;
int (*kernel_rfork)(int flags);
int (*kernel_newlwp)(int pid);
void (*kernel_switch)(void *lwp);
void (*kernel_releaselwp)(void);
void *(*kernel_curlwp)(void);
int (*client_fork)(void);

static int (*init)(void), (*init_server)(const char *url);

struct slot {
	const char *symbol;
	void **address;
};
extern const struct slot __start_slots[], __stop_slots[];

/* clang-format off */
#define SLOT(symbol_) \
	__attribute__((__visibility__("hidden"), __used__)) void *slot_##symbol_; \
	__attribute__((__used__, __section__("slots"))) static const struct slot entry_##symbol_ = { \
	    .symbol = #symbol_, .address = &slot_##symbol_}; \
	__asm__(".text\n.globl " #symbol_ "\n.type " #symbol_ ", @function\n" #symbol_ ":\n" \
	        "\tjmp *slot_" #symbol_ "(%rip)\n.size " #symbol_ ", . - " #symbol_ "\n");
#define RUMP_STUB_STD(type, symbol, number, count, parameters, values) SLOT(symbol)
#define RUMP_STUB_NOERR RUMP_STUB_STD
#define RUMP_STUB_ERROR RUMP_STUB_STD
#define RUMP_STUB_VOID RUMP_STUB_STD
#define RUMP_STUB_PAIR(type, symbol, number, count, parameters, first, second) SLOT(symbol)
/* clang-format on */
#include "abi/stubs.def"

static void
missing(void)
{
	errx(1, "a system call that the library has no stub for");
}

/* A symbol as whatever pointer is wanted. */
static void
find(void *library, const char *symbol, void *pointer)
{
	void *found = dlsym(library, symbol);

	memcpy(pointer, &found, sizeof(found));
}

static void
fill_slots(void *library)
{
	for (const struct slot *slot = __start_slots; slot < __stop_slots; slot++) {
		find(library, slot->symbol, slot->address);
		if (*slot->address == NULL)
			*slot->address = (void *)missing;
	}
}

void
kernel_load(char *const libraries[], int count)
{
	void *first = NULL;

	for (int i = 0; i < count; i++) {
		void *library = dlopen(libraries[i], RTLD_LAZY | RTLD_GLOBAL);

		if (library == NULL)
			errx(1, "%s", dlerror());
		if (i == 0)
			first = library;
		if (init_server == NULL)
			find(library, "rump_init_server", &init_server);
		kernel.files |= strstr(libraries[i], "librumpvfs") != NULL;
	}
	fill_slots(first);
	find(first, kernel.remote ? "rumpclient_init" : "rump_init", &init);
	find(first, "rump_pub_lwproc_rfork", &kernel_rfork);
	find(first, "rump_pub_lwproc_newlwp", &kernel_newlwp);
	find(first, "rump_pub_lwproc_switch", &kernel_switch);
	find(first, "rump_pub_lwproc_releaselwp", &kernel_releaselwp);
	find(first, "rump_pub_lwproc_curlwp", &kernel_curlwp);
	find(first, "rumpclient_fork", &client_fork);
	if (init == NULL)
		errx(1, "%s: neither a kernel nor a client", libraries[0]);
}

void
kernel_start(void)
{
	if (init() != 0)
		errx(1, "the kernel does not start");
}

void
kernel_process(void)
{
	/* A client is a process of its own already. The copy has the console on descriptors 0 to 2, as
	 * clients have. */
	if (!kernel.remote && kernel_rfork(RUMP_RFFD_COPY) != 0)
		errx(1, "rfork failed");
}

int
kernel_serve(const char *url)
{
	if (init_server == NULL)
		errx(1, "no library has the system call server");
	return init_server(url);
}
