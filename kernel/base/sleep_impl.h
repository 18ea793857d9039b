/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a sleep, for those who end it from outside. */
#ifndef KERNEL_BASE_SLEEP_IMPL_H
#define KERNEL_BASE_SLEEP_IMPL_H

#include "kernel/base/sleep.h"

struct proc;

/* Ends the sleep; with the lock held by which the sleeper was found. */
void rumpk_sleeper_wake(struct rumpk_sleeper *s);

/* Ends all interruptible sleeps of the process; with p->lock held. */
void rumpk_sleepers_wake(struct proc *p);

/* How many of the process's lwps sleep interruptibly; with p->lock held. */
unsigned rumpk_sleepers_count(const struct proc *p);

#endif
