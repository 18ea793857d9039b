/* SPDX-License-Identifier: BSD-2-Clause */
/* Receiving with MSG_TRUNC, which has Linux tell how long a datagram was that there was less room for. */
#ifndef HIJACK_MESSAGE_WHOLE_H
#define HIJACK_MESSAGE_WHOLE_H

#include <stddef.h>

#include <rump/rumpdefs.h>

struct hijack_whole {
	struct rump_iovec *pieces; /* NULL: not asked for, or not of datagrams */
	size_t room;               /* the program's */
};

/*
 * Makes room for the longest datagram behind what the header says, when the host's flags ask for the length.
 * Returns 0, -EFAULT or -ENOMEM. What it takes is given back by hijack_whole_end().
 */
int hijack_whole_begin(struct hijack_whole *whole, long rump, struct rump_msghdr *header, int flags);

/* Of n bytes received, or an error, returns the host's flags that come of it: MSG_TRUNC or 0. */
int hijack_whole_end(struct hijack_whole *whole, long n);

#endif
