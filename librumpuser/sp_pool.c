/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * Every worker waits on one epoll set, edge-triggered: the host wakes exactly one for each client that has
 * something to say, the one that has waited least, whose caches are warm. That worker receives, runs the call
 * and sends the answer: one wake-up a call. Calls found behind the first go to the queue, as do jobs of other
 * threads.
 *
 * A worker is idle (waits), searching (awake, looks for work) or busy (runs a call, which may sleep for
 * ever). The rule that nothing stops other clients is that somebody is always idle or searching: the last
 * searching one does not become busy before it has woken another, when there is something in the queue,
 * or has started one, when nobody is idle. So the pool grows to as many threads as calls sleep, and one. Idle
 * threads beyond a few end after a while.
 *
 * Where the process has one CPU, one idle worker waits for clients and the others for their turn to do so
 * (sp_watch.c). It stays in charge while it runs a client's call: that is the one exception to the rule.
 *
 * `counts` holds the numbers of idle and searching in one word. Queue and counts make a Dekker pair: a pusher
 * fills the queue, then looks whether anybody searches; a worker stops searching, then looks at the queue.
 * `notified` is set from a wake-up until somebody has got it, so that many pushes cost one write.
 *
 * The first workers stand at a gate, before they touch the kernel or a descriptor, until the rest of the
 * server has been started too: so they can be sent away again without the kernel, whose CPU the thread that
 * starts the server may hold.
 */
#include "config.h"

#include "librumpuser/sp_pool.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "librumpuser/host_lock.h"
#include "librumpuser/sp_config.h"
#include "librumpuser/sp_kernel.h"
#include "librumpuser/sp_watch.h"
#include "sp/look.h"
#include "sp/turn.h"

#define WORKERS_MIN 4
#define IDLE_MS 5000
#define WORKERS_KEPT 8
#define WAKE_ID UINT64_MAX
#define CROWD_WAITS 16

#define IDLE_ONE UINT64_C(1)
#define SEARCHING_ONE (UINT64_C(1) << 32)

HOST_TLS struct worker *worker_self;

enum gate { GATE_SHUT, GATE_OPEN, GATE_SENT_AWAY };

static _Atomic uint32_t gate;
static _Atomic uint32_t at_gate; /* workers that have not passed it yet */
static int epoll_fd = -1;
static int wake_fd = -1;
static _Atomic uint64_t counts;
static _Atomic bool notified;
static struct host_lock queue_lock;
static STAILQ_HEAD(, job) queue = STAILQ_HEAD_INITIALIZER(queue);
static _Atomic uint32_t queued;

/* What only the worker with the watch uses. */
static struct {
	struct sp_look look;
	struct sp_turn turn;
	uint64_t heard[2]; /* the two clients that were last heard */
	uint32_t crowded;  /* waits until a third one is forgotten */
} here = {.look = {SP_LOOK_REST, SP_LOOK_REST}};

static uint32_t
idle(uint64_t of)
{
	return (uint32_t)of;
}

static uint32_t
searching(uint64_t of)
{
	return (uint32_t)(of >> 32);
}

static struct job *
pop(void)
{
	struct job *job;

	if (atomic_load(&queued) == 0)
		return NULL;
	host_lock_enter(&queue_lock);
	job = STAILQ_FIRST(&queue);
	if (job != NULL) {
		STAILQ_REMOVE_HEAD(&queue, entries);
		atomic_fetch_sub(&queued, 1);
	}
	host_lock_exit(&queue_lock);
	return job;
}

static void
wake_one(void)
{
	static const uint64_t one = 1;

	if (atomic_exchange(&notified, true))
		return;
	/* It fails only when the counter is full, and then it wakes all the same. */
	if (write(wake_fd, &one, sizeof(one)) < 0)
		return;
}

static bool
wait_in_set(struct epoll_event *event, int milliseconds)
{
	return host_epoll_wait(epoll_fd, event, milliseconds) == 1;
}

/* Looks for a while, since clients may be on another CPU than this process. */
static bool
look_in_set(struct epoll_event *event)
{
	struct sp_look_times times;
	int64_t now;
	bool got;

	if (sp_config.look == 0 || !sp_look_worth_it(&here.look))
		return false;
	times = sp_look_begin(host_nanoseconds(), sp_config.look);
	do {
		got = wait_in_set(event, 0);
		now = host_nanoseconds();
	} while (!got && sp_look_again(&times, now));
	sp_look_end(&here.look, &times, now, got);
	return got;
}

