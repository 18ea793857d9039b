/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * A process inherits from its parent in the rump kernel what it can notice: descriptors and the current
 * directory. When there are any, the rump kernel copies the process before the host does (the protocol's
 * PREFORK), and the child presents the ticket on a connection of its own (FORK). When there are none the
 * child is not connected, and connects as a new process if it ever needs to: most children of a shell never
 * do. After a change of the user or the root it might not be let in then, nor find the server: its parent
 * asks for a connection for it, in any case.
 *
 * A process whose kernel is gone makes children all the same. They have its descriptors, and a connection
 * that is as lost as its own: what RUMPHIJACK_RETRYCONNECT says is theirs to do when they make a call.
 *
 * Either way the connection that the child's descriptor table has from its parent is closed there; the
 * parent's context itself is left alone. In a child with memory of its own that costs the memory, but a
 * signal handler may have forked in the middle of a call that goes on in both. In a child of vfork it is the
 * parent's to use; the child's context, and its table of descriptors, are memory that the parent gives back.
 */
#include "hijack/processes.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hijack/descriptor.h"
#include "hijack/files.h"
#include "hijack/names.h"
#include "hijack/owner.h"
#include "hijack/reconnect.h"
#include "hijack/report.h"
#include "hijack/shared_map.h"
#include "hijack/signal.h"
#include "hijack/terminal.h"
#include "rumpclient/client.h"
#include "rumpclient/fork.h"

static bool
anything_to_inherit(const struct hijack_process *process)
{
	const struct hijack_fds *fds = process->fds;

	if (process->cwd_inside || process->root_inside || hijack_mapped())
		return true;
	for (uint32_t i = 0; fds != NULL && i < fds->used; i++) {
		if (fds->entry[i] / HIJACK_FD_KINDS != 0)
			return true;
	}
	return false;
}

