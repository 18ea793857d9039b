/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/boot.h"
#include "kernel/base/clock.h"
#include "kernel/base/fdtable.h"
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"
#include "kernel/base/poll.h"
#include "kernel/base/sleep.h"
#include "kernel/base/syscall.h"

/* More entries than descriptors can be are allowed to some extent. */
#define EXTRA 1000

static void
to_ents(const struct rump_pollfd *fds, struct rumpk_pollent *ents, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		ents[i].fd = fds[i].fd;
		ents[i].events = (uint16_t)fds[i].events | RUMP_POLLHUP | RUMP_POLLERR;
	}
}

static void
from_ents(struct rump_pollfd *fds, const struct rumpk_pollent *ents, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fds[i].revents = (int16_t)ents[i].revents;
}

static int
do_poll(struct lwp *l, rumpk_uaddr uaddr, uint32_t n, int64_t deadline, long *retval)
{
	size_t fdsize = n * sizeof(struct rump_pollfd), entsize = n * sizeof(struct rumpk_pollent), ready;
	struct rump_pollfd *fds;
	struct rumpk_pollent *ents;
	int error;

	if (n > (uint32_t)rumpk_fd_limit(l->proc) + EXTRA)
		return RUMP_EINVAL;
	fds = rumpk_alloc(fdsize);
	ents = rumpk_alloc(entsize);
	error = fds != NULL && ents != NULL ? rumpk_copyin(l, uaddr, fds, fdsize) : RUMP_ENOMEM;
	if (error != 0)
		goto out;
	to_ents(fds, ents, n);
	error = rumpk_poll_wait(l, ents, n, deadline, &ready);
	if (error != 0)
		goto out;
	from_ents(fds, ents, n);
	*retval = (long)ready;
	error = rumpk_copyout(l, fds, uaddr, fdsize);
out:
	rumpk_free(fds, fdsize);
	rumpk_free(ents, entsize);
	return error;
}

static int
sys_poll(struct lwp *l, rumpk_args args, long *retval)
{
	int timeout = rumpk_arg_int(args, 2);
	int64_t deadline = timeout < 0    ? RUMPK_FOREVER
			   : timeout == 0 ? 0
					  : rumpk_deadline(timeout * INT64_C(1000000));

	return do_poll(l, args[0], (uint32_t)args[1], deadline, retval);
}

/* Signals arrive in the client, so it is the client that has to change its mask: the argument is passed over.
 */
static int
sys_pollts(struct lwp *l, rumpk_args args, long *retval)
{
	struct rump_timespec ts;
	int64_t deadline = RUMPK_FOREVER, ns;
	int error;

	if (args[2] != 0) {
		error = rumpk_copyin(l, args[2], &ts, sizeof(ts));
		if (error == 0)
			error = rumpk_timespec_check(&ts);
		if (error != 0)
			return error;
		ns = rumpk_timespec_ns(&ts);
		deadline = ns == 0 ? 0 : rumpk_deadline(ns);
	}
	return do_poll(l, args[0], (uint32_t)args[1], deadline, retval);
}

static const struct rumpk_syscall calls[] = {
    {RUMPK_SYS_poll, sys_poll},
    {RUMPK_SYS___pollts50, sys_pollts},
};

void
rumpk_pollcalls_init(void)
{
	rumpk_syscall_register(calls, sizeof(calls) / sizeof(*calls));
}
