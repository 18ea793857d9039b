/* SPDX-License-Identifier: BSD-2-Clause */
/* For the host half of a driver: code that belongs to a kernel component but calls the host itself. */
#ifndef RUMP_RUMPUSER_COMPONENT_H
#define RUMP_RUMPUSER_COMPONENT_H

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct lwp;

/*
 * Gives up the kernel's CPU, before the host is asked for something that may block, and takes it back. The
 * cookie of the first goes to the second: how often the calling thread held the kernel's big lock, so NULL is
 * the cookie of a thread that has not held it.
 */
void *rumpuser_component_unschedule(void);
void rumpuser_component_schedule(void *cookie);

/*
 * Makes the calling host thread, which has no CPU, a thread of the kernel's own process: between these two
 * it can call kernel code after rumpuser_component_schedule().
 */
void rumpuser_component_kthread(void);
void rumpuser_component_kthread_release(void);

/* The current lwp, and changing to another one (NULL: to none); for a thread that has no CPU. */
struct lwp *rumpuser_component_curlwp(void);
void rumpuser_component_switchlwp(struct lwp *l);

/* The host's errno in NetBSD's numbering. */
int rumpuser_component_errtrans(int hosterr);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
