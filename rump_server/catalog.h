/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The components that can be loaded: where they are, and their files, opened when first asked for.
 *
 * Directories are searched in order. All components belong to one kernel: when librump is found in a
 * directory of the user's, the one where the embedded kernel is installed is left out, so that the two never
 * mix.
 */
#ifndef RUMP_SERVER_CATALOG_H
#define RUMP_SERVER_CATALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "rump_server/complaint.h"
#include "rump_server/elf.h"

struct component {
	char *name; /* "rumpvfs" of librumpvfs.so.0 */
	char *path;
	struct elf_image image;
	unsigned solver_state; /* belongs to the solver */
};

struct catalog {
	char **directories;
	size_t ndirectories;
	struct component **components; /* in the order in which they were found */
	size_t ncomponents;
	bool scanned;
};

/*
 * Starts an empty catalog over the directories of path (separated by colons; may be NULL or empty), then
 * installed (may be NULL). Returns 0 or -ENOMEM.
 */
int catalog_init(struct catalog *catalog, const char *path, const char *installed);
void catalog_free(struct catalog *catalog);

/*
 * Finds a component by what a user may call it: rumpvfs, librumpvfs.so, or a path with a slash in it. Returns
 * NULL with a complaint when there is none, or when its file cannot be used.
 */
struct component *catalog_find(struct catalog *catalog, const char *name, struct complaint *complaint);

/* The component of that name when it is in the catalog already; else NULL. */
struct component *catalog_known(const struct catalog *catalog, const char *name);

/*
 * Adds every librump*.so of the directories, but the libraries that are no part of a kernel. Files that
 * cannot be used are left out; skipped, when not NULL, is called for each.
 */
void catalog_scan(struct catalog *catalog, void (*skipped)(const char *path, const char *why));

/*
 * Turns a library's file name into a component's name: librumpvfs.so.0.0 into rumpvfs. Returns false when it
 * is no library's name, or does not fit.
 */
bool component_name(const char *file, char *name, size_t size);

/* Whether a library of this name is a part of a kernel, as librumpuser, say, is not. */
bool component_is_kernels(const char *name);

/* Whether a directory has a file of a component's name. */
bool catalog_any(const char *directory);

/* The directories with ", " between them, for messages; cut at size. */
void catalog_directories(const struct catalog *catalog, char *text, size_t size);

#endif
