/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handing the connection over to the next program. The environment carries it:
 *	RUMPCLIENT__EXECFD=descriptor,-1,capabilities,server's pid
 *	RUMP__PARSEDSERVER=URL
 * The first two numbers are what NetBSD's library hands over and reads; -1 stands for a second
 * descriptor that it would like to have.
 */
#include "config.h"

#include "rumpclient/client.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rumpclient/exec.h"

#define HANDOVER "RUMPCLIENT__EXECFD"
#define PARSED "RUMP__PARSEDSERVER"

struct environment {
	char handover[128];
	char url[SP_URL_ERROR_MAX];
	char *variables[];
};

static bool
is_variable(const char *setting, const char *name)
{
	size_t len = strlen(name);

	return strncmp(setting, name, len) == 0 && setting[len] == '=';
}

static struct environment *
environment_new(const struct rumpclient *ctx, const struct rc_link *link, char *const envp[])
{
	struct environment *e;
	char url[SP_URL_ERROR_MAX - sizeof(PARSED) - 1];
	size_t count = 0;
	size_t used = 0;

	while (envp != NULL && envp[count] != NULL)
		count++;
	e = malloc(sizeof(*e) + (count + 3) * sizeof(e->variables[0]));
	if (e == NULL)
		return NULL;
	(void)sp_url_format(&ctx->url, url, sizeof(url));
	snprintf(e->handover, sizeof(e->handover), HANDOVER "=%d,-1,%x,%d", link->fd,
	    (unsigned int)link->capabilities, (int)link->server);
	snprintf(e->url, sizeof(e->url), PARSED "=%s", url);
	for (size_t i = 0; i < count; i++)
		if (!is_variable(envp[i], HANDOVER) && !is_variable(envp[i], PARSED))
			e->variables[used++] = envp[i];
	e->variables[used++] = e->handover;
	e->variables[used++] = e->url;
	e->variables[used] = NULL;
	return e;
}

static pid_t
server_of(int fd)
{
	struct ucred peer = {0};
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 ? peer.pid : 0;
}

/* Receives until it is between two frames. Nobody else receives or sends. */
static int
quiesce(struct rumpclient *ctx)
{
	for (;;) {
		int result = rc_receive_frame(ctx, true);

		if (result < 0)
			return result;
		if (result == 1)
			continue;
		if (atomic_load(&ctx->head) == atomic_load(&ctx->tail))
			return 0;
		result = rc_receive_now(ctx);
		if (result == -EAGAIN)
			rc_wait_deadly(atomic_load(&ctx->fd), POLLIN);
		else if (result != 1)
			return result == 0 ? -ENOTCONN : result;
	}
}

static int
hand_over(struct rumpclient *ctx, const char *path, char *const argv[], char *const envp[])
{
	struct rc_link link = {.fd = atomic_load(&ctx->fd), .capabilities = ctx->capabilities};
	int error;

	link.server = ctx->tcp ? 0 : server_of(link.fd);
	free(ctx->environment);
	ctx->environment = environment_new(ctx, &link, envp);
	if (ctx->environment == NULL)
		return -ENOMEM;
	if (fcntl(link.fd, F_SETFD, 0) == -1)
		return -errno;
	(void)execve(path, argv, ((struct environment *)ctx->environment)->variables);
	error = -errno;
	(void)fcntl(link.fd, F_SETFD, FD_CLOEXEC);
	return error;
}

int
rumpclient_ctx_exec(struct rumpclient *ctx, const char *path, char *const argv[], char *const envp[])
{
	rc_sigmask mask;
	bool inherited;
	int error;

	if (!rc_alive(ctx))
		return -ENOTCONN;
	error = rc_role_seize(ctx, &inherited);
	if (error != 0)
		return error;
	rc_block_signals(&mask);
	rc_send_lock(ctx);
	atomic_store(&ctx->sole, rc_self());
	error = quiesce(ctx);
	/* The new program gets the signal mask. A handler that runs yet may make calls: as `sole`. */
	rc_restore_signals(&mask);
	if (error == 0)
		error = hand_over(ctx, path, argv, envp);
	atomic_store(&ctx->sole, 0);
	rc_send_unlock(ctx);
	rc_role_release(ctx, inherited);
	return error;
}

int
rc_exec_take(struct rc_link *link)
{
	const char *text = getenv(HANDOVER);
	unsigned int capabilities = 0;
	int holy;
	int server = 0;

	if (text == NULL)
		return -ENOENT;
	*link = (struct rc_link){.fd = -1};
	if (sscanf(text, "%d,%d,%x,%d", &link->fd, &holy, &capabilities, &server) < 2 || link->fd < 3 ||
	    fcntl(link->fd, F_SETFD, FD_CLOEXEC) == -1)
		link->fd = -1;
	link->capabilities = capabilities;
	link->server = server;
	(void)unsetenv(HANDOVER);
	return link->fd == -1 ? -EBADF : 0;
}

const char *
rc_exec_url(void)
{
	return getenv(PARSED);
}

void
rc_exec_done(void)
{
	(void)unsetenv(PARSED);
}
