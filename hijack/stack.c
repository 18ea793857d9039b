/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/stack.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include "hijack/dispatch.h"
#include "hijack/gate.h"
#include "hijack/thread.h"

/* A handler of the program's that has no stack of its own runs here too. */
#define SIZE 0x40000L
#define GUARD 0x1000L
#define FLAGS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK)

void
hijack_stack_need(void)
{
	struct hijack_thread *self = &hijack_thread;
	long map;

	if (self->stack != 0 || self->stack_refused)
		return;
	/* By mmap alone: a program's filter lets that pass. */
	map = hijack_own(SYS_mmap, 0, GUARD + SIZE, PROT_NONE, FLAGS, -1, 0);
	if (map < 0 && map > -4096)
		return;
	if (hijack_own(SYS_mmap, map + GUARD, SIZE, PROT_READ | PROT_WRITE, FLAGS | MAP_FIXED, -1, 0) < 0) {
		(void)hijack_own(SYS_munmap, map, GUARD + SIZE, 0, 0, 0, 0);
		return;
	}
	self->stack = (uintptr_t)(map + GUARD + SIZE);
}

void
hijack_stack_refuse(void)
{
	hijack_thread.stack = 0;
	hijack_thread.stack_refused = true;
}

/* The end of a thread, and of its stack, unless that is its parent's, or the call comes from there. */
long
hijack_exit(const struct hijack_call *call)
{
	struct hijack_thread *self = &hijack_thread;

	if (self->stack != 0 && self->process == NULL && !self->stack_used) {
		(void)hijack_own(SYS_munmap, (long)self->stack - SIZE - GUARD, GUARD + SIZE, 0, 0, 0, 0);
		self->stack = 0;
	}
	return hijack_pass(call);
}
