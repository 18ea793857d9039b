/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * libevent is used from this thread alone. Other threads leave wishes, in the clients themselves, so that it
 * takes no memory, and wake it by an eventfd. A client with an event, or with wishes, has a reference.
 *
 * Established clients' input does not come through here but through the workers' epoll set, which saves a
 * wake-up (sp_pool.c).
 */
#include "config.h"

#include "librumpuser/sp_loop.h"

#include <errno.h>
#include <fcntl.h>
#include <event2/event.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "librumpuser/sp_client.h"
#include "librumpuser/sp_halfopen.h"
#include "librumpuser/sp_listen.h"
#include "librumpuser/sp_output.h"
#include "librumpuser/sp_ticket.h"
#include "librumpuser/sp_watch.h"

#define TIDY_AFTER 256

enum wish { WISH_OUTPUT = 1, WISH_FORGET = 2, WISH_QUEUED = 4, WISH_GREET = 8 };

static struct event_base *base;
static struct event *wake_event, *tick_event, *watch_event;
static int wake_fd = -1;
static struct host_lock wishes_lock;
static STAILQ_HEAD(, sp_client) wishes = STAILQ_HEAD_INITIALIZER(wishes);
static _Atomic bool tick_wanted;
static _Atomic unsigned left; /* clients, since memory was given back */
static _Atomic bool listening_ends;

static void
wake(void)
{
	static const uint64_t one = 1;

	if (write(wake_fd, &one, sizeof(one)) < 0)
		return; /* full: it will wake */
}

static void
wish(struct sp_client *c, unsigned what)
{
	bool queue;

	host_lock_enter(&wishes_lock);
	queue = (c->loop_wishes & WISH_QUEUED) == 0;
	c->loop_wishes |= what | WISH_QUEUED;
	if (queue) {
		client_ref(c);
		STAILQ_INSERT_TAIL(&wishes, c, loop_entries);
	}
	host_lock_exit(&wishes_lock);
	if (queue)
		wake();
}

void
loop_watch_output(struct sp_client *c)
{
	wish(c, WISH_OUTPUT);
}

void
loop_forget(struct sp_client *c)
{
	wish(c, WISH_FORGET);
}

void
loop_greet(struct sp_client *c)
{
	wish(c, WISH_GREET);
}

void
loop_tick(void)
{
	atomic_store(&tick_wanted, true);
	wake();
}

void
loop_count_left(void)
{
	if (atomic_fetch_add(&left, 1) + 1 == TIDY_AFTER)
		loop_tick();
}

void
loop_stop_listening(void)
{
	atomic_store(&listening_ends, true);
	wake();
}

static void
on_output(evutil_socket_t fd, short what, void *arg)
{
	struct sp_client *c = arg;
	int more;

	(void)fd;
	if ((what & EV_WRITE) == 0) {
		client_drop(c); /* it has not read for so long */
		return;
	}
	more = output_flush(c);
	if (more == 0)
		event_del(c->out_event);
	else if (more < 0)
		client_drop(c);
}

static void
watch_output(struct sp_client *c)
{
	const struct timeval stall = {.tv_sec = (time_t)sp_config.stall};

	/* Its last wish was granted already. */
	if (output_is_closed(&c->out))
		return;
	if (c->out_event == NULL) {
		c->out_event = event_new(base, c->transport.fd, EV_WRITE | EV_PERSIST, on_output, c);
		if (c->out_event == NULL) {
			client_drop(c);
			return;
		}
		client_ref(c);
	}
	event_add(c->out_event, &stall);
}

static void
forget(struct sp_client *c)
{
	halfopen_remove(c);
	if (c->out_event == NULL)
		return;
	event_free(c->out_event);
	c->out_event = NULL;
	client_put(c);
}

static void
grant_wishes(void)
{
	struct sp_client *c;
	unsigned what;

	for (;;) {
		host_lock_enter(&wishes_lock);
		c = STAILQ_FIRST(&wishes);
		if (c != NULL) {
			STAILQ_REMOVE_HEAD(&wishes, loop_entries);
			what = c->loop_wishes;
			c->loop_wishes = 0;
		}
		host_lock_exit(&wishes_lock);
		if (c == NULL)
			return;
		if ((what & (WISH_GREET | WISH_FORGET)) == WISH_GREET)
			halfopen_greet(c);
		else if ((what & WISH_GREET) != 0)
			client_put(c); /* the list's reference */
		if ((what & WISH_FORGET) != 0)
			forget(c);
		else if ((what & WISH_OUTPUT) != 0)
			watch_output(c);
		client_put(c);
	}
}

