/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices: what is behind the nodes that mknod makes.
 *
 * Theory of operation: a driver registers its operations under a major number, for character or block nodes
 * or both. Opening a node looks the driver up; the open file calls it directly. Drivers lock for themselves.
 */
#ifndef KERNEL_DEV_DEV_H
#define KERNEL_DEV_DEV_H

#include <stdint.h>
#include <rump/rumpdefs.h>
#include "kernel/base/component.h"
#include "kernel/base/file.h"
#include "kernel/base/uio.h"
#include "kernel/vfs/vnode.h"

/* NetBSD's dev_t: twelve bits of major in the middle, twenty of minor around them. */
static inline uint32_t
dev_major(uint64_t dev)
{
	return (uint32_t)(dev >> 8) & 0xfff;
}

static inline uint32_t
dev_minor(uint64_t dev)
{
	return (uint32_t)((dev & 0xff) | ((dev >> 12) & 0xfff00));
}

static inline uint64_t
dev_make(uint32_t major, uint32_t minor)
{
	return ((uint64_t)(major & 0xfff) << 8) | (minor & 0xff) | ((uint64_t)(minor & 0xfff00) << 12);
}

/* Of all of them NULL means that it succeeds (open, close) or RUMP_ENODEV (the others; ioctl: RUMP_ENOTTY).
 */
struct rumpk_devops {
	const char *name;
	/* flags: RUMPK_FREAD, RUMPK_FWRITE. Every open is followed by one close. RUMP_ENXIO: no such unit. */
	int (*open)(uint64_t dev, uint32_t flags);
	int (*close)(uint64_t dev, uint32_t flags);
	/* flags as for fileops. */
	int (*read)(uint64_t dev, struct rumpk_uio *uio, int flags);
	int (*write)(uint64_t dev, struct rumpk_uio *uio, int flags);
	int (*ioctl)(uint64_t dev, unsigned long cmd, void *data, uint32_t fflags);
	int (*poll)(uint64_t dev, int events, struct rumpk_poll *rp);
	/* Disks only: how large, and transfers of any place and length, which may sleep. */
	int (*size)(uint64_t dev, uint64_t *bytes);
	int (*transfer)(uint64_t dev, enum rumpk_rw rw, void *buf, size_t len, uint64_t offset);
	/* What has been written is on the medium. */
	int (*flush)(uint64_t dev);
	bool disk; /* lseek counts, and the node's offset is used */
};

/* UINT32_MAX as a major: none of that kind. RUMP_EEXIST. */
RUMPK_EXPORT int rumpk_dev_register(const struct rumpk_devops *ops, uint32_t chr_major, uint32_t blk_major);
/* The driver of a node (VCHR or VBLK); NULL: RUMP_ENXIO. */
RUMPK_EXPORT const struct rumpk_devops *rumpk_dev_find(enum vtype type, uint64_t dev);
/* For components' init functions: make a node, or a directory to put it in. What exists is left alone. */
RUMPK_EXPORT int rumpk_dev_directory(const char *path, uint32_t mode);
RUMPK_EXPORT int rumpk_dev_node(const char *path, enum vtype type, uint32_t mode, uint64_t dev);

/* Within the component. Gives fp the operations of vp's driver, and opens that. */
int dev_open(struct file *fp, struct vnode *vp, uint32_t flags);
void dev_init(void);
void mem_init(void);

#endif
