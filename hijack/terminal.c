/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ioctl on terminals.
 *
 * Theory of operation
 *
 * Sessions and process groups of the rump kernel's are its own, with numbers that mean nothing to a program:
 * to it they are what those of another namespace of processes are on Linux, not there. So no terminal of the
 * rump kernel's is anybody's controlling terminal, which Linux says with ENOTTY. Only to make it that is said
 * to have worked, to those who may: what starts others in a terminal of their own gives up otherwise, while
 * shells can do without job control.
 */
#include "hijack/terminal.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>

#include <asm/termios.h>

#include "hijack/abi/termios.h"
#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/files.h"

#define BREAK_MS 250

/* Of NetBSD's requests: the argument is read, or written. */
#define IN 0x80000000U
#define OUT 0x40000000U

enum { DRAIN_NOT, DRAIN, DRAIN_AND_FLUSH };

/* Requests with the same argument on both systems, which is the program's. */
static const struct same {
	uint32_t host, netbsd;
} same[] = {{TIOCGWINSZ, RUMP_TIOCGWINSZ}, {TIOCSWINSZ, RUMP_TIOCSWINSZ}, {TIOCOUTQ, RUMP_TIOCOUTQ},
    {TIOCSTI, RUMP_TIOCSTI}, {TIOCEXCL, RUMP_TIOCEXCL}, {TIOCNXCL, RUMP_TIOCNXCL}, {TIOCPKT, RUMP_TIOCPKT},
    {TIOCMGET, RUMP_TIOCMGET}, {TIOCMSET, RUMP_TIOCMSET}, {TIOCMBIS, RUMP_TIOCMBIS},
    {TIOCMBIC, RUMP_TIOCMBIC}, {TIOCSBRK, RUMP_TIOCSBRK}, {TIOCCBRK, RUMP_TIOCCBRK},
    {TIOCGETD, RUMP_TIOCGETD}};

/* The longest of them. */
static_assert(
    sizeof(struct winsize) == sizeof(struct rump_winsize) && sizeof(struct winsize) == sizeof(uint64_t),
    "struct winsize");
static_assert(TIOCM_LE == RUMP_TIOCM_LE && TIOCM_DTR == RUMP_TIOCM_DTR && TIOCM_RTS == RUMP_TIOCM_RTS &&
		  TIOCM_CTS == RUMP_TIOCM_CTS && TIOCM_CAR == RUMP_TIOCM_CAR && TIOCM_RNG == RUMP_TIOCM_RNG &&
		  TIOCM_DSR == RUMP_TIOCM_DSR,
    "modem lines");
static_assert(TIOCPKT_FLUSHREAD == RUMP_TIOCPKT_FLUSHREAD && TIOCPKT_FLUSHWRITE == RUMP_TIOCPKT_FLUSHWRITE &&
		  TIOCPKT_STOP == RUMP_TIOCPKT_STOP && TIOCPKT_START == RUMP_TIOCPKT_START &&
		  TIOCPKT_NOSTOP == RUMP_TIOCPKT_NOSTOP && TIOCPKT_DOSTOP == RUMP_TIOCPKT_DOSTOP &&
		  TIOCPKT_IOCTL == RUMP_TIOCPKT_IOCTL,
    "what packets begin with");
/* struct termios2 begins with Linux's struct termios. */
static_assert(offsetof(struct termios2, c_cc) == offsetof(struct termios, c_cc) &&
		  offsetof(struct termios2, c_ispeed) == sizeof(struct termios),
    "struct termios");

/* The settings. -ENOTTY for whatever is no terminal, as some devices say otherwise. */
static long
settings(int rump, struct rump_termios *termios)
{
	long error = hijack_terminal_control(rump, RUMP_TIOCGETA, termios);

	switch (-error) {
	case EINVAL:
	case ENODEV:
	case ENXIO:
	case EOPNOTSUPP:
		return -ENOTTY;
	default:
		return error;
	}
}

static long
is_terminal(int rump)
{
	struct rump_termios termios;

	return settings(rump, &termios);
}

static long
get(int rump, uint64_t to, size_t size)
{
	struct rump_termios termios;
	struct termios2 seen;
	long error = settings(rump, &termios);

	if (error != 0)
		return error;
	hijack_abi_termios(&seen, &termios);
	return hijack_copyout(to, &seen, size);
}

static long
drain(int rump)
{
	return hijack_pty_is(rump) ? 0 : hijack_terminal_control(rump, RUMP_TIOCDRAIN, NULL);
}

static long
set(int rump, uint64_t from, size_t size, int first)
{
	struct rump_termios termios;
	struct termios2 wanted;
	int input = RUMP_TCIFLUSH, external;
	uint32_t before;
	long error = settings(rump, &termios);

	if (error != 0)
		return error;
	/* Without speeds of its own, struct termios says with BOTHER that they stay. */
	hijack_abi_termios(&wanted, &termios);
	if (hijack_copyin(&wanted, from, size) != 0)
		return -EFAULT;
	before = termios.c_lflag;
	hijack_abi_termios_back(&termios, &wanted);
	if (first != DRAIN_NOT)
		error = drain(rump);
	if (error == 0 && first == DRAIN_AND_FLUSH)
		error = hijack_terminal_control(rump, RUMP_TIOCFLUSH, &input);
	if (error != 0)
		return error;
	external = (termios.c_lflag & RUMP_EXTPROC) != 0;
	if ((termios.c_lflag ^ before) & RUMP_EXTPROC)
		(void)hijack_terminal_control(rump, RUMP_TIOCEXT, &external);
	return hijack_pty_set(rump, &termios);
}

