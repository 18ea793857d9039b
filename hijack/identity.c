/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients of a rump kernel are root inside. A program sees root's files there as its own, and gives them away
 * by its own id, unless it is to see who they really belong to.
 */
#include <sys/syscall.h>

#include "hijack/files.h"
#include "hijack/start.h"

struct hijack_identity
hijack_identity(void)
{
	if (hijack_start.config.real_ids)
		return (struct hijack_identity){0, 0};
	return (struct hijack_identity){.uid = (uint32_t)hijack_own(SYS_getuid, 0, 0, 0, 0, 0, 0),
	    .gid = (uint32_t)hijack_own(SYS_getgid, 0, 0, 0, 0, 0, 0)};
}

uint32_t
hijack_inner_uid(uint32_t uid)
{
	return uid == hijack_identity().uid ? 0 : uid;
}

uint32_t
hijack_inner_gid(uint32_t gid)
{
	return gid == hijack_identity().gid ? 0 : gid;
}
