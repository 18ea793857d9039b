/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * What the process has in the rump kernel survives when there is anything that the new program can notice:
 * descriptors without close-on-exec, the current directory, or the root; and when it might not be let in
 * again. Then the connection is handed over
 * (the protocol's EXEC), and the descriptor table in the environment, with the process's id, so that a child
 * of a program that knows nothing of it does not take it for its own. Otherwise the connection closes with
 * the old program. One that is lost is handed over in name only: the new program has lost it too.
 */
#include "hijack/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hijack/descriptor.h"
#include "hijack/exec.h"
#include "hijack/names.h"
#include "hijack/report.h"
#include "hijack/rump.h"

#define STATE "RUMPHIJACK__STATE="

bool
hijack_handover_survives(uint32_t fd)
{
	long flags = hijack_own(SYS_fcntl, fd, F_GETFD, 0, 0, 0, 0);

	return flags >= 0 && !(flags & FD_CLOEXEC);
}

/* A name, which may have any bytes but NUL, has its length before it. */
static size_t
describe_descriptor(char *text, size_t size, uint32_t fd, int32_t entry)
{
	const char *name = hijack_name_kept(fd);

	if (name == NULL)
		return (size_t)snprintf(text, size, ",%u=%d", fd, entry);
	return (size_t)snprintf(text, size, ",%u=%d:%zu:%s", fd, entry, strlen(name), name);
}

char *
hijack_handover_describe(const struct hijack_process *process)
{
	const struct hijack_fds *fds = process->fds;
	size_t count = 0, used, size;
	char *text;

	for (uint32_t fd = 0; fds != NULL && fd < fds->used; fd++)
		count += fds->entry[fd] / HIJACK_FD_KINDS != 0 && hijack_handover_survives(fd);
	if (process->context == NULL ||
	    (count == 0 && !process->cwd_inside && !process->root_inside && !process->may_be_refused))
		return NULL;
	size = sizeof(STATE) + 128 + HIJACK_NAME + count * (32 + HIJACK_NAME);
	text = malloc(size);
	if (text == NULL)
		return NULL;
	used = (size_t)snprintf(text, size, STATE "%d:%d", process->pid,
	    process->cwd_inside + 2 * process->root_inside + 4 * process->may_be_refused);
	if (process->cwd_inside && process->cwd_real)
		used += (size_t)snprintf(text + used, size - used, ":%lu:%lu:%zu:%s",
		    (unsigned long)process->above_device, (unsigned long)process->above_inode,
		    strlen(process->cwd_name), process->cwd_name);
	for (uint32_t fd = 0; fds != NULL && fd < fds->used; fd++) {
		if (fds->entry[fd] / HIJACK_FD_KINDS != 0 && hijack_handover_survives(fd) &&
		    size - used > HIJACK_NAME + 32)
			used += describe_descriptor(text + used, size - used, fd, fds->entry[fd]);
	}
	return text;
}

/* Takes an entry out of the environment; returns its value. */
static const char *
take_variable(char **environment, const char *name)
{
	size_t length = strlen(name);

	for (; *environment != NULL; environment++) {
		const char *value = *environment + length;

		if (strncmp(*environment, name, length) != 0)
			continue;
		do
			environment[0] = environment[1];
		while (*environment++ != NULL);
		return value;
	}
	return NULL;
}

/* A name with its length before it. Returns what follows. */
static char *
take_name(char *text, char name[HIJACK_NAME])
{
	size_t length = strtoul(text, &text, 10);

	name[0] = '\0';
	if (*text != ':' || length >= HIJACK_NAME || strnlen(text + 1, length) != length)
		return text;
	memcpy(name, text + 1, length);
	name[length] = '\0';
	return text + 1 + length;
}

/* What was known of the current directory. */
static char *
take_current(char *text, struct hijack_process *process)
{
	process->above_device = strtoul(text, &text, 10);
	process->above_inode = *text == ':' ? strtoul(text + 1, &text, 10) : 0;
	if (*text == ':')
		text = take_name(text + 1, process->cwd_name);
	process->cwd_real = process->cwd_name[0] == '/';
	return text;
}

void
hijack_exec_take_over(char **environment)
{
	const char *text = take_variable(environment, STATE);
	char *next;
	long pid = text != NULL ? strtol(text, &next, 10) : 0, sides;
	int error;

	if (pid != getpid() || *next != ':') {
		/* Not this process's: it is nobody's any more. */
		(void)take_variable(environment, "RUMPCLIENT__EXECFD=");
		(void)take_variable(environment, "RUMP__PARSEDSERVER=");
		return;
	}
	environ = environment;
	error = hijack_rump_take_over();
	if (error != 0 && error != -ENOTCONN)
		hijack_report(
		    "the rump kernel did not take this program for the one before: %s", strerror(-error));
	if (hijack_main_process.context == NULL)
		return;
	sides = strtol(next + 1, &next, 10);
	hijack_main_process.cwd_inside = sides & 1;
	hijack_main_process.root_inside = sides & 2;
	hijack_main_process.may_be_refused = sides & 4;
	if (*next == ':')
		next = take_current(next + 1, &hijack_main_process);
	while (*next == ',') {
		char name[HIJACK_NAME] = "";
		long fd = strtol(next + 1, &next, 10), entry = *next == '=' ? strtol(next + 1, &next, 10) : 0;

		if (entry > 0)
			(void)hijack_fd_set(fd, (int)(entry / HIJACK_FD_KINDS - 1),
			    (enum hijack_kind)(entry % HIJACK_FD_KINDS));
		if (*next == ':')
			next = take_name(next + 1, name);
		if (name[0] != '\0')
			hijack_name_restore(fd, name, strlen(name));
	}
}