/* Notes whom a client's event is from. */
static void
hear(uint64_t id)
{
	bool third = id != here.heard[0] && id != here.heard[1];

	if (third)
		here.crowded = CROWD_WAITS;
	else if (here.crowded > 0)
		here.crowded--;
	if (id != here.heard[0])
		here.heard[1] = here.heard[0];
	here.heard[0] = id;
}

/*
 * Lets clients run that share this process's only CPU, when nothing of theirs is left to be done. As
 * look_in_set(). The worker with the watch alone comes here.
 */
static bool
take_turn(struct epoll_event *event)
{
	int64_t begun;

	if (sp_config.look == 0 || !sp_turn_worth_it(&here.turn))
		return false;
	if (wait_in_set(event, 0))
		return true;
	begun = host_nanoseconds();
	host_yield();
	sp_turn_end(&here.turn, host_nanoseconds() - begun, here.crowded > 0);
	return false;
}

/* As wait_in_set(), where the calling worker has to have the watch first, and waits for it if it has not. */
static bool
wait_on_watch(struct epoll_event *event, int milliseconds)
{
	struct timespec deadline;
	bool got;

	if (milliseconds >= 0)
		host_deadline(&deadline, 0, (int64_t)milliseconds * 1000000);
	do {
		if (!watch_await(milliseconds >= 0 ? &deadline : NULL))
			return false;
		/* What has come for others while they slept. */
		if (atomic_load(&queued) != 0) {
			event->data.u64 = WAKE_ID;
			return true;
		}
	} while (!watch_waits());
	got = take_turn(event) || look_in_set(event) || wait_in_set(event, -1);
	if (got)
		hear(event->data.u64);
	watch_returns();
	return got;
}

/* Waits for a client or a wake-up. False when nothing came for long. */
static bool
wait_event(struct epoll_event *event)
{
	uint64_t before = atomic_fetch_add(&counts, IDLE_ONE - SEARCHING_ONE);
	/* A timer costs the host something each time: only those wait with one that are too many. */
	int timeout = idle(before) < WORKERS_KEPT ? -1 : IDLE_MS;
	bool got;

	got = atomic_load(&queued) != 0;
	if (got)
		event->data.u64 = WAKE_ID;
	else if (watch_kept())
		got = wait_on_watch(event, timeout);
	else
		got = wait_in_set(event, timeout);
	atomic_fetch_add(&counts, SEARCHING_ONE - IDLE_ONE);
	return got;
}

/* Takes the calling worker off the count, unless it is needed. */
static bool
may_end(void)
{
	uint64_t now = atomic_load(&counts);

	while (idle(now) >= WORKERS_KEPT) {
		if (!atomic_compare_exchange_weak(&counts, &now, now - SEARCHING_ONE))
			continue;
		if (atomic_load(&queued) == 0)
			return true;
		atomic_fetch_add(&counts, SEARCHING_ONE);
		return false;
	}
	return false;
}

/* Returns whether the calling worker is to work. */
static bool
pass_gate(void)
{
	uint32_t state;

	while ((state = atomic_load(&gate)) == GATE_SHUT)
		(void)host_wait(&gate, GATE_SHUT, NULL);
	if (atomic_fetch_sub(&at_gate, 1) == 1)
		(void)host_wake(&at_gate, HOST_WAKE_ALL);
	return state == GATE_OPEN;
}

