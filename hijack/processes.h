/* SPDX-License-Identifier: BSD-2-Clause */
/* What making a process means for its connection; the first argument is the struct hijack_cloning. */
#ifndef HIJACK_PROCESSES_H
#define HIJACK_PROCESSES_H

#include "hijack/dispatch.h"

/* In the parent, before: has the rump kernel copy the process when there is anything that its child inherits.
 * 0 or -errno. */
hijack_call_fn hijack_beyond_prefork;

/* In the child: connects as the copy. */
hijack_call_fn hijack_beyond_child;

/* In the parent, after: the second argument is the call's result. */
hijack_call_fn hijack_beyond_parent;

#endif
