/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpdefs.h>
#include <rump/rumpuser.h>

#define DEFAULT_NCPU "2"
#define HOSTNAME_SIZE 256

static int
answer(const char *value, void *buf, size_t len)
{
	size_t need = strlen(value) + 1;

	if (need > len)
		return RUMP_ERANGE;
	memcpy(buf, value, need);
	return 0;
}

/* The CPUs that this process may use, which can be fewer than the host has. */
static int
host_ncpu(void)
{
	cpu_set_t cpus;
	long online;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0 && CPU_COUNT(&cpus) > 0)
		return CPU_COUNT(&cpus);
	online = sysconf(_SC_NPROCESSORS_ONLN);
	return online > 0 ? (int)online : 1;
}

static int
answer_ncpu(void *buf, size_t len)
{
	const char *wanted = getenv("RUMP_NCPU");
	char number[16];

	if (wanted == NULL)
		return answer(DEFAULT_NCPU, buf, len);
	if (strcmp(wanted, "host") == 0) {
		snprintf(number, sizeof(number), "%d", host_ncpu());
		return answer(number, buf, len);
	}
	/* The kernel takes what it gets for a number that makes sense. */
	if (wanted[0] == '\0' || strspn(wanted, "0123456789") != strlen(wanted) ||
	    strtoul(wanted, NULL, 10) == 0)
		return RUMP_EINVAL;
	return answer(wanted, buf, len);
}

/* Kernels of one host are told apart by the process. */
static int
answer_hostname(void *buf, size_t len)
{
	char host[HOSTNAME_SIZE], name[HOSTNAME_SIZE + sizeof("rump-.") + 20];
	int pid = (int)getpid();

	if (gethostname(host, sizeof(host)) == -1) {
		snprintf(name, sizeof(name), "rump-%05d", pid);
	} else {
		host[sizeof(host) - 1] = '\0';
		snprintf(name, sizeof(name), "rump-%05d.%s", pid, host);
	}
	return answer(name, buf, len);
}

int
rumpuser_getparam(const char *name, void *buf, size_t len)
{
	const char *value;

	if (strcmp(name, RUMPUSER_PARAM_NCPU) == 0)
		return answer_ncpu(buf, len);
	if (strcmp(name, RUMPUSER_PARAM_HOSTNAME) == 0)
		return answer_hostname(buf, len);
	if (name[0] == '_')
		return RUMP_EINVAL;
	value = getenv(name);
	return value != NULL ? answer(value, buf, len) : RUMP_ENOENT;
}
