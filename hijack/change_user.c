/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls after which a process may no longer be let in by the server, or not even find it. Daemons drop their
 * privileges before they do anything else; so one that is not connected yet connects before. If it cannot,
 * that is nobody's concern until it makes a call into the rump kernel. Its children cannot connect either:
 * they get connections that it asks the server for (processes.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>

#include "hijack/beyond.h"
#include "hijack/dispatch.h"
#include "hijack/path.h"
#include "hijack/rump.h"
#include "hijack/start.h"

static void
connect_while_it_may(const struct hijack_call *call)
{
	if (hijack_start.server != NULL && hijack_process()->context == NULL)
		(void)hijack_beyond(hijack_beyond_connect, call);
}

/* Children will have to ask for their connections. */
static long
changed(long result)
{
	if (result == 0 && hijack_process()->context != NULL)
		hijack_process()->may_be_refused = true;
	return result;
}

long
hijack_change_user(const struct hijack_call *call)
{
	connect_while_it_may(call);
	return changed(hijack_pass(call));
}

/* Namespaces of users and of mounts: with them come another user and another root. */
long
hijack_change_namespaces(const struct hijack_call *call)
{
	long flags = call->number == SYS_unshare ? call->arg[0] : call->arg[1];

	if (flags != 0 && (flags & (CLONE_NEWUSER | CLONE_NEWNS)) == 0)
		return hijack_pass(call);
	return hijack_change_user(call);
}

/* Out of a root inside there is no way to one on the host; and from one inside the host looks as before. */
long
hijack_chroot(const struct hijack_call *call)
{
	bool inside = hijack_process()->root_inside;
	long result;

	if (inside && !hijack_path_concerns(AT_FDCWD, (uint64_t)call->arg[0]))
		return -EPERM;
	connect_while_it_may(call);
	result = hijack_plain(call);
	return hijack_process()->root_inside ? result : changed(result);
}
