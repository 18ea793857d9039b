/* SPDX-License-Identifier: BSD-2-Clause */
/* Where site tables come from: the caches, or the scanner. */
#ifndef HIJACK_TABLES_H
#define HIJACK_TABLES_H

#include "hijack/cache.h"

struct hijack_tables {
	char *const *environment;
	int cache[HIJACK_CACHES]; /* directories to read, opened when they are first needed; or -errno */
	int store;                /* the one to write to, likewise */
	bool scanned;
};

void hijack_tables_open(struct hijack_tables *tables, char *const *environment);
void hijack_tables_close(const struct hijack_tables *tables);

/* A table from the first cache that has one: 0, or an error of a file that cannot be used, or -ENOENT. */
int hijack_tables_load(
    struct hijack_tables *tables, const struct hijack_object *object, struct hijack_sites *sites);

/* The same, or else from the scanner, and into a cache. Empty for what has no calls. 0 or -errno. */
int hijack_tables_find(
    struct hijack_tables *tables, const struct hijack_object *object, struct hijack_sites *sites);

#endif
