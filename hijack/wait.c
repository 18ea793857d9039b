/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * Descriptors of the host's are the host's to poll, and so are the shadows of files, which are always ready;
 * where there are no others, that is all. Sockets and devices of the rump kernel are polled there. First both
 * sides are asked without waiting; only if nothing is ready a call is left under way in the rump kernel
 * (waiter.c) while the host waits for its own descriptors and for the connection. Where such a call cannot be
 * cancelled, each is for a short time, and the next one follows. Handlers run while the host waits, and a
 * wait that they interrupt returns EINTR, as on the host; between the pieces signals are held up
 * (interruption.c).
 */
#include "hijack/wait.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "hijack/descriptor.h"
#include "hijack/gate.h"
#include "hijack/interruption.h"
#include "hijack/rump.h"
#include "hijack/waiter.h"
#include "rumpclient/client.h"

/* A call that cannot be cancelled must not stay for long after its wait is over. */
#define UNCANCELLED_MS 250

#define SELECT_WORDS 16 /* of a set of descriptors */
#define MORE 3          /* the library's own, behind the program's */

/* A wait's descriptors by side; place says which of the program's an entry is. */
struct sides {
	struct pollfd *host; /* with room for MORE */
	size_t hosts;
	struct rump_pollfd *rump;
	size_t rumps;
	size_t *host_place;
	size_t *rump_place;
};

static_assert(POLLIN == RUMP_POLLIN && POLLPRI == RUMP_POLLPRI && POLLOUT == RUMP_POLLOUT &&
		  POLLERR == RUMP_POLLERR && POLLHUP == RUMP_POLLHUP && POLLNVAL == RUMP_POLLNVAL &&
		  POLLRDNORM == RUMP_POLLRDNORM && POLLRDBAND == RUMP_POLLRDBAND,
    "poll's events");
#define SAME (POLLIN | POLLPRI | POLLOUT | POLLERR | POLLHUP | POLLNVAL | POLLRDNORM | POLLRDBAND)

static int16_t
events_in(short events)
{
	return (int16_t)((events & SAME) | (events & POLLWRNORM ? RUMP_POLLOUT : 0) |
			 (events & POLLWRBAND ? RUMP_POLLWRBAND : 0));
}

static short
events_out(int16_t events, short wanted)
{
	int result = events & SAME;

	if (events & RUMP_POLLOUT)
		result |= POLLWRNORM;
	if (events & RUMP_POLLWRBAND)
		result |= POLLWRBAND;
	if (events & RUMP_POLLHUP)
		result |= POLLRDHUP;
	return (short)(result & (wanted | POLLERR | POLLHUP | POLLNVAL));
}

static struct timespec
now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return time;
}

struct hijack_deadline
hijack_deadline_in(const struct timespec *timeout)
{
	struct hijack_deadline deadline = {.forever = timeout == NULL};

	if (timeout == NULL)
		return deadline;
	deadline.at = now();
	if (__builtin_add_overflow(deadline.at.tv_sec, timeout->tv_sec, &deadline.at.tv_sec))
		deadline.forever = true;
	deadline.at.tv_nsec += timeout->tv_nsec;
	if (deadline.at.tv_nsec >= 1000000000) {
		deadline.at.tv_nsec -= 1000000000;
		deadline.at.tv_sec++;
	}
	return deadline;
}

struct timespec
hijack_deadline_left(const struct hijack_deadline *deadline)
{
	struct timespec time = now(), left;

	left = (struct timespec){deadline->at.tv_sec - time.tv_sec, deadline->at.tv_nsec - time.tv_nsec};
	if (left.tv_nsec < 0) {
		left.tv_nsec += 1000000000;
		left.tv_sec--;
	}
	return left.tv_sec < 0 ? (struct timespec){0} : left;
}

static bool
is_over(const struct hijack_deadline *deadline)
{
	struct timespec left = hijack_deadline_left(deadline);

	return !deadline->forever && left.tv_sec == 0 && left.tv_nsec == 0;
}

