/* SPDX-License-Identifier: BSD-2-Clause */
/* The program's signal handlers, as the host calls them. */
#ifndef HIJACK_HANDLERS_H
#define HIJACK_HANDLERS_H

#include <stdbool.h>
#include <stdint.h>

#include "hijack/thread.h"

/*
 * The program's new action for a signal, about to be set: changes what the host is to be given, and keeps
 * the rest. Not for SIGSYS.
 */
void hijack_handlers_set(int number, struct hijack_sigaction *action);

/* What the host says of a signal's action, as the program is to see it. before: what was kept for it then. */
void hijack_handlers_show(struct hijack_sigaction *action, const struct hijack_sigaction *before);

/* What is kept for a signal. number: 1 to 64. */
struct hijack_sigaction *hijack_handlers_kept(int number);

/*
 * Forgets, and asks, whether a handler without SA_RESTART has run in this thread since, so that a call that a
 * signal has ended is to return EINTR.
 */
void hijack_handlers_begin(void);
bool hijack_handlers_end_call(void);

#endif
