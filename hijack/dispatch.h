/* SPDX-License-Identifier: BSD-2-Clause */
/* The dispatcher: every system call of the program that has an entry arrives here, from a trampoline or
 * trapped. */
#ifndef HIJACK_DISPATCH_H
#define HIJACK_DISPATCH_H

#include "hijack/gate.h"
#include "hijack/thread.h"

struct hijack_call {
	long number;
	long arg[6];
	long shadow; /* for FD() entries: the program's number; the first argument is the rump descriptor */
};

/* An entry: Linux's number and arguments in, a result or -errno out. */
typedef long hijack_call_fn(const struct hijack_call *call);

/* What the gate calls. Vector registers are the program's: entries that need them, or libc, save them first.
 */
long hijack_syscall(long number, long a1, long a2, long a3, long a4, long a5, long a6);

/* What a call comes to that cannot be made of the rump kernel: the result, of which a line is written when
 * that is wanted. */
long hijack_refused(long number, long result);

/* The host's answer. */
static inline long
hijack_pass(const struct hijack_call *call)
{
	return hijack_raw(
	    call->number, call->arg[0], call->arg[1], call->arg[2], call->arg[3], call->arg[4], call->arg[5]);
}

/* Entries: one a call in calls.def. */
#define CALL(name, entry) hijack_call_fn entry;
#define FD(name, entry)
#include "hijack/calls.def"
#undef FD
#undef CALL
hijack_call_fn hijack_descriptor_call; /* for all FD() calls */
hijack_call_fn hijack_on_epoll;        /* for those that are about a number of the host's */

#endif
