/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The auditor of the loader's, see auditor.c, as the environment has it. A program that is audited gets room
 * for the thread-local storage of what it is linked with only beforehand, by a tunable: the loader sets it up
 * with the auditor, when it does not know the program yet.
 */
#ifndef HIJACK_LOADER_H
#define HIJACK_LOADER_H

#include <stdbool.h>
#include <stddef.h>

#define HIJACK_LOADER_VARIABLE "LD_AUDIT="
#define HIJACK_LOADER_AUDITOR "librumphijack_audit.so"
#define HIJACK_LOADER_TUNABLES "GLIBC_TUNABLES="
#define HIJACK_LOADER_ROOM "glibc.rtld.optional_static_tls=32768"

/* Where, in a list as LD_PRELOAD has it, an entry is whose base name begins so; its length in *length. */
const char *hijack_loader_find(const char *list, const char *name, size_t *length);

/* The auditor's path, by that of this library, as LD_PRELOAD has it. False: it is not there. */
bool hijack_loader_auditor(const char *library, char *path, size_t size);

/* Takes the auditor and its tunable, but no others, out of the environment: a program is not to find them. */
void hijack_loader_hide(char **environment);

#endif
