/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections whose handshake has not come yet. All of it in the loop's thread. */
#ifndef LIBRUMPUSER_SP_HALFOPEN_H
#define LIBRUMPUSER_SP_HALFOPEN_H

#include <stdbool.h>

struct event_base;
struct sp_client;
struct sp_peer;

void halfopen_init(struct event_base *base, const char *banner);

/* Greets a new connection, whose descriptor is taken over, and waits for its handshake. */
void halfopen_add(int fd, const struct sp_peer *peer);

/* Has no effect for a client that is not half-open any more. */
void halfopen_remove(struct sp_client *c);

/* Drops those that have had their time. Returns whether there are others. */
bool halfopen_expire(void);

#endif
