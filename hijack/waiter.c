/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * A wait submits one poll to the rump kernel and then waits on the host, for the host's descriptors and for
 * the connection. Any thread may receive any waiter's answer; it tells the one who waits by that one's
 * eventfd. A wait that ends for another reason abandons its call: it is cancelled where the kernel can do
 * that, and elsewhere it was started for a short time only. Whoever receives the answer of an abandoned call
 * frees it. Each step of that is one exchange, so one of the two sees the other: from under way to done or
 * abandoned; and then, if another thread has received the answer, to told by that one or left by the one who
 * waits. The second of these two frees the waiter and gives back the eventfd, which nobody writes to any
 * more.
 *
 * While a thread receives, which may be one that waits for the answer to a plain call, what has arrived is
 * its own to take. It may have lost the CPU to one that is told so by the host and finds nothing to do; so
 * this one gives it up, and then stands aside: it waits for the list of answers, and looks at the connection
 * from time to time, since the receiver may have left what came last.
 *
 * Eventfds are kept for the next wait, in the process's state, and are closed in a child, which must not
 * share them.
 */
#include "hijack/waiter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hijack/gate.h"
#include "hijack/rump.h"
#include "rumpclient/client.h"

/* For those that look in vain: how often to give up the CPU, then how long not to look. */
#define YIELDS 2
#define PAUSE_FIRST 50000L /* nanoseconds, doubled so often at most: */
#define PAUSE_DOUBLED 4

enum state { UNDER_WAY, ABANDONED, DONE, TOLD, LEFT };

struct hijack_waiter {
	struct rumpclient_call call;
	struct rumpclient *context;
	_Atomic uint32_t state;
	int wakes;
	struct rump_pollfd fds[];
};

int
hijack_event_take(void)
{
	struct hijack_process *process = hijack_process();
	int fd;

	for (size_t i = 0; i < HIJACK_EVENTS; i++) {
		fd = __atomic_exchange_n(&process->events[i], 0, __ATOMIC_ACQUIRE);
		if (fd > 0)
			return fd - 1;
	}
	fd = (int)hijack_own(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK, 0, 0, 0, 0);
	return fd < 0 ? fd : rc_fd_up(fd);
}

void
hijack_event_give(int fd)
{
	struct hijack_process *process = hijack_process();
	uint64_t count;

	(void)!read(fd, &count, sizeof(count));
	for (size_t i = 0; i < HIJACK_EVENTS; i++) {
		int none = 0;

		if (__atomic_compare_exchange_n(
			&process->events[i], &none, fd + 1, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return;
	}
	(void)close(fd);
}

struct hijack_waiter *
hijack_waiter_start(const struct rump_pollfd *fds, size_t count, int milliseconds, int *error)
{
	struct rumpclient *ctx = hijack_rump_context(error);
	struct hijack_waiter *waiter;
	uint64_t slots[3];

	if (ctx == NULL)
		return NULL;
	*error = -ENOMEM;
	waiter = malloc(sizeof(*waiter) + count * sizeof(*fds));
	if (waiter == NULL)
		return NULL;
	memset(&waiter->call, 0, sizeof(waiter->call));
	waiter->context = ctx;
	atomic_init(&waiter->state, UNDER_WAY);
	memcpy(waiter->fds, fds, count * sizeof(*fds));
	waiter->call.data = waiter;
	waiter->wakes = hijack_event_take();
	*error = waiter->wakes < 0 ? waiter->wakes : 0;
	slots[0] = hijack_slot(waiter->fds);
	slots[1] = count;
	slots[2] = (uint64_t)(int64_t)milliseconds;
	/* The descriptor first: what the answer makes readable has to be there. */
	if (*error == 0 && rumpclient_ctx_fd(ctx) < 0)
		*error = -EMFILE;
	if (*error == 0)
		*error = rumpclient_ctx_submit(ctx, &waiter->call, HIJACK_RUMP_poll, slots, sizeof(slots));
	if (*error == 0)
		return waiter;
	if (waiter->wakes >= 0)
		hijack_event_give(waiter->wakes);
	free(waiter);
	return NULL;
}

int
hijack_waiter_arrivals(const struct hijack_waiter *waiter)
{
	return rumpclient_ctx_fd(waiter->context);
}

int
hijack_waiter_wakes(const struct hijack_waiter *waiter)
{
	return waiter->wakes;
}

int
hijack_waiter_answers(const struct hijack_waiter *waiter)
{
	return waiter->context->event;
}

struct timespec
hijack_waiter_aside(const struct hijack_waiter *waiter, unsigned int *aside)
{
	uintptr_t receiver = atomic_load(&waiter->context->receiver);
	struct timespec pause = {0};
	unsigned int doubled;

	if (receiver == 0 || receiver == rc_self()) {
		*aside = 0;
		return pause;
	}
	if (++*aside <= YIELDS) {
		(void)hijack_own(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
		return pause;
	}
	doubled = *aside - YIELDS - 1 < PAUSE_DOUBLED ? *aside - YIELDS - 1 : PAUSE_DOUBLED;
	pause.tv_nsec = PAUSE_FIRST << doubled;
	return pause;
}

void
hijack_waiter_woken(const struct hijack_waiter *waiter)
{
	uint64_t count;

	(void)!read(waiter->wakes, &count, sizeof(count));
}

static void
dispose(struct hijack_waiter *waiter)
{
	hijack_event_give(waiter->wakes);
	free(waiter);
}

/* The answer to some waiter's call has been received by this thread. */
static void
answered(struct hijack_waiter *waiter, const struct hijack_waiter *mine)
{
	const uint64_t one = 1;
	uint32_t state = UNDER_WAY;

	if (!atomic_compare_exchange_strong(&waiter->state, &state, waiter == mine ? TOLD : DONE)) {
		free(waiter);
		return;
	}
	if (waiter == mine)
		return;
	(void)!write(waiter->wakes, &one, sizeof(one));
	if (atomic_exchange(&waiter->state, TOLD) == LEFT)
		dispose(waiter);
}

bool
hijack_waiter_done(struct hijack_waiter *waiter)
{
	struct rumpclient_call *call;

	while (atomic_load(&waiter->state) == UNDER_WAY &&
	       (call = rumpclient_ctx_complete(waiter->context)) != NULL)
		answered(call->data, waiter);
	return atomic_load(&waiter->state) != UNDER_WAY;
}

long
hijack_waiter_finish(struct hijack_waiter *waiter, struct rump_pollfd *fds, size_t count)
{
	uint32_t state = UNDER_WAY;
	int wakes = waiter->wakes;
	long result;

	if (!hijack_waiter_done(waiter)) {
		(void)rumpclient_ctx_cancel(waiter->context, &waiter->call);
		if (atomic_compare_exchange_strong(&waiter->state, &state, ABANDONED)) {
			hijack_event_give(wakes);
			return 0;
		}
	}
	memcpy(fds, waiter->fds, count * sizeof(*fds));
	result = waiter->call.error != 0 ? -waiter->call.error : (long)waiter->call.retval[0];
	if (atomic_exchange(&waiter->state, LEFT) == TOLD)
		dispose(waiter);
	return result;
}

void
hijack_waiter_prepare(void)
{
	struct rumpclient *ctx = hijack_process()->context;
	int wakes;

	if (ctx == NULL)
		return;
	(void)rumpclient_ctx_fd(ctx);
	wakes = hijack_event_take();
	if (wakes >= 0)
		hijack_event_give(wakes);
}
