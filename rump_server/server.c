/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "rump_server/server.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rump_server/boot.h"
#include "rump_server/catalog.h"
#include "rump_server/hidden.h"
#include "rump_server/kernel.h"
#include "rump_server/list.h"
#include "rump_server/missing.h"
#include "rump_server/options.h"
#include "rump_server/solver.h"
#include "sp/url.h"

struct server {
	struct server_options options;
	struct catalog catalog;
	struct solution solution;
	struct boot_plan plan;
	struct kernel kernel;
	const char **names; /* of the components to load */
	size_t nnames;
};

static void
add_name(struct server *server, const char *name)
{
	server->names = reallocarray(server->names, server->nnames + 1, sizeof(*server->names));
	if (server->names == NULL)
		err(EXIT_FAILURE, NULL);
	server->names[server->nnames++] = name;
}

static bool
is_left_out(const struct catalog *catalog, const char *name)
{
	for (size_t i = 0; i < hidden_conflicts_count; i++) {
		if (strcmp(name, hidden_conflicts[i].left_out) == 0 &&
		    catalog_known(catalog, hidden_conflicts[i].kept) != NULL)
			return true;
	}
	return false;
}

static void
parse_drives(struct server *server, struct complaint *complaint)
{
	const struct option_list *specs = &server->options.drives;
	struct boot_plan *plan = &server->plan;

	plan->drives = calloc(specs->count + 1, sizeof(*plan->drives));
	if (plan->drives == NULL)
		err(EXIT_FAILURE, NULL);
	for (; plan->ndrives < specs->count; plan->ndrives++) {
		struct drive *drive = &plan->drives[plan->ndrives];

		if (drive_parse(drive, specs->items[plan->ndrives].option, specs->items[plan->ndrives].value,
			complaint) != 0)
			errx(EXIT_FAILURE, "%s", complaint->text);
		for (size_t i = 0; i < plan->ndrives; i++) {
			if (strcmp(plan->drives[i].key, drive->key) == 0)
				errx(EXIT_FAILURE, "%s: another drive has key=%s", drive->given, drive->key);
		}
	}
}

/* Makes files, so this is the last check. */
static void
open_drives(struct server *server, struct complaint *complaint)
{
	for (size_t i = 0; i < server->plan.ndrives; i++) {
		if (drive_open(server->plan.drives, i, complaint) != 0)
			errx(EXIT_FAILURE, "%s", complaint->text);
	}
}

static void
check_mounts(struct server *server, struct complaint *complaint)
{
	const struct option_list *specs = &server->options.mounts;
	struct boot_plan *plan = &server->plan;

	plan->mounts = calloc(specs->count + 1, sizeof(*plan->mounts));
	if (plan->mounts == NULL)
		err(EXIT_FAILURE, NULL);
	for (; plan->nmounts < specs->count; plan->nmounts++) {
		if (mountspec_parse(
			&plan->mounts[plan->nmounts], specs->items[plan->nmounts].value, complaint) != 0)
			errx(EXIT_FAILURE, "%s", complaint->text);
	}
}

static void
check_url(const struct server *server)
{
	struct sp_url url;
	char text[SP_URL_ERROR_MAX];

	if (sp_url_parse(&url, server->options.url, text) != 0)
		errx(EXIT_FAILURE, "%s", text);
}

/* The absolute path of a module's file; ends the program when the kernel cannot load it. */
static char *
module_path(struct server *server, const struct option_value *given)
{
	const struct elf_name loader = elf_name("rumpns_module_load");
	struct component *rump;
	struct complaint ignored;
	struct stat status;
	char *path;

	path = realpath(given->value, NULL);
	if (path == NULL || access(path, R_OK) == -1 || stat(path, &status) == -1)
		err(EXIT_FAILURE, "%s %s", given->option, *given->value != '\0' ? given->value : "\"\"");
	if (!S_ISREG(status.st_mode))
		errx(EXIT_FAILURE, "%s %s: not a file", given->option, given->value);
	rump = catalog_find(&server->catalog, "rump", &ignored);
	if (rump != NULL && !elf_defines(&rump->image, &loader))
		errx(EXIT_FAILURE, "%s %s: the kernel of %s has no modules; -l loads its components",
		    given->option, given->value, rump->path);
	return path;
}

static void
check_modules(struct server *server)
{
	const struct option_list *files = &server->options.modules;
	struct boot_plan *plan = &server->plan;

	plan->modules = calloc(files->count + 1, sizeof(*plan->modules));
	if (plan->modules == NULL)
		err(EXIT_FAILURE, NULL);
	for (; plan->nmodules < files->count; plan->nmodules++) {
		plan->modules[plan->nmodules] = module_path(server, &files->items[plan->nmodules]);
	}
}

/* First of all: they are what the user knows. */
static void
check_libraries(struct server *server, struct complaint *complaint)
{
	const struct option_list *given = &server->options.libraries;

	for (size_t i = 0; i < given->count; i++) {
		const char *option = given->items[i].option, *name = given->items[i].value;

		if (catalog_find(&server->catalog, name, complaint) != NULL)
			continue;
		if (strchr(name, '/') != NULL)
			errx(EXIT_FAILURE, "%s %s", option, complaint->text);
		errx(EXIT_FAILURE, "%s %s: %s; --list shows those that are", option, name, complaint->text);
	}
}

