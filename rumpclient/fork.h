/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef RUMPCLIENT_FORK_H
#define RUMPCLIENT_FORK_H

#include <rump/rumpclient.h>

#include "sp/wire.h"

struct rumpclient_fork {
	struct sp_ticket ticket; /* first: tests of NetBSD's tamper with it */
	uint32_t capabilities;
	pid_t pid; /* of the parent */
	struct rumpclient *parent;
	/* Of a child that shares its parent's memory. */
	struct rumpclient *child;
	struct rumpclient *previous;
};

/* Tells the server that the ticket will not be used. */
void rc_fork_give_back(struct rumpclient_fork *fork);

#endif
