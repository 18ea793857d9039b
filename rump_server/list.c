/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "rump_server/list.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rump_server/kernel.h"
#include "rump_server/missing.h"
#include "rump_server/solver.h"

static void
warn_skipped(const char *path, const char *why)
{
	warnx("%s: %s", path, why);
}

static void
list_one(struct catalog *catalog, struct component *component)
{
	struct complaint complaint;
	struct solution solution;
	const char *separator = "  needs ";
	char names[256];

	printf("%-24s %s", component->name, component->path);
	if (solver_direct(catalog, component, kernel_provides, &solution, &complaint) != 0) {
		printf("  unusable: %s", complaint.text);
	} else {
		for (size_t i = 0; i < solution.count; i++) {
			if (solution.order[i] == component)
				continue;
			printf("%s%s", separator, solution.order[i]->name);
			separator = ", ";
		}
		if (solution.nmissing > 0) {
			missing_components(
			    catalog, solution.missing, solution.nmissing, names, sizeof(names));
			printf("%s%zu symbol%s that nothing defines (%s)%s%s",
			    solution.count > 1 ? "; " : "  needs ", solution.nmissing,
			    solution.nmissing == 1 ? "" : "s", solution.missing[0].symbol,
			    names[0] != '\0' ? "; not there: " : "", names);
		}
	}
	putchar('\n');
	solution_free(&solution);
}

static int
by_name(const void *a, const void *b)
{
	const struct component *const *one = a, *const *other = b;

	return strcmp((*one)->name, (*other)->name);
}

int
list_components(struct catalog *catalog)
{
	catalog_scan(catalog, warn_skipped);
	qsort(catalog->components, catalog->ncomponents, sizeof(struct component *), by_name);
	for (size_t i = 0; i < catalog->ncomponents; i++)
		list_one(catalog, catalog->components[i]);
	if (catalog->ncomponents == 0) {
		char where[512];

		catalog_directories(catalog, where, sizeof(where));
		warnx("no component in %s", where);
	}
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -1;
}
