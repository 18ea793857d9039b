/* SPDX-License-Identifier: BSD-2-Clause */
/* From loaded components to a kernel that serves clients, and on to its end. */
#ifndef RUMP_SERVER_BOOT_H
#define RUMP_SERVER_BOOT_H

#include <stddef.h>

#include "rump_server/drive.h"
#include "rump_server/kernel.h"
#include "rump_server/mountspec.h"
#include "rump_server/options.h"

/* Everything that was checked before. */
struct boot_plan {
	const struct server_options *options;
	struct drive *drives;
	size_t ndrives;
	struct mountspec *mounts;
	size_t nmounts;
	char **modules; /* absolute host paths */
	size_t nmodules;
};

/*
 * Detaches unless told not to, boots, loads modules, registers drives, mounts, serves, and halts the kernel
 * when asked to by SIGTERM, SIGINT or SIGHUP. Returns -1 with a complaint when something fails; else not at
 * all: halting the kernel ends the process. A detached process's failures reach the waiting parent's exit
 * status too.
 */
int boot(struct kernel *kernel, const struct boot_plan *plan, struct complaint *complaint);

/* Ends the process with status 1 after a failure of boot(): a kernel that was booted already is halted in
 * order. */
_Noreturn void boot_abandon(const struct kernel *kernel);

#endif
