/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * A call that is made in steps must not miss a signal that comes between two of them: its handler would run,
 * and the call sleep on. So signals with handlers are blocked all the while and let through by ppoll(2),
 * which changes the mask and waits in one. Those without are not: what ends the program may do so at any
 * time.
 *
 * ppoll ends for any handler. Where one with SA_RESTART is not to end the program's call, it is made with the
 * signals blocked and a signalfd to tell of them; what their actions are is looked up while they are pending.
 * The signalfd is kept for the next time, in the process's state, and closed in a child.
 */
#include "hijack/interruption.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "hijack/gate.h"
#include "hijack/signal.h"
#include "hijack/thread.h"
#include "rumpclient/client.h"

void
hijack_interruption_begin(struct hijack_interruption *held)
{
	uint64_t handled = __atomic_load_n(&hijack_process()->handled, __ATOMIC_RELAXED) & ~HIJACK_SIGSYS_BIT;

	*held = (struct hijack_interruption){.holds = handled != 0, .signals = -1};
	if (handled == 0)
		return;
	(void)hijack_own(
	    SYS_rt_sigprocmask, SIG_BLOCK, (long)&handled, (long)&held->before, HIJACK_SIGSET_SIZE, 0, 0);
	held->blocked = held->before | handled;
}

int
hijack_interruption_signals(struct hijack_interruption *held)
{
	uint64_t set = held->blocked & ~held->before;
	int kept;

	if (!held->holds || held->signals >= 0)
		return held->signals;
	kept = __atomic_exchange_n(&hijack_process()->signals, 0, __ATOMIC_ACQUIRE) - 1;
	held->signals = (int)hijack_own(
	    SYS_signalfd4, kept, (long)&set, HIJACK_SIGSET_SIZE, SFD_CLOEXEC | SFD_NONBLOCK, 0, 0);
	if (held->signals < 0 && kept >= 0)
		(void)close(kept);
	else if (held->signals >= 0 && kept < 0)
		held->signals = rc_fd_up(held->signals);
	return held->signals < 0 ? -1 : held->signals;
}

const uint64_t *
hijack_interruption_mask(const struct hijack_interruption *held)
{
	return held->holds ? &held->before : NULL;
}

/* Whether one of the pending signals has a handler without SA_RESTART. */
static bool
ends_calls(uint64_t pending)
{
	for (; pending != 0; pending &= pending - 1) {
		struct hijack_sigaction action;

		if (hijack_own(SYS_rt_sigaction, __builtin_ctzll(pending) + 1, 0, (long)&action,
			HIJACK_SIGSET_SIZE, 0, 0) == 0 &&
		    action.handler != (uintptr_t)SIG_DFL && action.handler != (uintptr_t)SIG_IGN &&
		    !(action.flags & SA_RESTART))
			return true;
	}
	return false;
}

int
hijack_interruption_let(const struct hijack_interruption *held)
{
	const struct timespec at_once = {0};
	uint64_t pending = 0;
	bool ends;

	(void)hijack_own(SYS_rt_sigpending, (long)&pending, HIJACK_SIGSET_SIZE, 0, 0, 0, 0);
	ends = ends_calls(pending & held->blocked & ~held->before);
	/* Another thread may have taken it meanwhile: then no handler runs here. */
	if (hijack_own(SYS_ppoll, 0, 0, (long)&at_once, (long)&held->before, HIJACK_SIGSET_SIZE, 0) != -EINTR)
		ends = false;
	return ends ? -EINTR : 0;
}

void
hijack_interruption_end(struct hijack_interruption *held)
{
	int none = 0;

	if (!held->holds)
		return;
	if (held->signals >= 0 && !__atomic_compare_exchange_n(&hijack_process()->signals, &none,
				      held->signals + 1, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		(void)close(held->signals);
	(void)hijack_own(SYS_rt_sigprocmask, SIG_SETMASK, (long)&held->before, 0, HIJACK_SIGSET_SIZE, 0, 0);
	held->holds = false;
}