/* Gives memory back to the host when many clients have left: the heap would keep all that it ever had. */
static void
tidy(void)
{
	if (atomic_load(&left) < TIDY_AFTER)
		return;
	atomic_store(&left, 0);
	malloc_trim(0);
}

/* Once a second while something can expire. */
static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval second = {.tv_sec = 1};
	bool more;

	(void)fd;
	(void)what;
	(void)arg;
	more = ticket_expire();
	more |= halfopen_expire();
	tidy();
	if (more)
		event_add(tick_event, &second);
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval second = {.tv_sec = 1};
	uint64_t times;

	(void)what;
	(void)arg;
	if (read(fd, &times, sizeof(times)) < 0)
		return;
	grant_wishes();
	if (atomic_exchange(&tick_wanted, false) && !event_pending(tick_event, EV_TIMEOUT, NULL))
		event_add(tick_event, &second);
	if (atomic_load(&listening_ends))
		listen_end();
}

static void
on_watch(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	watch_check();
}

static void *
loop_main(void *arg)
{
	(void)arg;
	event_base_dispatch(base);
	return NULL;
}

/* libevent opens an epoll set and a pair of sockets, and ends the process where it cannot. */
#define LIBEVENT_DESCRIPTORS 4

/* Whether there are as many, told by taking them for a moment. Returns 0 or -errno. */
static int
probe_descriptors(int fd)
{
	int taken[LIBEVENT_DESCRIPTORS], count = 0, error = 0;

	while (error == 0 && count < LIBEVENT_DESCRIPTORS) {
		taken[count] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (taken[count] == -1)
			error = -errno;
		else
			count++;
	}
	while (count > 0)
		close(taken[--count]);
	return error;
}

/* Makes the loop's events. Returns 0 or -errno. */
static int
make_events(enum sp_transport_kind kind, int listener, const char *banner)
{
	struct event_config *config = event_config_new();
	int error;

	if (config == NULL)
		return -ENOMEM;
	/*
	 * No lock: it is used from one thread. And no list of changes that would be applied later, when
	 * another thread has closed the descriptor and its number is another client's.
	 */
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	base = event_base_new_with_config(config);
	event_config_free(config);
	if (base == NULL)
		return -ENOMEM;
	wake_event = event_new(base, wake_fd, EV_READ | EV_PERSIST, on_wake, NULL);
	tick_event = evtimer_new(base, on_tick, NULL);
	if (wake_event == NULL || tick_event == NULL || event_add(wake_event, NULL) != 0)
		return -ENOMEM;
	if (watch_timer() >= 0) {
		watch_event = event_new(base, watch_timer(), EV_READ | EV_PERSIST, on_watch, NULL);
		if (watch_event == NULL || event_add(watch_event, NULL) != 0)
			return -ENOMEM;
	}
	error = halfopen_init(base, banner);
	if (error != 0)
		return error;
	return listen_begin(base, kind, listener) ? 0 : -ENOMEM;
}

static void
free_event(struct event **event)
{
	if (*event != NULL)
		event_free(*event);
	*event = NULL;
}

/* Undoes what was done of loop_start(). */
static void
abandon(void)
{
	listen_abandon();
	halfopen_fini();
	free_event(&watch_event);
	free_event(&tick_event);
	free_event(&wake_event);
	if (base != NULL)
		event_base_free(base);
	base = NULL;
	close(wake_fd);
	wake_fd = -1;
}

int
loop_start(enum sp_transport_kind kind, int listener, const char *banner)
{
	int error;

	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake_fd < 0)
		return -errno;
	error = probe_descriptors(wake_fd);
	if (error == 0)
		error = make_events(kind, listener, banner);
	if (error == 0)
		error = host_thread_start(NULL, loop_main, NULL, "rump_sp_loop");
	if (error != 0)
		abandon();
	return error;
}
