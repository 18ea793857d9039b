/* SPDX-License-Identifier: BSD-2-Clause */
/* librumpkern_sysproxy: makes the kernel's system calls available to other processes. */
#include <rump/rump.h>
#include <rump/rumpuser.h>
#include "kernel/base/sysctl_nodes.h"

int
rump_init_server(const char *url)
{
	return rumpuser_sp_init(url, RUMPK_OSTYPE, RUMPK_OSRELEASE, RUMPK_MACHINE);
}
