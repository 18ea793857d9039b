/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the dispatcher's world, where vector registers and errno are the program's, to that of ordinary C and
 * back: the client library and everything that talks to the rump kernel runs beyond.
 */
#ifndef HIJACK_BEYOND_H
#define HIJACK_BEYOND_H

#include "hijack/dispatch.h"

/* Calls entry(call) with the extended state and errno saved, and restores them. */
long hijack_beyond(hijack_call_fn *entry, const struct hijack_call *call);

#endif
