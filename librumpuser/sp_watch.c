/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * Where a process has several CPUs every idle worker waits for clients, and each client that has something to
 * say wakes one. With one CPU the woken ones only stand in each other's way: they run one after the other in
 * any case, and every change from one to the next costs as much as a short call. So there one worker has the
 * watch. It keeps it while it runs a call, and runs the next one too; all others sleep meanwhile.
 *
 * A call that sleeps must not stop other clients. So the watch is passed on before anything that may
 * sleep: hypercalls do so by host_will_sleep(), the server where it waits itself. What no hypercall tells
 * of is found by a timer: a worker that has been at the same thing from one tick to the next loses the watch.
 * The timer runs only while the watch's holder is not waiting for clients; a server that has nothing to do
 * comes to rest after one tick.
 *
 * `holder` is the host_id() of the worker that has the watch, with WAITS while it waits for clients, or 0. It
 * is what the others sleep on. Who sets it to 0 wakes one of them. Holder and timer make a Dekker pair: the
 * holder takes WAITS away, then looks whether the timer runs; who stops the timer says so, then looks at
 * WAITS.
 */
#include "librumpuser/sp_watch.h"

#include <errno.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "librumpuser/annotate.h"
#include "librumpuser/host.h"

#define WAITS (UINT32_C(1) << 31)
#define TICK_NS 4000000

static int timer_fd = -1;
static _Atomic uint32_t holder;
static _Atomic uint32_t turns; /* how often a holder has come back from waiting */
static _Atomic bool ticking;
static uint32_t turns_seen; /* of the thread that checks */

bool
watch_kept(void)
{
	return timer_fd >= 0;
}

int
watch_init(void)
{
	if (host_spins != 0)
		return 0;
	annotate_atomic(&holder, sizeof(holder));
	timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return timer_fd >= 0 ? 0 : -errno;
}

void
watch_fini(void)
{
	if (timer_fd >= 0)
		close(timer_fd);
	timer_fd = -1;
	atomic_store(&holder, 0);
	atomic_store(&ticking, false);
}

static void
set_timer(long nanoseconds)
{
	const struct itimerspec spec = {{0, nanoseconds}, {0, nanoseconds}};

	/* It has no reason to fail. */
	(void)timerfd_settime(timer_fd, 0, &spec, NULL);
}

static void
start_ticking(void)
{
	if (!atomic_load(&ticking) && !atomic_exchange(&ticking, true))
		set_timer(TICK_NS);
}

bool
watch_await(const struct timespec *deadline)
{
	for (;;) {
		uint32_t by = atomic_load(&holder);

		if (by == host_id())
			return true;
		if (by == 0) {
			if (!atomic_compare_exchange_strong(&holder, &by, host_id()))
				continue;
			host_before_sleep = watch_pass;
			start_ticking();
			return true;
		}
		if (host_wait(&holder, by, deadline) == -ETIMEDOUT && atomic_load(&holder) != 0)
			return false;
	}
}

bool
watch_waits(void)
{
	uint32_t by = host_id();

	host_before_sleep = NULL;
	return atomic_compare_exchange_strong(&holder, &by, by | WAITS);
}

void
watch_returns(void)
{
	atomic_store(&holder, host_id());
	host_before_sleep = watch_pass;
	atomic_fetch_add(&turns, 1);
	start_ticking();
}

bool
watch_held(void)
{
	return atomic_load(&holder) == host_id();
}

static void
take_from(uint32_t by)
{
	if (atomic_compare_exchange_strong(&holder, &by, 0))
		(void)host_wake(&holder, 1);
}

void
watch_pass(void)
{
	host_before_sleep = NULL;
	take_from(host_id());
}

int
watch_timer(void)
{
	return timer_fd;
}

void
watch_check(void)
{
	uint32_t by = atomic_load(&holder), now = atomic_load(&turns);
	uint64_t ticks;

	if (read(timer_fd, &ticks, sizeof(ticks)) < 0)
		return;
	if (by == 0 || (by & WAITS) != 0) {
		set_timer(0);
		atomic_store(&ticking, false);
		by = atomic_load(&holder);
		if (by != 0 && (by & WAITS) == 0)
			start_ticking();
	} else if (now == turns_seen) {
		take_from(by);
	}
	turns_seen = now;
}
