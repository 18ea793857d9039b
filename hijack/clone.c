/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * Calls that return twice run in place, between hijack_before_clone and, in parent and child,
 * hijack_after_clone. What has to be known afterwards is kept with the thread, since the stack may be another
 * one. A child that shares the memory without storage of its own (vfork, posix_spawn) runs as its parent's
 * thread while that one waits: it gets a copy of the process's state. The records form a stack, because such
 * a child may make children, and because a signal handler may come in between.
 *
 * From the call to the end of hijack_after_clone no handler may run: in the parent it would find the child's
 * state, in the child the parent's connection. So signals are held back; one that came while vfork's parent
 * waited would otherwise be the first thing that happens.
 *
 * A new thread's storage is zero and it finds no record; where dispatch is on it has to arm it, as does every
 * child. What shares the parent's memory may have turned it on there: the parent's threads follow.
 */
#include <errno.h>
#include <sched.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "hijack/arm.h"
#include "hijack/beyond.h"
#include "hijack/clone.h"
#include "hijack/copy.h"
#include "hijack/epoll.h"
#include "hijack/gate.h"
#include "hijack/processes.h"
#include "hijack/signal.h"
#include "hijack/stack.h"
#include "hijack/thread.h"
#include "hijack/trap.h"

#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif

uintptr_t hijack_clone_target[HIJACK_CLONE_SLOTS];

/* The slot that comes back to a trapped call's site; each site keeps the one it got. */
static long
clone_slot(uintptr_t site)
{
	for (size_t i = 0; i < HIJACK_CLONE_SLOTS; i++) {
		uintptr_t none = 0;

		if (__atomic_load_n(&hijack_clone_target[i], __ATOMIC_ACQUIRE) == site ||
		    __atomic_compare_exchange_n(
			&hijack_clone_target[i], &none, site, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) ||
		    none == site)
			return (long)(hijack_clone_slots + i * HIJACK_CLONE_SLOT_SIZE);
	}
	return -EAGAIN;
}

static int
flags_of(long number, uint64_t a1, uint64_t a2, uint64_t *flags)
{
	switch (number) {
	case SYS_fork:
		*flags = 0;
		return 0;
	case SYS_vfork:
		*flags = CLONE_VM | CLONE_VFORK;
		return 0;
	case SYS_clone:
		*flags = a1;
		return 0;
	default:
		/* The flags are the first field; the kernel judges the rest. */
		*flags = 0;
		return a2 >= sizeof(*flags) ? hijack_copyin(flags, a1, sizeof(*flags)) : 0;
	}
}

/* What the connection has to do with it. */
static long
for_connection(hijack_call_fn *entry, struct hijack_cloning *cloning, long result)
{
	const struct hijack_call call = {.arg = {(long)cloning, result}};

	return hijack_beyond(entry, &call);
}

/* The state of a child that shares the memory. */
static int
copy_process(struct hijack_cloning *cloning)
{
	long map = hijack_own(
	    SYS_mmap, 0, sizeof(*cloning->child), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map < 0 && map > -4096)
		return (int)map;
	cloning->child = (struct hijack_process *)map;
	*cloning->child = *hijack_process();
	return 0;
}

static void
free_process(const struct hijack_cloning *cloning)
{
	if (cloning->child != NULL)
		(void)hijack_own(SYS_munmap, (long)cloning->child, sizeof(*cloning->child), 0, 0, 0, 0);
}

static void
hold_signals(struct hijack_cloning *cloning)
{
	const uint64_t all = ~HIJACK_SIGSYS_BIT;

	cloning->holds = cloning->child != NULL || cloning->connected;
	if (cloning->holds)
		(void)hijack_own(SYS_rt_sigprocmask, SIG_BLOCK, (long)&all, (long)&cloning->mask,
		    HIJACK_SIGSET_SIZE, 0, 0);
}

/* The last that is done with the record: a handler may take it. */
static void
release_signals(const struct hijack_cloning *cloning)
{
	const uint64_t mask = cloning->mask;

	if (cloning->holds)
		(void)hijack_own(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, HIJACK_SIGSET_SIZE, 0, 0);
}

/* Fills in the record. 0 or -errno. */
static int
prepare(struct hijack_cloning *cloning, long number, uint64_t flags)
{
	int error = 0;

	*cloning = (struct hijack_cloning){.parent = hijack_thread.process,
	    .armed = hijack_armed,
	    .clears_handlers = number == SYS_clone3 && flags & CLONE_CLEAR_SIGHAND,
	    .sigsys_blocked = hijack_thread.sigsys_blocked};
	if ((flags & (CLONE_VM | CLONE_VFORK | CLONE_THREAD)) == (CLONE_VM | CLONE_VFORK))
		error = copy_process(cloning);
	cloning->connected =
	    hijack_process()->context != NULL && (!(flags & CLONE_VM) || cloning->child != NULL);
	if (error == 0 && cloning->connected)
		error = (int)for_connection(hijack_beyond_prefork, cloning, 0);
	if (error != 0)
		free_process(cloning);
	return error;
}

