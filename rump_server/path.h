/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths in the kernel, looked at before there is one. */
#ifndef RUMP_SERVER_PATH_H
#define RUMP_SERVER_PATH_H

#include <stdbool.h>

/* Whether it is absolute, not the root, and has no empty component, "." or "..". */
bool path_is_plain(const char *path);

/* Whether it names the root directory, if no component is a symbolic link. */
bool path_is_root(const char *path);

#endif
