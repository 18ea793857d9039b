/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * When the server is gone, a new one is looked for as RUMPHIJACK_RETRYCONNECT says: by whoever makes a call,
 * each for itself; the first that finds one replaces the process's context. To the new kernel this is a new
 * process. Numbers of the old one's descriptors may soon be others' there, so whatever holds one is told:
 * entries of the descriptor table get a number that no kernel gives, mappings know by a count that they are
 * of the past. Calls that were under way are not made again if they were about descriptors. Closing such a
 * descriptor, duplicating it, and making a process that has it look for no kernel, and succeed.
 *
 * The current directory is looked for by its name; a process that lost it has none, and one whose root was
 * inside has nothing, rather than finding itself somewhere else.
 */
#include "hijack/reconnect.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include <rump/rumpclient.h>

#include "hijack/descriptor.h"
#include "hijack/report.h"
#include "hijack/start.h"
#include "rumpclient/client.h"

#define DELAY_FIRST 50 /* milliseconds, doubled up to: */
#define DELAY_MOST 5000
#define COMPLAIN_EVERY 120000

static uint32_t complaining; /* by one thread */

bool
hijack_rump_is_lost(const struct rumpclient *ctx)
{
	return !rc_alive(ctx) || atomic_load(&ctx->state) & RC_DOWN;
}

/* A path whose address is in a slot: it is the library's own copy. */
static int
path_again(uint64_t slot)
{
	const char *path = (const char *)(uintptr_t)slot;

	return path[0] == '/' || !hijack_process()->cwd_lost ? 0 : -ENOENT;
}

/* 0 when a call names all that it concerns by paths that mean the same to a new kernel; or its errno. */
static int
begins_anew(enum hijack_rump_number number, const uint64_t *slots)
{
	switch (number) {
	case HIJACK_RUMP___socket30:
	case HIJACK_RUMP_umask:
	case HIJACK_RUMP_setrlimit:
	case HIJACK_RUMP_getpid_with_ppid:
	case HIJACK_RUMP___sysctl:
		return 0;
	case HIJACK_RUMP___getcwd:
		return hijack_process()->cwd_lost ? -ENOENT : 0;
	case HIJACK_RUMP_chdir:
	case HIJACK_RUMP_chroot:
	case HIJACK_RUMP_statvfs1:
	case HIJACK_RUMP_readlink:
	case HIJACK_RUMP_truncate:
	case HIJACK_RUMP_unmount:
		return path_again(slots[0]);
	case HIJACK_RUMP_openat:
	case HIJACK_RUMP_fstatat:
	case HIJACK_RUMP_faccessat:
	case HIJACK_RUMP_unlinkat:
	case HIJACK_RUMP_mkdirat:
	case HIJACK_RUMP_mkfifoat:
	case HIJACK_RUMP_mknodat:
	case HIJACK_RUMP_readlinkat:
	case HIJACK_RUMP_fchmodat:
	case HIJACK_RUMP_fchownat:
	case HIJACK_RUMP_utimensat:
		return (int64_t)slots[0] == RUMP_AT_FDCWD ? path_again(slots[1]) : -EBADF;
	default:
		return -EBADF;
	}
}

static void
forget_descriptors(struct hijack_process *process)
{
	struct hijack_fds *fds = process->fds;

	for (uint32_t i = 0; fds != NULL && i < fds->used; i++) {
		int32_t entry = __atomic_load_n(&fds->entry[i], __ATOMIC_ACQUIRE);

		if (entry / HIJACK_FD_KINDS != 0)
			__atomic_store_n(&fds->entry[i],
			    (HIJACK_FD_LOST + 1) * HIJACK_FD_KINDS + entry % HIJACK_FD_KINDS,
			    __ATOMIC_RELEASE);
	}
}

