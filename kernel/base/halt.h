/* SPDX-License-Identifier: BSD-2-Clause */
/* The end: what has to be done before the kernel goes. */
#ifndef KERNEL_BASE_HALT_H
#define KERNEL_BASE_HALT_H

#include "kernel/base/component.h"

/*
 * Called once by reboot(2), in reverse order of registration, with the clients' calls still
 * possible: sync, unmount. Not called for RB_NOSYNC. hook stays the caller's and must last.
 */
struct rumpk_halt_hook {
	void (*f)(void);
	struct rumpk_halt_hook *next;
};
RUMPK_EXPORT void rumpk_halt_hook_register(struct rumpk_halt_hook *hook);

#endif
