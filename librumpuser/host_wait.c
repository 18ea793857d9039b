/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "librumpuser/host.h"

/* What a lock is usually held for is over within so many looks, which cost less than one wake-up does. */
#define SPINS_WITH_COMPANY 40

unsigned host_spins;
HOST_TLS struct host_self host_self;
HOST_TLS void (*host_before_sleep)(void);

static int
futex_wait(const _Atomic uint32_t *word, uint32_t value, const struct timespec *deadline, uint32_t groups)
{
	int saved = errno;
	int error = 0;

	host_will_sleep();
	if (syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, deadline, NULL, groups) == -1 &&
	    errno == ETIMEDOUT)
		error = -ETIMEDOUT;
	errno = saved;
	return error;
}

static int
futex_wake(const _Atomic uint32_t *word, int count, uint32_t groups)
{
	int saved = errno;
	long woken = syscall(SYS_futex, word, FUTEX_WAKE_BITSET_PRIVATE, count, NULL, NULL, groups);

	errno = saved;
	return woken > 0 ? (int)woken : 0;
}

int
host_wait(const _Atomic uint32_t *word, uint32_t value, const struct timespec *deadline)
{
	return futex_wait(word, value, deadline, FUTEX_BITSET_MATCH_ANY);
}

int
host_wake(const _Atomic uint32_t *word, int count)
{
	return futex_wake(word, count, FUTEX_BITSET_MATCH_ANY);
}

int
host_wait_among(const _Atomic uint32_t *word, uint32_t value, uint32_t groups)
{
	return futex_wait(word, value, NULL, groups);
}

int
host_wake_among(const _Atomic uint32_t *word, int count, uint32_t groups)
{
	return futex_wake(word, count, groups);
}

int
host_poll(struct pollfd *fds, nfds_t count, const struct timespec *deadline)
{
	struct timespec left, *timeout = NULL;

	host_will_sleep();
	if (deadline != NULL) {
		host_clock_monotonic(&left);
		left.tv_sec = deadline->tv_sec - left.tv_sec;
		left.tv_nsec = deadline->tv_nsec - left.tv_nsec;
		if (left.tv_nsec < 0) {
			left.tv_sec--;
			left.tv_nsec += 1000000000;
		}
		if (left.tv_sec < 0)
			left = (struct timespec){0};
		timeout = &left;
	}
	int ready = ppoll(fds, count, timeout, NULL);
	return ready == -1 ? -errno : ready;
}

int
host_epoll_wait(int fd, struct epoll_event *event, int milliseconds)
{
	int ready;

	host_will_sleep();
	/* Not by libc's function, which is a cancellation point and pays for it. */
	ready = (int)syscall(SYS_epoll_pwait, fd, event, 1, milliseconds, NULL, 0);

	if (ready == -1)
		return errno == EINTR ? 0 : -errno;
	return ready;
}

uint32_t
host_id_find(void)
{
	return host_self.id = (uint32_t)gettid();
}

static void
forget_id(void)
{
	host_self.id = 0;
}

__attribute__((constructor)) static void
host_start(void)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0 || CPU_COUNT(&cpus) > 1)
		host_spins = SPINS_WITH_COMPANY;
	(void)pthread_atfork(NULL, NULL, forget_id);
}
