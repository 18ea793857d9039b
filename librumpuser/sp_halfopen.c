/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * They are in an epoll set of their own, which is one event of the loop's: libevent keeps something for every
 * descriptor that it has ever seen, and with very many clients the memory between those would be no use to
 * anybody later.
 */
#include "librumpuser/sp_halfopen.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "librumpuser/sp_client.h"
#include "librumpuser/sp_connect.h"
#include "librumpuser/sp_exec.h"
#include "librumpuser/sp_loop.h"
#include "librumpuser/sp_output.h"

#define HANDLED_AT_ONCE 64

static int set = -1;
static struct event *set_event;
static char banner[SP_BANNER_MAX + 1];
static TAILQ_HEAD(, sp_client) waiting = TAILQ_HEAD_INITIALIZER(waiting); /* the oldest first */
static unsigned count;

void
halfopen_remove(struct sp_client *c)
{
	connect_is_over(c);
	if (!c->in_halfopen)
		return;
	TAILQ_REMOVE(&waiting, c, halfopen);
	c->in_halfopen = false;
	count--;
	(void)epoll_ctl(set, EPOLL_CTL_DEL, c->transport.fd, NULL);
	client_put(c);
}

static void
drop(struct sp_client *c)
{
	client_ref(c);
	halfopen_remove(c);
	client_drop(c);
	client_put(c);
}

/* The handshake is there. What came after it is kept for later. */
static void
hand_over(struct sp_client *c, const struct sp_frame *frame, const uint8_t *data, size_t len)
{
	bool kept = true, alive;

	if (len != 0) {
		c->early = malloc(len);
		kept = c->early != NULL;
		if (kept) {
			memcpy(c->early, data, len);
			c->early_len = len;
		}
	}
	host_lock_enter(&c->lock);
	alive = c->state == CLIENT_NEW && kept;
	if (alive)
		c->state = CLIENT_STARTING;
	host_lock_exit(&c->lock);
	if (!alive) {
		drop(c);
		return;
	}
	client_ref(c);
	halfopen_remove(c);
	handshake_begin(c, frame);
	client_put(c);
}

static void
receive_handshake(struct sp_client *c)
{
	uint8_t buffer[SP_HANDSHAKE_FRAME_MAX];
	ssize_t n = sp_receive(&c->transport, buffer, sizeof(buffer), false);
	const uint8_t *data = buffer;
	struct sp_frame frame;
	size_t len;
	int rv;

	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		drop(c);
		return;
	}
	len = (size_t)n;
	rv = sp_assemble(&c->in, &data, &len, &frame);
	if (rv == 1)
		hand_over(c, &frame, data, len);
	else if (rv < 0)
		drop(c);
}

/* One after the other: what is done for one may be the end of another. */
static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct epoll_event event;

	(void)what;
	(void)arg;
	for (int i = 0; i < HANDLED_AT_ONCE && host_epoll_wait(fd, &event, 0) == 1; i++)
		receive_handshake(event.data.ptr);
}

int
halfopen_init(struct event_base *base, const char *line)
{
	strcpy(banner, line);
	set = epoll_create1(EPOLL_CLOEXEC);
	if (set < 0)
		return -errno;
	set_event = event_new(base, set, EV_READ | EV_PERSIST, on_readable, NULL);
	return set_event != NULL && event_add(set_event, NULL) == 0 ? 0 : -ENOMEM;
}

void
halfopen_fini(void)
{
	if (set_event != NULL)
		event_free(set_event);
	set_event = NULL;
	if (set >= 0)
		close(set);
	set = -1;
}

/* Makes room for one more. */
static void
make_room(void)
{
	while (count >= sp_config.halfopen)
		drop(TAILQ_FIRST(&waiting));
}

void
halfopen_add(int fd, const struct sp_peer *peer)
{
	struct sp_client *c = client_count() < sp_config.clients ? client_new(fd, peer) : NULL;

	if (c == NULL)
		close(fd);
	else
		halfopen_greet(c);
}

void
halfopen_greet(struct sp_client *c)
{
	struct iovec iov = {banner, strlen(banner)};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

	make_room();
	host_deadline(&c->handshake_deadline, sp_config.handshake, 0);
	if (epoll_ctl(set, EPOLL_CTL_ADD, c->transport.fd, &event) != 0) {
		client_drop(c);
		client_put(c);
		return;
	}
	TAILQ_INSERT_TAIL(&waiting, c, halfopen);
	c->in_halfopen = true;
	if (count++ == 0)
		loop_tick();
	output_send(c, &iov, 1);
}

static bool
is_past(const struct timespec *t, const struct timespec *now)
{
	return t->tv_sec < now->tv_sec || (t->tv_sec == now->tv_sec && t->tv_nsec <= now->tv_nsec);
}

bool
halfopen_expire(void)
{
	struct timespec now;
	struct sp_client *c;

	host_clock_monotonic(&now);
	while ((c = TAILQ_FIRST(&waiting)) != NULL && is_past(&c->handshake_deadline, &now))
		drop(c);
	return c != NULL;
}