long
hijack_before_clone(long number, long a1, long a2, uintptr_t resume, uintptr_t site, bool stack_taken)
{
	struct hijack_thread *self = &hijack_thread;
	struct hijack_cloning *cloning;
	bool stack_used = self->stack_used && !stack_taken;
	uint64_t flags;
	int error = flags_of(number, (uint64_t)a1, (uint64_t)a2, &flags);
	long in_place;

	if (error != 0)
		return error;
	if (self->cloning_count == HIJACK_CLONING_MAX)
		return -EAGAIN;
	if (flags & CLONE_THREAD)
		__atomic_store_n(&hijack_threaded, true, __ATOMIC_RELAXED);
	else if ((flags & (CLONE_VM | CLONE_VFORK)) == CLONE_VM)
		hijack_arm("another process will run in this memory");
	in_place =
	    resume == site ? clone_slot(site) : (long)(resume - HIJACK_RECORD_AFTER + HIJACK_RECORD_IN_PLACE);
	if (in_place < 0)
		return in_place;
	/* Taken before it is filled in: a signal handler that makes a child takes the next. */
	cloning = &self->cloning[self->cloning_count++];
	error = prepare(cloning, number, flags);
	cloning->trapped = resume == site;
	cloning->stack_used = stack_used;
	if ((flags & (CLONE_VM | CLONE_VFORK | CLONE_SETTLS)) == CLONE_VM)
		hijack_stack_refuse();
	if (error != 0)
		self->cloning_count--;
	else
		hold_signals(cloning);
	return error != 0 ? error : in_place;
}

/* Waits that other threads were in are not the child's, and their eventfds must not be shared. */
static void
forked(struct hijack_process *process)
{
	hijack_epoll_forked();
	for (size_t i = 0; i < HIJACK_EVENTS; i++) {
		if (process->events[i] != 0)
			(void)hijack_own(SYS_close, process->events[i] - 1, 0, 0, 0, 0, 0);
		process->events[i] = 0;
	}
}

bool
hijack_clone_trapped(void)
{
	struct hijack_thread *self = &hijack_thread;
	const struct hijack_cloning *cloning = &self->cloning[self->cloning_count - 1];

	/* None: a thread with storage of its own. */
	if (self->cloning_count == 0 || !cloning->trapped)
		return false;
	/* A child of vfork that executed a program was on it then. */
	self->stack_used = cloning->stack_used;
	return true;
}

static void
arm_child(const struct hijack_cloning *cloning)
{
	if (cloning != NULL && cloning->clears_handlers) {
		hijack_process()->sigsys = (struct hijack_sigaction){0};
		(void)hijack_trap_handle();
	}
	if (hijack_armed)
		(void)hijack_trap_arm();
}

static void
in_child(struct hijack_thread *self)
{
	struct hijack_cloning *cloning = NULL;

	/* None: a thread with storage of its own. */
	if (self->cloning_count > 0)
		cloning = &self->cloning[self->cloning_count - 1];
	if (cloning != NULL && cloning->child != NULL)
		self->process = cloning->child;
	else if (cloning != NULL)
		self->cloning_count--;
	if (cloning != NULL && cloning->child == NULL)
		forked(hijack_process());
	if (cloning != NULL)
		hijack_process()->pid = (int)hijack_own(SYS_getpid, 0, 0, 0, 0, 0, 0);
	if (cloning != NULL && cloning->connected)
		(void)for_connection(hijack_beyond_child, cloning, 0);
	if (hijack_trap_works)
		arm_child(cloning);
	if (cloning != NULL)
		release_signals(cloning);
}

void
hijack_after_clone(long result)
{
	struct hijack_thread *self = &hijack_thread;
	struct hijack_cloning *cloning;

	if (result == 0) {
		in_child(self);
		return;
	}
	cloning = &self->cloning[self->cloning_count - 1];
	if (cloning->child != NULL) {
		self->process = cloning->parent;
		self->sigsys_blocked = cloning->sigsys_blocked;
		if (hijack_armed && !cloning->armed)
			hijack_arm_threads();
	}
	if (cloning->connected)
		(void)for_connection(hijack_beyond_parent, cloning, result);
	free_process(cloning);
	self->cloning_count--;
	release_signals(cloning);
}
