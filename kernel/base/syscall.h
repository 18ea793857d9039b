/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls.
 *
 * Theory of operation: one table, indexed by NetBSD's call numbers. Components fill it in when
 * they are initialized; a call that nobody has registered answers ENOSYS. Handlers get the
 * argument slots as NetBSD lays them out: one of eight bytes an argument, padding included
 * (abi/syscalls.tsv). Pointers in them are addresses of the calling process.
 */
#ifndef KERNEL_BASE_SYSCALL_H
#define KERNEL_BASE_SYSCALL_H

#include <stddef.h>
#include <stdint.h>
#include "kernel/base/component.h"
#include "kernel/base/lwp.h"
#include "kernel/base/uio.h"

/* The numbers of the calls that a rump kernel offers, by name: RUMPK_SYS_open. */
#define RUMPK_SYSCALL_NUMBER_1(number, name) RUMPK_SYS_##name = (number),
#define RUMPK_SYSCALL_NUMBER_0(number, name)
#define RUMP_SYSCALL(number, name, slots, offered) RUMPK_SYSCALL_NUMBER_##offered(number, name)
enum {
#include "abi/syscalls.def"
};
#undef RUMP_SYSCALL
#undef RUMPK_SYSCALL_NUMBER_0
#undef RUMPK_SYSCALL_NUMBER_1
#define RUMPK_NSYSCALLS 512

/* The slots, as their handler sees them. */
typedef const uint64_t *rumpk_args;

static inline int
rumpk_arg_int(rumpk_args args, unsigned slot)
{
	return (int)args[slot];
}

/*
 * A system call: 0 or a positive errno; retval[0] (and retval[1] for pipe, getpid and getuid)
 * holds what the call returns, 0 unless it is set.
 */
typedef int (*rumpk_syscall_fn)(struct lwp *l, rumpk_args args, long *retval);

struct rumpk_syscall {
	int number;
	rumpk_syscall_fn handler;
};

/* To be called by components' init functions only. */
RUMPK_EXPORT void rumpk_syscall_register(const struct rumpk_syscall *calls, size_t count);

/* Makes a call: what the stubs and the system call server do. */
RUMPK_EXPORT int rumpk_syscall(struct lwp *l, int number, rumpk_args args, long *retval);

#endif
