/* SPDX-License-Identifier: BSD-2-Clause */
#include <sqfs/error.h>
#include "kernel/base/print.h"
#include "kernel/fs/squashfs/squashfs.h"

/* A broken image may break every call: after some complaints it has been said. */
#define MOST_COMPLAINTS 10

static const char *
meaning(int error)
{
	switch (error) {
	case SQFS_ERROR_IO:
		return "cannot be read";
	case SQFS_ERROR_COMPRESSOR:
		return "holds what cannot be unpacked";
	case SQFS_ERROR_OUT_OF_BOUNDS:
		return "points beyond its end";
	default:
		return "is broken";
	}
}

int
squash_error(struct squash_mount *m, int error)
{
	if (error == 0)
		return 0;
	if (error == SQFS_ERROR_ALLOC)
		return RUMP_ENOMEM;
	if (__atomic_fetch_add(&m->complaints, 1, __ATOMIC_RELAXED) < MOST_COMPLAINTS)
		rumpk_warn("squashfs: device %llx: the image %s\n", (unsigned long long)m->device.dev,
		    meaning(error));
	return RUMP_EIO;
}
