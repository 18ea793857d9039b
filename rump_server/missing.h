/* SPDX-License-Identifier: BSD-2-Clause */
/* What symbols that nothing defines say about the components that are not there. */
#ifndef RUMP_SERVER_MISSING_H
#define RUMP_SERVER_MISSING_H

#include <stddef.h>

#include "rump_server/catalog.h"
#include "rump_server/complaint.h"
#include "rump_server/solver.h"

/*
 * Writes the names of the components that are not in the catalog and define what the user of missing[0]
 * lacks, as far as the table of symbols knows: "rumpvfs, rumpdev", or "". count is how many there are from
 * missing[0] on, those of one user next to each other.
 */
void missing_components(
    struct catalog *catalog, const struct solver_missing *missing, size_t count, char *names, size_t size);

/*
 * Complains, naming the components that are not there, when a component cannot be loaded without them.
 * Returns 0 or -1.
 */
int missing_check(struct catalog *catalog, const struct solution *solution, struct complaint *complaint);

/* Warns on stderr, a line for each component that lacks something. */
void missing_warn(struct catalog *catalog, const struct solution *solution);

#endif
