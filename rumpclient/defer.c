/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals that come while the thread is in a call.
 *
 * Theory of operation: as with any kernel, a handler is to run when the call is over, or has been ended for
 * its sake; it may then wait for other threads, or never return. Who runs the program's handlers asks here
 * first (rc_defer): the call is ended, and the signal, which has to be made pending again by then, stays
 * blocked until the thread has left the call (rc_deliver). So that the thread goes on at once, wherever it
 * is, a reception that it is in or about to begin is spoilt (receive.c), and its sleep on its slot's word
 * ended. A server that does not answer, or cannot end a call, holds up a handler for a limited time only;
 * then it runs in the middle of the call, as it does for programs that do not ask.
 */
#include "config.h"

#include "rumpclient/client.h"

_Thread_local struct rc_deferred rc_deferred;

bool
rc_defer(uint64_t handled, rc_sigmask *mask)
{
	struct rc_slot *slot = rc_innermost;
	uint32_t word = RC_PENDING;

	if (slot == NULL || rc_deferred.impatient)
		return false;
	/* One that interrupts the handler of another, before or after that has asked here, blocks more with
	 * its mask than what both interrupt. */
	rc_deferred.mask = rc_deferred.any ? rc_deferred.mask & *mask : *mask;
	rc_deferred.any = true;
	*mask |= handled;
	rc_raised = true;
	if (atomic_load(&slot->ctx->receiver) == rc_self())
		rc_receive_elsewhere(slot->ctx);
	(void)atomic_compare_exchange_strong(&slot->word, &word, RC_NUDGED);
	return true;
}

/* The call is not waited for any longer. */
void
rc_deliver_now(void)
{
	rc_deferred.impatient = true;
	rc_deferred.any = false;
	rc_restore_signals(&rc_deferred.mask);
}

void
rc_deliver(void)
{
	bool any = rc_deferred.any;

	rc_deferred.any = false;
	if (rc_innermost == NULL)
		rc_deferred.impatient = false;
	if (!any)
		return;
	rc_raised = false;
	rc_restore_signals(&rc_deferred.mask);
}
