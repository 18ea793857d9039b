/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections that clients ask for over those that they have. */
#ifndef LIBRUMPUSER_SP_CONNECT_H
#define LIBRUMPUSER_SP_CONNECT_H

struct sp_client;
struct sp_frame;

/* A CONNECT, with the reading role. */
void connect_request(struct sp_client *c, const struct sp_frame *frame);

/* The other end of one that c has asked for is not the server's any more. */
void connect_is_sent(struct sp_client *c);

/* c's handshake has come, or will not: it counts no more for who asked for it. In the loop's thread. */
void connect_is_over(struct sp_client *c);

#endif
