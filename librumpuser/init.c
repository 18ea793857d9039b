/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>

#include "abi/errno.h"
#include "librumpuser/hyp.h"

struct rumpuser_hyperup hyp;

int
rumpuser_init(int version, const struct rumpuser_hyperup *upcalls)
{
	if (version != RUMPUSER_VERSION)
		return 1;
	hyp = *upcalls;
	return 0;
}

void
rumpuser_seterrno(int error)
{
	errno = abi_errno_to_host(error);
}
