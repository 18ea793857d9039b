/* SPDX-License-Identifier: BSD-2-Clause */
/* What the cases about files have in common. */
#ifndef TESTS_KERNEL_FILES_H
#define TESTS_KERNEL_FILES_H

#include <string.h>
#include "tests/kernel/case.h"

/* Makes a tmpfs the current directory: NetBSD's root file system knows neither rename nor links. */
void on_tmpfs(void);

/* A file of that text. */
void put(const char *path, const char *text);
/* Says what a file holds. */
void show(const char *path);
/* Says what a path is: type, permissions, links, size, owner; or that it is not there. */
void status_of(const char *path);
/* Says the names in a directory, sorted, "." and ".." left out. */
void list(const char *path);
/* Gives this process, which stays the superuser's otherwise, another effective identity. */
void become(uint32_t uid, uint32_t gid);

#endif
