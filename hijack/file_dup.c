/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers: closing, duplicating, and what belongs to a number or its open file. */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/syscall.h>

#include "hijack/abi/flags.h"
#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/epoll.h"
#include "hijack/files.h"
#include "hijack/names.h"
#include "hijack/owner.h"
#include "hijack/rump.h"
#include "hijack/sleep.h"
#include "rumpclient/client.h"

/* The number no longer stands for anything; the number itself remains the shadow's. */
static long
detach(long fd)
{
	int rump = hijack_fd(fd);
	long error;

	hijack_epoll_forget(fd);
	if (rump < 0)
		return 0;
	hijack_fd_clear(fd);
	if (rump == HIJACK_FD_LOST)
		return 0;
	error = HIJACK_RUMP(close, (uint64_t)rump);
	/* It is closed all the same, be it by the end of its kernel; programs expect no such errors. */
	return error == -EINTR || error == -EBADF || error == -ENOTCONN ? 0 : error;
}

long
hijack_beyond_close(const struct hijack_call *call)
{
	long error, host;

	if (hijack_rump_owns((int)call->arg[0]))
		return -EBADF;
	if (hijack_fd(call->arg[0]) < 0) {
		hijack_epoll_forget(call->arg[0]);
		return hijack_pass(call);
	}
	error = detach(call->arg[0]);
	host = hijack_pass(call);
	return error != 0 ? error : host;
}

/* A descriptor of a kernel that is gone has copies that are as lost as it is. */
static long
duplicate_inside(int rump, bool close_on_exec)
{
	long copy =
	    HIJACK_RUMP(fcntl, (uint64_t)rump, close_on_exec ? RUMP_F_DUPFD_CLOEXEC : RUMP_F_DUPFD, 0);

	return copy == -EBADF ? HIJACK_FD_LOST : copy;
}

/* A new number for what a shadow stands for. */
static long
duplicate(const struct hijack_call *call, long minimum, bool close_on_exec)
{
	enum hijack_kind kind = hijack_fd_kind(call->shadow);
	long copy = duplicate_inside((int)call->arg[0], close_on_exec), fd;
	int error;

	if (copy < 0)
		return copy;
	fd = hijack_fd_shadow(kind, (int)minimum, close_on_exec);
	error = fd >= 0 ? hijack_fd_set(fd, (int)copy, kind) : (int)fd;
	if (error == 0) {
		hijack_name_copy(call->shadow, fd);
		return fd;
	}
	if (fd >= 0)
		(void)hijack_own(SYS_close, fd, 0, 0, 0, 0, 0);
	(void)HIJACK_RUMP(close, (uint64_t)copy);
	return error;
}

long
hijack_inside_dup(const struct hijack_call *call)
{
	return duplicate(call, 0, false);
}

/* dup2 and dup3. The host moves the shadow, or puts one of its own descriptors over it. */
long
hijack_beyond_dup2(const struct hijack_call *call)
{
	long from = call->arg[0], to = call->arg[1], result, copy = -1;
	int rump = hijack_fd(from), taken = (int)to;
	enum hijack_kind kind;

	if (hijack_rump_owns((int)from))
		return -EBADF;
	if (from == to || (unsigned long)to >= HIJACK_FDS)
		return hijack_pass(call);
	if (hijack_rump_owns(taken) &&
	    (hijack_process()->context == NULL ||
		rumpclient_ctx_closenotify(hijack_process()->context, &taken, RUMPCLIENT_CLOSE_DUP2) != 0))
		return -EBUSY;
	if (rump >= 0) {
		kind = hijack_fd_kind(from);
		copy = duplicate_inside(rump, call->number == SYS_dup3 && call->arg[2] & O_CLOEXEC);
		if (copy < 0)
			return copy;
	}
	result = hijack_pass(call);
	if (result < 0) {
		if (copy >= 0)
			(void)HIJACK_RUMP(close, (uint64_t)copy);
		return result;
	}
	(void)detach(to);
	if (hijack_fd_is_epoll(from))
		hijack_epoll_duplicated(from, to);
	if (copy >= 0 && hijack_fd_set(to, (int)copy, kind) == 0)
		hijack_name_copy(from, to);
	return result;
}

/* Detaches all shadows in the range, or has exec do it. */
static void
each_shadow(unsigned int first, unsigned int last, unsigned int flags)
{
	const struct hijack_fds *fds = hijack_process()->fds;

	for (unsigned int fd = first; fds != NULL && fd < fds->used && fd <= last; fd++) {
		int rump = hijack_fd(fd);

		if (!(flags & CLOSE_RANGE_CLOEXEC))
			(void)detach(fd);
		else if (rump >= 0)
			(void)HIJACK_RUMP(fcntl, (uint64_t)rump, RUMP_F_SETFD, FD_CLOEXEC);
	}
}

