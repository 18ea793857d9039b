/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the library keeps for a thread and for a process.
 *
 * Theory of operation
 *
 * A process's state hangs off a pointer in its threads' storage. The child of vfork and of posix_spawn runs
 * in its parent's memory and, since it has no thread-local storage of its own, as its parent's thread: what
 * it changes before it calls execve (descriptors, the action for a signal) is its own all the same. So before
 * such a call the thread gets a copy of the process's state, and puts the original back once the child is
 * gone; the parent's other threads never see the copy.
 *
 * A thread's storage is small: the loader has little of it for libraries that are not the program's own (see
 * auditor.c).
 */
#ifndef HIJACK_THREAD_H
#define HIJACK_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Linux's struct sigaction, as rt_sigaction takes it. */
struct hijack_sigaction {
	uintptr_t handler;
	uint64_t flags;
	uintptr_t restorer;
	uint64_t mask;
};

struct rumpclient;
struct rumpclient_fork;
struct hijack_fds;

#define HIJACK_EVENTS 16 /* eventfds that are kept for waits */
#define HIJACK_NAME 512  /* of a descriptor, see names.h */

struct hijack_process {
	int pid;
	bool sandboxed;             /* a filter of the program's may forbid what is not its own doing */
	bool cwd_inside;            /* the current directory is in the rump kernel */
	bool root_inside;           /* so is the root: chroot */
	bool may_be_refused;        /* its user or root has changed since it connected */
	struct rumpclient *context; /* the connection; NULL: none yet */
	struct hijack_fds *fds;     /* NULL: no rump descriptor yet */
	bool lists_numbers;         /* has opened the list of its descriptors in /proc */
	bool cwd_lost;              /* the current directory was that of a kernel that is gone */
	bool root_lost;             /* so was the root */
	uint32_t kernels;           /* how many there were before */
	struct rumpclient *retired; /* the context before: others may still be leaving it */
	int events[HIJACK_EVENTS];  /* number + 1, or 0; see waiter.c */
	int signals;                /* likewise; see interruption.c */
	uint64_t handled;           /* signals that have, or had, a handler */
	struct hijack_sigaction actions[64]; /* what the program set for these, from the first signal on */
	char *names;                         /* HIJACK_NAME bytes for each number; NULL: none yet */
	const char *parent_names;            /* of vfork's child, to read */
	char cwd_name[HIJACK_NAME];          /* in the rump kernel; empty: not known */
	bool cwd_real;                       /* that is what the rump kernel said, without links */
	uint64_t above_device;               /* if it is: of the directory above; 0 when that is not known */
	uint64_t above_inode;
	void *executing;                /* memory of an execve under way: vfork's parent frees it */
	struct hijack_sigaction sigsys; /* the program's; the host's is this library's */
};

/* A call under way that makes a child. */
struct hijack_cloning {
	struct hijack_process *parent;
	struct hijack_process *child; /* when it shares the memory, in memory of its own; or NULL */
	bool clears_handlers;
	bool armed; /* the parent was, before */
	bool sigsys_blocked;
	bool holds; /* signals, until both sides are themselves; mask is put back then */
	uint64_t mask;
	bool trapped;                 /* not a rewritten site */
	bool stack_used;              /* the thread's other stack, before the call */
	bool connected;               /* the parent is; the next is for its connection's sake */
	struct rumpclient_fork *fork; /* NULL: the child inherits nothing in the rump kernel */
	bool lost;                    /* that is gone, and so is what it would have inherited */
};
#define HIJACK_CLONING_MAX 8

struct hijack_thread {
	bool sigsys_blocked;            /* the program thinks so; SIGSYS is never in the host's mask */
	bool sigsys_pending;            /* came while the program thought so */
	bool stack_used;                /* a call runs on the stack for trapped calls */
	bool stack_refused;             /* there is none: this storage is another process's as well */
	bool ends_calls;                /* see handlers.h */
	struct hijack_process *process; /* NULL: the process that loaded the library */
	uintptr_t stack;                /* that stack's upper end, or 0; see stack.h */
	unsigned int cloning_count;
	struct hijack_cloning cloning[HIJACK_CLONING_MAX]; /* the last is the one under way */
};

extern __thread struct hijack_thread hijack_thread;
extern __attribute__((visibility("hidden"))) struct hijack_process hijack_main_process;

static inline struct hijack_process *
hijack_process(void)
{
	return hijack_thread.process != NULL ? hijack_thread.process : &hijack_main_process;
}

#endif
