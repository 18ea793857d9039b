/* SPDX-License-Identifier: BSD-2-Clause */
/* What NetBSD says of files, in Linux's words. */
#ifndef HIJACK_ABI_STAT_H
#define HIJACK_ABI_STAT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <rump/rumpdefs.h>

/* Whose files those of uid 0 and gid 0 inside are shown as; see hijack/identity.h. */
struct hijack_identity {
	uint32_t uid;
	uint32_t gid;
};

void hijack_abi_stat(struct stat *to, const struct rump_stat *from, const struct hijack_identity *identity);
void hijack_abi_statx(struct statx *to, const struct rump_stat *from, const struct hijack_identity *identity);
void hijack_abi_statfs(struct statfs *to, const struct rump_statvfs *from);

/*
 * A position in a directory. NetBSD tells one of each call's entries, that of the first; behind it they are
 * counted. As a number it has a mark that file systems' own do not have, but by chance; one whose base is
 * larger than HIJACK_POSITION_BASE_MAX is the base.
 */
struct hijack_position {
	int64_t base;
	unsigned int entries;
};
#define HIJACK_POSITION_BASE_MAX INT64_C(0xffffffff)
int64_t hijack_abi_position(const struct hijack_position *position);
struct hijack_position hijack_abi_position_back(int64_t number);

/*
 * Translates directory entries, from_size bytes of them, into Linux's, in a buffer that holds at least half
 * as much again. They lie at position->base; the first position->entries of them are left out, and what is
 * still to be left out then of those that follow is put there. Returns the bytes written, or -EIO for
 * malformed ones.
 */
long hijack_abi_dirents(void *to, const void *from, size_t from_size, struct hijack_position *position);

#endif
