/* SPDX-License-Identifier: BSD-2-Clause */
/* --list. */
#ifndef RUMP_SERVER_LIST_H
#define RUMP_SERVER_LIST_H

#include "rump_server/catalog.h"

/*
 * Prints a line for every component: its name, its file and, after "needs", the components that it needs
 * itself. Returns 0, or -1 when output fails.
 */
int list_components(struct catalog *catalog);

#endif
