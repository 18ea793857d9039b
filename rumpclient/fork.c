/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "rumpclient/client.h"

#include <fcntl.h>
#include <stdlib.h>

#include "rumpclient/fork.h"
#include "sp/capability.h"

struct rumpclient_fork *
rumpclient_ctx_prefork(struct rumpclient *ctx)
{
	static const struct rc_request prefork = {.type = SP_PREFORK};
	struct rumpclient_fork *fork = calloc(1, sizeof(*fork));
	int error = -ENOMEM;

	if (fork != NULL)
		error = rc_request(ctx, &prefork, &fork->ticket, sizeof(fork->ticket));
	if (error != 0) {
		free(fork);
		errno = -error;
		return NULL;
	}
	fork->parent = ctx;
	fork->capabilities = ctx->capabilities;
	fork->pid = getpid();
	fork->fd = -1;
	return fork;
}

struct rumpclient_fork *
rc_prefork_connected(struct rumpclient *ctx)
{
	struct rumpclient_fork *fork = rumpclient_ctx_prefork(ctx);
	int fd = fork != NULL ? rc_connect(ctx) : -1;

	if (fd >= 0)
		fork->fd = fd;
	return fork;
}

/* The child's connection, by what there is. */
static int
connect_child(struct rumpclient_fork *fork, struct rc_link *link)
{
	int error, fd = fork->fd;

	if (fd == -1) {
		error = rc_dial(&fork->parent->url, 0, link);
		return error != 0 ? error : rc_redeem(link, &fork->ticket, fork->capabilities);
	}
	/* A parent whose memory this is has a descriptor of its own. */
	if (getpid() == fork->pid || !rc_alive(fork->parent)) {
		fork->fd = -1;
		rc_connect_done(fd);
	}
	error = rc_dial_connected(fd, link);
	return error != 0 ? error
			  : rc_redeem(link, &fork->ticket, sp_capabilities_connected(fork->capabilities));
}

struct rumpclient *
rumpclient_ctx_fork_init(struct rumpclient_fork *fork)
{
	struct rumpclient *ctx = rc_context_new();
	struct rc_link link;
	int error = -ENOMEM;

	if (ctx != NULL) {
		ctx->url = fork->parent->url;
		atomic_store(&ctx->retry, atomic_load(&fork->parent->retry));
		error = connect_child(fork, &link);
	}
	if (error != 0) {
		rumpclient_ctx_free(ctx);
		errno = -error;
		return NULL;
	}
	rc_adopt(ctx, &link, 2);
	if (getpid() != fork->pid)
		rc_disown(fork->parent);
	return ctx;
}

void
rc_fork_give_back(struct rumpclient_fork *fork)
{
	const struct sp_fork body = {.ticket = fork->ticket, .cancel = 1};
	const struct rc_request cancel = {SP_HANDSHAKE, SP_FORK, &body, sizeof(body)};
	struct sp_handshake_response response;

	if ((fork->capabilities & SP_CAP_CANCEL) != 0 && getpid() == fork->pid)
		(void)rc_request(fork->parent, &cancel, &response, sizeof(response));
}

void
rc_fork_free(struct rumpclient_fork *fork)
{
	if (fork != NULL && fork->fd != -1)
		rc_connect_close(fork->fd);
	free(fork);
}
