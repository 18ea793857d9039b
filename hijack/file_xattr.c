/* SPDX-License-Identifier: BSD-2-Clause */
/* Extended attributes. NetBSD has Linux's twelve calls, with the same arguments and the same names. */
#include "hijack/files.h"
#include "hijack/rump.h"

#define ON_PATH(call, ...) \
	long hijack_inside_##call(const struct hijack_place *place, const long *rest) \
	{ \
		return HIJACK_RUMP(call, hijack_slot(place->path), __VA_ARGS__); \
	}
#define ON_FD(call, ...) \
	long hijack_inside_##call(const struct hijack_call *fd_call) \
	{ \
		const long *rest = &fd_call->arg[1]; \
\
		return HIJACK_RUMP(call, (uint64_t)fd_call->arg[0], __VA_ARGS__); \
	}

/* The arguments behind the path or the descriptor. */
#define ARG(n) (uint64_t) rest[n]

ON_PATH(getxattr, ARG(0), ARG(1), ARG(2))
ON_PATH(lgetxattr, ARG(0), ARG(1), ARG(2))
ON_PATH(setxattr, ARG(0), ARG(1), ARG(2), ARG(3))
ON_PATH(lsetxattr, ARG(0), ARG(1), ARG(2), ARG(3))
ON_PATH(listxattr, ARG(0), ARG(1))
ON_PATH(llistxattr, ARG(0), ARG(1))
ON_PATH(removexattr, ARG(0))
ON_PATH(lremovexattr, ARG(0))
ON_FD(fgetxattr, ARG(0), ARG(1), ARG(2))
ON_FD(fsetxattr, ARG(0), ARG(1), ARG(2), ARG(3))
ON_FD(flistxattr, ARG(0), ARG(1))
ON_FD(fremovexattr, ARG(0))
