/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * A process that has become another user, or has another root, could not connect again; its children have to
 * be connected all the same. So it may ask for a connection over the one that it has. The server makes both
 * ends, keeps one, which it treats as any that was accepted, and sends the other with the answer. It never
 * takes a descriptor from anybody: there is nothing to check, and nothing that could leak or be changed under
 * its hands.
 *
 * Who is admitted is who was admitted to the first connection. That adds nothing to what its owner can do,
 * who could pass on whatever is said on it for anybody. But the process that will use the new one is not
 * known, so the server does not reach into its memory (LOCALCOPY).
 *
 * One client cannot use up the server's descriptors: each of the two ends counts for who asked for it, ours
 * until the handshake has come (or its time limit), the other until it was sent.
 */
#include "librumpuser/sp_connect.h"

#include <sys/socket.h>
#include <unistd.h>

#include "librumpuser/sp_client.h"
#include "librumpuser/sp_loop.h"
#include "librumpuser/sp_output.h"

/* Makes both ends; the other one is *theirs. Returns 0 or the error to answer with. */
static int
make(struct sp_client *c, int *theirs)
{
	struct sp_peer peer = c->peer;
	struct sp_client *made;
	int ends[2];

	/* Only the thread that reads from the client adds to them. */
	if (atomic_load(&c->connects) >= 2 * sp_config.tickets || client_count() >= sp_config.clients)
		return SP_ERR_TRYAGAIN;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return SP_ERR_TRYAGAIN;
	peer.connected = true;
	peer.pid = 0;
	made = client_new(ends[0], &peer);
	if (made == NULL) {
		close(ends[0]);
		close(ends[1]);
		return SP_ERR_NOMEM;
	}
	made->asker = c->id;
	atomic_fetch_add(&c->connects, 2);
	loop_greet(made);
	*theirs = ends[1];
	return 0;
}

void
connect_request(struct sp_client *c, const struct sp_frame *frame)
{
	int theirs, error = SP_ERR_MALFORMED;

	if (client_can(c, SP_CAP_CONNECT) && frame->body.left == 0)
		error = make(c, &theirs);
	if (error != 0)
		output_error(c, frame->header.reqno, (enum sp_error)error);
	else
		output_descriptor(c, SP_CONNECT, frame->header.reqno, theirs);
}

void
connect_is_sent(struct sp_client *c)
{
	atomic_fetch_sub(&c->connects, 1);
}

void
connect_is_over(struct sp_client *c)
{
	struct sp_client *asker = c->asker != 0 ? client_find(c->asker) : NULL;

	c->asker = 0;
	if (asker == NULL)
		return;
	atomic_fetch_sub(&asker->connects, 1);
	client_put(asker);
}
