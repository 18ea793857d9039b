/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Credentials.
 *
 * Theory of operation: a credential is immutable and unique: two processes with the same
 * identity point to the same one, and it lives as long as the kernel. So a pointer may be kept
 * (in a file, a vnode, a socket) and passed between threads without counting references, and
 * taking one up costs no write to shared memory. The price is some hundred bytes for each
 * identity ever seen; beyond RUMPK_CRED_MAX of them the calls that make new ones fail.
 */
#ifndef KERNEL_BASE_CRED_H
#define KERNEL_BASE_CRED_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/base/component.h"

#define RUMPK_NGROUPS 16
#define RUMPK_CRED_MAX 65536

struct rumpk_cred {
	uint32_t uid, euid, svuid;
	uint32_t gid, egid, svgid;
	uint32_t ngroups;
	uint32_t groups[RUMPK_NGROUPS];
};

/* The one credential equal to *model, made when it is new. NULL without memory. */
RUMPK_EXPORT const struct rumpk_cred *rumpk_cred_intern(const struct rumpk_cred *model);

/* The credential of the kernel itself and of process 1: all zero. */
RUMPK_EXPORT extern const struct rumpk_cred *const rumpk_cred_root;

/* Whether gid is the effective group or one of the groups. */
RUMPK_EXPORT bool rumpk_cred_ismember(const struct rumpk_cred *cred, uint32_t gid);

static inline bool
rumpk_cred_issuper(const struct rumpk_cred *cred)
{
	return cred->euid == 0;
}

#endif