/* Names what -l does, and what other options cannot do without. */
static void
name_components(struct server *server, bool all)
{
	struct boot_plan *plan = &server->plan;
	struct complaint ignored;
	char name[64];

	for (size_t i = 0; i < server->options.libraries.count; i++)
		add_name(server, server->options.libraries.items[i].value);
	if (plan->ndrives + plan->nmounts + plan->nmodules > 0)
		add_name(server, "rumpvfs");
	for (size_t i = 0; i < plan->nmounts; i++) {
		struct component *component = NULL;

		/* A type without a component of its own name comes with another; the kernel knows. */
		if (snprintf(name, sizeof(name), "rumpfs_%s", plan->mounts[i].type) < (int)sizeof(name))
			component = catalog_find(&server->catalog, name, &ignored);
		if (component != NULL)
			add_name(server, component->name);
	}
	if (!all)
		return;
	catalog_scan(&server->catalog, NULL);
	for (size_t i = 0; i < server->catalog.ncomponents; i++) {
		if (!is_left_out(&server->catalog, server->catalog.components[i]->name))
			add_name(server, server->catalog.components[i]->name);
	}
}

static void
solve_components(struct server *server, bool all, struct complaint *complaint)
{
	name_components(server, all);
	if (solver_solve(&server->catalog, server->names, server->nnames, kernel_provides, &server->solution,
		complaint) != 0 ||
	    missing_check(&server->catalog, &server->solution, complaint) != 0)
		errx(EXIT_FAILURE, "%s", complaint->text);
	missing_warn(&server->catalog, &server->solution);
}

static void
load_components(struct server *server, struct complaint *complaint)
{
	if (kernel_load(&server->solution, complaint) != 0 || kernel_resolve(&server->kernel, complaint) != 0)
		errx(EXIT_FAILURE, "%s", complaint->text);
	/* The files are mapped a second time otherwise, for as long as the server runs. */
	solution_free(&server->solution);
	catalog_free(&server->catalog);
	free(server->names);
}

/* The kernel reads these when it boots. */
static void
set_environment(const struct server_options *options)
{
	char limit[24];
	int failed = 0;

	if (options->verbose)
		failed |= setenv("RUMP_VERBOSE", "1", 1);
	if (options->ncpu != NULL)
		failed |= setenv("RUMP_NCPU", options->ncpu, 1);
	if (options->memory_limit != 0) {
		snprintf(limit, sizeof(limit), "%llu", (unsigned long long)options->memory_limit);
		failed |= setenv("RUMP_MEMLIMIT", limit, 1);
	}
	if (failed != 0)
		err(EXIT_FAILURE, NULL);
}

static int
serve(struct server *server, bool all)
{
	struct complaint complaint;

	server->plan.options = &server->options;
	check_url(server);
	check_libraries(server, &complaint);
	check_modules(server);
	check_mounts(server, &complaint);
	parse_drives(server, &complaint);
	solve_components(server, all, &complaint);
	open_drives(server, &complaint);
	set_environment(&server->options);
	load_components(server, &complaint);
	if (boot(&server->kernel, &server->plan, &complaint) == 0)
		return EXIT_SUCCESS;
	if (complaint.text[0] != '\0')
		warnx("%s", complaint.text);
	if (!server->options.foreground)
		server->kernel.daemonize_done(EXIT_FAILURE);
	boot_abandon(&server->kernel);
}

/* A directory that is not there is a typing error more often than not, and another kernel would boot. */
static void
check_directories(const struct catalog *catalog, const char *installed)
{
	struct stat status;

	for (size_t i = 0; i < catalog->ndirectories; i++) {
		const char *directory = catalog->directories[i];

		if (strcmp(directory, installed) == 0)
			continue;
		if (stat(directory, &status) == -1)
			err(EXIT_FAILURE, "RUMP_COMPONENT_PATH: %s", directory);
		if (!S_ISDIR(status.st_mode))
			errx(EXIT_FAILURE, "RUMP_COMPONENT_PATH: %s: not a directory", directory);
		if (!catalog_any(directory))
			warnx("warning: RUMP_COMPONENT_PATH: no component in %s", directory);
	}
}

int
server_main(int argc, char **argv, bool all)
{
	static struct server server;
	struct complaint complaint;

	if (options_parse(&server.options, argc, argv, &complaint) != 0) {
		warnx("%s", complaint.text);
		options_print_usage(stderr);
		return EXIT_FAILURE;
	}
	switch (server.options.action) {
	case ACTION_HELP:
		options_print_help(stdout);
		if (all)
			puts("All components that are found are loaded, as if -l had named each.");
		return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	case ACTION_VERSION:
		printf("%s (%s) %s\n", program_invocation_short_name, PACKAGE_NAME, PACKAGE_VERSION);
		return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	default:
		break;
	}
	if (catalog_init(&server.catalog, getenv("RUMP_COMPONENT_PATH"), kernel_directory()) != 0)
		err(EXIT_FAILURE, NULL);
	check_directories(&server.catalog, kernel_directory());
	if (server.options.action == ACTION_LIST)
		return list_components(&server.catalog) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	return serve(&server, all);
}
