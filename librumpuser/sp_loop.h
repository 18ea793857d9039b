/* SPDX-License-Identifier: BSD-2-Clause */
/* The thread that listens, waits for handshakes, and sends what sockets did not take at once. */
#ifndef LIBRUMPUSER_SP_LOOP_H
#define LIBRUMPUSER_SP_LOOP_H

#include "sp/url.h"

struct sp_client;

/*
 * Starts it for a listening socket. banner: the line to greet with. Returns 0, or -errno, and then the socket
 * is still the caller's.
 */
int loop_start(enum sp_transport_kind kind, int listener, const char *banner);

/* Takes no new clients any more. */
void loop_stop_listening(void);

/* From any thread. */

/* There is output to send when there is room. */
void loop_watch_output(struct sp_client *c);

/* The client is dead. */
void loop_forget(struct sp_client *c);

/* A client that nobody has greeted yet, whose caller's reference is taken over: halfopen_greet(). */
void loop_greet(struct sp_client *c);

/* Something will expire. */
void loop_tick(void);

/* A client's memory has been freed. */
void loop_count_left(void);

#endif
