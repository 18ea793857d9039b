/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a new program may need libraries that lie in the rump kernel, by what can be told before it is
 * started: the names that it and its environment have for where libraries are. Whoever is in doubt says that
 * it may: then the loader is audited (see loader.h), which costs time and nothing else.
 */
#ifndef HIJACK_RUN_PATH_H
#define HIJACK_RUN_PATH_H

#include <stdbool.h>
#include <stdint.h>

/* A list of directories, or of libraries, as the environment has them. The list is cut to pieces. */
bool hijack_run_path_listed(char *list, bool libraries);

/* A program of the host's: its run path, and libraries that it names by a path. flags: execveat's. */
bool hijack_run_path_of(long directory, uint64_t path, long flags);

/* Whether an open program has a loader, of the kind that this library can audit. */
bool hijack_run_path_has_loader(long fd);

#endif
