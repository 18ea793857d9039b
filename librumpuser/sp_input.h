/* SPDX-License-Identifier: BSD-2-Clause */
/* What running clients send. */
#ifndef LIBRUMPUSER_SP_INPUT_H
#define LIBRUMPUSER_SP_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "librumpuser/sp_client.h"

/* Lets workers read from the client from now on. The caller is a worker. */
void input_begin(struct sp_client *c);

/*
 * Before the answer to a call that the reader runs. True: it has the reading role again, and is to look for
 * the client's next request after the answer.
 */
bool input_stay(struct sp_client *c);

/* Goes on after an EXEC, with the reading role that it was left with. */
void input_continue(struct sp_client *c);

/*
 * Looks at bytes that a client sent, with the reading role. Returns 0, 1 when reading is to stop until
 * input_continue(), or -errno when the client is to be dropped. *call, NULL to begin with, is the first call
 * among them, which the caller is to run; others go to the pool. What this leaves over is in client->early.
 */
struct client_call;
int input_bytes(struct sp_client *c, const uint8_t *data, size_t len, struct client_call **call);

#endif
