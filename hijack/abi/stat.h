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
 * Translates directory entries, from_size bytes of them, into Linux's, in a buffer that holds at least half
 * as much again. offset is the directory's position behind them. Returns the bytes written, or -EIO for
 * malformed ones.
 */
long hijack_abi_dirents(void *to, const void *from, size_t from_size, int64_t offset);

#endif
