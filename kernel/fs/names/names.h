/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names of a directory that never changes, in the order of the image.
 *
 * Theory of operation: a file system fills a list, once, and publishes it; from then on it is only read, by
 * whoever wants to and without a lock. Offsets of readdir are positions in the list, after "." and "..".
 */
#ifndef KERNEL_FS_NAMES_NAMES_H
#define KERNEL_FS_NAMES_NAMES_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/base/lock.h"
#include "kernel/vfs/vnode.h"

struct names;

/* An empty list for a directory, whose number and whose parent's are given. With fold, names that differ in
 * the case of ASCII letters only are the same when looked for. NULL without memory. */
struct names *names_create(uint64_t ino, uint64_t parent, bool fold);
void names_free(struct names *names);

/* Appends a name; RUMP_ENOMEM. */
int names_add(struct names *names, const char *text, uint16_t len, uint64_t ino, enum vtype type);
/* To be called when the list is complete, before the others; RUMP_ENOMEM. */
int names_finish(struct names *names);

/* The number of a name, ".." among them; of two equal ones the first. RUMP_ENOENT. */
int names_find(const struct names *names, const struct name *name, uint64_t *ino);
/* As vnodeops.readdir. */
int names_readdir(const struct names *names, struct dirsink *sink, int64_t *offset);

/* Where a directory's list is, once somebody has wanted it. */
struct names_slot {
	rumpk_mutex lock;    /* held while it is made */
	struct names *names; /* atomic */
};

void names_slot_init(struct names_slot *slot);
void names_slot_fini(struct names_slot *slot);
/* The list of dvp, which `make` makes for whoever comes first; its error. */
int names_get(struct names_slot *slot, const struct vnode *dvp,
    int (*make)(const struct vnode *dvp, struct names **namesp), struct names **namesp);

#endif
