/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "hijack/copy.h"
#include "hijack/gate.h"
#include "hijack/rump.h"
#include "hijack/start.h"
#include "rumpclient/client.h"

/* The owner of all descriptors that have one. */
static struct owner {
	struct rumpclient *connection;
	int process; /* in the rump kernel */
	int host;    /* on the host: of a child's parent, in the child */
	uint32_t kernel;
} * present;

static bool
is_present(const struct owner *owner)
{
	return owner != NULL &&
	       owner->kernel == __atomic_load_n(&hijack_process()->kernels, __ATOMIC_ACQUIRE);
}

static int
own_process(void)
{
	return (int)hijack_own(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

static void
forget(struct owner *owner)
{
	if (owner != NULL)
		rumpclient_ctx_free(owner->connection);
	free(owner);
}

/* From now on the host says when something arrives. */
static long
arm(int fd)
{
	long flags = hijack_own(SYS_fcntl, fd, F_GETFL, 0, 0, 0, 0), error;

	error = hijack_own(SYS_fcntl, fd, F_SETSIG, SIGSYS, 0, 0, 0);
	if (error == 0)
		error = hijack_own(SYS_fcntl, fd, F_SETOWN, own_process(), 0, 0, 0);
	if (error == 0)
		error = hijack_own(SYS_fcntl, fd, F_SETFL, flags | O_ASYNC, 0, 0, 0);
	return error;
}

/* A process in the rump kernel that hears signals. */
static long
make(struct owner **made)
{
	struct owner *owner = calloc(1, sizeof(*owner));
	int64_t result[2] = {0};
	long error = owner != NULL ? 0 : -ENOMEM;

	if (error == 0) {
		owner->host = own_process();
		owner->kernel = __atomic_load_n(&hijack_process()->kernels, __ATOMIC_ACQUIRE);
		owner->connection = hijack_rump_second();
		error = owner->connection != NULL ? 0 : -errno;
	}
	if (error == 0)
		error =
		    rumpclient_ctx_syscall(owner->connection, HIJACK_RUMP_getpid_with_ppid, NULL, 0, result);
	if (error != 0) {
		forget(owner);
		return error;
	}
	owner->process = (int)result[0];
	*made = owner;
	return 0;
}

/* The owner's process in the rump kernel or -errno. */
static long
owner_process(void)
{
	struct owner *before = __atomic_load_n(&present, __ATOMIC_ACQUIRE), *made;
	int fd;
	long error;

	if (is_present(before) && before->connection != NULL)
		return before->process;
	error = make(&made);
	if (error != 0)
		return error;
	if (!__atomic_compare_exchange_n(
		&present, &before, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		/* Another thread was first. */
		forget(made);
		return before->process;
	}
	fd = atomic_load(&made->connection->fd);
	hijack_owner_listen(fd);
	forget(before);
	error = arm(fd);
	return error != 0 ? error : made->process;
}

/* What knows no signals has no owner. */
static long
unless_none(long result)
{
	return result == -ENOTTY || result == -EOPNOTSUPP ? 0 : result;
}

long
hijack_owner_get(int rump)
{
	const struct owner *owner = __atomic_load_n(&present, __ATOMIC_ACQUIRE);
	long process = unless_none(HIJACK_RUMP(fcntl, (uint64_t)rump, RUMP_F_GETOWN, 0));

	if (process <= 0)
		return process;
	return is_present(owner) && owner->process == process ? owner->host : 0;
}

long
hijack_owner_set(int rump, int process)
{
	long owner = 0;

	/* Nobody else's process is known, and a child of vfork hears nothing. */
	if (process != 0 && (process != own_process() || hijack_thread.process != NULL))
		return -EPERM;
	if (process != 0)
		owner = owner_process();
	if (owner < 0)
		return owner;
	return unless_none(HIJACK_RUMP(fcntl, (uint64_t)rump, RUMP_F_SETOWN, (uint64_t)owner));
}

long
hijack_owner_fcntl(int rump, int command, uint64_t argument)
{
	struct f_owner_ex owner = {F_OWNER_PID, 0};

	switch (command) {
	case F_GETOWN:
		return hijack_owner_get(rump);
	case F_SETOWN:
		return hijack_owner_set(rump, (int)argument);
	case F_GETOWN_EX:
		owner.pid = (pid_t)hijack_owner_get(rump);
		if (owner.pid < 0)
			return owner.pid;
		return hijack_copyout(argument, &owner, sizeof(owner));
	default:
		if (hijack_copyin(&owner, argument, sizeof(owner)) != 0)
			return -EFAULT;
		if (owner.type != F_OWNER_PID && owner.type != F_OWNER_TID && owner.type != F_OWNER_PGRP)
			return -EINVAL;
		return hijack_owner_set(rump, owner.type == F_OWNER_PGRP ? -owner.pid : owner.pid);
	}
}

void
hijack_owner_accepted(int rump)
{
	int off = 0;

	if (__atomic_load_n(&present, __ATOMIC_ACQUIRE) == NULL)
		return;
	(void)HIJACK_RUMP(ioctl, (uint64_t)rump, RUMP_FIOASYNC, hijack_slot(&off));
	(void)HIJACK_RUMP(fcntl, (uint64_t)rump, RUMP_F_SETOWN, 0);
}

void
hijack_owner_forked(void)
{
	hijack_owner_listen(-1);
	if (present == NULL)
		return;
	rumpclient_ctx_free(present->connection);
	present->connection = NULL;
}

bool
hijack_owner_owns(int fd)
{
	return fd >= 0 && fd == hijack_owner_listens();
}
