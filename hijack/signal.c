/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signal masks and actions: the program sees what it set; the host's masks never have SIGSYS in them, and the
 * host's action for it is trap.c's. Handlers are called by way of handlers.c, and return through the gate,
 * where rt_sigreturn is not trapped.
 */
#include "hijack/signal.h"

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "hijack/beyond.h"
#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/epoll.h"
#include "hijack/files.h"
#include "hijack/handlers.h"
#include "hijack/trap.h"

static long
sigsys_action(uint64_t new, uint64_t old)
{
	struct hijack_sigaction *action = &hijack_process()->sigsys, before = *action, after;

	if (new != 0 && hijack_copyin(&after, new, sizeof(after)) != 0)
		return -EFAULT;
	if (old != 0 && hijack_copyout(old, &before, sizeof(before)) != 0)
		return -EFAULT;
	if (new != 0)
		*action = after;
	return 0;
}

long
hijack_rt_sigaction(const struct hijack_call *call)
{
	struct hijack_sigaction action, before, old;
	struct hijack_call changed = *call;
	unsigned long number = (unsigned long)call->arg[0];
	long error;

	if (call->arg[3] != HIJACK_SIGSET_SIZE || number - 1 >= 64)
		return hijack_pass(call);
	if (number == SIGSYS)
		return hijack_trap_works ? sigsys_action((uint64_t)call->arg[1], (uint64_t)call->arg[2])
					 : hijack_pass(call);
	before = *hijack_handlers_kept((int)number);
	if (call->arg[1] != 0) {
		if (hijack_copyin(&action, (uint64_t)call->arg[1], sizeof(action)) != 0)
			return -EFAULT;
		hijack_handlers_set((int)number, &action);
		changed.arg[1] = (long)&action;
	}
	if (call->arg[2] != 0)
		changed.arg[2] = (long)&old;
	error = hijack_pass(&changed);
	if (error != 0 || call->arg[2] == 0)
		return error;
	hijack_handlers_show(&old, &before);
	return hijack_copyout((uint64_t)call->arg[2], &old, sizeof(old));
}

long
hijack_rt_sigprocmask(const struct hijack_call *call)
{
	struct hijack_call changed = *call;
	struct hijack_thread *self = &hijack_thread;
	uint64_t set = 0, old;
	bool was = self->sigsys_blocked;
	long error;

	if (call->arg[3] != HIJACK_SIGSET_SIZE || !hijack_trap_works)
		return hijack_pass(call);
	if (call->arg[1] != 0) {
		if (hijack_copyin(&set, (uint64_t)call->arg[1], sizeof(set)) != 0)
			return -EFAULT;
		if (call->arg[0] == SIG_SETMASK)
			self->sigsys_blocked = (set & HIJACK_SIGSYS_BIT) != 0;
		else if (set & HIJACK_SIGSYS_BIT)
			self->sigsys_blocked = call->arg[0] == SIG_BLOCK;
		set &= ~HIJACK_SIGSYS_BIT;
		changed.arg[1] = (long)&set;
	}
	if (call->arg[2] != 0 && was)
		changed.arg[2] = (long)&old;
	error = hijack_pass(&changed);
	if (error != 0) {
		self->sigsys_blocked = was;
		return error;
	}
	if (call->arg[2] != 0 && was) {
		old |= HIJACK_SIGSYS_BIT;
		error = hijack_copyout((uint64_t)call->arg[2], &old, sizeof(old));
	}
	hijack_trap_pending();
	return error;
}

long
hijack_rt_sigpending(const struct hijack_call *call)
{
	uint64_t set;
	long error = hijack_pass(call);

	if (error != 0 || call->arg[1] != HIJACK_SIGSET_SIZE || !hijack_thread.sigsys_pending)
		return error;
	if (hijack_copyin(&set, (uint64_t)call->arg[0], sizeof(set)) != 0)
		return -EFAULT;
	set |= HIJACK_SIGSYS_BIT;
	return hijack_copyout((uint64_t)call->arg[0], &set, sizeof(set));
}

/* Makes a call whose mask, in argument n, holds for its duration. */
static long
with_mask(const struct hijack_call *call, int n)
{
	struct hijack_call changed = *call;
	struct hijack_thread *self = &hijack_thread;
	bool was = self->sigsys_blocked;
	uint64_t set;
	long result;

	if (call->arg[n] == 0 || call->arg[n + 1] != HIJACK_SIGSET_SIZE || !hijack_trap_works)
		return hijack_pass(call);
	if (hijack_copyin(&set, (uint64_t)call->arg[n], sizeof(set)) != 0)
		return -EFAULT;
	self->sigsys_blocked = (set & HIJACK_SIGSYS_BIT) != 0;
	hijack_trap_pending();
	set &= ~HIJACK_SIGSYS_BIT;
	changed.arg[n] = (long)&set;
	result = hijack_pass(&changed);
	self->sigsys_blocked = was;
	return result;
}

long
hijack_rt_sigsuspend(const struct hijack_call *call)
{
	return with_mask(call, 0);
}

long
hijack_ppoll(const struct hijack_call *call)
{
	return hijack_poll_concerned() ? hijack_beyond(hijack_beyond_ppoll, call) : with_mask(call, 3);
}

static long
with_fourth_mask(const struct hijack_call *call)
{
	return with_mask(call, 4);
}

long
hijack_epoll_pwait(const struct hijack_call *call)
{
	return hijack_epoll_left_to_host(call, with_fourth_mask);
}

/* The sixth argument points to the address of the mask and its size. */
long
hijack_pselect6(const struct hijack_call *call)
{
	struct {
		uint64_t mask, size;
	} pack, mine;
	struct hijack_call changed = *call;
	struct hijack_thread *self = &hijack_thread;
	bool was = self->sigsys_blocked;
	uint64_t set;
	long result;

	if (hijack_poll_concerned())
		return hijack_beyond(hijack_beyond_pselect6, call);
	if (call->arg[5] == 0 || !hijack_trap_works)
		return hijack_pass(call);
	if (hijack_copyin(&pack, (uint64_t)call->arg[5], sizeof(pack)) != 0)
		return -EFAULT;
	if (pack.mask == 0 || pack.size != HIJACK_SIGSET_SIZE)
		return hijack_pass(call);
	if (hijack_copyin(&set, pack.mask, sizeof(set)) != 0)
		return -EFAULT;
	self->sigsys_blocked = (set & HIJACK_SIGSYS_BIT) != 0;
	hijack_trap_pending();
	set &= ~HIJACK_SIGSYS_BIT;
	mine.mask = (uint64_t)(uintptr_t)&set;
	mine.size = sizeof(set);
	changed.arg[5] = (long)&mine;
	result = hijack_pass(&changed);
	self->sigsys_blocked = was;
	return result;
}
