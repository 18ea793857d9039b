/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The body of GUEST and EXEC: the program's name with its NUL, and after it, where a peer of
 * version 0.4 does not look, what the client can do.
 */
#ifndef SP_CAPABILITY_H
#define SP_CAPABILITY_H

#include <stddef.h>
#include <stdint.h>

#include "sp/cursor.h"
#include "sp/limits.h"
#include "sp/wire.h"

#define SP_HELLO_MAX (SP_COMM_MAX + sizeof(struct sp_capability_block))

/*
 * Writes such a body to buf of SP_HELLO_MAX bytes and returns its length. A longer name is cut
 * off. With no capabilities it is what a client of version 0.4 sends.
 */
size_t sp_hello_format(uint8_t *buf, const char *comm, uint32_t capabilities);

/*
 * Reads such a body. *comm points into it, *capabilities is 0 when there are none.
 * Returns 0, or -EBADMSG when the name has no NUL within SP_COMM_MAX bytes.
 */
int sp_hello_parse(struct sp_cursor body, const char **comm, uint32_t *capabilities);

/*
 * What of a process's capabilities holds on a connection that CONNECT made: nobody can tell whose memory
 * LOCALCOPY would reach into there, so what the calls need is sent along.
 */
static inline uint32_t
sp_capabilities_connected(uint32_t capabilities)
{
	return (capabilities & ~(uint32_t)SP_CAP_LOCALCOPY) | SP_CAP_SENDALONG;
}

#endif
