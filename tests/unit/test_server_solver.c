/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rump_server/catalog.h"
#include "rump_server/missing.h"
#include "rump_server/solver.h"

#define DIRECTORY COMPONENTS "/.libs"

static bool
provided(const char *symbol)
{
	return strcmp(symbol, "rumpuser_putchar") == 0;
}

/* The place of a component in the order; fails when it is not there. */
static size_t
place_of(const struct solution *solution, const char *name)
{
	for (size_t i = 0; i < solution->count; i++) {
		if (strcmp(solution->order[i]->name, name) == 0)
			return i;
	}
	fail_msg("%s is not loaded", name);
	return 0;
}

static void
solve(struct catalog *catalog, struct solution *solution, const char *name)
{
	struct complaint complaint;

	assert_int_equal(catalog_init(catalog, DIRECTORY, NULL), 0);
	if (solver_solve(catalog, &name, 1, provided, solution, &complaint) != 0)
		fail_msg("%s", complaint.text);
}

static void
finish(struct catalog *catalog, struct solution *solution)
{
	solution_free(solution);
	catalog_free(catalog);
}

static void
the_kernel_comes_first_and_the_proxy_always(void **state)
{
	struct solution solution;
	struct catalog catalog;
	struct complaint complaint;

	(void)state;
	assert_int_equal(catalog_init(&catalog, DIRECTORY, NULL), 0);
	assert_int_equal(solver_solve(&catalog, NULL, 0, provided, &solution, &complaint), 0);
	assert_int_equal(solution.count, 2);
	assert_int_equal(place_of(&solution, "rump"), 0);
	assert_int_equal(place_of(&solution, "rumpkern_sysproxy"), 1);
	assert_int_equal(solution.nmissing, 0);
	assert_false(catalog.scanned);
	finish(&catalog, &solution);
}

static void
an_ordinary_start_looks_at_no_other_component(void **state)
{
	struct solution solution;
	struct catalog catalog;

	(void)state;
	solve(&catalog, &solution, "rumpvfs");
	assert_int_equal(solution.count, 3);
	assert_false(catalog.scanned);
	assert_int_equal(catalog.ncomponents, 3);
	finish(&catalog, &solution);
}

static void
dependencies_are_found_and_ordered(void **state)
{
	static const char *const names[] = {"rumpfs_one", "rumpdev_disk"};

	(void)state;
	/* The two call each other; asked for either, both come, whatever the first uses at loading before it.
	 */
	for (size_t i = 0; i < 2; i++) {
		struct solution solution;
		struct catalog catalog;

		solve(&catalog, &solution, names[i]);
		assert_int_equal(solution.count, 6);
		assert_true(place_of(&solution, "rumpvfs") < place_of(&solution, "rumpfs_one"));
		assert_true(place_of(&solution, "rumpdev_leaf") < place_of(&solution, "rumpfs_one"));
		assert_true(place_of(&solution, "rump") < place_of(&solution, "rumpvfs"));
		place_of(&solution, "rumpdev_disk");
		assert_int_equal(solution.nmissing, 0);
		finish(&catalog, &solution);
	}
}

static void
dependencies_that_no_symbol_shows_are_known(void **state)
{
	struct solution solution;
	struct catalog catalog;

	(void)state;
	/* Of the two that would do, only one is here. */
	solve(&catalog, &solution, "rumpnet_config");
	place_of(&solution, "rumpnet_netinet6");
	assert_int_equal(solution.count, 4);
	finish(&catalog, &solution);
}

static void
symbols_of_nobody_are_listed_and_no_error(void **state)
{
	struct solution solution;
	struct catalog catalog;
	unsigned found = 0;

	(void)state;
	solve(&catalog, &solution, "rumpfs_lost");
	assert_int_equal(solution.nmissing, 3);
	for (size_t i = 0; i < 3; i++) {
		const char *symbol = solution.missing[i].symbol;

		assert_string_equal(solution.missing[i].user->name, "rumpfs_lost");
		found |= strcmp(symbol, "rumpns_nowhere") == 0 ? 1 : 0;
		found |= strcmp(symbol, "rumpns_nowhere_either") == 0 ? 2 : 0;
		found |= strcmp(symbol, "rumpuser_future") == 0 ? 4 : 0;
	}
	assert_int_equal(found, 7);
	finish(&catalog, &solution);
}