static long
send_break(int rump, long milliseconds)
{
	const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
	long error = is_terminal(rump);

	if (error == 0)
		error = drain(rump);
	if (error != 0)
		return error;
	/* What has no line has none to break. */
	if (hijack_terminal_control(rump, RUMP_TIOCSBRK, NULL) != 0)
		return 0;
	(void)hijack_own(SYS_nanosleep, (long)&time, 0, 0, 0, 0, 0);
	return hijack_terminal_control(rump, RUMP_TIOCCBRK, NULL);
}

/* tcflow's: output stops and goes on; the other end is told to. */
static long
flow(int rump, long action)
{
	struct rump_termios termios;
	uint8_t character;
	long result = settings(rump, &termios);

	if (result != 0 || action == TCOOFF || action == TCOON)
		return result != 0 ? result
				   : hijack_terminal_control(
					 rump, action == TCOOFF ? RUMP_TIOCSTOP : RUMP_TIOCSTART, NULL);
	if (action != TCIOFF && action != TCION)
		return -EINVAL;
	character = termios.c_cc[action == TCIOFF ? RUMP_VSTOP : RUMP_VSTART];
	if (character == RUMP__POSIX_VDISABLE)
		return 0;
	result = HIJACK_RUMP(write, (uint64_t)rump, hijack_slot(&character), 1);
	return result < 0 ? result : 0;
}

static long
flush(int rump, long queues)
{
	int flags;

	switch (queues) {
	case TCIFLUSH:
		flags = RUMP_TCIFLUSH;
		break;
	case TCOFLUSH:
		flags = RUMP_TCOFLUSH;
		break;
	case TCIOFLUSH:
		flags = RUMP_TCIOFLUSH;
		break;
	default:
		return -EINVAL;
	}
	return hijack_terminal_control(rump, RUMP_TIOCFLUSH, &flags);
}

/*
 * Whether the process could have a controlling terminal. The rump kernel is not asked for one: NetBSD's, as a
 * rump kernel, goes on to send signals to a session's leader and to groups when they are gone, and others
 * have their memory.
 */
static long
make_controlling(int rump)
{
	long error = is_terminal(rump);

	if (error != 0)
		return error;
	return hijack_own(SYS_getsid, 0, 0, 0, 0, 0, 0) == hijack_own(SYS_getpid, 0, 0, 0, 0, 0, 0) ? 0
												    : -EPERM;
}

/* NetBSD's requests say how long their arguments are, and which way they go. */
static long
make_same(int rump, uint32_t request, uint64_t argument)
{
	uint64_t copy = 0;
	size_t size = request >> 16 & 0x1fff;
	long error;

	if (request & IN && hijack_copyin(&copy, argument, size) != 0)
		return -EFAULT;
	error = hijack_terminal_control(rump, request, &copy);
	return error == 0 && request & OUT ? hijack_copyout(argument, &copy, size) : error;
}

static long
pass_same(int rump, uint32_t request, uint64_t argument)
{
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		if (same[i].host == request)
			return make_same(rump, same[i].netbsd, argument);
	}
	return -ENOTTY;
}

long
hijack_inside_terminal(const struct hijack_call *call)
{
	int rump = (int)call->arg[0];
	uint32_t request = (uint32_t)call->arg[1];
	uint64_t argument = (uint64_t)call->arg[2];
	enum hijack_kind kind = hijack_fd_kind(call->shadow);

	if (kind == HIJACK_KIND_SOCKET || kind == HIJACK_KIND_PLAIN)
		return -ENOTTY;
	switch (request) {
	case TCGETS:
		return get(rump, argument, sizeof(struct termios));
	case TCGETS2:
		return get(rump, argument, sizeof(struct termios2));
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return set(rump, argument, sizeof(struct termios), (int)(request - TCSETS));
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
		return set(rump, argument, sizeof(struct termios2), (int)(request - TCSETS2));
	case TCSBRK:
		return argument == 0 ? send_break(rump, BREAK_MS) : drain(rump);
	case TCSBRKP:
		return send_break(rump, argument != 0 ? (long)(uint16_t)argument * 100 : BREAK_MS);
	case TCXONC:
		return flow(rump, call->arg[2]);
	case TCFLSH:
		return flush(rump, call->arg[2]);
	case TIOCGPTN:
		return hijack_pty_number(rump, argument);
	case TIOCSPTLCK:
		return hijack_pty_unlock(rump, argument);
	case TIOCGPTPEER:
		return hijack_pty_open_slave(rump, call->arg[2]);
	case TIOCSCTTY:
		return make_controlling(rump);
	case TIOCGPGRP:
		return hijack_pty_foreground(rump, argument);
	default:
		return pass_same(rump, request, argument);
	}
}
