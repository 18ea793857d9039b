/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump_sys_*: the system calls for programs that have the kernel in them. The symbols are
 * NetBSD's; errno is the host's, so that perror() and comparisons with the host's constants work.
 */
#include <rump/rump_syscalls.h>
#include <rump/rumpuser.h>
#include "abi/errno.h"
#include "kernel/base/syscall.h"

/* Whether the call failed, with errno set then. */
static inline bool
fails(int number, const uint64_t *slots, long *retval)
{
	int error = rumpk_syscall(rumpk_curlwp(), number, slots, retval);

	if (__builtin_expect(error == 0, 1))
		return false;
	rumpuser_seterrno(error);
	return true;
}

/* For calls that return their error, as a value or as a failure: the host's number of it. */
static int
result(int number, const uint64_t *slots)
{
	long retval[2];
	int error = rumpk_syscall(rumpk_curlwp(), number, slots, retval);

	return abi_errno_to_host(error != 0 ? error : (int)retval[0]);
}

#define SLOTS(...) \
	{ \
		__VA_ARGS__ \
	}
/* clang-format off */
#define RUMP_STUB_STD(type, symbol, number, count, parameters, values) \
	RUMPK_EXPORT type symbol parameters; \
	type symbol parameters \
	{ \
		const uint64_t slots[] = SLOTS values; \
		long retval[2]; \
\
		return fails(number, slots, retval) ? (type)-1 : (type)retval[0]; \
	}
#define RUMP_STUB_NOERR RUMP_STUB_STD
#define RUMP_STUB_ERROR(type, symbol, number, count, parameters, values) \
	RUMPK_EXPORT type symbol parameters; \
	type symbol parameters \
	{ \
		const uint64_t slots[] = SLOTS values; \
\
		return result(number, slots); \
	}
#define RUMP_STUB_VOID(type, symbol, number, count, parameters, values) \
	RUMPK_EXPORT type symbol parameters; \
	type symbol parameters \
	{ \
		const uint64_t slots[] = SLOTS values; \
		long retval[2]; \
\
		fails(number, slots, retval); \
	}
#define RUMP_STUB_PAIR(type, symbol, number, count, parameters, first, second) \
	RUMPK_EXPORT type symbol parameters; \
	type symbol parameters \
	{ \
		const uint64_t slots[] = {0}; \
		long retval[2]; \
\
		if (fails(number, slots, retval)) \
			return -1; \
		first = (int)retval[0]; \
		second = (int)retval[1]; \
		return 0; \
	}
/* clang-format on */

#include "abi/stubs.def"
