/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HIJACK_SCANNER_H
#define HIJACK_SCANNER_H

#include "hijack/sites.h"

/* Has the scanner find an object's sites, in a process of its own. The memory stays mapped. Returns 0 or
 * -errno. */
int hijack_scanner_run(const struct hijack_object *object, struct hijack_sites *sites);

#endif
