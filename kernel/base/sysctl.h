/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysctl: a tree of nodes, built at boot by base and by components, and read by __sysctl and by
 * the queries of NetBSD's tools (CTL_QUERY, CTL_DESCRIBE). A node is static memory of its component.
 */
#ifndef KERNEL_BASE_SYSCTL_H
#define KERNEL_BASE_SYSCTL_H

#include <stddef.h>
#include <stdint.h>
#include <rump/rumpdefs.h>
#include "kernel/base/component.h"
#include "kernel/base/uio.h"

struct lwp;

struct rumpk_sysctl {
	/* Under which node: numbers from the root, 0 ends it. */
	int32_t under[4];
	/* Its own number; 0 asks for a free one from 1024 on. */
	int32_t number;
	const char *name;
	/* RUMP_CTLTYPE_*, and RUMP_CTLFLAG_READWRITE to let the superuser write. */
	uint32_t type;
	uint32_t flags;
	/* Where the value is: an int32_t, int64_t, bool, char [size] or structure of size bytes. */
	void *data;
	size_t size;
	/*
	 * Or computed: fill at most *len bytes at buf, and set *len to the whole length. NULL buf: only
	 * the length. name holds the namelen numbers that follow the node's own.
	 */
	int (*read)(struct lwp *l, const int32_t *name, unsigned namelen, void *buf, size_t *len);
	/*
	 * Or given to the user by the node itself: as much as fits of *len bytes at old, when that is not 0.
	 * *len becomes what was given, or with no old what there is to give.
	 */
	int (*give)(struct lwp *l, const int32_t *name, unsigned namelen, rumpk_uaddr old, size_t *len);
	/* Called before a new value is stored, with it; returns 0 or an errno. */
	int (*write)(struct lwp *l, const void *buf, size_t len);
	/* The tree's own. */
	struct rumpk_sysctl *parent, *child, *sibling;
	uint32_t version;
};

/* To be called by components' init functions only; a parent comes before its children. */
RUMPK_EXPORT void rumpk_sysctl_register(struct rumpk_sysctl *nodes, size_t count);

#endif
