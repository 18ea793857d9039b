/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections whose handshake has not come yet. All of it in the loop's thread. */
#ifndef LIBRUMPUSER_SP_HALFOPEN_H
#define LIBRUMPUSER_SP_HALFOPEN_H

#include <stdbool.h>

struct event_base;
struct sp_client;
struct sp_peer;

/* Returns 0 or -errno; halfopen_fini() undoes it in either case, when there are no connections. */
int halfopen_init(struct event_base *base, const char *banner);
void halfopen_fini(void);

/* Greets a new connection, whose descriptor is taken over, and waits for its handshake. */
void halfopen_add(int fd, const struct sp_peer *peer);

/* The same for one that is a client already, whose caller's reference is taken over. */
void halfopen_greet(struct sp_client *c);

/* Has no effect for a client that is not half-open any more. */
void halfopen_remove(struct sp_client *c);

/* Drops those that have had their time. Returns whether there are others. */
bool halfopen_expire(void);

#endif