struct rumpclient *
hijack_rump_lost(struct hijack_process *process, const struct sp_url *url)
{
	struct rumpclient *ctx = rc_context_new();

	if (ctx != NULL)
		ctx->url = *url;
	else
		forget_descriptors(process);
	return ctx;
}

void
hijack_rump_begin_anew(struct hijack_process *process, struct rumpclient *ctx)
{
	const uint64_t slot = hijack_slot(process->cwd_name);
	int64_t retval[2];

	forget_descriptors(process);
	__atomic_fetch_add(&process->kernels, 1, __ATOMIC_RELEASE);
	process->root_lost = process->root_lost || process->root_inside;
	process->cwd_real = false;
	if (process->cwd_inside)
		process->cwd_lost =
		    process->root_lost || process->cwd_lost || process->cwd_name[0] != '/' ||
		    rumpclient_ctx_syscall(ctx, HIJACK_RUMP_chdir, &slot, sizeof(slot), retval) != 0;
}

/* Tries until there is a kernel, or the time is over. */
static int
keep_trying(const struct rumpclient *lost, int64_t milliseconds)
{
	int64_t begun = rc_milliseconds(), said = begun, delay = DELAY_FIRST, passed = 0;
	uint32_t nobody = 0;
	bool mine =
	    __atomic_compare_exchange_n(&complaining, &nobody, 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	int error;

	if (mine)
		hijack_report("the connection to the rump kernel is lost, trying again");
	for (;;) {
		if (milliseconds >= 0 && delay > milliseconds - passed)
			delay = milliseconds - passed;
		rc_pause(delay > 0 ? delay : 1);
		error = hijack_rump_replace(lost);
		passed = rc_milliseconds() - begun;
		if (error == 0 || (milliseconds >= 0 && passed >= milliseconds))
			break;
		if (mine && rc_milliseconds() - said >= COMPLAIN_EVERY) {
			said = rc_milliseconds();
			hijack_report("the connection to the rump kernel is lost, trying again");
		}
		delay = delay * 2 < DELAY_MOST ? delay * 2 : DELAY_MOST;
	}
	if (mine && error == 0)
		hijack_report("connected to the rump kernel again");
	else if (mine)
		hijack_report(
		    "no connection to the rump kernel for %d seconds, giving up", (int)(milliseconds / 1000));
	if (mine)
		__atomic_store_n(&complaining, 0, __ATOMIC_RELAXED);
	return error == 0 ? 0 : -ENOTCONN;
}

int
hijack_rump_recover(const struct rumpclient *lost)
{
	time_t retry = hijack_start.retry;

	if (retry == 0)
		return -ENOTCONN;
	if (retry == RUMPCLIENT_RETRYCONN_DIE)
		(void)hijack_own(SYS_exit_group, 1, 0, 0, 0, 0, 0);
	if (hijack_rump_replace(lost) == 0)
		return 0;
	if (retry == RUMPCLIENT_RETRYCONN_ONCE)
		return -ENOTCONN;
	return keep_trying(lost, retry == RUMPCLIENT_RETRYCONN_INFTIME ? -1 : (int64_t)retry * 1000);
}

/* What a process does with numbers succeeds with lost ones too; it must not wait for another kernel. */
static bool
needs_no_kernel(enum hijack_rump_number number, const uint64_t *slots)
{
	return number == HIJACK_RUMP_close ||
	       (number == HIJACK_RUMP_fcntl &&
		   (slots[1] == RUMP_F_DUPFD || slots[1] == RUMP_F_DUPFD_CLOEXEC ||
		       slots[1] == RUMP_F_SETFD));
}

int
hijack_rump_again(const struct rumpclient *lost, enum hijack_rump_number number, const uint64_t *slots)
{
	int error;

	if (needs_no_kernel(number, slots))
		return -EBADF;
	error = hijack_rump_recover(lost);
	if (error != 0)
		return error;
	if (hijack_process()->root_lost)
		return -ENOTCONN;
	return begins_anew(number, slots);
}
