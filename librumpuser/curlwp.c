/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <rump/rumpuser.h>

#include "librumpuser/host.h"

void
rumpuser_curlwpop(int op, struct lwp *l)
{
	switch (op) {
	case RUMPUSER_LWP_CREATE:
	case RUMPUSER_LWP_DESTROY:
		/* Nothing is kept an lwp. */
		break;
	case RUMPUSER_LWP_SET:
		if (host_self.lwp != NULL && l != NULL)
			host_fatal("lwp %p set over lwp %p", (void *)l, (void *)host_self.lwp);
		host_self.lwp = l;
		break;
	case RUMPUSER_LWP_CLEAR:
		if (host_self.lwp != l)
			host_fatal("lwp %p cleared, but %p is current", (void *)l, (void *)host_self.lwp);
		host_self.lwp = NULL;
		break;
	default:
		host_fatal("curlwpop: unknown operation %d", op);
	}
}

struct lwp *
rumpuser_curlwp(void)
{
	return host_self.lwp;
}
