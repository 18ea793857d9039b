/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A rump kernel inside this program: starting it, its processes and threads, host files that
 * appear inside. The system calls are in <rump/rump_syscalls.h>. These are the functions that
 * NetBSD's kernels and the embedded kernel both export.
 *
 * Unless said otherwise, functions return 0 or a positive errno in NetBSD's numbering.
 */
#ifndef RUMP_RUMP_H
#define RUMP_RUMP_H

#include <stdint.h>
#include <sys/types.h>
#include <rump/rumpdefs.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct lwp;

/* The interface's version. */
int rump_getversion(void);
int rump_pub_getversion(void);

/*
 * Boots the kernel with the components that are loaded. Any thread may make system calls
 * afterwards. A second call does nothing and succeeds.
 */
int rump_init(void);

/* Makes the kernel's system calls available at the url (unix://, tcp://); after rump_init(). Needs
 * librumpkern_sysproxy. */
int rump_init_server(const char *url);

/* Around rump_init(): goes to the background; the parent waits for done, and exits with its verdict. */
int rump_daemonize_begin(void);
int rump_daemonize_done(int error);
#define RUMP_DAEMONIZE_SUCCESS 0

/* Before rump_init(): RUMP_RB_* and boot flags, as reboot(2) and the boot loader have them. */
void rump_boot_sethowto(int howto);
int rump_boot_gethowto(void);

/* Before rump_init(): what becomes of signals that the kernel sends to this process. RAISE is the default. */
enum rump_sigmodel {
	RUMP_SIGMODEL_PANIC,
	RUMP_SIGMODEL_IGNORE,
	RUMP_SIGMODEL__HOST_NOTANYMORE,
	RUMP_SIGMODEL_RAISE,
	RUMP_SIGMODEL_RECORD
};
void rump_boot_setsigmodel(enum rump_sigmodel model);

/* Bracket code of a program that calls the kernel's internals; system calls do it themselves. */
void rump_schedule(void);
void rump_unschedule(void);

/*
 * Processes and threads, as rump_lwproc(3). rfork makes a process, newlwp a thread in one, and
 * both switch the caller to it; flags are RUMP_RFFD_SHARE, _COPY or _CLEAR. switch takes a thread
 * that nobody runs as, or NULL. releaselwp ends the caller's, and its process with the last.
 * curlwp is NULL when the caller has none of its own.
 */
int rump_pub_lwproc_rfork(int flags);
int rump_pub_lwproc_newlwp(pid_t pid);
void rump_pub_lwproc_switch(struct lwp *l);
void rump_pub_lwproc_releaselwp(void);
struct lwp *rump_pub_lwproc_curlwp(void);
void rump_pub_lwproc_sysent_usenative(void);

/* Host files inside, as rump_etfs(3); from librumpvfs. */
enum rump_etfs_type { RUMP_ETFS_REG, RUMP_ETFS_BLK, RUMP_ETFS_CHR, RUMP_ETFS_DIR, RUMP_ETFS_DIR_SUBDIRS };
#define RUMP_ETFS_SIZE_ENDOFF ((uint64_t)-1)
int rump_pub_etfs_register(const char *key, const char *hostpath, enum rump_etfs_type type);
int rump_pub_etfs_register_withsize(
    const char *key, const char *hostpath, enum rump_etfs_type type, uint64_t begin, uint64_t size);
int rump_pub_etfs_remove(const char *key);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
