/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>

#include <rump/rumpuser.h>

#include "abi/errno.h"
#include "librumpuser/host.h"
#include "librumpuser/hyp.h"

#define MILLISECOND 1000000
/* Sleeps of 1, 2, 4, ... milliseconds: a second in all. */
#define START_ATTEMPTS 11

int
rumpuser_thread_create(
    void *(*f)(void *), void *arg, const char *name, int mustjoin, int pri, int cpuidx, void **cookie)
{
	struct host_thread *thread;
	struct timespec later;
	int error;

	/* The host schedules as it sees fit. */
	(void)pri;
	(void)cpuidx;
	for (int attempt = 0;; attempt++) {
		error = host_thread_start(mustjoin ? &thread : NULL, f, arg, name);
		if (error != -EAGAIN || attempt + 1 == START_ATTEMPTS)
			break;
		host_deadline(&later, 0, (int64_t)MILLISECOND << attempt);
		host_sleep_until(&later);
	}
	if (error == 0 && mustjoin)
		*cookie = thread;
	return abi_errno_to_netbsd(-error);
}

void
rumpuser_thread_exit(void)
{
	host_thread_exit();
}

int
rumpuser_thread_join(void *cookie)
{
	int locks = hyp_release_cpu(NULL);
	int error = host_thread_join(cookie);

	hyp_retake_cpu(locks, NULL);
	return abi_errno_to_netbsd(-error);
}
