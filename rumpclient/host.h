/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's system calls, as the way of a call uses them: not through libc, whose names may be
 * intercepted, and whose functions are cancellation points. A library that
 * intercepts system calls themselves names its own way out with rumpclient_set_hostcall().
 */
#ifndef RUMPCLIENT_HOST_H
#define RUMPCLIENT_HOST_H

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

typedef long rc_hostcall_fn(long number, long a, long b, long c, long d, long e, long f);

extern rc_hostcall_fn *rc_hostcall_hook;

static inline long
rc_hostcall_direct(long number, long a, long b, long c, long d, long e, long f)
{
	/* Nothing may come between these and the instruction. */
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static inline long
rc_hostcall(long number, long a, long b, long c, long d, long e, long f)
{
	if (__builtin_expect(rc_hostcall_hook != NULL, 0))
		return rc_hostcall_hook(number, a, b, c, d, e, f);
	return rc_hostcall_direct(number, a, b, c, d, e, f);
}

/* Of a clock that never jumps. */
static inline int64_t
rc_nanoseconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static inline int64_t
rc_milliseconds(void)
{
	return rc_nanoseconds() / 1000000;
}

/* Sleeps, or until a signal arrives. */
static inline void
rc_pause(int64_t milliseconds)
{
	const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};

	(void)rc_hostcall(SYS_nanosleep, (long)(uintptr_t)&time, 0, 0, 0, 0, 0);
}

/* Waits while *word is `value`, for the time if that is not NULL. 0; -EAGAIN when it is not; -EINTR;
 * -ETIMEDOUT. */
static inline long
rc_futex_wait_for(_Atomic uint32_t *word, uint32_t value, const struct timespec *time)
{
	return rc_hostcall(SYS_futex, (long)(uintptr_t)word, 128 /* FUTEX_WAIT_PRIVATE */, (long)value,
	    (long)(uintptr_t)time, 0, 0);
}

static inline long
rc_futex_wait(_Atomic uint32_t *word, uint32_t value)
{
	return rc_futex_wait_for(word, value, NULL);
}

static inline void
rc_futex_wake(_Atomic uint32_t *word, int count)
{
	(void)rc_hostcall(SYS_futex, (long)(uintptr_t)word, 129 /* FUTEX_WAKE_PRIVATE */, count, 0, 0, 0);
}

/*
 * Blocks the signals that handlers of the program could run for; *saved is the mask before. A library that
 * intercepts system calls may be told of them by SIGSYS, ours included, and the host ends who has blocked it.
 */
typedef uint64_t rc_sigmask;

static inline void
rc_block_signals(rc_sigmask *saved)
{
	const rc_sigmask intercepted = (rc_sigmask)1 << (31 /* SIGSYS */ - 1);
	const rc_sigmask all = rc_hostcall_hook != NULL ? ~intercepted : ~(rc_sigmask)0;

	(void)rc_hostcall(
	    SYS_rt_sigprocmask, 0 /* SIG_BLOCK */, (long)(uintptr_t)&all, (long)(uintptr_t)saved, 8, 0, 0);
}

static inline void
rc_restore_signals(const rc_sigmask *saved)
{
	(void)rc_hostcall(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, (long)(uintptr_t)saved, 0, 8, 0, 0);
}

#endif
