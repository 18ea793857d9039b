/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files about sockets share. */
#ifndef HIJACK_SOCKETS_H
#define HIJACK_SOCKETS_H

#include "hijack/abi/socket.h"

/* An address of the program's for the rump kernel: its size there or -errno. */
int hijack_address_in(uint64_t from, uint32_t size, union hijack_address *to);

/* An address of the rump kernel's for the program, and its size to where the size of the room is. 0 or
 * -errno. */
int hijack_address_out(uint64_t to, uint64_t to_size, const union hijack_address *from, uint32_t size);

/* An option of a rump socket's that is an int, by NetBSD's numbers. 0 or -errno. */
long hijack_option(int rump, int level, int name, int *value);

/* sendmsg and recvmsg with a header that is here, and flags of the program's. The second updates the header.
 */
struct msghdr;
long hijack_message_send(long rump, const struct msghdr *host, int flags);
long hijack_message_receive(long rump, struct msghdr *host, int flags);

/*
 * Names of local sockets, in addresses of the host's form: on the way in without the prefix, on the way out
 * with it. Return the new size, the first also -errno.
 */
int hijack_local_address_in(union hijack_address *address, uint32_t size);
uint32_t hijack_local_address_out(union hijack_address *address, uint32_t size);

#endif
