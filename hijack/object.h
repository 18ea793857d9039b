/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects that the loader has loaded. */
#ifndef HIJACK_OBJECT_H
#define HIJACK_OBJECT_H

#include "hijack/sites.h"

/* Calls fn for each loaded object whose sites are to be rewritten: the C library and the loader. */
void hijack_each_object(void (*fn)(const struct hijack_object *, void *), void *arg);

#endif
