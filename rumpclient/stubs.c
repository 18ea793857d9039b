/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump_sys_*, generated: one function a call, under the symbols that NetBSD's libraries use. What a variadic
 * call passes last is a parameter like any other.
 */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <sys/select.h>
#include <sys/types.h>

#include <rump/rumpdefs.h>

#include "abi/errno.h"
#include "rumpclient/client.h"

#define EXPORTED __attribute__((visibility("default")))

static int
call(int number, const uint64_t *slots, size_t count, int64_t retval[2])
{
	struct rumpclient *ctx = rumpclient_ctx_current();
	int error = ctx != NULL ? rumpclient_ctx_syscall(ctx, number, slots, count * 8, retval) : -ENOTCONN;

	if (__builtin_expect(error == 0, 1))
		return 0;
	if (error == -ENOTCONN && rc_vfork_returned())
		return call(number, slots, count, retval);
	errno = -error;
	return -1;
}

#define UNWRAP(...) __VA_ARGS__

#define RUMP_STUB_STD(type, symbol, number, count, parameters, values) \
	EXPORTED type symbol parameters; \
	EXPORTED type symbol parameters \
	{ \
		const uint64_t slots[] = {UNWRAP values}; \
		int64_t retval[2]; \
\
		return call(number, slots, count, retval) == 0 ? (type)retval[0] : (type)-1; \
	}

/* Calls that cannot fail, but for the connection. */
#define RUMP_STUB_NOERR RUMP_STUB_STD

/* Calls that return an error instead of setting errno. */
#define RUMP_STUB_ERROR(type, symbol, number, count, parameters, values) \
	EXPORTED type symbol parameters; \
	EXPORTED type symbol parameters \
	{ \
		const uint64_t slots[] = {UNWRAP values}; \
		int64_t retval[2]; \
		int before = errno; \
		int error = \
		    call(number, slots, count, retval) == 0 ? abi_errno_to_host((int)retval[0]) : errno; \
\
		errno = before; \
		return error; \
	}

#define RUMP_STUB_VOID(type, symbol, number, count, parameters, values) \
	EXPORTED type symbol parameters; \
	EXPORTED type symbol parameters \
	{ \
		const uint64_t slots[] = {UNWRAP values}; \
		int64_t retval[2]; \
\
		(void)call(number, slots, count, retval); \
	}

#define RUMP_STUB_PAIR(type, symbol, number, count, parameters, first, second) \
	EXPORTED type symbol parameters; \
	EXPORTED type symbol parameters \
	{ \
		const uint64_t slots[] = {0}; \
		int64_t retval[2]; \
\
		if (call(number, slots, count, retval) != 0) \
			return -1; \
		first = (int)retval[0]; \
		second = (int)retval[1]; \
		return 0; \
	}

#include "abi/stubs.def"
