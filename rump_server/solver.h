/* SPDX-License-Identifier: BSD-2-Clause */
/* Works out which components have to be loaded, and in which order. */
#ifndef RUMP_SERVER_SOLVER_H
#define RUMP_SERVER_SOLVER_H

#include <stdbool.h>
#include <stddef.h>

#include "rump_server/catalog.h"
#include "rump_server/complaint.h"
#include "rump_server/elf.h"

/* A symbol that nothing defines. */
struct solver_missing {
	const struct component *user;
	char *symbol;
	enum elf_use use;
};

struct solution {
	struct component **order; /* each after those whose data it uses */
	size_t count;
	struct solver_missing *missing; /* those of one user next to each other */
	size_t nmissing;
};

/*
 * Solves for the named components and what is loaded always. provided says whether the process defines a
 * symbol already (the hypercalls). Returns 0; a symbol that nothing defines is listed in missing and is no
 * error here. Returns -1 with a complaint when a component is not there or unusable. solution_free() in any
 * case.
 */
int solver_solve(struct catalog *catalog, const char *const *names, size_t nnames,
    bool (*provided)(const char *symbol), struct solution *solution, struct complaint *complaint);

/* What component needs of the others, nothing else being loaded: its direct dependencies, by name, in
 * order[]. */
int solver_direct(struct catalog *catalog, struct component *component, bool (*provided)(const char *symbol),
    struct solution *solution, struct complaint *complaint);

void solution_free(struct solution *solution);

#endif
