/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls after which a process may no longer be let in by the server, or not even find it. Daemons drop their
 * privileges before they do anything else; so one that is not connected yet connects before. If it cannot,
 * that is nobody's concern until it makes a call into the rump kernel.
 */
#include "hijack/change_user.h"

#include "hijack/beyond.h"
#include "hijack/rump.h"
#include "hijack/start.h"

void
hijack_connect_while_it_may(const struct hijack_call *call)
{
	if (hijack_start.server != NULL && hijack_process()->context == NULL)
		(void)hijack_beyond(hijack_beyond_connect, call);
}

long
hijack_change_user(const struct hijack_call *call)
{
	long result;

	hijack_connect_while_it_may(call);
	result = hijack_pass(call);
	if (result == 0 && hijack_process()->context != NULL)
		hijack_process()->changed_user = true;
	return result;
}
