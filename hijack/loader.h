/* SPDX-License-Identifier: BSD-2-Clause */
/* The auditor of the loader's, see auditor.c, as the environment has it. */
#ifndef HIJACK_LOADER_H
#define HIJACK_LOADER_H

#include <stdbool.h>
#include <stddef.h>

#define HIJACK_LOADER_VARIABLE "LD_AUDIT="
#define HIJACK_LOADER_AUDITOR "librumphijack_audit.so"

/* Where, in a list as LD_PRELOAD has it, a library is whose base name begins so; its length in *length. */
const char *hijack_loader_find(const char *list, const char *name, size_t *length);

/* The auditor's path, by that of this library, as LD_PRELOAD has it. False: it is not there. */
bool hijack_loader_auditor(const char *library, char *path, size_t size);

/* Takes the auditor, but no other, out of the environment: a program is not to find it. */
void hijack_loader_hide(char **environment);

#endif
