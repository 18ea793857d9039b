/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/unit/unit.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <rump/rumpuser.h>

#define MAX_CALLS 64

/* A symbol of the program's own. */
__attribute__((visibility("default"))) int rump_test_of_program = 7;
int rump_test_hidden = 8;

static struct {
	const ElfW(Sym) * symbols;
	size_t symbol_count;
	const char *names;
	size_t names_size;
	unsigned symloads;
	struct {
		const void *first;
		size_t count;
	} modules[MAX_CALLS];
	unsigned modinits;
	const void *components[MAX_CALLS];
	unsigned comploads;
} seen;

static void
modinit(const struct modinfo *const *modules, size_t count)
{
	assert_in_range(seen.modinits, 0, MAX_CALLS - 1);
	seen.modules[seen.modinits].first = modules[0];
	seen.modules[seen.modinits++].count = count;
}

static int
symload(void *symtab, uint64_t symbytes, char *strtab, uint64_t strbytes)
{
	assert_int_equal(symbytes % sizeof(ElfW(Sym)), 0);
	seen.symbols = symtab;
	seen.symbol_count = symbytes / sizeof(ElfW(Sym));
	seen.names = strtab;
	seen.names_size = strbytes;
	seen.symloads++;
	return 0;
}

static void
compload(const struct rump_component *component)
{
	assert_in_range(seen.comploads, 0, MAX_CALLS - 1);
	seen.components[seen.comploads++] = component;
}

static void *
load(const char *name)
{
	char file[4096];
	void *handle;

	snprintf(file, sizeof(file), "%s/.libs/%s.so", getenv("RUMPKIT_BUILDDIR"), name);
	handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL)
		fail_msg("%s", dlerror());
	return handle;
}

static uintptr_t
address_of(const char *name)
{
	for (size_t i = 0; i < seen.symbol_count; i++)
		if (strcmp(seen.names + seen.symbols[i].st_name, name) == 0)
			return seen.symbols[i].st_value;
	return 0;
}

static void
assert_told_of(void *handle, const char *prefix, const char *kind)
{
	char name[128];

	snprintf(name, sizeof(name), "%s_%s", prefix, kind);
	assert_non_null(dlsym(handle, name));
	assert_int_equal(address_of(name), (uintptr_t)dlsym(handle, name));
}

static void
assert_not_told_of(const char *prefix, const char *kind)
{
	char name[128];

	snprintf(name, sizeof(name), "%s_%s", prefix, kind);
	assert_int_equal(address_of(name), 0);
}

static const char *const kinds[] = {"sysv", "gnu", "both"};
static void *handles[3], *other;

static void
bootstrap(void)
{
	free((void *)(uintptr_t)seen.symbols);
	free((void *)(uintptr_t)seen.names);
	memset(&seen, 0, sizeof(seen));
	rumpuser_dl_bootstrap(modinit, symload, compload);
}

static void
the_program_alone_is_told_of(void **state)
{
	(void)state;
	bootstrap();
	assert_int_equal(seen.modinits, 0);
	assert_int_equal(seen.comploads, 0);
	assert_int_equal(seen.symloads, 1);
	assert_int_equal(address_of("rump_test_of_program"), (uintptr_t)&rump_test_of_program);
	assert_int_equal(address_of("rump_test_hidden"), 0);
	/* librumpuser is a librump too. */
	assert_int_equal(address_of("rumpuser_malloc"), (uintptr_t)dlsym(RTLD_DEFAULT, "rumpuser_malloc"));
}

static void
objects_with_any_hash_are_told_of(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char name[64];

		snprintf(name, sizeof(name), "librumptest_%s", kinds[i]);
		handles[i] = load(name);
	}
	load("librumptest_empty");
	load("librumptest_nothing");
	bootstrap();
	assert_int_equal(seen.symloads, 1);
	for (size_t i = 0; i < 3; i++) {
		assert_told_of(handles[i], "rump_test_data", kinds[i]);
		assert_told_of(handles[i], "RUMP_TEST_DATA", kinds[i]);
		assert_told_of(handles[i], "__test_data", kinds[i]);
		assert_told_of(handles[i], "rumpns_test_function", kinds[i]);
		assert_not_told_of("other_data", kinds[i]);
		assert_not_told_of("rump_test_tls", kinds[i]);
	}
}

static void
tables_are_well_formed(void **state)
{
	(void)state;
	/* No symbol is named by offset 0: the kernel takes that for none. */
	assert_int_equal(seen.names[0], '\0');
	assert_int_equal(seen.names[seen.names_size - 1], '\0');
	assert_true(seen.symbol_count >= 12);
	for (size_t i = 0; i < seen.symbol_count; i++) {
		const ElfW(Sym) *symbol = &seen.symbols[i];

		assert_in_range(symbol->st_name, 1, seen.names_size - 2);
		assert_int_equal(seen.names[symbol->st_name - 1], '\0');
		assert_int_not_equal(symbol->st_shndx, SHN_UNDEF);
		assert_int_not_equal(symbol->st_value, 0);
	}
}

/* The last object comes first. */
static void
link_sets_are_gone_through_from_the_last(void **state)
{
	(void)state;
	assert_int_equal(seen.modinits, 3);
	assert_int_equal(seen.comploads, 9);
	for (size_t i = 0; i < 3; i++) {
		void *const *modules = dlsym(handles[2 - i], "__start_link_set_modules");
		void *const *components = dlsym(handles[2 - i], "__start_link_set_rump_components");

		assert_int_equal(seen.modules[i].count, 2);
		assert_ptr_equal(seen.modules[i].first, modules[0]);
		for (size_t k = 0; k < 3; k++)
			assert_ptr_equal(seen.components[i * 3 + k], components[k]);
	}
}

static void
other_objects_give_link_sets_but_no_symbols(void **state)
{
	(void)state;
	other = load("libtestother");
	bootstrap();
	assert_int_equal(seen.modinits, 4);
	assert_int_equal(seen.comploads, 12);
	assert_not_told_of("rump_test_data", "other");
}

static void
a_static_program_has_nothing_to_tell(void **state)
{
	static const char *const programs[] = {"dl_static", "dl_static_pie"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char command[4096];
		int status;

		snprintf(
		    command, sizeof(command), "%s/tests/unit/%s", getenv("RUMPKIT_BUILDDIR"), programs[i]);
		status = system(command);
		/* Sanitized builds have none. */
		if (WEXITSTATUS(status) != 127)
			assert_int_equal(status, 0);
		else
			print_message("no %s here\n", programs[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_program_alone_is_told_of),
	    cmocka_unit_test(objects_with_any_hash_are_told_of),
	    cmocka_unit_test(tables_are_well_formed),
	    cmocka_unit_test(link_sets_are_gone_through_from_the_last),
	    cmocka_unit_test(other_objects_give_link_sets_but_no_symbols),
	    cmocka_unit_test(a_static_program_has_nothing_to_tell),
	};
	int failed;

	if (getenv("RUMPKIT_BUILDDIR") == NULL) {
		printf("1..0 # SKIP RUMPKIT_BUILDDIR does not say where the objects are\n");
		return 0;
	}
	failed = cmocka_run_group_tests_name("dl", tests, NULL, NULL);
	free((void *)(uintptr_t)seen.symbols);
	free((void *)(uintptr_t)seen.names);
	return failed;
}
