/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests of processes as clients: one small kernel, and the connection that a process has to it. */
#ifndef TESTS_UNIT_CLIENT_PROCESS_H
#define TESTS_UNIT_CLIENT_PROCESS_H

#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <rump/rumpclient.h>

#include "tests/unit/scripted.h"

static struct scripted server;

static inline int
begin(void **state)
{
	(void)state;
	scripted_start(&server, false, 0, scripted_kernel, NULL);
	setenv("RUMP_SERVER", server.url, 1);
	return 0;
}

static inline int
end(void **state)
{
	(void)state;
	scripted_stop(&server);
	scripted_remove(&server);
	return 0;
}

/* A child's exit status; -1: it has none. */
static inline int
wait_for(pid_t pid)
{
	int status = -1;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Which connection this process has: 0 is the first. -1: none. */
static inline int64_t
connection_number(void)
{
	register_t retval[2] = {0};

	return rumpclient_syscall(20, NULL, 0, retval) == 0 && retval[0] == 42 ? retval[1] : -1;
}

#endif