/* Rounded up: waking before the time is over would be a wait too many. */
static int
milliseconds_left(const struct hijack_deadline *deadline)
{
	struct timespec left = hijack_deadline_left(deadline);
	int64_t result = left.tv_sec * 1000 + (left.tv_nsec + 999999) / 1000000;

	return deadline->forever ? -1 : result > INT_MAX ? INT_MAX : (int)result;
}

static void *
split(const struct pollfd *fds, size_t count, struct sides *sides)
{
	size_t size = (count + MORE) * (sizeof(*sides->host) + sizeof(*sides->rump) + 2 * sizeof(size_t));
	char *memory = malloc(size);

	if (memory == NULL)
		return NULL;
	memset(sides, 0, sizeof(*sides));
	sides->host_place = (size_t *)memory;
	sides->rump_place = sides->host_place + count + MORE;
	sides->host = (struct pollfd *)(sides->rump_place + count + MORE);
	sides->rump = (struct rump_pollfd *)(sides->host + count + MORE);
	for (size_t i = 0; i < count; i++) {
		int rump = fds[i].fd >= 0 ? hijack_fd(fds[i].fd) : -1;

		if (rump >= 0 && hijack_kind_waits(hijack_fd_settle(fds[i].fd))) {
			sides->rump_place[sides->rumps] = i;
			sides->rump[sides->rumps++] = (struct rump_pollfd){rump, events_in(fds[i].events), 0};
		} else {
			sides->host_place[sides->hosts] = i;
			sides->host[sides->hosts++] = (struct pollfd){fds[i].fd, fds[i].events, 0};
		}
	}
	return memory;
}

/* Asks both sides without waiting. Returns how many are ready, the answers in the sides; or -errno. */
static long
ask(struct sides *sides)
{
	long ready = 0, hosts = 0;

	if (sides->rumps > 0)
		ready = HIJACK_RUMP(poll, hijack_slot(sides->rump), sides->rumps, 0);
	if (ready < 0)
		return ready;
	if (sides->hosts > 0)
		hosts = hijack_raw(SYS_poll, (long)sides->host, (long)sides->hosts, 0, 0, 0, 0);
	return hosts < 0 ? hosts : ready + hosts;
}

/* For a process that may have fewer descriptors than it waits for, which only poll minds. */
static long
select_host(struct pollfd *fds, size_t count, const struct timespec *left, const uint64_t *mask)
{
	const struct {
		const uint64_t *mask;
		size_t size;
	} pack = {mask, 8};
	uint64_t sets[2][SELECT_WORDS] = {{0}};
	int numbers = 0;
	long result;

	for (size_t i = 0; i < count; i++) {
		unsigned int fd = (unsigned int)fds[i].fd;

		if (fds[i].fd < 0 || fd >= SELECT_WORDS * 64)
			continue;
		sets[0][fd / 64] |= fds[i].events & POLLIN ? 1UL << fd % 64 : 0;
		sets[1][fd / 64] |= fds[i].events & POLLOUT ? 1UL << fd % 64 : 0;
		if (fds[i].fd >= numbers)
			numbers = fds[i].fd + 1;
	}
	result = hijack_raw(SYS_pselect6, numbers, (long)sets[0], (long)sets[1], 0, (long)left, (long)&pack);
	for (size_t i = 0; result >= 0 && i < count; i++) {
		unsigned int fd = (unsigned int)fds[i].fd;

		fds[i].revents = 0;
		if (fds[i].fd < 0 || fd >= SELECT_WORDS * 64)
			continue;
		fds[i].revents |= sets[0][fd / 64] >> fd % 64 & 1 ? POLLIN : 0;
		fds[i].revents |= sets[1][fd / 64] >> fd % 64 & 1 ? POLLOUT : 0;
	}
	return result;
}

