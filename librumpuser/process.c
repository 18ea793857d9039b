/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <syslog.h>
#include <unistd.h>

#include <rump/rumpdefs.h>
#include <rump/rumpuser.h>

#include "abi/errno.h"
#include "abi/signal.h"
#include "librumpuser/console.h"
#include "librumpuser/daemonize.h"

int
rumpuser_kill(int64_t pid, int sig)
{
	int host_sig;

	/* The rump kernel's number says nothing about the host's processes. */
	(void)pid;
	if (sig == 0)
		return 0;
	host_sig = abi_signal_to_host(sig);
	if (host_sig == 0)
		return RUMP_EINVAL;
	/* For the process, not this thread: the kernel's own threads have signals blocked. */
	return kill(getpid(), host_sig) == -1 ? abi_errno_to_netbsd(errno) : 0;
}

/* As large a core as the hard limit lets us leave. */
static void
allow_core(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_CORE, &limit);
	}
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/* A daemon has no stderr any more: the system's log is told. */
static void
explain_panic(void)
{
	char words[512];

	console_last_words(words, sizeof(words));
	console_flush();
	rumpuser_dprintf("rumpuser: the kernel panicked, aborting: %s\n", words);
	if (daemonized())
		syslog(LOG_DAEMON | LOG_CRIT, "rump kernel panicked: %s", words);
}

void
rumpuser_exit(int rv)
{
	if (rv == RUMPUSER_PANIC) {
		explain_panic();
		allow_core();
		abort();
	}
	console_flush();
	exit(rv);
}