/* The library's own descriptors are left out. */
long
hijack_beyond_close_range(const struct hijack_call *call)
{
	unsigned int first = (unsigned int)call->arg[0], last = (unsigned int)call->arg[1];
	unsigned int flags = (unsigned int)call->arg[2];
	long error = 0;

	if (first > last || flags & ~(unsigned int)(CLOSE_RANGE_CLOEXEC | CLOSE_RANGE_UNSHARE))
		return -EINVAL;
	each_shadow(first, last, flags);
	while (error == 0 && first <= last) {
		unsigned int end = last;

		for (unsigned int fd = first; fd <= last && fd < HIJACK_FDS; fd++) {
			if (hijack_rump_owns((int)fd)) {
				end = fd;
				break;
			}
		}
		if (end != last || hijack_rump_owns((int)end)) {
			if (end > first)
				error = hijack_raw(SYS_close_range, first, end - 1, flags, 0, 0, 0);
		} else {
			error = hijack_raw(SYS_close_range, first, last, flags, 0, 0, 0);
		}
		if (end == UINT32_MAX || end == last)
			break;
		first = end + 1;
	}
	return error;
}

static long
lock(const struct hijack_call *call, int command)
{
	static const int16_t types[] = {
	    [F_RDLCK] = RUMP_F_RDLCK, [F_WRLCK] = RUMP_F_WRLCK, [F_UNLCK] = RUMP_F_UNLCK};
	struct flock host;
	struct rump_flock netbsd;
	struct hijack_sleep sleep;
	bool wait;
	long error;

	if (hijack_copyin(&host, (uint64_t)call->arg[2], sizeof(host)) != 0)
		return -EFAULT;
	if ((unsigned int)host.l_type > F_UNLCK)
		return -EINVAL;
	netbsd = (struct rump_flock){.l_start = host.l_start,
	    .l_len = host.l_len,
	    .l_pid = host.l_pid,
	    .l_type = types[host.l_type],
	    .l_whence = host.l_whence};
	sleep = hijack_sleep_begin((int)call->arg[0], 0);
	wait = sleep.outside && command == RUMP_F_SETLKW;
	do
		error = HIJACK_RUMP(fcntl, (uint64_t)call->arg[0], (uint64_t)(wait ? RUMP_F_SETLK : command),
		    hijack_slot(&netbsd));
	while (wait && error == -EAGAIN && (error = hijack_sleep_a_while(&sleep)) == 0);
	(void)hijack_sleep_end(&sleep, 0);
	if (error != 0 || command != RUMP_F_GETLK)
		return error;
	host.l_type = netbsd.l_type == RUMP_F_UNLCK   ? F_UNLCK
		      : netbsd.l_type == RUMP_F_RDLCK ? F_RDLCK
						      : F_WRLCK;
	host.l_start = netbsd.l_start;
	host.l_len = netbsd.l_len;
	host.l_whence = netbsd.l_whence;
	host.l_pid = netbsd.l_pid;
	return hijack_copyout((uint64_t)call->arg[2], &host, sizeof(host));
}

static long
set_flags(const struct hijack_call *call)
{
	int flags = hijack_abi_open_flags((int)call->arg[2] & (O_APPEND | O_NONBLOCK | O_ASYNC));

	return HIJACK_RUMP(fcntl, (uint64_t)call->arg[0], RUMP_F_SETFL, (uint64_t)flags);
}

long
hijack_inside_fcntl(const struct hijack_call *call)
{
	int rump = (int)call->arg[0];
	long result;

	switch (call->arg[1]) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if (call->arg[2] < 0 || call->arg[2] >= HIJACK_FDS)
			return -EINVAL;
		return duplicate(call, call->arg[2], call->arg[1] == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return hijack_raw(SYS_fcntl, call->shadow, F_GETFD, 0, 0, 0, 0);
	case F_SETFD:
		/* The number's own, on both sides: exec closes each by its own. */
		(void)HIJACK_RUMP(fcntl, (uint64_t)rump, RUMP_F_SETFD, (uint64_t)call->arg[2] & FD_CLOEXEC);
		return hijack_raw(SYS_fcntl, call->shadow, F_SETFD, call->arg[2], 0, 0, 0);
	case F_GETFL:
		result = HIJACK_RUMP(fcntl, (uint64_t)rump, RUMP_F_GETFL, 0);
		return result < 0 ? result : hijack_abi_open_flags_back((int)result);
	case F_SETFL:
		return set_flags(call);
	case F_GETLK:
		return lock(call, RUMP_F_GETLK);
	case F_SETLK:
		return lock(call, RUMP_F_SETLK);
	case F_SETLKW:
		return lock(call, RUMP_F_SETLKW);
	case F_SETOWN:
	case F_GETOWN:
	case F_SETOWN_EX:
	case F_GETOWN_EX:
		return hijack_owner_fcntl(rump, (int)call->arg[1], (uint64_t)call->arg[2]);
	case F_GETSIG:
		return 0;
	case F_SETSIG:
		/* There is no other, with more to say. */
		return call->arg[2] == 0 ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}
