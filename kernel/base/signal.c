/* SPDX-License-Identifier: BSD-2-Clause */
#include <rump/rump.h>
#include <rump/rumpuser.h>
#include "kernel/base/lwp.h"
#include "kernel/base/print.h"

static enum rump_sigmodel model = RUMP_SIGMODEL_RAISE;

void
rump_boot_setsigmodel(enum rump_sigmodel wanted)
{
	model = wanted;
}

void
rumpk_psignal(struct proc *p, int signo)
{
	switch (model) {
	case RUMP_SIGMODEL_IGNORE:
	case RUMP_SIGMODEL_RECORD:
		/* No call of this kernel looks at signals that are pending. */
		break;
	case RUMP_SIGMODEL_PANIC:
		if (signo != RUMP_SIGPIPE && signo != RUMP_SIGSYS)
			rumpk_panic("signal %d", signo);
		break;
	case RUMP_SIGMODEL_RAISE:
	case RUMP_SIGMODEL__HOST_NOTANYMORE:
		if (rumpk_proc_islocal(p))
			rumpuser_kill(p->pid, signo);
		else
			rumpuser_sp_raise(p->priv, signo);
		break;
	}
}
