/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * The kernel turns a system call made outside the gate into a SIGSYS. The handler does not make the call: it
 * changes the interrupted context so that the program continues in the gate, on its own stack and with its
 * own signal mask, as if the site had been rewritten. So there is one way into the dispatcher, and a call may
 * block, be interrupted or never return.
 *
 * A SIGSYS that is blocked or ignored when a call is trapped kills the process. It is therefore never in the
 * host's mask and the host's action is always this handler; the mask and the action that the program sees are
 * kept beside (signal.c). Other SIGSYSes, from kill or from a seccomp filter, are handed on to the program's
 * action.
 */
#include "hijack/trap.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "hijack/arm.h"
#include "hijack/context.h"
#include "hijack/dispatch.h"
#include "hijack/owner.h"
#include "hijack/report.h"
#include "hijack/signal.h"
#include "hijack/stack.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF 0
#define PR_SYS_DISPATCH_ON 1
#endif
#define SYS_USER_DISPATCH_CODE 2 /* si_code */

bool hijack_trap_works;

/* The default action, for good. */
static void
die(void)
{
	struct hijack_sigaction action = {0};

	(void)hijack_own(SYS_rt_sigaction, SIGSYS, (long)&action, 0, HIJACK_SIGSET_SIZE, 0, 0);
	(void)hijack_own(
	    SYS_tgkill, hijack_process()->pid, hijack_own(SYS_gettid, 0, 0, 0, 0, 0, 0), SIGSYS, 0, 0, 0);
}

static void
hand_on(int signal, siginfo_t *info, void *context)
{
	struct hijack_sigaction *action = &hijack_process()->sigsys, now = *action;
	uint64_t mask = now.mask & ~HIJACK_SIGSYS_BIT, before;
	bool forced = info->si_code > 0, blocked = hijack_thread.sigsys_blocked;

	if (!forced && blocked) {
		hijack_thread.sigsys_pending = true;
		return;
	}
	if (!forced && now.handler == (uintptr_t)SIG_IGN)
		return;
	if (blocked || now.handler == (uintptr_t)SIG_DFL || now.handler == (uintptr_t)SIG_IGN) {
		die();
		return;
	}
	if (now.flags & SA_RESETHAND)
		action->handler = (uintptr_t)SIG_DFL;
	hijack_thread.sigsys_blocked = !(now.flags & SA_NODEFER) || now.mask & HIJACK_SIGSYS_BIT;
	(void)hijack_own(SYS_rt_sigprocmask, SIG_BLOCK, (long)&mask, (long)&before, HIJACK_SIGSET_SIZE, 0, 0);
	((void (*)(int, siginfo_t *, void *))now.handler)(signal, info, context);
	hijack_thread.sigsys_blocked = blocked;
	hijack_trap_pending();
}

/* The program is about to leave the storage that this library needs: from here on it is alone. */
static void
leave(ucontext_t *context)
{
	if (hijack_verbose)
		hijack_report("the program does without the C library, and is not hijacked");
	if (hijack_thread.sigsys_blocked)
		sigaddset(&context->uc_sigmask, SIGSYS);
	hijack_trap_stop();
	hijack_context_repeat(context);
}

static void
on_sigsys(int signal, siginfo_t *info, void *context)
{
	if (info->si_code == SYS_USER_DISPATCH_CODE && !hijack_threaded &&
	    hijack_context_sets_storage(context, info)) {
		leave(context);
	} else if (info->si_code == SYS_USER_DISPATCH_CODE) {
		hijack_stack_need();
		hijack_context_redirect(context, info);
	} else if (!hijack_arm_signal(info) && !hijack_owner_signal(info))
		hand_on(signal, info, context);
}

void
hijack_trap_pending(void)
{
	if (hijack_thread.sigsys_blocked || !hijack_thread.sigsys_pending)
		return;
	hijack_thread.sigsys_pending = false;
	(void)hijack_own(
	    SYS_tgkill, hijack_process()->pid, hijack_own(SYS_gettid, 0, 0, 0, 0, 0, 0), SIGSYS, 0, 0, 0);
}

int
hijack_trap_handle(void)
{
	struct hijack_sigaction action = {.handler = (uintptr_t)on_sigsys,
	    .flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK | SA_RESTART | HIJACK_SA_RESTORER,
	    .restorer = (uintptr_t)hijack_restorer};

	return (int)hijack_own(SYS_rt_sigaction, SIGSYS, (long)&action, 0, HIJACK_SIGSET_SIZE, 0, 0);
}

int
hijack_trap_arm(void)
{
	return (int)hijack_own(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON,
	    (long)hijack_gate_start, hijack_gate_end - hijack_gate_start, 0, 0);
}

void
hijack_trap_stop(void)
{
	uint64_t mask = HIJACK_SIGSYS_BIT;

	(void)hijack_own(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0, 0);
	(void)hijack_own(
	    SYS_rt_sigaction, SIGSYS, (long)&hijack_main_process.sigsys, 0, HIJACK_SIGSET_SIZE, 0, 0);
	if (hijack_thread.sigsys_blocked)
		(void)hijack_own(SYS_rt_sigprocmask, SIG_BLOCK, (long)&mask, 0, HIJACK_SIGSET_SIZE, 0, 0);
}

int
hijack_trap_start(void)
{
	uint64_t mask = HIJACK_SIGSYS_BIT, before = 0;
	int error;

	(void)hijack_own(
	    SYS_rt_sigaction, SIGSYS, 0, (long)&hijack_main_process.sigsys, HIJACK_SIGSET_SIZE, 0, 0);
	error = hijack_trap_handle();
	if (error != 0)
		return error;
	(void)hijack_own(
	    SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&mask, (long)&before, HIJACK_SIGSET_SIZE, 0, 0);
	hijack_thread.sigsys_blocked = (before & HIJACK_SIGSYS_BIT) != 0;
	/* Off, as it is: an error when there is no such thing. */
	error = (int)hijack_own(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0, 0);
	hijack_trap_works = error == 0;
	return error;
}
