/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * Some rump kernels cannot end a single call: once it sleeps, a signal's handler runs, but the program's call
 * goes on. In those, calls that may sleep are made as calls that do not, and a wait here, which a signal
 * ends (wait.c). A process that never had a handler does without all that. The first
 * attempt comes first, so that what need not sleep costs nothing; whether the program wants to wait at all,
 * and how long, is asked when it has come to nothing.
 *
 * Sockets have a flag for every message. Connecting goes on by itself once it was begun, so the flag for it
 * is set for a moment only. What has none (accept, and reading of what is no socket) waits first and then
 * calls: it sleeps, without an end by signals, when somebody else was faster. Locks are tried again and
 * again; nobody would tell when one is free, and one that came after the call is over could not be given
 * back.
 */
#include "hijack/sleep.h"

#include <errno.h>
#include <poll.h>
#include <rump/rumpclient.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "abi/errno.h"
#include "hijack/descriptor.h"
#include "hijack/files.h"
#include "hijack/gate.h"
#include "hijack/handlers.h"
#include "hijack/rump.h"
#include "hijack/signal.h"

#define DELAY_FIRST 1000000 /* nanoseconds, doubled up to: */
#define DELAY_MOST 64000000

bool
hijack_sleeps_outside(void)
{
	int error;
	struct rumpclient *ctx = hijack_rump_context(&error);

	return ctx != NULL && !rumpclient_ctx_can_interrupt(ctx) &&
	       __atomic_load_n(&hijack_process()->handled, __ATOMIC_RELAXED) != 0;
}

struct hijack_sleep
hijack_sleep_begin(int rump, short events)
{
	struct hijack_sleep sleep = {.rump = rump, .events = events, .outside = hijack_sleeps_outside()};

	if (!sleep.outside)
		return sleep;
	sleep.flags = RUMP_MSG_DONTWAIT | RUMP_MSG_NBIO;
	hijack_interruption_begin(&sleep.held);
	return sleep;
}

long
hijack_sleep_end(struct hijack_sleep *sleep, long result)
{
	hijack_interruption_end(&sleep->held);
	return result;
}

struct hijack_sleep
hijack_sleep_message(int rump, short events, int flags)
{
	struct hijack_sleep sleep = {.rump = rump, .events = events};

	return flags & MSG_DONTWAIT ? sleep : hijack_sleep_begin(rump, events);
}

/* A terminal whose readers want what there is after a while, in tenths of a second, or at once. */
static bool
is_limited_terminal(const struct hijack_sleep *sleep, struct timespec *timeout)
{
	struct rump_termios termios;
	uint8_t tenths;

	if (!(sleep->events & POLLIN) ||
	    HIJACK_RUMP(ioctl, (uint64_t)sleep->rump, RUMP_TIOCGETA, hijack_slot(&termios)) != 0)
		return false;
	tenths = termios.c_cc[RUMP_VTIME];
	*timeout = (struct timespec){tenths / 10, tenths % 10 * 100000000L};
	return !(termios.c_lflag & RUMP_ICANON) && termios.c_cc[RUMP_VMIN] == 0;
}

/* Whether those who sleep at the descriptor do so for a while only. */
static bool
is_limited(const struct hijack_sleep *sleep, struct timespec *timeout)
{
	struct rump_timeval time = {0};
	uint32_t size = sizeof(time);

	if (HIJACK_RUMP(getsockopt, (uint64_t)sleep->rump, RUMP_SOL_SOCKET,
		sleep->events & POLLIN ? RUMP_SO_RCVTIMEO : RUMP_SO_SNDTIMEO, hijack_slot(&time),
		hijack_slot(&size)) != 0)
		return is_limited_terminal(sleep, timeout);
	*timeout = (struct timespec){time.tv_sec, time.tv_usec * 1000L};
	return time.tv_sec != 0 || time.tv_usec != 0;
}

/* Whether, and how long, the descriptor lets its callers sleep. 0 or -EAGAIN. */
static long
settle(struct hijack_sleep *sleep)
{
	long flags = HIJACK_RUMP(fcntl, (uint64_t)sleep->rump, RUMP_F_GETFL, 0);
	struct timespec timeout;
	bool limited;

	if (flags < 0 || flags & RUMP_O_NONBLOCK)
		return flags < 0 ? flags : -EAGAIN;
	limited = is_limited(sleep, &timeout);
	if (limited && timeout.tv_sec == 0 && timeout.tv_nsec == 0)
		return -EAGAIN;
	sleep->deadline = hijack_deadline_in(limited ? &timeout : NULL);
	sleep->settled = true;
	return 0;
}

long
hijack_sleep_before(struct hijack_sleep *sleep)
{
	long result = 0;

	if (!sleep->outside)
		return 0;
	if (!sleep->settled)
		result = settle(sleep);
	/* A call on what nobody may wait for says so itself. */
	if (result != 0)
		return hijack_sleep_end(sleep, result == -EAGAIN ? 0 : result);
	result = hijack_wait_inside(sleep->rump, sleep->events, &sleep->deadline, &sleep->held);
	return hijack_sleep_end(sleep, result == 0 ? -EAGAIN : result > 0 ? 0 : result);
}

