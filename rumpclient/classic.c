/* SPDX-License-Identifier: BSD-2-Clause */
/* NetBSD's interface, on the calling thread's context. */
#include "config.h"

#include "rumpclient/client.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rumpclient/exec.h"
#include "rumpclient/fork.h"

static struct rumpclient *_Atomic default_context;
static _Thread_local struct rumpclient *chosen __attribute__((tls_model("initial-exec")));
static pthread_mutex_t init_mutex = PTHREAD_MUTEX_INITIALIZER;
static _Atomic time_t default_retry;

struct rumpclient *
rumpclient_ctx_current(void)
{
	return chosen != NULL ? chosen : atomic_load_explicit(&default_context, memory_order_acquire);
}

struct rumpclient *
rumpclient_ctx_use(struct rumpclient *ctx)
{
	struct rumpclient *before = chosen;

	chosen = ctx;
	return before;
}

/*
 * A child of vfork chose its own context in this thread's memory, and the parent was compiled so that it
 * does not undo that: rumpclient_fork_vparent() was not called.
 */
bool
rc_vfork_returned(void)
{
	struct rumpclient_fork *fork = chosen != NULL ? chosen->made_by : NULL;

	if (fork == NULL || fork->pid != getpid())
		return false;
	rumpclient_fork_vparent(fork);
	return true;
}

static int
result_of(int error)
{
	if (error == 0)
		return 0;
	errno = -error;
	return -1;
}

/* A context that a child of fork inherited: its memory is a copy, its connection the parent's. */
static void
forget(struct rumpclient *ctx)
{
	rc_disown(ctx);
	/* A call that the fork interrupted will look at it. */
	if (rc_innermost == NULL)
		rc_context_free(ctx);
}

static const char *
reason(int error)
{
	if (error == -EPROTO)
		return "what answers is no server";
	if (error == -EPERM)
		return "the server does not admit this user, or nobody more";
	return strerror(-error);
}

static int
connect_to(struct rumpclient *ctx, const char *variable, const char *url)
{
	char error_text[SP_URL_ERROR_MAX];
	struct rc_link link;
	int handed_over = rc_exec_take(&link);
	int error = sp_url_parse(&ctx->url, url, error_text);

	if (error != 0) {
		fprintf(stderr,
		    "rumpclient: %s: %s; set it to the server's URL, as in unix:///path/to/socket\n",
		    variable, error_text);
		return error;
	}
	error = sp_url_make_absolute(&ctx->url);
	if (error == 0 && handed_over == 0)
		error = rc_hello(&link, SP_EXEC, 0);
	else if (error == 0 && (error = rc_dial(&ctx->url, 0, &link)) == 0)
		error = rc_hello(&link, SP_GUEST, 1);
	if (error != 0) {
		fprintf(stderr,
		    "rumpclient: no rump kernel at %s=%s: %s; start a server there, or set %s to another's "
		    "URL\n",
		    variable, url, reason(error), variable);
		return error;
	}
	rc_adopt(ctx, &link, handed_over == 0 ? 1 : 2);
	return 0;
}

static int
init(void)
{
	struct rumpclient *before = atomic_load(&default_context);
	const char *variable = "RUMP_SERVER";
	const char *url = getenv(variable);
	struct rumpclient *ctx;
	int error;

	if (before != NULL && rc_alive(before))
		return 0;
	if (getenv("RUMPCLIENT__EXECFD") != NULL || url == NULL) {
		const char *parsed = rc_exec_url();

		if (parsed != NULL) {
			variable = "RUMP__PARSEDSERVER";
			url = parsed;
		}
	}
	if (url == NULL) {
		fprintf(stderr, "rumpclient: RUMP_SERVER is not set; set it to the server's URL, as in "
				"unix:///path/to/socket\n");
		return -ENOENT;
	}
	ctx = rc_context_new();
	if (ctx == NULL)
		return -ENOMEM;
	error = connect_to(ctx, variable, url);
	if (error != 0) {
		rc_context_free(ctx);
		return error;
	}
	rc_exec_done();
	atomic_store(&ctx->retry, atomic_load(&default_retry));
	atomic_store_explicit(&default_context, ctx, memory_order_release);
	if (before != NULL)
		forget(before);
	return 0;
}

int
rumpclient_init(void)
{
	int error;

	pthread_mutex_lock(&init_mutex);
	error = init();
	pthread_mutex_unlock(&init_mutex);
	return result_of(error);
}

int
rumpclient_syscall(int number, const void *args, size_t len, register_t *retval)
{
	struct rumpclient *ctx = rumpclient_ctx_current();
	int64_t values[2];
	int error;

	if (ctx == NULL)
		return ENOTCONN;
	error = rumpclient_ctx_syscall(ctx, number, args, len, values);
	if (error == -ENOTCONN && rc_vfork_returned())
		return rumpclient_syscall(number, args, len, retval);
	if (error == 0) {
		retval[0] = values[0];
		retval[1] = values[1];
	}
	return -error;
}

