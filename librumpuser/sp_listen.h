/* SPDX-License-Identifier: BSD-2-Clause */
/* The listening socket. */
#ifndef LIBRUMPUSER_SP_LISTEN_H
#define LIBRUMPUSER_SP_LISTEN_H

#include <stdbool.h>
#include <sys/types.h>

#include "sp/url.h"

struct event_base;

/*
 * Makes one for the URL, whose path is absolute; a unix socket gets that mode, and replaces one that nobody
 * listens on. Returns the descriptor, or -errno with a line in error[SP_URL_ERROR_MAX].
 */
int listen_open(const struct sp_url *url, mode_t mode, char *error);

/* Removes the unix socket, if it is still the one that listen_open() made. */
void listen_unlink(void);

/*
 * In the loop's thread, or before there is one: accepting begins, and ends. False when there is no memory.
 * listen_end() closes the listening socket, listen_abandon() leaves it.
 */
bool listen_begin(struct event_base *base, enum sp_transport_kind kind, int fd);
void listen_end(void);
void listen_abandon(void);

#endif