static void
a_missing_component_is_named_with_who_needs_it(void **state)
{
	static const struct {
		const char *name, *complaint;
	} cases[] = {
	    {"rumpfs_none", "component rumpfs_none is not there: no librumpfs_none.so.0 in " DIRECTORY},
	    {"rumpfs_orphan", "rumpfs_orphan cannot be loaded: component rumpdev_gone is not there: no "
			      "librumpdev_gone.so.0 in " DIRECTORY},
	    {"./librumpfs_none.so", "./librumpfs_none.so: No such file or directory"},
	    {"/etc/passwd", "/etc/passwd: not a shared library"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct solution solution;
		struct catalog catalog;
		struct complaint complaint;

		assert_int_equal(catalog_init(&catalog, DIRECTORY, NULL), 0);
		assert_int_equal(
		    solver_solve(&catalog, &cases[i].name, 1, provided, &solution, &complaint), -1);
		assert_string_equal(complaint.text, cases[i].complaint);
		finish(&catalog, &solution);
	}
}

static void
components_that_are_not_there_are_known_by_their_symbols(void **state)
{
	struct solution solution;
	struct catalog catalog;
	struct complaint complaint;
	char names[64];

	(void)state;
	/* Data that is not there stops the loader. */
	solve(&catalog, &solution, "rumpdev_stray");
	assert_int_equal(missing_check(&catalog, &solution, &complaint), -1);
	assert_string_equal(complaint.text, "rumpdev_stray cannot be loaded: it needs rumpnet_net, "
					    "rumpdev_scsipi, which are not there: not in " DIRECTORY);
	finish(&catalog, &solution);
	/* Functions are bound at their first call, and that may never come. */
	solve(&catalog, &solution, "rumpdev_caller");
	assert_int_equal(solution.nmissing, 2);
	assert_int_equal(missing_check(&catalog, &solution, &complaint), 0);
	missing_components(&catalog, solution.missing, solution.nmissing, names, sizeof(names));
	assert_string_equal(names, "rumpdev_usb");
	finish(&catalog, &solution);
	solve(&catalog, &solution, "rumpfs_lost");
	assert_int_equal(missing_check(&catalog, &solution, &complaint), 0);
	missing_components(&catalog, solution.missing, solution.nmissing, names, sizeof(names));
	assert_string_equal(names, "");
	finish(&catalog, &solution);
}

static void
a_component_has_several_names(void **state)
{
	static const char *const names[] = {
	    "rumpvfs", "librumpvfs.so", "librumpvfs.so.0", DIRECTORY "/librumpvfs.so.0.0.0"};
	struct catalog catalog;
	struct complaint complaint;
	struct component *first;

	(void)state;
	assert_int_equal(catalog_init(&catalog, DIRECTORY, NULL), 0);
	first = catalog_find(&catalog, names[0], &complaint);
	assert_non_null(first);
	for (size_t i = 1; i < sizeof(names) / sizeof(names[0]); i++)
		assert_ptr_equal(catalog_find(&catalog, names[i], &complaint), first);
	assert_int_equal(catalog.ncomponents, 1);
	catalog_free(&catalog);
}

static void
kernels_do_not_mix(void **state)
{
	static const struct {
		const char *path, *installed;
		size_t ndirectories;
	} cases[] = {
	    {NULL, "/embedded", 1},
	    {"", "/embedded", 1},
	    {"/no/kernel/here", "/embedded", 2},
	    {DIRECTORY, "/embedded", 1},
	    {"/nowhere::" DIRECTORY ":", "/embedded", 2},
	    {NULL, NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct catalog catalog;

		assert_int_equal(catalog_init(&catalog, cases[i].path, cases[i].installed), 0);
		assert_int_equal(catalog.ndirectories, cases[i].ndirectories);
		catalog_free(&catalog);
	}
}

static unsigned skipped_count;

static void
count_skipped(const char *path, const char *why)
{
	assert_non_null(strstr(path, "librumpfs_bad.so.0"));
	assert_string_equal(why, "not a shared library");
	skipped_count++;
}

static void
a_scan_takes_components_only(void **state)
{
	static const char *const files[] = {"librumpfs_bad.so.0", "librumpuser.so.0", "librumpclient.so.0",
	    "libother.so.0", "librumpfs_bad.so.0.0.0", "librump.la", "README"};
	char directory[] = "/tmp/test_server_solver.XXXXXX", path[128];
	struct catalog catalog;

	(void)state;
	assert_non_null(mkdtemp(directory));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		FILE *file;

		snprintf(path, sizeof(path), "%s/%s", directory, files[i]);
		file = fopen(path, "w");
		assert_non_null(file);
		fprintf(file, "%0100d", 0);
		fclose(file);
	}
	snprintf(path, sizeof(path), "%s/librumpvfs.so", directory);
	assert_int_equal(symlink(DIRECTORY "/librumpvfs.so.0", path), 0);
	skipped_count = 0;
	assert_int_equal(catalog_init(&catalog, directory, NULL), 0);
	catalog_scan(&catalog, count_skipped);
	catalog_scan(&catalog, count_skipped);
	assert_int_equal(skipped_count, 1);
	assert_int_equal(catalog.ncomponents, 1);
	assert_string_equal(catalog.components[0]->name, "rumpvfs");
	catalog_free(&catalog);
	unlink(path);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, files[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(directory), 0);
}

static void
only_direct_dependencies_are_listed(void **state)
{
	struct solution solution;
	struct catalog catalog;
	struct complaint complaint;
	struct component *one;

	(void)state;
	assert_int_equal(catalog_init(&catalog, DIRECTORY, NULL), 0);
	one = catalog_find(&catalog, "rumpfs_one", &complaint);
	assert_int_equal(solver_direct(&catalog, one, provided, &solution, &complaint), 0);
	/* Itself, rumpvfs, rumpdev_disk and rumpdev_leaf, but not rump, which rumpvfs needs. */
	assert_int_equal(solution.count, 4);
	place_of(&solution, "rumpvfs");
	place_of(&solution, "rumpdev_disk");
	place_of(&solution, "rumpdev_leaf");
	finish(&catalog, &solution);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_kernel_comes_first_and_the_proxy_always),
	    cmocka_unit_test(an_ordinary_start_looks_at_no_other_component),
	    cmocka_unit_test(dependencies_are_found_and_ordered),
	    cmocka_unit_test(dependencies_that_no_symbol_shows_are_known),
	    cmocka_unit_test(symbols_of_nobody_are_listed_and_no_error),
	    cmocka_unit_test(a_missing_component_is_named_with_who_needs_it),
	    cmocka_unit_test(components_that_are_not_there_are_known_by_their_symbols),
	    cmocka_unit_test(a_component_has_several_names),
	    cmocka_unit_test(kernels_do_not_mix),
	    cmocka_unit_test(a_scan_takes_components_only),
	    cmocka_unit_test(only_direct_dependencies_are_listed),
	};

	return cmocka_run_group_tests_name("server_solver", tests, NULL, NULL);
}
