/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pseudo-terminals.
 *
 * Theory of operation
 *
 * NetBSD's know the names of both of their ends. With a file system for them the slaves have Linux's names,
 * and what Linux's masters are asked can be answered; others are as Linux's old ones, which have no numbers.
 *
 * What was written to one has been sent when the other end can read it, as on Linux, where a program that has
 * both ends would wait for itself otherwise. In NetBSD's kernel it is gone when its end is closed for good,
 * so that has to wait.
 */
#include "hijack/terminal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "hijack/arm.h"
#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/files.h"

#define SLAVES "/dev/pts/"

/* Nanoseconds between looks at whether output was read, and of all of them. */
#define READ_FIRST 1000000
#define READ_LAST 64000000
#define READ_MOST 5000000000

/* A kernel without a file system for them does not know their names. */
bool
hijack_pty_is(int rump)
{
	struct rump_ptmget names;
	long error = hijack_terminal_control(rump, RUMP_TIOCPTSNAME, &names);

	return error == 0 || error == -EOPNOTSUPP;
}

/* A master's slave's name, and whether it is that slave; -ENOTTY of anything else. */
static long
find_slave(int rump, struct rump_ptmget *names, bool *itself)
{
	struct rump_stat own, named;

	if (hijack_terminal_control(rump, RUMP_TIOCPTSNAME, names) != 0)
		return -ENOTTY;
	names->sn[sizeof(names->sn) - 1] = '\0';
	/* What has no slave of this name was opened by an old one. */
	if (HIJACK_RUMP(__fstat50, (uint64_t)rump, hijack_slot(&own)) != 0 ||
	    HIJACK_RUMP(__stat50, hijack_slot(names->sn), hijack_slot(&named)) != 0)
		return -ENOTTY;
	*itself = own.st_rdev == named.st_rdev;
	return 0;
}

/* The slave's name, of a master; -ENOTTY of anything else, slaves too. */
static long
slave(int rump, struct rump_ptmget *names)
{
	bool itself;
	long error = find_slave(rump, names, &itself);

	return error != 0 ? error : itself ? -ENOTTY : 0;
}

static bool
is_slave(int rump)
{
	struct rump_ptmget names;
	bool itself;

	return find_slave(rump, &names, &itself) == 0 && itself;
}

long
hijack_pty_set(int rump, const struct rump_termios *termios)
{
	struct rump_ptmget names;
	int unread = 0;
	long other = -ENOTTY, error;

	if (hijack_terminal_control(rump, RUMP_TIOCOUTQ, &unread) == 0 && unread > 0 &&
	    slave(rump, &names) == 0)
		other = HIJACK_RUMP(
		    open, hijack_slot(names.sn), RUMP_O_RDWR | RUMP_O_NONBLOCK | RUMP_O_NOCTTY, 0);
	error = hijack_terminal_control(other >= 0 ? (int)other : rump, RUMP_TIOCSETA, termios);
	if (other >= 0)
		(void)HIJACK_RUMP(close, (uint64_t)other);
	return error;
}

long
hijack_pty_number(int rump, uint64_t to)
{
	struct rump_ptmget names;
	unsigned int number;
	char *end;
	long error = slave(rump, &names);

	if (error != 0)
		return error;
	if (strncmp(names.sn, SLAVES, sizeof(SLAVES) - 1) != 0)
		return -ENOTTY;
	number = (unsigned int)strtoul(names.sn + sizeof(SLAVES) - 1, &end, 10);
	return *end != '\0' ? -ENOTTY : hijack_copyout(to, &number, sizeof(number));
}

/* There is no lock. */
long
hijack_pty_unlock(int rump, uint64_t from)
{
	struct rump_ptmget names;
	int locked = 0;
	long error = slave(rump, &names);

	if (error != 0)
		return error;
	if (hijack_copyin(&locked, from, sizeof(locked)) != 0)
		return -EFAULT;
	return locked ? -EINVAL : 0;
}

long
hijack_pty_open_slave(int rump, long flags)
{
	struct hijack_place place = {.inside = true, .directory = RUMP_AT_FDCWD, .shadow = -1};
	struct rump_ptmget names;
	const long rest[] = {flags, 0};
	long error = slave(rump, &names);

	if (error != 0)
		return error;
	static_assert(sizeof(names.sn) <= sizeof(place.path), "a slave's name");
	memcpy(place.path, names.sn, sizeof(names.sn));
	return hijack_inside_openat(&place, rest);
}

long
hijack_pty_foreground(int rump, uint64_t to)
{
	struct rump_ptmget names;
	const int nobody = 0;
	long error = slave(rump, &names);

	return error != 0 ? error : hijack_copyout(to, &nobody, sizeof(nobody));
}

static bool
may_be_terminal(uint32_t fd)
{
	enum hijack_kind kind = hijack_fd_kind(fd);
	int rump = hijack_fd(fd);

	return rump >= 0 && rump != HIJACK_FD_LOST &&
	       (kind == HIJACK_KIND_FILE || kind == HIJACK_KIND_DEVICE);
}

/* Whether the process could read the other end itself, and does not. */
static bool
has_master(const struct hijack_fds *fds)
{
	struct rump_ptmget names;

	for (uint32_t fd = 0; fd < fds->used; fd++) {
		if (may_be_terminal(fd) && slave(hijack_fd(fd), &names) == 0)
			return true;
	}
	return false;
}

/* Waits a few seconds at most, as a close would, for the other end to read. */
static void
let_be_read(int rump)
{
	struct timespec time = {0, READ_FIRST};
	int unread = 0;

	for (int64_t waited = 0; waited < READ_MOST; waited += time.tv_nsec) {
		if (hijack_terminal_control(rump, RUMP_TIOCOUTQ, &unread) != 0 || unread == 0 ||
		    !is_slave(rump))
			return;
		(void)hijack_own(SYS_nanosleep, (long)&time, 0, 0, 0, 0, 0);
		if (time.tv_nsec < READ_LAST)
			time.tv_nsec *= 2;
	}
}

/*
 * A close waits for the other end of a pseudo-terminal to read, which is otherwise lost; a connection's end
 * does not. What may be one is closed; other files would be soon. Not under the hands of other threads, which
 * may be in a call on it: there the wait is made here, though others may have the terminal still.
 */
void
hijack_pty_end(void)
{
	const struct hijack_process *process = hijack_process();
	const struct hijack_fds *fds = process->context != NULL ? process->fds : NULL;
	bool threaded = __atomic_load_n(&hijack_threaded, __ATOMIC_RELAXED);

	if (fds == NULL || (threaded && has_master(fds)))
		return;
	for (uint32_t fd = 0; fd < fds->used; fd++) {
		if (!may_be_terminal(fd))
			continue;
		if (threaded)
			let_be_read(hijack_fd(fd));
		else
			(void)HIJACK_RUMP(close, (uint64_t)hijack_fd(fd));
	}
}
