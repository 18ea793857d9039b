/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets: the common half, for protocols.
 *
 * Theory of operation: a protocol registers a domain with its table of operations. An operation
 * never waits: what cannot be done now answers EWOULDBLOCK (EINPROGRESS for connect), and when
 * that may have changed the protocol calls rumpk_so_notify(), from whatever thread it likes. The
 * common half does all the waiting: blocking calls, timeouts, interrupts, poll, kqueue. It holds no
 * lock when it calls an operation, and several threads may call operations on one socket at a
 * time: a protocol locks its own. Memory in messages is this process's own (see base/uio.h).
 *
 * A notification says that something may have changed; the common half asks again. So it may be
 * spurious, but none may be missing, and it comes after the change.
 */
#ifndef KERNEL_NET_SOCKET_H
#define KERNEL_NET_SOCKET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <rump/rumpdefs.h>
#include "kernel/base/component.h"
#include "kernel/base/cred.h"
#include "kernel/base/lock.h"
#include "kernel/base/notify.h"
#include "kernel/base/sigio.h"
#include "kernel/base/sleep.h"
#include "kernel/base/uio.h"

struct file;
struct socket;

/* An address as NetBSD lays it out; len counts all of it, and is in its first byte, too. */
#define RUMPK_SOCKADDR_MAX 255
struct rumpk_sockaddr {
	uint32_t len;
	_Alignas(8) uint8_t data[RUMPK_SOCKADDR_MAX + 1];
};

static inline int
rumpk_sockaddr_family(const struct rumpk_sockaddr *addr)
{
	return addr->len >= 2 ? addr->data[1] : RUMP_AF_UNSPEC;
}

/* Control messages other than SCM_RIGHTS, as NetBSD lays them out. */
#define RUMPK_CONTROL_MAX 2048
/* Files that one message may carry. */
#define RUMPK_FILES_MAX 64

/* A message to send or to receive. */
struct rumpk_somsg {
	struct rumpk_uio *uio;
	/* RUMP_MSG_*: what the call asks for; receive sets MSG_EOR, MSG_TRUNC and MSG_CTRUNC in it. */
	int flags;
	/* send: where to, len 0 when the call names nobody. receive: from where. */
	struct rumpk_sockaddr addr;
	/*
	 * SCM_RIGHTS, each with a reference. send: of those that it takes over, it sets nfiles to 0.
	 * receive: hands its references to the caller; files has room for RUMPK_FILES_MAX.
	 */
	struct file **files;
	size_t nfiles;
	/* Other control messages; receive appends to them, with room for RUMPK_CONTROL_MAX, by
	 * rumpk_control_add(). */
	uint8_t *control;
	size_t controllen;
	/* send: whose call it is. */
	const struct rumpk_cred *cred;
	int32_t pid;
};

/* What a socket could do now. */
struct rumpk_soready {
	/* receive would not answer EWOULDBLOCK, or accept on a listening one; send would not. */
	bool readable, writable;
	/* There is out-of-band data. */
	bool oob;
	/* Nothing will come any more; nothing can be sent any more. */
	bool read_eof, write_eof;
	/* Bytes (connections, on a listening one) to receive, and room to send. */
	int64_t rx, tx;
};

/* Operations. All return 0 or a positive errno; NULL: EOPNOTSUPP, or as it says. */
struct rumpk_protops {
	/* A new socket: makes so->pcb. Required. */
	int (*attach)(struct socket *so, const struct rumpk_cred *cred);
	/* The last reference has gone. Afterwards the protocol does not touch so any more. Required. */
	void (*detach)(struct socket *so);
	int (*bind)(struct socket *so, const struct rumpk_sockaddr *addr, const struct rumpk_cred *cred);
	/* backlog is between 0 and SOMAXCONN. */
	int (*listen)(struct socket *so, int backlog);
	/*
	 * The next connection, for newso, which has been made like so but has no pcb yet: accept makes
	 * it. The peer's address goes to *addr. EWOULDBLOCK, or ECONNABORTED.
	 */
	int (*accept)(struct socket *so, struct socket *newso, struct rumpk_sockaddr *addr);
	/*
	 * 0: is connected. EINPROGRESS: rumpk_so_connected() or rumpk_so_failed() will follow. A datagram
	 * protocol takes AF_UNSPEC as the end of the association.
	 */
	int (*connect)(struct socket *so, const struct rumpk_sockaddr *addr, const struct rumpk_cred *cred);
	/* socketpair. */
	int (*connect2)(struct socket *so, struct socket *other);
	/* how is RUMP_SHUT_*. */
	int (*shutdown)(struct socket *so, int how);
	/*
	 * Sends what it can of msg->uio, at least a byte, or all of a datagram; EWOULDBLOCK when there is
	 * no room, EPIPE when nothing can be sent any more. Control and files go with the first byte.
	 */
	int (*send)(struct socket *so, struct rumpk_somsg *msg);
	/*
	 * Receives what there is into msg->uio; 0 with nothing moved is the end. MSG_WAITALL is dealt
	 * with by the common half. RUMP_MSG_PEEK: leaves it there.
	 */
	int (*receive)(struct socket *so, struct rumpk_somsg *msg);
	void (*ready)(struct socket *so, struct rumpk_soready *ready);
	int (*sockname)(struct socket *so, struct rumpk_sockaddr *addr);
	/* ENOTCONN when there is none. */
	int (*peername)(struct socket *so, struct rumpk_sockaddr *addr);
	/*
	 * Options of levels other than SOL_SOCKET: *len is the room, and then the length. NULL, and for
	 * those it does not know: ENOPROTOOPT.
	 */
	int (*getopt)(struct socket *so, int level, int name, void *buf, size_t *len);
	int (*setopt)(struct socket *so, int level, int name, const void *buf, size_t len,
	    const struct rumpk_cred *cred);
	/* An option of SOL_SOCKET is about to become what so->opts will say; may refuse. NULL: any may
	 * change. */
	int (*sockopt)(struct socket *so, int name, int64_t value);
	/* Commands that the common half does not answer itself, and FIONWRITE, if it knows better. NULL:
	 * ENOTTY. */
	int (*ioctl)(struct socket *so, unsigned long cmd, void *data);
	/* st has its mode already. NULL: nothing more to say. */
	void (*stat)(struct socket *so, struct rump_stat *st);
};

