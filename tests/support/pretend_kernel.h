/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A kernel small enough to run the system call server without one: processes, lwps, a file and pipes in
 * memory. It aborts when an upcall breaks the contract: a CPU taken twice or not held, an lwp current in two
 * threads, a release of what is released, an exec with lwps left.
 */
#ifndef TESTS_SUPPORT_PRETEND_KERNEL_H
#define TESTS_SUPPORT_PRETEND_KERNEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <rump/rumpuser.h>

#define PRETEND_FDS 16

struct pretend_file {
	int refs;
	enum { MEMORY, PIPE_READ, PIPE_WRITE } kind;
	struct pretend_pipe *pipe;
	size_t offset;
};

struct pretend_pipe {
	int readers, writers;
	uint8_t data[4096];
	size_t len;
};

struct pretend_proc {
	struct pretend_proc *next;
	pid_t pid;
	void *priv;
	int lwps;
	bool exiting;
	struct pretend_file **fd; /* PRETEND_FDS of them, shared by *fd_users processes */
	int *fd_users;
};

struct lwp {
	struct pretend_proc *proc;
	bool running;
	bool released;
	bool clear;
	bool interrupted;
};

/* Everything of the kernel is under this lock, and sleepers wait for this condition. */
extern pthread_mutex_t pretend_lock;
extern pthread_cond_t pretend_changed;
extern __thread struct lwp *pretend_curlwp;

/* Gives the upcalls to rumpuser_init(). can_interrupt: with the one that ends a single call. */
void pretend_start(bool can_interrupt);

/* From now on sleeps end at once, and reboot comes back. For tests in one thread. */
void pretend_never_sleep(void);
bool pretend_never_sleeps(void);

/* The system calls, for the upcall. */
int pretend_syscall(int number, void *args, long *retval);

/* Waits for a change, with the lock held, as a kernel sleeps: without its CPU. False: the call is to end. */
bool pretend_sleep(void);

/* Closes a process's files; with the lock. */
void pretend_close_all(struct pretend_proc *p);

/* Processes other than the first, their lwps, and sleepers. */
void pretend_count(long *procs, long *lwps, long *sleepers);

_Noreturn void pretend_fail(const char *why);

#endif
