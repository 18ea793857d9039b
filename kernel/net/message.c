/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending and receiving with their waiting. */
#include "kernel/net/socket_impl.h"

static uint32_t
state_of(struct socket *so)
{
	return atomic_load_explicit(&so->state, memory_order_acquire);
}

/* What keeps a socket from sending at all. */
static int
may_send(struct socket *so, const struct rumpk_somsg *msg)
{
	uint32_t state = state_of(so);
	int error = rumpk_so_error(so);

	if (error != 0)
		return error;
	if ((state & RUMPK_SO_WRSHUT) != 0)
		return RUMP_EPIPE;
	if ((state & RUMPK_SO_CONNECTED) != 0)
		return 0;
	if ((so->protocol->flags & RUMPK_PR_CONNREQUIRED) != 0)
		return RUMP_ENOTCONN;
	return msg->addr.len == 0 ? RUMP_EDESTADDRREQ : 0;
}

int
rumpk_so_send(struct socket *so, struct rumpk_somsg *msg, bool nonblocking)
{
	bool atomic = (so->protocol->flags & RUMPK_PR_ATOMIC) != 0;
	struct rumpk_sowait wait;
	int error;

	if (so->protocol->ops->send == NULL)
		return RUMP_EOPNOTSUPP;
	error = may_send(so, msg);
	if (error != 0)
		return error;
	/* A stream has nothing to do for nothing. */
	if (!atomic && msg->uio->resid == 0 && msg->nfiles == 0 && msg->controllen == 0)
		return 0;
	rumpk_sowait_init(&wait, so, true, nonblocking || (msg->flags & RUMP_MSG_DONTWAIT) != 0);
	for (;;) {
		rumpk_sowait_mark(&wait);
		error = so->protocol->ops->send(so, msg);
		if (error == 0 && (atomic || msg->uio->resid == 0))
			return 0;
		if (error == RUMP_EWOULDBLOCK)
			error = rumpk_sowait_sleep(&wait);
		/* What went wrong while it waited counts more than that it waited. */
		if (error == 0)
			error = rumpk_so_error(so);
		if (error == 0 && (state_of(so) & RUMPK_SO_WRSHUT) != 0)
			error = RUMP_EPIPE;
		if (error != 0)
			return error;
	}
}

/* That what is sent reaches nobody any more is for who sends: behind the last data is the end all the same.
 * Who peeks leaves the error where it is, as the data. */
static int
error_of_receiving(struct socket *so, bool ended, bool peek)
{
	int error;

	rumpk_lock(so->lock);
	error = so->error;
	if (ended && error == RUMP_EPIPE)
		error = 0;
	else if (!peek)
		so->error = 0;
	rumpk_unlock(so->lock);
	return error;
}

int
rumpk_so_receive(struct socket *so, struct rumpk_somsg *msg, bool nonblocking)
{
	bool peek = (msg->flags & RUMP_MSG_PEEK) != 0;
	bool whole =
	    (msg->flags & RUMP_MSG_WAITALL) != 0 && !peek && (so->protocol->flags & RUMPK_PR_ATOMIC) == 0;
	size_t before = msg->uio->resid;
	struct rumpk_sowait wait;
	int error;

	if (so->protocol->ops->receive == NULL)
		return RUMP_EOPNOTSUPP;
	rumpk_sowait_init(&wait, so, false, nonblocking || (msg->flags & RUMP_MSG_DONTWAIT) != 0);
	for (;;) {
		size_t left = msg->uio->resid;

		rumpk_sowait_mark(&wait);
		if ((state_of(so) & RUMPK_SO_LISTENING) != 0)
			return RUMP_ENOTCONN;
		if ((state_of(so) & RUMPK_SO_RDSHUT) != 0)
			return 0;
		error = so->protocol->ops->receive(so, msg);
		/* An error that has come comes after the data that came before it. */
		if (error == RUMP_EWOULDBLOCK || (error == 0 && msg->uio->resid == left && left > 0)) {
			int pending = error_of_receiving(so, error == 0, peek);

			error = pending != 0 ? pending : error;
		}
		/* The end, enough, or a piece that has something with it. */
		if (error == 0 &&
		    (!whole || msg->uio->resid == 0 || msg->uio->resid == left || msg->nfiles > 0))
			return 0;
		if (error == 0)
			continue;
		/* Nobody waits for nothing. */
		if (error == RUMP_EWOULDBLOCK && before == 0)
			return 0;
		if (error == RUMP_EWOULDBLOCK)
			error = rumpk_sowait_sleep(&wait);
		if (error != 0)
			return msg->uio->resid != before ? 0 : error;
	}
}
