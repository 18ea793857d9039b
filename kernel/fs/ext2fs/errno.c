/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <et/com_err.h>
#include "kernel/base/print.h"
#include "kernel/fs/ext2fs/ext2fs.h"

/* A broken image may break every call: after some complaints it has been said. */
#define MOST_COMPLAINTS 10

static void
complain(struct ext2_mount *m, errcode_t error)
{
	if (__atomic_fetch_add(&m->complaints, 1, __ATOMIC_RELAXED) < MOST_COMPLAINTS)
		rumpk_warn("ext2fs: device %llx: %s: run e2fsck\n", (unsigned long long)m->device.dev,
		    error_message(error));
}

int
ext2_error(struct ext2_mount *m, errcode_t error)
{
	switch (error) {
	case 0:
		return 0;
	case ENOMEM:
	case EXT2_ET_NO_MEMORY:
		return RUMP_ENOMEM;
	case EXT2_ET_BLOCK_ALLOC_FAIL:
	case EXT2_ET_INODE_ALLOC_FAIL:
	case EXT2_ET_DIR_NO_SPACE:
	case EXT2_ET_TOOSMALL:
	case EXT2_ET_EA_NO_SPACE:
	case ENOSPC:
		return RUMP_ENOSPC;
	case EXT2_ET_EA_KEY_NOT_FOUND:
		return RUMP_ENOATTR;
	case EXT2_ET_FILE_NOT_FOUND:
		return RUMP_ENOENT;
	case EXT2_ET_RO_FILSYS:
	case EXT2_ET_RO_BLOCK_ITERATE:
	case EROFS:
		return RUMP_EROFS;
	case EXT2_ET_FILE_TOO_BIG:
	case EXT2_ET_EXTENT_INVALID_LENGTH:
		return RUMP_EFBIG;
	case EXT2_ET_BAD_MAGIC:
		return RUMP_EINVAL;
	default:
		complain(m, error);
		return RUMP_EIO;
	}
}
