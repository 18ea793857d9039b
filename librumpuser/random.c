/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <rump/rumpuser.h>

#include "abi/errno.h"
#include "librumpuser/host.h"

/*
 * RUMPUSER_RANDOM_HARD asks for true randomness, which Linux does not tell from the other kind: both come
 * from a generator that has been seeded with enough of it.
 */
int
rumpuser_getrandom(void *buf, size_t len, int flags, size_t *retp)
{
	ssize_t got = 0;

	if (len > 0)
		got = host_random(buf, len, (flags & RUMPUSER_RANDOM_NOWAIT) != 0);
	if (got < 0)
		return abi_errno_to_netbsd((int)-got);
	*retp = (size_t)got;
	return 0;
}
