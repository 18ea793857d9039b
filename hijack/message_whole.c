/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NetBSD has no such flag: it tells that a datagram was cut, but not how long it was. So there is room for
 * all of it, the program's and some behind that.
 */
#include "hijack/message_whole.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "hijack/copy.h"
#include "hijack/rump.h"
#include "hijack/sockets.h"

#define LONGEST 65536

static bool
is_stream(long rump)
{
	int type;

	return hijack_option((int)rump, RUMP_SOL_SOCKET, RUMP_SO_TYPE, &type) == 0 &&
	       type == RUMP_SOCK_STREAM;
}

int
hijack_whole_begin(struct hijack_whole *whole, long rump, struct rump_msghdr *header, int flags)
{
	size_t count = (size_t)header->msg_iovlen, size = count * sizeof(*whole->pieces);
	struct rump_iovec *pieces;

	*whole = (struct hijack_whole){.pieces = NULL};
	if (!(flags & MSG_TRUNC) || is_stream(rump))
		return 0;
	pieces = malloc(size + sizeof(*pieces) + LONGEST);
	if (pieces == NULL)
		return -ENOMEM;
	if (count > 0 && hijack_copyin(pieces, hijack_slot(header->msg_iov), size) != 0) {
		free(pieces);
		return -EFAULT;
	}
	for (size_t i = 0; i < count; i++)
		whole->room += pieces[i].iov_len;
	pieces[count] = (struct rump_iovec){.iov_base = &pieces[count + 1], .iov_len = LONGEST};
	whole->pieces = header->msg_iov = pieces;
	header->msg_iovlen++;
	return 0;
}

int
hijack_whole_end(struct hijack_whole *whole, long n)
{
	bool cut = whole->pieces != NULL && n > 0 && (size_t)n > whole->room;

	free(whole->pieces);
	return cut ? MSG_TRUNC : 0;
}