#define RUMPK_PR_ATOMIC 0x01       /* a send is one message, whole or not at all (EMSGSIZE) */
#define RUMPK_PR_ADDR 0x02         /* messages carry addresses: recvfrom tells them */
#define RUMPK_PR_CONNREQUIRED 0x04 /* sending and receiving need a connection (ENOTCONN) */
#define RUMPK_PR_RIGHTS 0x08       /* messages may carry files */
#define RUMPK_PR_LISTEN 0x10       /* can listen and accept */

struct rumpk_protocol {
	/* RUMP_SOCK_*, and the number that socket(2) may name; 0 is taken for the first of the type. */
	int type;
	int number;
	int flags;
	const struct rumpk_protops *ops;
	/* Initial SO_SNDBUF and SO_RCVBUF. */
	uint32_t sndbuf, rcvbuf;
};

struct rumpk_domain {
	int family;
	const char *name;
	const struct rumpk_protocol *protocols;
	size_t nprotocols;
	struct rumpk_domain *next;
};

/* To be called by components' init functions only; d must last. */
RUMPK_EXPORT void rumpk_domain_register(struct rumpk_domain *d);

/* What setsockopt has set at SOL_SOCKET. */
struct rumpk_sockopts {
	/* Bits RUMP_SO_DEBUG, SO_REUSEADDR, SO_KEEPALIVE... as they are in the ABI. */
	_Atomic(uint32_t) flags;
	_Atomic(int32_t) sndbuf, rcvbuf, sndlowat, rcvlowat;
	/* Nanoseconds, 0 for none. */
	_Atomic(int64_t) sndtimeo, rcvtimeo;
	/* Seconds, -1 when SO_LINGER is off. */
	_Atomic(int32_t) linger;
};

/* so->state */
#define RUMPK_SO_CONNECTED 0x01
#define RUMPK_SO_CONNECTING 0x02
#define RUMPK_SO_LISTENING 0x04
#define RUMPK_SO_RDSHUT 0x08
#define RUMPK_SO_WRSHUT 0x10

struct socket {
	const struct rumpk_domain *domain;
	const struct rumpk_protocol *protocol;
	/* The protocol's. */
	void *pcb;
	struct rumpk_sockopts opts;
	_Atomic(uint32_t) state;

	/* --- The common half's. */
	rumpk_mutex lock;
	/* Guarded by lock: an error that has come by itself, reported once. */
	int error;
	/* Count notifications; sleepers compare. */
	uint64_t rx_changes, tx_changes;
	struct rumpk_waitq rx_wait, tx_wait;
	struct rumpk_notelist notes;
	rumpk_sigio_slot sigio;
};

/*
 * From any thread, with no lock held that an operation takes: receiving (or accepting) or sending
 * may now be possible, or has ended. what is RUMPK_NOTE_READABLE, _WRITABLE, _HANGUP.
 */
RUMPK_EXPORT void rumpk_so_notify(struct socket *so, uint32_t what);

/* The connection that was in progress is there. */
RUMPK_EXPORT void rumpk_so_connected(struct socket *so);

/* It is not; or an error has come: the next call, or SO_ERROR, reports it. */
RUMPK_EXPORT void rumpk_so_failed(struct socket *so, int error);

/* The peer has gone, or disconnect. */
RUMPK_EXPORT void rumpk_so_disconnected(struct socket *so);

/* Appends a control message, or sets MSG_CTRUNC when there is no room. */
RUMPK_EXPORT void rumpk_control_add(
    struct rumpk_somsg *msg, int level, int type, const void *data, size_t len);

#endif