struct rumpclient_fork *
rumpclient_prefork(void)
{
	struct rumpclient *ctx;

	(void)rc_vfork_returned();
	ctx = rumpclient_ctx_current();
	if (ctx != NULL)
		return rumpclient_ctx_prefork(ctx);
	errno = ENOTCONN;
	return NULL;
}

int
rumpclient_fork_init(struct rumpclient_fork *fork)
{
	bool forked = !rc_alive(fork->parent);
	struct rumpclient *ctx = rumpclient_ctx_fork_init(fork);
	struct rumpclient *parent = fork->parent;

	if (ctx == NULL)
		return -1;
	if (!forked) {
		/* The parent's memory, whose other threads go on with what they have. */
		fork->child = ctx;
		ctx->made_by = getpid() != fork->pid ? fork : NULL;
		fork->previous = rumpclient_ctx_use(ctx);
		return 0;
	}
	if (chosen != NULL) {
		chosen = ctx;
	} else {
		atomic_store(&default_context, ctx);
		forget(parent);
	}
	rc_fork_free(fork);
	return 0;
}

void
rumpclient_fork_cancel(struct rumpclient_fork *fork)
{
	int error = errno;

	rc_fork_give_back(fork);
	rc_fork_free(fork);
	errno = error;
}

void
rumpclient_fork_vparent(struct rumpclient_fork *fork)
{
	if (fork->child != NULL) {
		/* Its descriptors were the child's. */
		atomic_store(&fork->child->fd, -1);
		fork->child->epoll = fork->child->event = -1;
		rc_context_free(fork->child);
		rumpclient_ctx_use(fork->previous);
	}
	rc_fork_free(fork);
}

pid_t
rumpclient_fork(void)
{
	return rumpclient__dofork(fork);
}

int
rumpclient_exec(const char *path, char *const argv[], char *const envp[])
{
	struct rumpclient *ctx;

	(void)rc_vfork_returned();
	ctx = rumpclient_ctx_current();
	return result_of(ctx != NULL ? rumpclient_ctx_exec(ctx, path, argv, envp) : -ENOTCONN);
}

static int
detach(int nochdir, int noclose)
{
	int fd;

	if (setsid() == -1 || (nochdir == 0 && chdir("/") == -1))
		return -1;
	if (noclose != 0)
		return 0;
	fd = open("/dev/null", O_RDWR);
	if (fd == -1)
		return -1;
	for (int number = 0; number < 3; number++)
		if (dup2(fd, number) == -1)
			return -1;
	if (fd > 2)
		(void)close(fd);
	return 0;
}

int
rumpclient_daemon(int nochdir, int noclose)
{
	struct rumpclient_fork *prefork = rumpclient_prefork();

	if (prefork == NULL)
		return -1;
	switch (fork()) {
	case -1:
		rumpclient_fork_cancel(prefork);
		return -1;
	case 0:
		break;
	default:
		_exit(0);
	}
	if (detach(nochdir, noclose) == -1) {
		rumpclient_fork_cancel(prefork);
		return -1;
	}
	return rumpclient_fork_init(prefork);
}

void
rumpclient_setconnretry(time_t seconds)
{
	struct rumpclient *ctx = rumpclient_ctx_current();

	if (seconds < RUMPCLIENT_RETRYCONN_DIE)
		return;
	atomic_store(&default_retry, seconds);
	if (ctx != NULL)
		rumpclient_ctx_setconnretry(ctx, seconds);
}

int
rumpclient__closenotify(int *fd, enum rumpclient_closevariant variant)
{
	struct rumpclient *ctx = rumpclient_ctx_current();

	return ctx == NULL ? 0 : result_of(rumpclient_ctx_closenotify(ctx, fd, variant));
}

int
rumpclient_submit(struct rumpclient_call *call, int number, const void *args, size_t len)
{
	struct rumpclient *ctx = rumpclient_ctx_current();

	return result_of(ctx != NULL ? rumpclient_ctx_submit(ctx, call, number, args, len) : -ENOTCONN);
}

struct rumpclient_call *
rumpclient_complete(void)
{
	struct rumpclient *ctx = rumpclient_ctx_current();

	if (ctx != NULL)
		return rumpclient_ctx_complete(ctx);
	errno = ENOENT;
	return NULL;
}

int
rumpclient_cancel(struct rumpclient_call *call)
{
	struct rumpclient *ctx = rumpclient_ctx_current();

	return result_of(ctx != NULL ? rumpclient_ctx_cancel(ctx, call) : -ENOTCONN);
}

int
rumpclient_fd(void)
{
	struct rumpclient *ctx = rumpclient_ctx_current();
	int fd = ctx != NULL ? rumpclient_ctx_fd(ctx) : -ENOTCONN;

	return fd >= 0 ? fd : result_of(fd);
}
