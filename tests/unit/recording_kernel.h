/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A kernel for librumpuser that does nothing but write down the upcalls made to it, and the check of a
 * hypercall's scheduling contract with it.
 */
#ifndef TESTS_UNIT_RECORDING_KERNEL_H
#define TESTS_UNIT_RECORDING_KERNEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <rump/rumpuser.h>

enum upcall {
	UPCALL_SCHEDULE,
	UPCALL_UNSCHEDULE,
	UPCALL_BACKEND_UNSCHEDULE,
	UPCALL_BACKEND_SCHEDULE,
	UPCALL_LWPROC_SWITCH,
	UPCALL_LWPROC_RELEASE,
	UPCALL_LWPROC_RFORK,
	UPCALL_LWPROC_NEWLWP,
	UPCALL_LWPROC_CURLWP,
	UPCALL_SYSCALL,
	UPCALL_LWPEXIT,
	UPCALL_EXECNOTIFY,
	UPCALL_GETPID,
};

struct recorded_upcall {
	pthread_t thread;
	enum upcall upcall;
	int nlocks;     /* of the backend upcalls: as given */
	void *argument; /* the interlock, the lwp, or whatever else the upcall is given first */
	bool had_cpu;   /* whether the thread held the kernel's CPU when it made the upcall */
};

/* How often the pretended kernel's big lock is held: backend_unschedule says so, and wants to hear it again.
 */
#define RECORDING_NLOCKS 7

/* Gives the table to rumpuser_init(), once a program, and forgets what was recorded. */
void recording_start(void);

/*
 * What the pretended kernel does in a system call, with the number and arguments of hyp_syscall(); NULL for
 * nothing. Lwps come and go as far as hyp_lwproc_curlwp() tells, and every process is number 1.
 */
extern int (*recording_syscall)(int number, void *args);

/* Forgets what was recorded. The calling thread then holds the CPU. */
void recording_clear(void);

/* Copies up to max upcalls of the calling thread (mine) or of all others, and returns how many there were. */
size_t recording_get(struct recorded_upcall *upcalls, size_t max, bool mine);

/*
 * When not NULL, is called inside of every upcall made by the thread that called recording_clear() last,
 * before the upcall does anything.
 */
extern void (*recording_hook)(enum upcall upcall);

/*
 * The mutex of the pretended scheduler, or NULL. As an interlock it is taken by backend_unschedule and
 * released by backend_schedule.
 */
extern struct rumpuser_mtx *recording_scheduler_mutex;

enum contract_class {
	CONTRACT_NEVER,        /* gives up the CPU in no case */
	CONTRACT_WHEN_WAITING, /* only when it would wait */
	CONTRACT_ALWAYS,
};

struct contract {
	const char *name; /* the hypercall's, without its prefix */
	enum contract_class class;
	/* Makes the call where it need not wait. What the call wants set up belongs here or in the group's
	 * setup. */
	void (*call)(void);
	/* Makes the call where it would wait; what it waits for may come about from recording_hook on. */
	void (*call_waiting)(void);
	/* The interlock that the CPU is given up with, or NULL for none. */
	struct rumpuser_mtx **interlock;
	/*
	 * Called inside of every upcall: makes hypercalls on the same objects, which would not return if a
	 * lock of the library were held across the upcall.
	 */
	void (*probe)(enum upcall upcall);
};

/* Checks each row as a test of its own in one cmocka group, and returns the number that failed. */
int contract_check(const char *group, const struct contract *rows, size_t count);

/*
 * The calling thread made exactly two upcalls since recording_clear(): it gave up its CPU, with this
 * interlock, and took it back with the same and with the locks that it had.
 */
void assert_released_once(const struct rumpuser_mtx *interlock);

/* The calling thread made no upcall since recording_clear(). */
void assert_never_released(void);

#endif
