/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/abi/file_flags.h"

#include <assert.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <stddef.h>

#include <rump/rumpdefs.h>

static const struct {
	unsigned int host;
	uint32_t any, set; /* any of the first in NetBSD's is it; the second is set when none is */
} flags[] = {
    {FS_IMMUTABLE_FL, RUMP_UF_IMMUTABLE | RUMP_SF_IMMUTABLE, RUMP_SF_IMMUTABLE},
    {FS_APPEND_FL, RUMP_UF_APPEND | RUMP_SF_APPEND, RUMP_SF_APPEND},
    {FS_NODUMP_FL, RUMP_UF_NODUMP, RUMP_UF_NODUMP},
};

static_assert(FS_IMMUTABLE_FL == STATX_ATTR_IMMUTABLE && FS_APPEND_FL == STATX_ATTR_APPEND &&
		  FS_NODUMP_FL == STATX_ATTR_NODUMP,
    "attributes of statx");

unsigned int
hijack_abi_file_flags_back(uint32_t netbsd)
{
	unsigned int result = 0;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		result |= netbsd & flags[i].any ? flags[i].host : 0;
	return result;
}

bool
hijack_abi_file_flags(uint32_t *netbsd, unsigned int wanted)
{
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (!(wanted & flags[i].host))
			*netbsd &= ~flags[i].any;
		else if (!(*netbsd & flags[i].any))
			*netbsd |= flags[i].set;
		wanted &= ~flags[i].host;
	}
	return wanted == 0;
}
