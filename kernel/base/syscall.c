/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/syscall.h"
#include <rump/rumpuser.h>
#include "kernel/base/boot.h"
#include "kernel/base/print.h"

static int
sys_nosys(struct lwp *l, rumpk_args args, long *retval)
{
	(void)l;
	(void)args;
	(void)retval;
	return RUMP_ENOSYS;
}

static rumpk_syscall_fn table[RUMPK_NSYSCALLS];

void
rumpk_syscall_init(void)
{
	for (int i = 0; i < RUMPK_NSYSCALLS; i++)
		table[i] = sys_nosys;
}

void
rumpk_syscall_register(const struct rumpk_syscall *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		RUMPK_ASSERT(calls[i].number >= 0 && calls[i].number < RUMPK_NSYSCALLS);
		table[calls[i].number] = calls[i].handler;
	}
}

int
rumpk_syscall(struct lwp *l, int number, rumpk_args args, long *retval)
{
	int error;

	if ((unsigned)number >= RUMPK_NSYSCALLS)
		return RUMP_ENOSYS;
	retval[0] = 0;
	retval[1] = 0;
	error = table[number](l, args, retval);
	if (__builtin_expect(atomic_load_explicit(&l->interrupted, memory_order_relaxed), 0))
		atomic_store_explicit(&l->interrupted, false, memory_order_relaxed);
	return error;
}