static struct hijack_fds *
copy_descriptors(const struct hijack_fds *fds)
{
	struct hijack_fds *copy;
	size_t size = offsetof(struct hijack_fds, entry) + fds->used * sizeof(fds->entry[0]);

	copy = mmap(NULL, sizeof(*copy), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (copy == MAP_FAILED)
		return NULL;
	memcpy(copy, fds, size);
	return copy;
}

/* Whether children would not be let in, but may have a connection that the server makes. */
static bool
asks_for_connections(const struct hijack_process *process)
{
	return process->may_be_refused && (process->context->capabilities & SP_CAP_CONNECT) != 0;
}

/* A copy of the process in the rump kernel, if there still is one. 0 or -errno. */
static int
copy_inside(struct hijack_process *process, struct hijack_cloning *cloning)
{
	struct rumpclient *ctx = process->context;

	cloning->fork =
	    asks_for_connections(process) ? rc_prefork_connected(ctx) : rumpclient_ctx_prefork(ctx);
	if (cloning->fork != NULL)
		return 0;
	cloning->lost = errno == ENOTCONN && hijack_rump_is_lost(ctx);
	return cloning->lost ? 0 : -errno;
}

/* The state of a child that shares its parent's memory. */
static int
copy_state(const struct hijack_process *process, struct hijack_process *child)
{
	*child = *process;
	child->retired = NULL;
	child->executing = NULL;
	if (process->names != NULL) {
		child->parent_names = process->names;
		child->names = NULL;
	}
	if (process->fds == NULL)
		return 0;
	child->fds = copy_descriptors(process->fds);
	return child->fds != NULL ? 0 : -ENOMEM;
}

long
hijack_beyond_prefork(const struct hijack_call *call)
{
	struct hijack_cloning *cloning = (struct hijack_cloning *)call->arg[0];
	struct hijack_process *process = hijack_process();
	int error = 0;

	cloning->fork = NULL;
	/* A child may remove the current directory, of both. */
	hijack_names_ask();
	if (anything_to_inherit(process) || asks_for_connections(process))
		error = copy_inside(process, cloning);
	if (error == 0 && cloning->child != NULL)
		error = copy_state(process, cloning->child);
	if (error != 0 && cloning->fork != NULL) {
		rc_fork_give_back(cloning->fork);
		rc_fork_free(cloning->fork);
	}
	return error;
}

/*
 * The child's table has its parent's connection, unless a new one has taken its place, and what goes with it:
 * not the child's to use.
 */
static void
close_inherited(const struct rumpclient *parent, bool replaced)
{
	const int inherited[] = {replaced ? -1 : atomic_load(&parent->fd), parent->epoll, parent->event};

	for (size_t i = 0; i < sizeof(inherited) / sizeof(inherited[0]); i++) {
		if (inherited[i] != -1)
			(void)hijack_own(SYS_close, inherited[i], 0, 0, 0, 0, 0);
	}
}

long
hijack_beyond_child(const struct hijack_call *call)
{
	struct hijack_cloning *cloning = (struct hijack_cloning *)call->arg[0];
	struct hijack_process *process = hijack_process();
	struct rumpclient *parent = process->context;
	const uint64_t all = ~HIJACK_SIGSYS_BIT;
	uint64_t mask;

	(void)hijack_own(SYS_rt_sigprocmask, SIG_BLOCK, (long)&all, (long)&mask, HIJACK_SIGSET_SIZE, 0, 0);
	process->context = NULL;
	/* One that connects by itself is let in as who it is. */
	process->may_be_refused = cloning->fork != NULL && cloning->fork->fd != -1;
	rc_connect_forked(process->may_be_refused ? cloning->fork->fd : -1);
	for (size_t i = 0; i < HIJACK_EVENTS; i++) {
		if (process->events[i] != 0)
			(void)close(process->events[i] - 1);
		process->events[i] = 0;
	}
	if (process->signals != 0)
		(void)close(process->signals - 1);
	process->signals = 0;
	if (cloning->child == NULL) {
		hijack_map_forked();
		hijack_owner_forked();
	}
	if (cloning->fork != NULL) {
		process->context = rumpclient_ctx_fork_init(cloning->fork);
		if (process->context == NULL)
			hijack_report("a child lost its rump kernel: %s", strerror(errno));
		/* With vfork it is the parent's, which frees it. */
		if (cloning->child == NULL)
			rc_fork_free(cloning->fork);
	}
	close_inherited(parent, process->context != NULL);
	if (process->context == NULL && (cloning->fork != NULL || cloning->lost))
		process->context = hijack_rump_lost(process, &parent->url);
	(void)hijack_own(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, HIJACK_SIGSET_SIZE, 0, 0);
	return 0;
}

long
hijack_beyond_parent(const struct hijack_call *call)
{
	struct hijack_cloning *cloning = (struct hijack_cloning *)call->arg[0];
	struct hijack_process *process = cloning->child;
	struct rumpclient *child = process != NULL ? process->context : NULL;

	if (cloning->fork != NULL && call->arg[1] < 0)
		rc_fork_give_back(cloning->fork);
	rc_fork_free(cloning->fork);
	if (process == NULL)
		return 0;
	free(process->executing);
	if (process->fds != NULL && process->fds != hijack_process()->fds)
		(void)munmap(process->fds, sizeof(*process->fds));
	if (process->names != NULL && process->names != hijack_process()->names)
		(void)munmap(process->names, (size_t)HIJACK_NAME * HIJACK_FDS);
	if (child != NULL && child != hijack_process()->context) {
		/* Its descriptors were the child's. */
		atomic_store(&child->fd, -1);
		child->epoll = child->event = -1;
		rc_context_free(child);
	}
	return 0;
}

/* The end of the process, for all of its threads. */
long
hijack_beyond_exit(const struct hijack_call *call)
{
	hijack_map_end();
	hijack_pty_end();
	return hijack_pass(call);
}