/* Readiness may be for less than the call wants: then some time passes before it is believed again. */
static long
wait_for_turn(struct hijack_sleep *sleep)
{
	long result = sleep->in_vain ? hijack_sleep_a_while(sleep) : 0;

	sleep->in_vain = true;
	return result != 0 ? result
			   : hijack_wait_inside(sleep->rump, sleep->events, &sleep->deadline, &sleep->held);
}

bool
hijack_sleep_again(struct hijack_sleep *sleep, long result, size_t wanted)
{
	if (!sleep->outside) {
		sleep->result = result;
		return false;
	}
	if (result == -EAGAIN && (sleep->settled || settle(sleep) == 0)) {
		result = wait_for_turn(sleep);
		if (result > 0)
			return true;
		result = result == 0 ? -EAGAIN : result;
	}
	if (result > 0) {
		sleep->in_vain = false;
		sleep->done += (size_t)result;
		if (sleep->done < wanted)
			return true;
	}
	sleep->result = hijack_sleep_end(sleep, sleep->done > 0 ? (long)sleep->done : result);
	return false;
}

long
hijack_sleep_a_while(struct hijack_sleep *sleep)
{
	int signals = hijack_interruption_signals(&sleep->held);
	struct pollfd held = {signals, POLLIN, 0};
	struct timespec delay;

	sleep->delay.tv_nsec = sleep->delay.tv_nsec == 0 ? DELAY_FIRST : sleep->delay.tv_nsec * 2;
	if (sleep->delay.tv_nsec > DELAY_MOST)
		sleep->delay.tv_nsec = DELAY_MOST;
	delay = sleep->delay;
	if (hijack_own(SYS_ppoll, (long)&held, 1, (long)&delay,
		(long)(signals >= 0 ? NULL : hijack_interruption_mask(&sleep->held)), HIJACK_SIGSET_SIZE,
		0) == 0)
		return 0;
	return signals >= 0 ? hijack_interruption_let(&sleep->held) : -EINTR;
}

/* What connecting has come to. */
static long
connected(int rump)
{
	int error = 0;
	uint32_t size = sizeof(error);
	long result = HIJACK_RUMP(getsockopt, (uint64_t)rump, RUMP_SOL_SOCKET, RUMP_SO_ERROR,
	    hijack_slot(&error), hijack_slot(&size));

	return result != 0 ? result : -abi_errno_to_host(error);
}

/* The end of a wait for a connection that is being made. */
static long
connect_goes_on(struct hijack_sleep *sleep)
{
	long result = hijack_wait_inside(sleep->rump, POLLOUT, &sleep->deadline, &sleep->held);

	if (result >= 0)
		result = result > 0 ? connected(sleep->rump) : -EINPROGRESS;
	return hijack_sleep_end(sleep, result);
}

/* In one call; after handlers with SA_RESTART it is not made again, but waited for. */
static long
connect_there(struct hijack_sleep *sleep, uint64_t address, uint64_t size)
{
	long result = HIJACK_RUMP(connect, (uint64_t)sleep->rump, address, size);

	if (result != -EINTR || sleep->outside || hijack_handlers_end_call() || settle(sleep) != 0 ||
	    !sleep->deadline.forever)
		return hijack_sleep_end(sleep, result);
	hijack_interruption_begin(&sleep->held);
	return connect_goes_on(sleep);
}

long
hijack_sleep_connect(int rump, uint64_t address, uint64_t size)
{
	struct hijack_sleep sleep = hijack_sleep_begin(rump, POLLOUT);
	long flags = sleep.outside ? HIJACK_RUMP(fcntl, (uint64_t)rump, RUMP_F_GETFL, 0) : -1, result;

	if (flags < 0 || flags & RUMP_O_NONBLOCK)
		return connect_there(&sleep, address, size);
	result = settle(&sleep);
	if (result == 0)
		result =
		    HIJACK_RUMP(fcntl, (uint64_t)rump, RUMP_F_SETFL, (uint64_t)(flags | RUMP_O_NONBLOCK));
	if (result != 0)
		return hijack_sleep_end(&sleep, result);
	result = HIJACK_RUMP(connect, (uint64_t)rump, address, size);
	(void)HIJACK_RUMP(fcntl, (uint64_t)rump, RUMP_F_SETFL, (uint64_t)flags);
	/* The second is that of a call that a signal had ended. */
	if (result != -EINPROGRESS && result != -EALREADY)
		return hijack_sleep_end(&sleep, result);
	return connect_goes_on(&sleep);
}

long
hijack_sleep_stream(
    const struct hijack_call *call, int netbsd, const uint64_t *slots, size_t count, short events)
{
	struct hijack_sleep sleep;
	long result = 0;

	if (hijack_fd_settle(call->shadow) == HIJACK_KIND_DEVICE) {
		sleep = hijack_sleep_begin((int)call->arg[0], events);
		result = hijack_sleep_before(&sleep);
		/* A terminal's time was over; its reader has got nothing, which is no error. */
		if (result == -EAGAIN && !sleep.deadline.forever)
			return 0;
	}
	return result != 0 ? result : hijack_rump_call((enum hijack_rump_number)netbsd, slots, count, NULL);
}
