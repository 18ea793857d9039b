/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * The host calls the program's handlers by way of hijack_handler (x86_64_handler.S), which asks
 * hijack_handlers_arrived() and goes on to the handler with stack and arguments as the host left them.
 *
 * As with any kernel, a handler is to run when the call that it interrupts is over: it may wait for another
 * thread, or leave by siglongjmp(3). So if the thread is in a call of the rump kernel that can be ended, it
 * is, and the signal is sent again to the thread, to come when the call has returned (rumpclient/defer.c).
 * Whether the call is then made again is seen by what has run meanwhile (rump.c).
 *
 * What the program set is kept, since the host has other handlers. A child of vfork has a copy.
 */
#include "hijack/handlers.h"

#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>

#include "hijack/gate.h"
#include "hijack/mem.h"
#include "hijack/signal.h"
#include "hijack/trap.h"
#include "rumpclient/client.h"

#define QUEUE_MAX 256 /* signals of one number that are kept in order */

#define BIT(number) (UINT64_C(1) << ((number)-1))

/* They are of the very instruction, or are taken to be: what they wait for would not come. */
#define AT_ONCE (BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGFPE) | BIT(SIGILL) | BIT(SIGTRAP) | HIJACK_SIGSYS_BIT)

/* See x86_64_handler.S. */
void hijack_handler(void);
uintptr_t hijack_handlers_arrived(int number, const siginfo_t *info, ucontext_t *context);

struct hijack_sigaction *
hijack_handlers_kept(int number)
{
	return &hijack_process()->actions[number - 1];
}

/* As the host is to have it, which tells only those about a signal who ask for it. */
static void
put_in_front(struct hijack_sigaction *action)
{
	action->handler = (uintptr_t)hijack_handler;
	action->flags |= SA_SIGINFO;
	if (!hijack_trap_works)
		return;
	action->mask &= ~HIJACK_SIGSYS_BIT;
	if (action->flags & HIJACK_SA_RESTORER)
		action->restorer = (uintptr_t)hijack_restorer;
}

void
hijack_handlers_set(int number, struct hijack_sigaction *action)
{
	struct hijack_process *process = hijack_process();
	struct hijack_sigaction *kept = hijack_handlers_kept(number);

	if (action->handler == (uintptr_t)SIG_DFL || action->handler == (uintptr_t)SIG_IGN)
		return;
	kept->flags = action->flags;
	kept->mask = action->mask;
	kept->restorer = action->restorer;
	__atomic_store_n(&kept->handler, action->handler, __ATOMIC_RELEASE);
	__atomic_fetch_or(&process->handled, BIT(number), __ATOMIC_RELAXED);
	put_in_front(action);
}

void
hijack_handlers_show(struct hijack_sigaction *action, const struct hijack_sigaction *before)
{
	if (action->handler != (uintptr_t)hijack_handler)
		return;
	/* The host drops flags that it does not know, by which programs find out about them. */
	action->flags = (action->flags & ~(uint64_t)SA_SIGINFO) | (before->flags & SA_SIGINFO);
	action->mask |= before->mask & HIJACK_SIGSYS_BIT;
	action->handler = before->handler;
	action->restorer = before->restorer;
}

void
hijack_handlers_begin(void)
{
	hijack_thread.ends_calls = false;
}

bool
hijack_handlers_end_call(void)
{
	return hijack_thread.ends_calls;
}

static void
queue(int number, const siginfo_t *info)
{
	(void)hijack_own(SYS_rt_tgsigqueueinfo, hijack_own(SYS_getpid, 0, 0, 0, 0, 0, 0),
	    hijack_own(SYS_gettid, 0, 0, 0, 0, 0, 0), number, (long)info, 0, 0);
}

/* Real-time signals of one number come in order: those behind this one are to be behind it again. */
static void
queue_in_front(int number, const siginfo_t *info)
{
	const struct timespec at_once = {0};
	const uint64_t set = BIT(number);
	long memory = hijack_own(SYS_mmap, 0, QUEUE_MAX * sizeof(siginfo_t), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	siginfo_t *others = (siginfo_t *)memory;
	bool mapped = memory >= 0 || memory < -4095;
	size_t count = 0;

	while (mapped && count < QUEUE_MAX &&
	       hijack_own(SYS_rt_sigtimedwait, (long)&set, (long)&others[count], (long)&at_once,
		   HIJACK_SIGSET_SIZE, 0, 0) == number)
		count++;
	queue(number, info);
	for (size_t i = 0; i < count; i++)
		queue(number, &others[i]);
	if (mapped)
		(void)hijack_own(SYS_munmap, memory, QUEUE_MAX * sizeof(*others), 0, 0, 0, 0);
}

/*
 * Has the signal come again, not before this handler has returned, even if it is one that does not block its
 * own. The host has forgotten a handler that was for one time.
 */
static void
send_again(int number, const siginfo_t *info, const struct hijack_sigaction *kept, uint64_t handled)
{
	struct hijack_sigaction action = *kept;

	(void)hijack_own(SYS_rt_sigprocmask, SIG_BLOCK, (long)&handled, 0, HIJACK_SIGSET_SIZE, 0, 0);
	if (kept->flags & SA_RESETHAND) {
		put_in_front(&action);
		(void)hijack_own(SYS_rt_sigaction, number, (long)&action, 0, HIJACK_SIGSET_SIZE, 0, 0);
	}
	if (number > 31)
		queue_in_front(number, info);
	else
		queue(number, info);
}

/* Returns the handler that is to run now, or 0. */
uintptr_t
hijack_handlers_arrived(int number, const siginfo_t *info, ucontext_t *context)
{
	const struct hijack_sigaction *kept = hijack_handlers_kept(number);
	uint64_t handled = __atomic_load_n(&hijack_process()->handled, __ATOMIC_RELAXED) & ~AT_ONCE, mask;

	memcpy(&mask, &context->uc_sigmask, sizeof(mask));
	if (!(BIT(number) & AT_ONCE) && rc_defer(handled, &mask)) {
		memcpy(&context->uc_sigmask, &mask, sizeof(mask));
		send_again(number, info, kept, handled);
		return 0;
	}
	if (!(kept->flags & SA_RESTART))
		hijack_thread.ends_calls = true;
	return __atomic_load_n(&kept->handler, __ATOMIC_ACQUIRE);
}
