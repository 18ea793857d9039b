/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/halt.h"
#include <stdatomic.h>
#include <rump/rumpuser.h>
#include "kernel/base/boot.h"
#include "kernel/base/lwp.h"
#include "kernel/base/print.h"
#include "kernel/base/syscall.h"

static struct rumpk_halt_hook *hooks;
static atomic_flag halting = ATOMIC_FLAG_INIT;
static atomic_bool halted; /* and the process was left for a debugger */

void
rumpk_halt_hook_register(struct rumpk_halt_hook *hook)
{
	hook->next = hooks;
	hooks = hook;
}

/* Leaves the process for a debugger to look at. */
_Noreturn static void
halt_here(void)
{
	atomic_store(&halted, true);
	for (;;)
		rumpuser_clock_sleep(RUMPUSER_CLOCK_RELWALL, 1 << 30, 0);
}

/*
 * Ends this host process, or only the kernel in it. A client that asks for it gets its answer from the
 * server's end. A dump shows the kernel as it is: nothing is written out before.
 */
static int
sys_reboot(struct lwp *l, rumpk_args args, long *retval)
{
	int how = rumpk_arg_int(args, 0);

	(void)retval;
	if (!rumpk_cred_issuper(rumpk_proc_cred(l->proc)))
		return RUMP_EPERM;
	if (atomic_load(&halted))
		rumpuser_exit(0);
	if (atomic_flag_test_and_set(&halting))
		return RUMP_EBUSY;
	if ((how & (RUMP_RB_NOSYNC | RUMP_RB_DUMP)) == 0)
		for (struct rumpk_halt_hook *hook = hooks; hook != NULL; hook = hook->next)
			hook->f();
	rumpuser_sp_fini(l->proc->priv);
	if ((how & RUMP_RB_DUMP) != 0)
		rumpk_panic("dump requested");
	if ((how & RUMP_RB_HALT) != 0)
		halt_here();
	rumpuser_exit(0);
}

void
rumpk_halt_init(void)
{
	static const struct rumpk_syscall call = {RUMPK_SYS_reboot, sys_reboot};

	rumpk_syscall_register(&call, 1);
}