/* Waits on the host. left: NULL for ever. */
static long
poll_host(struct pollfd *fds, size_t count, const struct timespec *left, const uint64_t *mask)
{
	struct timespec time = left != NULL ? *left : (struct timespec){0};
	long result =
	    hijack_raw(SYS_ppoll, (long)fds, (long)count, left != NULL ? (long)&time : 0, (long)mask, 8, 0);

	return result == -EINVAL ? select_host(fds, count, left != NULL ? &time : NULL, mask) : result;
}

/* How to wait. */
struct wait {
	const struct hijack_deadline *deadline;
	const uint64_t *mask; /* NULL: as it is */
	struct hijack_interruption *held;
	bool restarts; /* handlers with SA_RESTART do not end it */
};

/* What a piece of a wait came to, if nothing else: the next is due. */
#define NEXT (-EAGAIN)

/* When the wait is to end, or to be looked at again. NULL: never. */
static const struct timespec *
until(const struct wait *wait, const struct timespec *pause, struct timespec *left)
{
	*left = wait->deadline->forever ? *pause : hijack_deadline_left(wait->deadline);
	if (pause->tv_nsec != 0 && (left->tv_sec > 0 || left->tv_nsec > pause->tv_nsec))
		*left = *pause;
	return wait->deadline->forever && pause->tv_nsec == 0 ? NULL : left;
}

/* Whether a handler's signal or a descriptor of the host's, or the call itself, ends the wait. */
static long
has_ended(const struct sides *sides, struct hijack_waiter *waiter, const struct wait *wait)
{
	const struct pollfd *own = &sides->host[sides->hosts];
	long result;

	if (own[1].revents != 0)
		hijack_waiter_woken(waiter);
	result = hijack_waiter_done(waiter);
	/* Anything of the host's own ends the wait. */
	for (size_t i = 0; i < sides->hosts; i++)
		result |= sides->host[i].revents != 0;
	return result == 0 && own[2].revents != 0 ? hijack_interruption_let(wait->held) : result;
}

/*
 * Waits on the host while the waiter's call is under way. Returns 1 when there is an event of the host's, or
 * the call is done; 0 when the time is over; -errno.
 */
static long
wait_on_host(struct sides *sides, struct hijack_waiter *waiter, const struct wait *wait)
{
	struct pollfd *own = &sides->host[sides->hosts];
	int signals = wait->restarts ? hijack_interruption_signals(wait->held) : -1;
	const uint64_t *mask = signals >= 0 ? NULL : wait->mask;
	struct timespec pause = {0}, left;
	unsigned int aside = 0;

	own[1] = (struct pollfd){hijack_waiter_wakes(waiter), POLLIN, 0};
	own[2] = (struct pollfd){signals, POLLIN, 0};
	for (;;) {
		long result;

		own[0].fd =
		    pause.tv_nsec != 0 ? hijack_waiter_answers(waiter) : hijack_waiter_arrivals(waiter);
		own[0].events = POLLIN;
		result = poll_host(sides->host, sides->hosts + MORE, until(wait, &pause, &left), mask);
		/* No handler of the program's has run: the signal was this library's. */
		if (result == -EINTR && wait->restarts && (signals >= 0 || !wait->held->holds))
			continue;
		if (result < 0 || (result == 0 && (pause.tv_nsec == 0 || is_over(wait->deadline))))
			return result;
		if (result == 0) {
			pause = (struct timespec){0};
			continue;
		}
		result = has_ended(sides, waiter, wait);
		if (result != 0)
			return result;
		pause = hijack_waiter_aside(waiter, &aside);
	}
}

/* One piece: as wait_on_host(), or NEXT. */
static long
wait_piece(struct sides *sides, const struct wait *wait)
{
	int milliseconds = milliseconds_left(wait->deadline), error;
	bool short_time = !rumpclient_ctx_can_interrupt(hijack_process()->context) &&
			  (milliseconds < 0 || milliseconds > UNCANCELLED_MS);
	struct hijack_waiter *waiter = hijack_waiter_start(
	    sides->rump, sides->rumps, short_time ? UNCANCELLED_MS : milliseconds, &error);
	long result, ready;

	if (waiter == NULL)
		return error;
	result = wait_on_host(sides, waiter, wait);
	ready = hijack_waiter_finish(waiter, sides->rump, sides->rumps);
	if (result < 0 || ready < 0)
		return result < 0 ? result : ready;
	for (size_t i = 0; i < sides->hosts; i++)
		ready |= sides->host[i].revents != 0;
	return result == 1 && ready == 0 && short_time ? NEXT : result;
}