static void *
worker_main(void *arg)
{
	struct worker self = {.buffer = arg};
	struct job *job;
	struct epoll_event event;

	if (!pass_gate()) {
		free(self.buffer);
		return NULL;
	}
	worker_self = &self;
	kernel_attach(&self);
	for (;;) {
		while ((job = pop()) != NULL)
			job->run(job);
		if (!wait_event(&event)) {
			if (may_end())
				break;
		} else if (event.data.u64 == WAKE_ID) {
			atomic_store(&notified, false);
		} else {
			pool_event(event.data.u64, (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
		}
	}
	watch_pass();
	kernel_detach(&self);
	bulk_free(&self.bulk);
	free(self.buffer);
	return NULL;
}

static int
start_worker(void)
{
	uint8_t *buffer = malloc(WORKER_BUFFER);
	int error;

	if (buffer == NULL)
		return -ENOMEM;
	atomic_fetch_add(&counts, SEARCHING_ONE);
	atomic_fetch_add(&at_gate, 1);
	error = host_thread_start(NULL, worker_main, buffer, "rump_sp");
	if (error != 0) {
		atomic_fetch_sub(&at_gate, 1);
		atomic_fetch_sub(&counts, SEARCHING_ONE);
		free(buffer);
	}
	return error;
}

int
pool_start(void)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = WAKE_ID};
	int error = 0;

	annotate_atomic(&gate, sizeof(gate));
	annotate_atomic(&at_gate, sizeof(at_gate));
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (epoll_fd < 0 || wake_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, &event) != 0)
		error = -errno;
	sp_turn_init(&here.turn);
	/* Tools do not know the watch for the lock that it is to these. */
	annotate_atomic(&here, sizeof(here));
	if (error == 0)
		error = watch_init();
	for (int i = 0; i < WORKERS_MIN && error == 0; i++)
		error = start_worker();
	if (error != 0)
		pool_abandon();
	return error;
}

void
pool_open(void)
{
	atomic_store(&gate, GATE_OPEN);
	(void)host_wake(&gate, HOST_WAKE_ALL);
}

static void
close_descriptor(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
pool_abandon(void)
{
	uint32_t left;

	atomic_store(&gate, GATE_SENT_AWAY);
	(void)host_wake(&gate, HOST_WAKE_ALL);
	while ((left = atomic_load(&at_gate)) != 0)
		(void)host_wait(&at_gate, left, NULL);
	atomic_store(&gate, GATE_SHUT);
	atomic_store(&counts, 0);
	watch_fini();
	close_descriptor(&wake_fd);
	close_descriptor(&epoll_fd);
}

static int
control(int operation, int fd, uint64_t id, uint32_t events)
{
	struct epoll_event event = {.events = events | EPOLLET, .data.u64 = id};

	return epoll_ctl(epoll_fd, operation, fd, &event) == 0 ? 0 : -errno;
}

int
pool_watch(int fd, uint64_t id)
{
	return control(EPOLL_CTL_ADD, fd, id, EPOLLIN | EPOLLRDHUP);
}

/* These fail for clients that are unwatched, who want neither. */
void
pool_mute(int fd, uint64_t id)
{
	(void)control(EPOLL_CTL_MOD, fd, id, 0);
}

void
pool_unmute(int fd, uint64_t id)
{
	(void)control(EPOLL_CTL_MOD, fd, id, EPOLLIN | EPOLLRDHUP);
}

void
pool_unwatch(int fd)
{
	epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

bool
pool_wanted(void)
{
	return atomic_load(&queued) != 0;
}

void
pool_submit(struct job *job)
{
	host_lock_enter(&queue_lock);
	STAILQ_INSERT_TAIL(&queue, job, entries);
	atomic_fetch_add(&queued, 1);
	host_lock_exit(&queue_lock);
	/* A worker that searches will find it, and so will the caller when it is one. */
	if (searching(atomic_load(&counts)) == 0)
		wake_one();
}

bool
pool_calls(void)
{
	uint64_t before;

	if (worker_self == NULL || worker_self->busy)
		return true;
	before = atomic_fetch_sub(&counts, SEARCHING_ONE);
	worker_self->busy = true;
	if (searching(before) > 1)
		return true;
	if (idle(before) != 0) {
		/* Who has the watch does itself what is in the queue, or passes it on with the watch. */
		if (atomic_load(&queued) != 0 && !watch_held())
			wake_one();
		return true;
	}
	if (start_worker() == 0)
		return true;
	pool_free();
	return false;
}

bool
pool_busy(void)
{
	host_will_sleep();
	return pool_calls();
}

void
pool_free(void)
{
	if (worker_self == NULL || !worker_self->busy)
		return;
	worker_self->busy = false;
	atomic_fetch_add(&counts, SEARCHING_ONE);
}
