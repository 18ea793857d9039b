/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel above: its table of upcalls, and giving up and taking back its CPU.
 *
 * A hypercall that may block calls hyp_release_cpu() before it does and hyp_retake_cpu() after. In between
 * it makes no other upcall and does not touch memory of the kernel's that others may free.
 *
 * No lock of librumpuser's is held around either: both are upcalls, which enter hypercalls themselves.
 */
#ifndef LIBRUMPUSER_HYP_H
#define LIBRUMPUSER_HYP_H

#include <rump/rumpuser.h>

#include "librumpuser/host.h"

#pragma GCC visibility push(hidden)

/* A copy of what rumpuser_init() was given. */
extern struct rumpuser_hyperup hyp;

/*
 * Gives up the calling thread's CPU of the kernel, with the big lock as often as it is held: the answer,
 * which hyp_retake_cpu() wants. interlock is NULL, or the mutex that the caller is about to release for a
 * condition.
 */
static inline int
hyp_release_cpu(struct rumpuser_mtx *interlock)
{
	int locks;

	host_will_sleep();
	hyp.hyp_backend_unschedule(0, &locks, interlock);
	return locks;
}

/* The same where it is most likely that nothing blocks: what does calls host_will_sleep() itself. */
static inline int
hyp_lend_cpu(void)
{
	int locks;

	hyp.hyp_backend_unschedule(0, &locks, NULL);
	return locks;
}

static inline void
hyp_retake_cpu(int locks, struct rumpuser_mtx *interlock)
{
	hyp.hyp_backend_schedule(locks, interlock);
}

#pragma GCC visibility pop

#endif
