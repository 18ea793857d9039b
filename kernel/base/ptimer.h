/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers of processes: setitimer(2) and timer_create(2). */
#ifndef KERNEL_BASE_PTIMER_H
#define KERNEL_BASE_PTIMER_H

struct proc;

/* Stops and frees the timers of a process that ends. */
void rumpk_ptimers_exit(struct proc *p);

#endif
