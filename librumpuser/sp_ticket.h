/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that PREFORK made, until a FORK presents their ticket. */
#ifndef LIBRUMPUSER_SP_TICKET_H
#define LIBRUMPUSER_SP_TICKET_H

#include <stdbool.h>
#include <stdint.h>

#include "librumpuser/sp_peer.h"
#include "sp/wire.h"

struct lwp;
struct sp_client;

/*
 * Copies the process that the current lwp belongs to, the client's, under a new ticket. Returns 0 or the
 * sp_error to answer with. The current lwp is another one after success.
 */
int ticket_make(struct sp_client *c, struct sp_ticket *ticket);

/*
 * Takes the process of a ticket that was given to the same user: its lwp, and the capabilities that go with
 * it. NULL when there is no such ticket; it is gone then, if there was one.
 */
struct lwp *ticket_redeem(const struct sp_ticket *ticket, const struct sp_peer *peer, uint32_t *capabilities);

/* Ends the process of a ticket that was given to that client. False when there is none. */
bool ticket_cancel(const struct sp_ticket *ticket, uint64_t owner);

/* Their owner has gone: they have a while left. */
void ticket_orphan(uint64_t owner);

/* Ends what has expired. Returns whether there are orphans left, to come back for. */
bool ticket_expire(void);

#endif