/* Waits until it is worth asking again: 1; 0 when the time is over; -errno. */
static long
wait_for_change(struct sides *sides, const struct wait *wait)
{
	long result;

	do
		result = wait_piece(sides, wait);
	while (result == NEXT);
	return result;
}

long
hijack_wait_inside(
    int rump, short events, const struct hijack_deadline *deadline, struct hijack_interruption *held)
{
	struct pollfd host[MORE];
	struct rump_pollfd inside = {rump, events_in(events), 0};
	struct sides sides = {.host = host, .rump = &inside, .rumps = 1};
	const struct wait wait = {deadline, hijack_interruption_mask(held), held, deadline->forever};

	return wait_for_change(&sides, &wait);
}

/* Whether a stream has come to its end, which the rump kernel's poll tells nobody: for who asks for
 * POLLRDHUP. */
static bool
is_at_end(int rump)
{
	uint8_t byte;
	int type = 0;
	uint32_t size = sizeof(type);

	return HIJACK_RUMP(recvfrom, (uint64_t)rump, hijack_slot(&byte), 1, RUMP_MSG_PEEK | RUMP_MSG_DONTWAIT,
		   0, 0) == 0 &&
	       HIJACK_RUMP(getsockopt, (uint64_t)rump, RUMP_SOL_SOCKET, RUMP_SO_TYPE, hijack_slot(&type),
		   hijack_slot(&size)) == 0 &&
	       type == RUMP_SOCK_STREAM;
}

static long
merge(struct pollfd *fds, const struct sides *sides)
{
	long ready = 0;

	for (size_t i = 0; i < sides->hosts; i++)
		fds[sides->host_place[i]].revents = sides->host[i].revents;
	for (size_t i = 0; i < sides->rumps; i++) {
		struct pollfd *fd = &fds[sides->rump_place[i]];

		fd->revents = events_out(sides->rump[i].revents, fd->events);
		if (fd->events & POLLRDHUP && fd->revents & (POLLIN | POLLRDNORM) &&
		    is_at_end(sides->rump[i].fd))
			fd->revents |= POLLRDHUP;
	}
	for (size_t i = 0; i < sides->hosts + sides->rumps; i++)
		ready += fds[i].revents != 0;
	return ready;
}

/* Asks and waits in turns. */
static long
wait_for_both(struct sides *sides, const struct wait *wait)
{
	for (;;) {
		long result = ask(sides);

		if (result == -EINTR)
			continue;
		if (result != 0 || is_over(wait->deadline))
			return result;
		result = wait_for_change(sides, wait);
		if (result < 0)
			return result;
	}
}

long
hijack_wait(struct pollfd *fds, size_t count, const struct hijack_deadline *deadline, const uint64_t *mask)
{
	struct hijack_interruption held = {.holds = false};
	struct sides sides;
	void *memory = split(fds, count, &sides);
	struct wait wait = {deadline, mask, &held, false};
	struct timespec left;
	long result;

	if (memory == NULL)
		return -ENOMEM;
	if (sides.rumps == 0) {
		left = hijack_deadline_left(deadline);
		result = poll_host(sides.host, sides.hosts, deadline->forever ? NULL : &left, mask);
	} else {
		if (!is_over(deadline))
			hijack_interruption_begin(&held);
		if (mask == NULL)
			wait.mask = hijack_interruption_mask(&held);
		result = wait_for_both(&sides, &wait);
		hijack_interruption_end(&held);
	}
	if (result >= 0)
		result = merge(fds, &sides);
	free(memory);
	return result;
}
