/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects that the loader has loaded. */
#ifndef HIJACK_OBJECT_H
#define HIJACK_OBJECT_H

#include "hijack/sites.h"

/* Calls fn for each loaded object that has code, but for this library. */
void hijack_each_object(void (*fn)(const struct hijack_object *, void *), void *arg);

#endif
