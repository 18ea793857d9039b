/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/dispatch.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "hijack/descriptor.h"
#include "hijack/report.h"

static_assert(offsetof(struct hijack_thread, process) == HIJACK_THREAD_PROCESS, "the gate knows");
static_assert(offsetof(struct hijack_thread, stack_used) == HIJACK_THREAD_STACK_USED, "the gate knows");
static_assert(offsetof(struct hijack_thread, stack) == HIJACK_THREAD_STACK, "the gate knows");
static_assert(offsetof(struct hijack_process, fds) == HIJACK_PROCESS_FDS, "the gate knows");
static_assert(offsetof(struct hijack_fds, entry) == HIJACK_FDS_ENTRY, "the gate knows");
static_assert(sizeof(((struct hijack_fds *)0)->entry[0]) == 4, "the gate knows");

static hijack_call_fn *const entries[HIJACK_CALLS] = {
#define CALL(name, entry) [SYS_##name] = entry,
#define FD(name, entry) [SYS_##name] = hijack_descriptor_call,
#include "hijack/calls.def"
#undef FD
#undef CALL
};

const uint8_t hijack_route[HIJACK_CALLS] = {
#define CALL(name, entry) [SYS_##name] = HIJACK_ROUTE_DISPATCH,
#define FD(name, entry) [SYS_##name] = HIJACK_ROUTE_FD,
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

static const char *const names[HIJACK_CALLS] = {
#define CALL(name, entry) [SYS_##name] = #name,
#define FD(name, entry) [SYS_##name] = #name,
#include "hijack/calls.def"
#undef FD
#undef CALL
};

long
hijack_refused(long number, long result)
{
	if (hijack_verbose)
		hijack_report("%s: not with the rump kernel (%s)", names[number],
		    result == -ENOSYS ? "ENOSYS" : "EOPNOTSUPP");
	return result;
}

long
hijack_no_call(const struct hijack_call *call)
{
	return hijack_refused(call->number, -ENOSYS);
}
