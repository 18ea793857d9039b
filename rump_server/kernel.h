/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel, as this program sees it: functions found by name in the components once they are loaded, since
 * the program is linked to no kernel.
 */
#ifndef RUMP_SERVER_KERNEL_H
#define RUMP_SERVER_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rump_server/complaint.h"
#include "rump_server/solver.h"

/* What returns an int that is no system call returns 0 or NetBSD's errno. */
struct kernel {
	int (*daemonize_begin)(void);
	int (*daemonize_done)(int error);
	int (*init)(void);
	int (*init_server)(const char *url);
	int (*etfs_register_withsize)(
	    const char *key, const char *hostpath, int type, uint64_t begin, uint64_t size);
	int (*etfs_remove)(const char *key);
	bool booted;
	/* System calls: -1 with errno, which librumpuser keeps in the host's numbering. */
	int (*sys_reboot)(int how, char *argument);
	int (*sys_modctl)(int command, void *argument);
	int (*sys_mkdir)(const char *path, uint32_t mode);
	int (*sys_mount)(const char *type, const char *path, int flags, void *data, size_t length);
};

/* Loads the components in the solution's order. Returns 0, or -1 with a complaint. */
int kernel_load(const struct solution *solution, struct complaint *complaint);

/*
 * Finds the functions. Returns 0, or -1 with a complaint about the first that is not there. Those that are
 * about files may be NULL in a kernel that was loaded without rumpvfs.
 */
int kernel_resolve(struct kernel *kernel, struct complaint *complaint);

/* Whether the process defines a symbol. */
bool kernel_provides(const char *symbol);

/* The text of an errno of NetBSD's. */
const char *kernel_strerror(int netbsd_errno);

/* The directory that the embedded kernel's components are in: beside librumpuser, wherever that was loaded
 * from. */
const char *kernel_directory(void);

#endif
