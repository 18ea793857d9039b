/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * A process connects when it first needs to, or before it could not any more (change_user.c), by the URL it
 * was started with. One thread does it, with signals
 * blocked, while others that come along wait; a failure is reported once and is the answer to every call that
 * needs the rump kernel, until a later attempt succeeds. For what follows when it is gone, see reconnect.c.
 */
#include "hijack/rump.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hijack/descriptor.h"
#include "hijack/epoll.h"
#include "hijack/handlers.h"
#include "hijack/gate.h"
#include "hijack/owner.h"
#include "hijack/reconnect.h"
#include "hijack/report.h"
#include "hijack/shared_map.h"
#include "hijack/signal.h"
#include "hijack/start.h"
#include "rumpclient/client.h"
#include "rumpclient/exec.h"

static uint32_t connecting; /* 0 free, 1 taken, 2 taken and waited for */

static void
lock(uint64_t *mask)
{
	const uint64_t all = ~HIJACK_SIGSYS_BIT;
	uint32_t none = 0;

	(void)hijack_own(SYS_rt_sigprocmask, SIG_BLOCK, (long)&all, (long)mask, HIJACK_SIGSET_SIZE, 0, 0);
	if (__atomic_compare_exchange_n(&connecting, &none, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(&connecting, 2, __ATOMIC_ACQUIRE) != 0)
		(void)hijack_own(SYS_futex, (long)&connecting, FUTEX_WAIT_PRIVATE, 2, 0, 0, 0);
}

static void
unlock(const uint64_t *mask)
{
	if (__atomic_exchange_n(&connecting, 0, __ATOMIC_RELEASE) == 2)
		(void)hijack_own(SYS_futex, (long)&connecting, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
	(void)hijack_own(SYS_rt_sigprocmask, SIG_SETMASK, (long)mask, 0, HIJACK_SIGSET_SIZE, 0, 0);
}

/* The file creation mask, which can only be read by setting it, but for where proc has it. */
static mode_t
current_umask(void)
{
	char text[1024];
	const char *line;
	mode_t mask;
	long fd = hijack_own(SYS_open, (long)"/proc/self/status", O_RDONLY | O_CLOEXEC, 0, 0, 0, 0);
	long n = fd >= 0 ? hijack_own(SYS_read, fd, (long)text, sizeof(text) - 1, 0, 0, 0) : -1;

	if (fd >= 0)
		(void)hijack_own(SYS_close, fd, 0, 0, 0, 0, 0);
	if (n > 0) {
		text[n] = '\0';
		line = strstr(text, "\nUmask:");
		if (line != NULL)
			return (mode_t)strtoul(line + 7, NULL, 8);
	}
	mask = (mode_t)hijack_own(SYS_umask, 077, 0, 0, 0, 0, 0);
	(void)hijack_own(SYS_umask, mask, 0, 0, 0, 0, 0);
	return mask;
}

/* The host's limit of descriptors is the one that counts: each has a shadow. */
static void
settle(struct rumpclient *ctx)
{
	const struct rump_rlimit limit = {HIJACK_FDS, HIJACK_FDS};
	const uint64_t mask = current_umask(), slots[2] = {RUMP_RLIMIT_NOFILE, hijack_slot(&limit)};
	int64_t retval[2];

	(void)rumpclient_ctx_syscall(ctx, HIJACK_RUMP_setrlimit, slots, sizeof(slots), retval);
	(void)rumpclient_ctx_syscall(ctx, HIJACK_RUMP_umask, &mask, sizeof(mask), retval);
}

static struct rumpclient *
connect_now(struct hijack_process *process, bool tell, int *error)
{
	static bool told;
	struct rumpclient *ctx;

	rumpclient_set_hostcall(hijack_own);
	ctx = rumpclient_ctx_new(hijack_start.server);
	if (ctx == NULL) {
		*error = -errno;
		if (tell && !told)
			hijack_report("no rump kernel at RUMP_SERVER=%s: %s", hijack_start.server,
			    *error == -EPROTO ? "what answers is no server" : strerror(-*error));
		told = told || tell;
		return NULL;
	}
	settle(ctx);
	__atomic_store_n(&process->context, ctx, __ATOMIC_RELEASE);
	return ctx;
}

static struct rumpclient *
connected(bool tell, int *error)
{
	struct hijack_process *process = hijack_process();
	struct rumpclient *ctx = __atomic_load_n(&process->context, __ATOMIC_ACQUIRE);
	uint64_t mask;

	if (ctx != NULL)
		return ctx;
	lock(&mask);
	ctx = process->context;
	if (ctx == NULL)
		ctx = connect_now(process, tell, error);
	unlock(&mask);
	return ctx;
}

struct rumpclient *
hijack_rump_context(int *error)
{
	return connected(true, error);
}

struct rumpclient *
hijack_rump_second(void)
{
	const struct hijack_process *process = hijack_process();

	if (process->may_be_refused && (process->context->capabilities & SP_CAP_CONNECT) != 0)
		return rc_context_beside(process->context);
	return rumpclient_ctx_new(hijack_start.server);
}

long
hijack_beyond_connect(const struct hijack_call *call)
{
	int error = 0;

	(void)call;
	return connected(false, &error) != NULL ? 0 : error;
}

int
hijack_rump_replace(const struct rumpclient *lost)
{
	struct hijack_process *process = hijack_process();
	struct rumpclient *ctx;
	uint64_t mask;
	int error = 0;

	lock(&mask);
	if (process->context == lost) {
		ctx = rumpclient_ctx_new(hijack_start.server);
		error = ctx != NULL ? 0 : -errno;
		if (error == 0) {
			settle(ctx);
			hijack_rump_begin_anew(process, ctx);
			rumpclient_ctx_free(process->retired);
			process->retired = process->context;
			__atomic_store_n(&process->context, ctx, __ATOMIC_RELEASE);
		}
	}
	unlock(&mask);
	return error;
}

/* Calls that a signal may end on the host too. All others are made again: programs do not expect it of them.
 */
static bool
may_be_interrupted(enum hijack_rump_number number)
{
	switch (number) {
	case HIJACK_RUMP_read:
	case HIJACK_RUMP_write:
	case HIJACK_RUMP_readv:
	case HIJACK_RUMP_writev:
	case HIJACK_RUMP_recvfrom:
	case HIJACK_RUMP_recvmsg:
	case HIJACK_RUMP_sendto:
	case HIJACK_RUMP_sendmsg:
	case HIJACK_RUMP_paccept:
	case HIJACK_RUMP_connect:
	case HIJACK_RUMP_poll:
	case HIJACK_RUMP_openat:
	case HIJACK_RUMP_fcntl:
	case HIJACK_RUMP_flock:
	case HIJACK_RUMP_ioctl:
	case HIJACK_RUMP_close:
		return true;
	default:
		return false;
	}
}

/* Whether a descriptor is a socket whose calls have a limit of time, which is not to begin anew. */
static bool
has_time_limit(uint64_t rump)
{
	static const int options[] = {RUMP_SO_RCVTIMEO, RUMP_SO_SNDTIMEO};
	bool result = false;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct rump_timeval time = {0};
		uint32_t size = sizeof(time);

		if (HIJACK_RUMP(getsockopt, rump, RUMP_SOL_SOCKET, (uint64_t)options[i], hijack_slot(&time),
			hijack_slot(&size)) == 0)
			result = result || time.tv_sec != 0 || time.tv_usec != 0;
	}
	return result;
}

/* Whether a call that was ended for a signal is to go on, as it does after handlers with SA_RESTART. */
static bool
is_made_again(enum hijack_rump_number number, const uint64_t *slots)
{
	if (!may_be_interrupted(number))
		return true;
	if (hijack_handlers_end_call())
		return false;
	switch (number) {
	case HIJACK_RUMP_connect: /* goes on by itself, see hijack_sleep_connect() */
	case HIJACK_RUMP_poll:
		return false;
	case HIJACK_RUMP_openat:
		return true;
	default:
		return !has_time_limit(slots[0]);
	}
}

long
hijack_rump_call(enum hijack_rump_number number, const uint64_t *slots, size_t count, long *second)
{
	int64_t retval[2];
	bool again;
	int error;
	struct rumpclient *ctx = hijack_rump_context(&error);

	if (ctx == NULL)
		return error;
	do {
		hijack_handlers_begin();
		error = rumpclient_ctx_syscall(ctx, (int)number, slots, count * sizeof(*slots), retval);
		if (error == -ENOTCONN && hijack_rump_is_lost(ctx)) {
			error = hijack_rump_again(ctx, number, slots);
			ctx = hijack_process()->context;
			again = error == 0;
		} else {
			again = error == -EINTR && is_made_again(number, slots);
		}
	} while (again);
	if (error != 0)
		return error;
	if (second != NULL)
		*second = retval[1];
	return retval[0];
}

int
hijack_rump_take_over(void)
{
	struct rumpclient *ctx;
	struct rc_link link;
	struct sp_url url;
	int error = sp_url_parse(&url, rc_exec_url() != NULL ? rc_exec_url() : hijack_start.server, NULL);

	rc_exec_done();
	if (error == 0)
		error = sp_url_make_absolute(&url);
	if (error != 0)
		return error;
	rumpclient_set_hostcall(hijack_own);
	ctx = hijack_rump_lost(&hijack_main_process, &url);
	if (ctx == NULL)
		return -ENOMEM;
	error = rc_exec_take(&link);
	if (error == 0)
		error = rc_hello(&link, SP_EXEC, 0);
	else if (error == -ENOENT)
		error = -ENOTCONN;
	if (error == 0)
		rc_adopt(ctx, &link, 1);
	hijack_main_process.context = ctx;
	return error;
}

static bool
is_of(const struct rumpclient *ctx, int fd)
{
	return ctx != NULL && fd >= 0 &&
	       (fd == atomic_load(&ctx->fd) || fd == ctx->epoll || fd == ctx->event);
}

bool
hijack_rump_owns(int fd)
{

	for (size_t i = 0; i < HIJACK_EVENTS; i++) {
		if (fd >= 0 && hijack_process()->events[i] == fd + 1)
			return true;
	}
	if (fd >= 0 && hijack_process()->signals == fd + 1)
		return true;
	if (rc_connect_owns(fd) || hijack_epoll_owns(fd) || hijack_map_owns(fd) || hijack_owner_owns(fd))
		return true;
	return is_of(hijack_process()->context, fd) || is_of(hijack_process()->retired, fd);
}
