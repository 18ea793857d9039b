/* SPDX-License-Identifier: BSD-2-Clause */
/* Control messages of sockets in the rump kernel. */
#ifndef HIJACK_MESSAGE_CONTROL_H
#define HIJACK_MESSAGE_CONTROL_H

#include <stdint.h>
#include <sys/socket.h>

#include "hijack/descriptor.h"

#define HIJACK_CONTROL_MAX 2048 /* NetBSD takes no more */

/* Messages as the rump kernel has them. */
struct hijack_control {
	_Alignas(8) uint8_t data[HIJACK_CONTROL_MAX + 64];
};

/* Translates those that a program sends with a message. Returns their size, or -errno. */
long hijack_control_in(const struct msghdr *message, struct hijack_control *to);

/*
 * Translates those that came, to where the program wants them, as far as there is room. flags: the program's,
 * for MSG_CMSG_CLOEXEC, to which MSG_CTRUNC is added. Returns 0 or -EFAULT.
 */
int hijack_control_out(struct hijack_control *from, size_t size, struct msghdr *message, int *flags);

/* What a rump descriptor of unknown origin is. */
enum hijack_kind hijack_kind_of(int rump);

#endif
