/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/net/sockin/sockin.h"
#include "kernel/net/sockin/user.h"

static bool
is_datagram(const struct socket *so)
{
	return (so->protocol->flags & RUMPK_PR_ATOMIC) != 0;
}

int
sockin_send(struct socket *so, struct rumpk_somsg *msg)
{
	struct sockin_message message = {.iov = msg->uio->iov,
	    .iovcnt = msg->uio->iovcnt,
	    .flags = msg->flags,
	    .control = msg->control,
	    .controllen = msg->controllen};
	size_t done = 0;
	int error;

	if (msg->addr.len > 0 && is_datagram(so)) {
		if ((atomic_load_explicit(&so->state, memory_order_acquire) & RUMPK_SO_CONNECTED) != 0)
			return RUMP_EISCONN;
		message.addr = msg->addr.data;
		message.addrlen = msg->addr.len;
	}
	error = sockin_user_send(sockin_pcb(so)->fd, &message, &done);
	if (error == RUMP_EWOULDBLOCK) {
		int failure = sockin_watch(sockin_pcb(so), SOCKIN_OUT);

		return failure != 0 ? failure : error;
	}
	if (error == 0) {
		rumpk_uioskip(msg->uio, done);
		msg->controllen = 0;
	}
	return error;
}

static void
add_control(void *arg, int level, int type, const void *data, size_t len)
{
	rumpk_control_add(arg, level, type, data, len);
}

int
sockin_receive(struct socket *so, struct rumpk_somsg *msg)
{
	struct sockin_message message = {
	    .iov = msg->uio->iov, .iovcnt = msg->uio->iovcnt, .flags = msg->flags, .arg = msg};
	size_t done = 0;
	int error;

	if (is_datagram(so)) {
		message.addr = msg->addr.data;
		message.addrlen = RUMPK_SOCKADDR_MAX;
	}
	if (msg->control != NULL)
		message.add_control = add_control;
	error = sockin_user_receive(sockin_pcb(so)->fd, &message, &done);
	if (error == RUMP_EWOULDBLOCK) {
		int failure = sockin_watch(sockin_pcb(so), SOCKIN_IN);

		return failure != 0 ? failure : error;
	}
	if (error == 0) {
		rumpk_uioskip(msg->uio, done);
		/* What add_control has set stays. */
		msg->flags |=
		    message.flags & (RUMP_MSG_EOR | RUMP_MSG_TRUNC | RUMP_MSG_CTRUNC | RUMP_MSG_OOB);
		msg->addr.len = message.addr != NULL ? message.addrlen : 0;
	}
	return error;
}
