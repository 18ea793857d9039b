/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef RUMPCLIENT_FORK_H
#define RUMPCLIENT_FORK_H

#include <stdbool.h>

#include <rump/rumpclient.h>

#include "sp/wire.h"

struct rumpclient_fork {
	struct sp_ticket ticket; /* first: tests of NetBSD's tamper with it */
	uint32_t capabilities;
	pid_t pid; /* of the parent */
	struct rumpclient *parent;
	int fd; /* a connection that was made for the child; -1: it connects by itself */
	/* Of a child that shares its parent's memory. */
	struct rumpclient *child;
	struct rumpclient *previous;
};

/* As rumpclient_ctx_prefork(), with a connection for the child if the server makes one. */
struct rumpclient_fork *rc_prefork_connected(struct rumpclient *ctx);

/* Tells the server that the ticket will not be used. */
void rc_fork_give_back(struct rumpclient_fork *fork);

/* Frees it, and closes the child's connection if that is there yet. NULL is nothing. */
void rc_fork_free(struct rumpclient_fork *fork);

#endif
