/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Internet domains, served by the host's sockets.
 *
 * Theory of operation: every socket has one of the host's, which never waits. An operation asks the host;
 * when that answers EWOULDBLOCK, and when somebody asks what the socket could do, the socket is put into
 * the one queue of events (edge-triggered, so that it is put there once), and a thread of the kernel that
 * sleeps in the host until something comes passes the news on to the common half. Putting a socket
 * into the queue reports what holds already, so it may be done after the attempt that failed.
 *
 * An event names a pcb. pcbs are type-stable memory: the event of one that has been let go meanwhile finds no
 * socket in it, or another one's, to which it is a notification too many, which does no harm.
 */
#ifndef KERNEL_NET_SOCKIN_SOCKIN_H
#define KERNEL_NET_SOCKIN_SOCKIN_H

#include "kernel/net/socket.h"

struct sockin_pcb {
	rumpk_mutex lock;
	/* Guarded by lock: NULL when the pcb is free. */
	struct socket *so;
	/* Guarded by lock: a connection is in progress. */
	bool connecting;
	/* SOCKIN_IN, SOCKIN_OUT: what the queue tells of. Changed under lock. */
	_Atomic(unsigned) watched;
	/* The host's socket; does not change while there is a socket. */
	int fd;
	void *pool_link;
};

static inline struct sockin_pcb *
sockin_pcb(struct socket *so)
{
	return so->pcb;
}

/* events.c. Both watch for what (SOCKIN_IN, SOCKIN_OUT) from now on; the second with the pcb's lock held. */
int sockin_watch(struct sockin_pcb *pcb, unsigned what);
int sockin_watch_locked(struct sockin_pcb *pcb, unsigned what);
/* Before the host's socket is closed: while the queue looks at it, closing it is put off. */
void sockin_unwatch(struct sockin_pcb *pcb);
void sockin_ready(struct socket *so, struct rumpk_soready *ready);
void sockin_events_init(void);

/* interface.c: requests about interfaces, others are ENOTTY. */
int sockin_interface(struct socket *so, unsigned long cmd, void *data);

/* transfer.c */
int sockin_send(struct socket *so, struct rumpk_somsg *msg);
int sockin_receive(struct socket *so, struct rumpk_somsg *msg);

#endif
