/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/dispatch.h"

#include <errno.h>
#include <sys/syscall.h>

static hijack_call_fn *const entries[HIJACK_CALLS] = {
#define CALL(name, entry) [SYS_##name] = entry,
#define FD(name, entry) [SYS_##name] = hijack_descriptor_call,
#include "hijack/calls.def"
#undef FD
#undef CALL
};

const uint8_t hijack_route[HIJACK_CALLS] = {
#define CALL(name, entry) [SYS_##name] = HIJACK_ROUTE_DISPATCH,
#define FD(name, entry) [SYS_##name] = HIJACK_ROUTE_DISPATCH,
#include "hijack/calls.def"
#undef FD
#undef CALL
    [SYS_clone] = HIJACK_ROUTE_CLONE,
    [SYS_fork] = HIJACK_ROUTE_CLONE,
    [SYS_vfork] = HIJACK_ROUTE_CLONE,
    [SYS_clone3] = HIJACK_ROUTE_CLONE,
    [SYS_rt_sigreturn] = HIJACK_ROUTE_SIGRETURN,
};

long
hijack_syscall(long number, long a1, long a2, long a3, long a4, long a5, long a6)
{
	const struct hijack_call call = {number, {a1, a2, a3, a4, a5, a6}, 0};

	return entries[number](&call);
}

long
hijack_no_call(const struct hijack_call *call)
{
	(void)call;
	return -ENOSYS;
}
