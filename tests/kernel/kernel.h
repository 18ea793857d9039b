/* SPDX-License-Identifier: BSD-2-Clause */
/* Reaching the kernel that is tested: loaded into this process, or through librumpclient. */
#ifndef TESTS_KERNEL_KERNEL_H
#define TESTS_KERNEL_KERNEL_H

#include <stdbool.h>

struct kernel {
	/* Reached through librumpclient, at RUMP_SERVER. */
	bool remote;
	/* The stubs leave NetBSD's errno rather than the host's. */
	bool netbsd_errno;
	/* Has system calls on files. */
	bool files;
};
extern struct kernel kernel;

/*
 * Loads the libraries (librump first, or librumpclient) and points rump_sys_* at them; exits
 * with a message when that fails.
 */
void kernel_load(char *const libraries[], int count);

/* Boots it, or connects. Exits on failure. */
void kernel_start(void);

/* A process of its own for what follows. */
void kernel_process(void);

/* Makes it a server, after kernel_start(). */
int kernel_serve(const char *url);

/* Functions of the loaded kernel or client, which the cases' runner needs; NULL in the other one. */
extern int (*kernel_rfork)(int flags);
extern int (*kernel_newlwp)(int pid);
extern void (*kernel_switch)(void *lwp);
extern void (*kernel_releaselwp)(void);
extern void *(*kernel_curlwp)(void);
extern int (*client_fork)(void);

#endif
