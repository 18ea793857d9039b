/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * solver_solve() grows a set of components until it is closed. For each member it selects the components that
 * it names as needed, then those that define the symbols it uses. A symbol is looked for among the members
 * first; then in the factions (rumpvfs, rumpnet, rumpdev), which most components use; and only when that
 * fails in every component of the catalog, so that an ordinary start opens no file that it does not load.
 * Looking in a component that ends up not being selected costs a look into its hash table and has no other
 * effect.
 *
 * Symbols that are only called are bound at the first call, when everything is loaded. So the order follows
 * from the others: data, and function pointers in data, are bound when a component is loaded, and must be
 * there by then. Libraries that a component names as needed come before it too.
 */
#include "config.h"
#include "rump_server/solver.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "rump_server/hidden.h"

/* What solver_state is made of. */
enum { SELECTED = 1, PLACED = 2 };

struct member {
	struct component *component;
	struct component **before; /* to be loaded before it */
	size_t nbefore;
};

struct solver {
	struct catalog *catalog;
	bool (*provided)(const char *);
	struct complaint *complaint;
	struct solution *solution;
	struct member *members; /* the set, in the order of selection */
	size_t nmembers;
	struct member *current; /* whose symbols are being looked at */
};

static int
out_of_memory(struct solver *solver)
{
	return complain(solver->complaint, "out of memory");
}

static int
select_component(struct solver *solver, struct component *component)
{
	struct member *grown;

	if ((component->solver_state & SELECTED) != 0)
		return 0;
	grown = reallocarray(solver->members, solver->nmembers + 1, sizeof(*grown));
	if (grown == NULL)
		return out_of_memory(solver);
	solver->members = grown;
	grown[solver->nmembers++] = (struct member){.component = component};
	component->solver_state |= SELECTED;
	return 0;
}

static int
load_before(struct solver *solver, struct member *member, struct component *component)
{
	struct component **grown;

	if (component == member->component)
		return 0;
	for (size_t i = 0; i < member->nbefore; i++) {
		if (member->before[i] == component)
			return 0;
	}
	grown = reallocarray(member->before, member->nbefore + 1, sizeof(*grown));
	if (grown == NULL)
		return out_of_memory(solver);
	member->before = grown;
	grown[member->nbefore++] = component;
	return 0;
}

static struct component *
definer_among(struct component *const *components, size_t count, const struct elf_name *name)
{
	for (size_t i = 0; i < count; i++) {
		if (elf_defines(&components[i]->image, name))
			return components[i];
	}
	return NULL;
}

static struct component *
definer_in_members(const struct solver *solver, const struct elf_name *name)
{
	for (size_t i = 0; i < solver->nmembers; i++) {
		if (elf_defines(&solver->members[i].component->image, name))
			return solver->members[i].component;
	}
	return NULL;
}

static struct component *
definer_of(struct solver *solver, const struct elf_name *name)
{
	static const char *const factions[] = {"rumpvfs", "rumpnet", "rumpdev"};
	struct catalog *catalog = solver->catalog;
	struct component *found = definer_in_members(solver, name);
	struct complaint ignored;

	for (size_t i = 0; i < 3 && found == NULL; i++) {
		struct component *faction = catalog_find(catalog, factions[i], &ignored);

		if (faction != NULL && elf_defines(&faction->image, name))
			found = faction;
	}
	if (found == NULL) {
		catalog_scan(catalog, NULL);
		found = definer_among(catalog->components, catalog->ncomponents, name);
	}
	return found;
}

static int
note_missing(struct solver *solver, const char *symbol, enum elf_use use)
{
	struct solution *solution = solver->solution;
	struct solver_missing *grown;

	/* One that is used both ways has been noted as data. */
	for (size_t i = solution->nmissing; i > 0; i--) {
		if (solution->missing[i - 1].user == solver->current->component &&
		    strcmp(solution->missing[i - 1].symbol, symbol) == 0)
			return 0;
	}
	grown = reallocarray(solution->missing, solution->nmissing + 1, sizeof(*grown));
	if (grown == NULL)
		return out_of_memory(solver);
	solution->missing = grown;
	grown[solution->nmissing].user = solver->current->component;
	grown[solution->nmissing].use = use;
	grown[solution->nmissing].symbol = strdup(symbol);
	if (grown[solution->nmissing].symbol == NULL)
		return out_of_memory(solver);
	solution->nmissing++;
	return 0;
}

static int
visit_symbol(void *arg, const char *symbol, enum elf_use use)
{
	struct solver *solver = arg;
	struct component *definer;
	struct elf_name name;
	size_t index;

	/* Others are of libraries that the loader finds by itself. */
	if (strncmp(symbol, "rump", 4) != 0)
		return 0;
	/* Hypercalls are this program's, and no component's. */
	if (strncmp(symbol, "rumpuser_", 9) == 0)
		return solver->provided(symbol) ? 0 : note_missing(solver, symbol, use);
	name = elf_name(symbol);
	definer = definer_of(solver, &name);
	if (definer == NULL)
		return note_missing(solver, symbol, use);
	/* Selecting may move the members. */
	index = (size_t)(solver->current - solver->members);
	if (select_component(solver, definer) != 0)
		return -1;
	solver->current = &solver->members[index];
	return use == ELF_USE_DATA ? load_before(solver, solver->current, definer) : 0;
}

