/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stddef.h>

#include <rump/rumpdefs.h>

#include "abi/errno.h"

/* Indexed by NetBSD's number. */
static const unsigned char host_errno[] = {
#define X(name) [RUMP_##name] = name,
#define NETBSD_ONLY(name, stand_in) [RUMP_##name] = stand_in,
#include "abi/errno.def"
#undef X
#undef NETBSD_ONLY
};

/* Indexed by the host's number. */
static const unsigned char netbsd_errno[] = {
#define X(name) [name] = RUMP_##name,
#define NETBSD_ONLY(name, stand_in)
#include "abi/errno.def"
#undef X
#undef NETBSD_ONLY
    /* Linux has names of its own for these. */
    [ENOMEDIUM] = RUMP_ENXIO,
    [EMEDIUMTYPE] = RUMP_EFTYPE,
    [EREMOTEIO] = RUMP_EIO,
    [ENOTUNIQ] = RUMP_EEXIST,
    [ESTRPIPE] = RUMP_EPIPE,
    [ERESTART] = RUMP_EINTR,
    [ENOTRECOVERABLE] = RUMP_EIO,
    [EOWNERDEAD] = RUMP_EIO,
    /* A damaged file system, damaged memory, and a file whose key is not there. */
    [EUCLEAN] = RUMP_EIO,
    [EHWPOISON] = RUMP_EIO,
    [ENOKEY] = RUMP_EACCES,
};
static_assert(sizeof(host_errno) == RUMP_ELAST + 1, "a NetBSD errno has no row");

int
abi_errno_to_netbsd(int host)
{
	if (host == 0)
		return 0;
	if (host < 0 || (size_t)host >= sizeof(netbsd_errno) || netbsd_errno[host] == 0)
		return RUMP_EINVAL;
	return netbsd_errno[host];
}

int
abi_errno_to_host(int netbsd)
{
	if (netbsd == 0)
		return 0;
	if (netbsd < 0 || (size_t)netbsd >= sizeof(host_errno) || host_errno[netbsd] == 0)
		return EINVAL;
	return host_errno[netbsd];
}
