/* SPDX-License-Identifier: BSD-2-Clause */
/* Block devices as file systems use them: opened by the path that mount(2) was given. */
#ifndef KERNEL_DEV_SPECIAL_H
#define KERNEL_DEV_SPECIAL_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/base/uio.h"
#include "kernel/dev/dev.h"

struct rumpk_special {
	const struct rumpk_devops *ops;
	uint64_t dev;
	uint64_t size; /* in bytes */
	uint32_t flags;
	struct vnode *vp;
};

/*
 * Opens the block device whose path is at an address of the caller's; path, which has RUMP_MAXPATHLEN bytes,
 * is given it. RUMP_ENOTBLK, RUMP_ENXIO, and what a path may lead to.
 */
RUMPK_EXPORT int rumpk_special_open(
    struct lwp *l, rumpk_uaddr upath, bool rdonly, char *path, struct rumpk_special *special);
RUMPK_EXPORT void rumpk_special_close(struct rumpk_special *special);

/* Transfers all of it, or RUMP_E*: what lies beyond the device's end is RUMP_EINVAL. */
static inline int
rumpk_special_transfer(
    const struct rumpk_special *special, enum rumpk_rw rw, void *buf, size_t len, uint64_t offset)
{
	return special->ops->transfer(special->dev, rw, buf, len, offset);
}

#endif
