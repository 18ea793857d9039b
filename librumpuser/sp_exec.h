/* SPDX-License-Identifier: BSD-2-Clause */
/* The handshakes: how a client begins, and how it goes on as another program. */
#ifndef LIBRUMPUSER_SP_EXEC_H
#define LIBRUMPUSER_SP_EXEC_H

#include <stddef.h>
#include <stdint.h>

#include "sp/frame.h"

struct sp_client;

/*
 * The first frame of a connection, taken in by the loop; what follows it is in client->early. Starts the
 * client in a worker, or drops it.
 */
void handshake_begin(struct sp_client *c, const struct sp_frame *frame);

/*
 * A HANDSHAKE of a client that runs, for who has the reading role. Returns 1 when it is an EXEC: nothing more
 * is to be read, what is left is to be put by, and then exec_begin() called, which takes the reading role
 * over; 0 when it was answered.
 */
int exec_request(struct sp_client *c, const struct sp_frame *frame);
void exec_begin(struct sp_client *c);

/*
 * The second half of an EXEC, once the client's calls are over and its lwps are gone: telling the kernel, in
 * it; answering; and reading on.
 */
void exec_notify(struct sp_client *c);
void exec_finish(struct sp_client *c);
void exec_resume(struct sp_client *c);

#endif
