/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection's bytes. Everything above knows only these calls, so that a transport with buffers of its own
 * (TLS) fits in.
 */
#ifndef SP_TRANSPORT_H
#define SP_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "sp/url.h"

struct sp_transport;

struct sp_transport_ops {
	/* As recv and sendmsg do: a count, 0 at the end of the stream, -errno (-EAGAIN: not now). */
	ssize_t (*receive)(struct sp_transport *t, void *buf, size_t len, bool wait);
	ssize_t (*send)(struct sp_transport *t, const struct iovec *iov, int count, bool wait);
	/* Whether receive would return bytes that the descriptor's readiness does not show. */
	bool (*pending)(const struct sp_transport *t);
};

struct sp_transport {
	const struct sp_transport_ops *ops;
	int fd; /* what to wait on */
	enum sp_transport_kind kind;
};

/* A transport over a connected stream socket, which stays the caller's to close. */
void sp_transport_init(struct sp_transport *t, enum sp_transport_kind kind, int fd);

/*
 * Sets what makes a connected TCP socket quick: frames go out at once, and to a peer on this machine without
 * a model of the network between, which congestion control would otherwise keep up with every segment. What
 * fails costs speed and nothing else.
 */
void sp_tcp_prepare(int fd);

/*
 * Receives into buf. Descriptors that come along over a unix socket are dropped. Interrupted waits are
 * resumed only without wait; with it -EINTR comes back.
 */
static inline ssize_t
sp_receive(struct sp_transport *t, void *buf, size_t len, bool wait)
{
	return t->ops->receive(t, buf, len, wait);
}

/* Sends what it can, never raising SIGPIPE. */
static inline ssize_t
sp_send(struct sp_transport *t, const struct iovec *iov, int count, bool wait)
{
	return t->ops->send(t, iov, count, wait);
}

/* Sends over a unix socket, without waiting, and a descriptor along with the first byte. As sp_send(). */
ssize_t sp_send_descriptor(struct sp_transport *t, const void *buf, size_t len, int fd);

static inline bool
sp_pending(const struct sp_transport *t)
{
	return t->ops->pending(t);
}

/*
 * Steps over the first n bytes of *iov, for the rest of what was sent in part. Returns how many are left of
 * the *count parts.
 */
int sp_iov_advance(struct iovec **iov, int count, size_t n);

#endif