/* Selects what component number index names as needed, and orders it before. */
static int
follow_needed(struct solver *solver, size_t index)
{
	const struct component *component = solver->members[index].component;
	char name[NAME_MAX + 1];
	const char *file;
	size_t cursor = 0;

	while ((file = elf_next_needed(&component->image, &cursor)) != NULL) {
		struct component *needed;
		struct complaint inner;

		if (!component_name(file, name, sizeof(name)) || !component_is_kernels(name))
			continue;
		needed = catalog_find(solver->catalog, name, &inner);
		if (needed == NULL)
			return complain(
			    solver->complaint, "%s cannot be loaded: %.900s", component->name, inner.text);
		if (select_component(solver, needed) != 0 ||
		    load_before(solver, &solver->members[index], needed) != 0)
			return -1;
	}
	return 0;
}

static int
follow_symbols(struct solver *solver, size_t index)
{
	const struct component *component = solver->members[index].component;
	int result;

	solver->current = &solver->members[index];
	result = elf_each_undefined(&component->image, visit_symbol, solver);
	if (result == -ENOEXEC)
		return complain(
		    solver->complaint, "%s: damaged: its relocations name no symbol", component->path);
	if (result == -ENOMEM)
		return out_of_memory(solver);
	return result;
}

static int
follow_hidden(struct solver *solver, size_t index)
{
	const struct component *component = solver->members[index].component;

	for (size_t i = 0; i < hidden_needs_count; i++) {
		const struct hidden_need *need = &hidden_needs[i];
		struct component *found = NULL;
		struct complaint inner;

		if (strcmp(need->component, component->name) != 0)
			continue;
		for (size_t j = 0; need->alternatives[j] != NULL; j++) {
			struct component *known = catalog_known(solver->catalog, need->alternatives[j]);

			if (known != NULL && (known->solver_state & SELECTED) != 0)
				found = known;
		}
		for (size_t j = 0; need->alternatives[j] != NULL && found == NULL; j++)
			found = catalog_find(solver->catalog, need->alternatives[j], &inner);
		if (found == NULL)
			return complain(
			    solver->complaint, "%s cannot be loaded: %.900s", component->name, inner.text);
		if (select_component(solver, found) != 0)
			return -1;
	}
	return 0;
}

/* Depth first, so that what comes before is placed first. A cycle is entered at its first member. */
static void
place(struct solver *solver, struct component *component)
{
	if ((component->solver_state & PLACED) != 0)
		return;
	component->solver_state |= PLACED;
	for (size_t i = 0; i < solver->nmembers; i++) {
		const struct member *member = &solver->members[i];

		if (member->component != component)
			continue;
		for (size_t j = 0; j < member->nbefore; j++)
			place(solver, member->before[j]);
		break;
	}
	solver->solution->order[solver->solution->count++] = component;
}

static int
set_order(struct solver *solver)
{
	solver->solution->order = calloc(solver->nmembers, sizeof(struct component *));
	if (solver->solution->order == NULL)
		return out_of_memory(solver);
	for (size_t i = 0; i < solver->nmembers; i++)
		place(solver, solver->members[i].component);
	return 0;
}

/* Whether the named components are there, first of all: they are what the user knows. */
static int
find_named(struct solver *solver, const char *const *names, size_t nnames)
{
	for (size_t i = 0; i < nnames; i++) {
		if (catalog_find(solver->catalog, names[i], solver->complaint) == NULL)
			return -1;
	}
	return 0;
}

static int
select_named(struct solver *solver, const char *const *names, size_t nnames)
{
	for (size_t i = 0; i < nnames; i++) {
		struct component *component = catalog_find(solver->catalog, names[i], solver->complaint);

		if (component == NULL || select_component(solver, component) != 0)
			return -1;
	}
	return 0;
}

static void
solver_init(struct solver *solver, struct catalog *catalog, struct solution *solution)
{
	memset(solution, 0, sizeof(*solution));
	solver->catalog = catalog;
	solver->solution = solution;
	for (size_t i = 0; i < catalog->ncomponents; i++)
		catalog->components[i]->solver_state = 0;
}

static void
solver_done(struct solver *solver)
{
	for (size_t i = 0; i < solver->nmembers; i++)
		free(solver->members[i].before);
	free(solver->members);
}

int
solver_solve(struct catalog *catalog, const char *const *names, size_t nnames,
    bool (*provided)(const char *symbol), struct solution *solution, struct complaint *complaint)
{
	struct solver solver = {.provided = provided, .complaint = complaint};
	int result;

	solver_init(&solver, catalog, solution);
	result = find_named(&solver, names, nnames);
	if (result == 0)
		result = select_named(&solver, hidden_always, hidden_always_count);
	if (result == 0)
		result = select_named(&solver, names, nnames);
	for (size_t i = 0; i < solver.nmembers && result == 0; i++) {
		result = follow_needed(&solver, i);
		if (result == 0)
			result = follow_symbols(&solver, i);
		if (result == 0)
			result = follow_hidden(&solver, i);
	}
	if (result == 0)
		result = set_order(&solver);
	solver_done(&solver);
	return result == 0 ? 0 : -1;
}

int
solver_direct(struct catalog *catalog, struct component *component, bool (*provided)(const char *symbol),
    struct solution *solution, struct complaint *complaint)
{
	struct solver solver = {.provided = provided, .complaint = complaint};
	int result;

	solver_init(&solver, catalog, solution);
	result = select_component(&solver, component);
	if (result == 0)
		result = follow_needed(&solver, 0);
	if (result == 0)
		result = follow_symbols(&solver, 0);
	if (result == 0)
		result = follow_hidden(&solver, 0);
	if (result == 0)
		result = set_order(&solver);
	solver_done(&solver);
	return result == 0 ? 0 : -1;
}

void
solution_free(struct solution *solution)
{
	for (size_t i = 0; i < solution->nmissing; i++)
		free(solution->missing[i].symbol);
	free(solution->missing);
	free(solution->order);
	memset(solution, 0, sizeof(*solution));
}
