/* SPDX-License-Identifier: BSD-2-Clause */
/* A new kernel in the place of one that is gone. */
#ifndef HIJACK_RECONNECT_H
#define HIJACK_RECONNECT_H

#include <stdbool.h>

#include "hijack/rump.h"

/* Whether the connection is gone, and not only a socket of the program's unconnected. */
bool hijack_rump_is_lost(const struct rumpclient *ctx);

/* Connects again as RUMPHIJACK_RETRYCONNECT says. Returns 0 or -ENOTCONN. */
int hijack_rump_recover(const struct rumpclient *lost);

/*
 * After a call that failed because the connection is lost: connects again. Returns 0 when the call can be
 * made again; -ENOTCONN when there is no kernel; -EBADF or -ENOENT when the call was about something that the
 * old one had.
 */
int hijack_rump_again(const struct rumpclient *lost, enum hijack_rump_number number, const uint64_t *slots);

/*
 * A context for a process that has something of a kernel that is gone, as if it had lost the connection
 * itself. Without memory for it NULL, and what the process had is marked as lost.
 */
struct sp_url;
struct rumpclient *hijack_rump_lost(struct hijack_process *process, const struct sp_url *url);

/* Replaces the process's context, if it still is this one, by a new one. One attempt; 0 or -errno. */
int hijack_rump_replace(const struct rumpclient *lost);

/* What the process had is the old kernel's; ctx, not yet the process's, gets its current directory. */
void hijack_rump_begin_anew(struct hijack_process *process, struct rumpclient *ctx);

#endif
