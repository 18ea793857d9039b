/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * The host's part of an epoll set is the host's epoll. Members that are sockets of the rump kernel's are kept
 * here, and waiting for such a set is a wait (wait.c) for the host's set and for them. An eventfd is a member
 * of the host's set too: writing to it makes all who wait look again, because a member came or changed; the
 * program never sees its event.
 *
 * Edge triggering: an event that was reported is not reported again before the program used the descriptor,
 * or it was seen gone, or another one comes. Using it is any call on it that reads or writes. Programs
 * that ask for edges use a descriptor until it has nothing more, so they miss none; they may see one too
 * many, which they have to cope with on the host as well.
 *
 * One lock guards all sets. It is held for the time of a look, never for that of a wait, with signals
 * blocked: a handler of the program's may come back here.
 */
#include "hijack/epoll.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/epoll_set.h"
#include "hijack/files.h"
#include "hijack/signal.h"
#include "hijack/wait.h"
#include "rumpclient/client.h"

#define KICK_DATA 0x52554d504b49434bULL /* the eventfd's own event */
#define SLICE 64                        /* events that are reported at once */

bool hijack_epoll_any;
static struct set *sets;
static uint32_t lock_word;

static void
lock(uint64_t *mask)
{
	const uint64_t all = ~HIJACK_SIGSYS_BIT;

	(void)hijack_own(SYS_rt_sigprocmask, SIG_BLOCK, (long)&all, (long)mask, HIJACK_SIGSET_SIZE, 0, 0);
	while (__atomic_exchange_n(&lock_word, 2, __ATOMIC_ACQUIRE) != 0)
		(void)hijack_own(SYS_futex, (long)&lock_word, FUTEX_WAIT_PRIVATE, 2, 0, 0, 0);
}

static void
unlock(const uint64_t *mask)
{
	__atomic_store_n(&lock_word, 0, __ATOMIC_RELEASE);
	(void)hijack_own(SYS_futex, (long)&lock_word, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
	(void)hijack_own(SYS_rt_sigprocmask, SIG_SETMASK, (long)mask, 0, HIJACK_SIGSET_SIZE, 0, 0);
}

static struct set *
find_set(int fd)
{
	struct set *set = sets;

	while (set != NULL && set->fd != fd)
		set = set->next;
	return set;
}

static void
kick(const struct set *set)
{
	const uint64_t one = 1;

	(void)!write(set->kick, &one, sizeof(one));
}

static struct set *
make_set(int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = KICK_DATA};
	struct set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return NULL;
	set->fd = fd;
	set->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (set->kick >= 0)
		set->kick = rc_fd_up(set->kick);
	if (set->kick < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, set->kick, &event) != 0) {
		if (set->kick >= 0)
			(void)close(set->kick);
		free(set);
		return NULL;
	}
	set->next = sets;
	sets = set;
	__atomic_store_n(&hijack_epoll_any, true, __ATOMIC_RELEASE);
	return set;
}

static long
change(int fd, int operation, int target, const struct epoll_event *event)
{
	struct set *set = find_set(fd);
	struct member **place, *member;

	if (set == NULL && operation == EPOLL_CTL_ADD)
		set = make_set(fd);
	if (set == NULL)
		return operation == EPOLL_CTL_ADD ? -errno : -ENOENT;
	place = find_member(set, target);
	member = *place;
	if ((operation == EPOLL_CTL_ADD) == (member != NULL))
		return member != NULL ? -EEXIST : -ENOENT;
	switch (operation) {
	case EPOLL_CTL_DEL:
		*place = member->next;
		free(member);
		break;
	case EPOLL_CTL_ADD:
		member = malloc(sizeof(*member));
		if (member == NULL)
			return -ENOMEM;
		*member = (struct member){.next = set->members, .fd = target, .event = *event};
		set->members = member;
		break;
	case EPOLL_CTL_MOD:
		member->event = *event;
		member->reported = 0;
		member->over = false;
		break;
	default:
		return -EINVAL;
	}
	kick(set);
	return 0;
}

long
hijack_beyond_epoll_ctl(const struct hijack_call *call)
{
	struct epoll_event event = {0};
	uint64_t mask;
	long result;

	if (hijack_fd_kind(call->arg[2]) != HIJACK_KIND_SOCKET)
		return -EPERM;
	if (call->arg[1] != EPOLL_CTL_DEL &&
	    hijack_copyin(&event, (uint64_t)call->arg[3], sizeof(event)) != 0)
		return -EFAULT;
	/* The host says whether the set is one. */
	result = hijack_raw(SYS_epoll_ctl, call->arg[0], EPOLL_CTL_DEL, call->arg[2], (long)&event, 0, 0);
	if (result != -ENOENT)
		return result;
	lock(&mask);
	result = change((int)call->arg[0], (int)call->arg[1], (int)call->arg[2], &event);
	unlock(&mask);
	return result;
}

void
hijack_epoll_forget(long fd)
{
	struct set **place = &sets;
	uint64_t mask;

	if (sets == NULL)
		return;
	lock(&mask);
	while (*place != NULL) {
		struct set *set = *place;
		struct member **member = find_member(set, (int)fd), *gone = *member;

		if (gone != NULL) {
			*member = gone->next;
			free(gone);
		}
		if (set->fd != fd) {
			place = &set->next;
			continue;
		}
		*place = set->next;
		(void)close(set->kick);
		while ((gone = set->members) != NULL) {
			set->members = gone->next;
			free(gone);
		}
		free(set);
	}
	unlock(&mask);
}

void
hijack_epoll_forked(void)
{
	/* The host's set, which is shared, keeps the parent's eventfd; a wait looks at the members first. */
	lock_word = 0;
	for (struct set *set = sets; set != NULL; set = set->next) {
		(void)close(set->kick);
		set->kick = rc_fd_up(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	}
}

bool
hijack_epoll_owns(int fd)
{
	for (const struct set *set = sets; set != NULL; set = set->next) {
		if (set->kick == fd)
			return true;
	}
	return false;
}

/* The events that a call makes worth reporting again. */
static uint32_t
renewed(long number, long result)
{
	switch (number) {
	case SYS_read:
	case SYS_readv:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_recvmmsg:
	case SYS_accept:
	case SYS_accept4:
		return EPOLLIN | EPOLLRDNORM | EPOLLRDBAND | EPOLLPRI;
	case SYS_write:
	case SYS_writev:
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_sendmmsg:
		/* There is room until a call says otherwise. */
		return result == -EAGAIN ? EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND : 0;
	case SYS_connect:
		return UINT32_MAX;
	default:
		return 0;
	}
}

void
hijack_epoll_used(long fd, long number, long result)
{
	uint32_t events = sets != NULL ? renewed(number, result) : 0;
	uint64_t mask;

	if (events == 0)
		return;
	lock(&mask);
	for (struct set *set = sets; set != NULL; set = set->next) {
		struct member *member = *find_member(set, (int)fd);

		if (member == NULL || !(member->reported & events))
			continue;
		member->reported &= ~events;
		kick(set);
	}
	unlock(&mask);
}

/* The host's events, without the library's. */
static long
host_events(const struct set *set, struct epoll_event *events, long room)
{
	long n = hijack_raw(SYS_epoll_wait, set->fd, (long)events, room, 0, 0, 0), kept = 0;
	uint64_t count;

	for (long i = 0; i < n; i++) {
		if (events[i].data.u64 == KICK_DATA)
			(void)!read(set->kick, &count, sizeof(count));
		else
			events[kept++] = events[i];
	}
	return n < 0 ? n : kept;
}

/* Looks without waiting. Returns the number of events, or -errno. */
static long
look(int fd, struct epoll_event *events, long room)
{
	const struct hijack_deadline at_once = hijack_deadline_in(&(const struct timespec){0});
	struct pollfd *fds = NULL;
	struct set *set;
	size_t count = 0;
	uint64_t mask;
	long found, n = -EBADF;

	lock(&mask);
	set = find_set(fd);
	if (set != NULL) {
		count = hijack_epoll_snapshot(set, &fds, false);
		n = count > 0 ? host_events(set, events, room) : -ENOMEM;
	}
	unlock(&mask);
	found = n;
	if (n >= 0)
		n = count > 1 ? hijack_wait(fds + 1, count - 1, &at_once, NULL) : 0;
	if (n >= 0) {
		lock(&mask);
		set = find_set(fd);
		if (set != NULL && found < room)
			found += hijack_epoll_report(set, fds + 1, count - 1, &events[found], room - found);
		unlock(&mask);
	}
	free(fds);
	return n < 0 ? n : found;
}

static long
wait_for_set(int fd, const struct hijack_deadline *deadline, const uint64_t *signals)
{
	struct pollfd *fds = NULL;
	struct set *set;
	uint64_t mask;
	size_t count = 0;
	long result;

	lock(&mask);
	set = find_set(fd);
	if (set != NULL)
		count = hijack_epoll_snapshot(set, &fds, true);
	unlock(&mask);
	result = count > 0 ? hijack_wait(fds, count, deadline, signals) : set == NULL ? -EBADF : -ENOMEM;
	free(fds);
	return result;
}

static long
wait_for_events(
    const struct hijack_call *call, const struct hijack_deadline *deadline, const uint64_t *signals)
{
	struct epoll_event events[SLICE];
	long room = call->arg[2] < SLICE ? call->arg[2] : SLICE, n;

	if (room <= 0)
		return -EINVAL;
	for (;;) {
		n = look((int)call->arg[0], events, room);
		if (n != 0)
			break;
		n = wait_for_set((int)call->arg[0], deadline, signals);
		if (n <= 0)
			break;
	}
	if (n > 0 && hijack_copyout((uint64_t)call->arg[1], events, (size_t)n * sizeof(events[0])) != 0)
		return -EFAULT;
	return n;
}

/*
 * While the process has sockets, every set's wait comes here, so that one that is on the host alone so far
 * can be told of its first member by the eventfd.
 */
long
hijack_beyond_epoll(const struct hijack_call *call)
{
	struct epoll_event first;
	long n;

	if (hijack_epoll_has_members((int)call->arg[0]))
		return hijack_beyond_epoll_wait(call);
	n = hijack_pass(call);
	if (n <= 0 || !hijack_epoll_has_members((int)call->arg[0]))
		return n;
	/* What was returned may be the library's event, alone or among others: the set is asked again. */
	for (long i = 0; i < n; i++) {
		if (hijack_copyin(
			&first, (uint64_t)call->arg[1] + (uint64_t)i * sizeof(first), sizeof(first)) != 0)
			return -EFAULT;
		if (first.data.u64 == KICK_DATA)
			return hijack_beyond_epoll_wait(call);
	}
	return n;
}

/* epoll_wait, epoll_pwait and epoll_pwait2 in one form: the fourth argument is the time in their own way. */
long
hijack_beyond_epoll_wait(const struct hijack_call *call)
{
	struct timespec timeout = {0};
	bool forever = false;
	struct hijack_deadline deadline;
	uint64_t mask;

	if (call->number == SYS_epoll_pwait2) {
		forever = call->arg[3] == 0;
		if (!forever && hijack_copyin(&timeout, (uint64_t)call->arg[3], sizeof(timeout)) != 0)
			return -EFAULT;
	} else {
		forever = (int)call->arg[3] < 0;
		if (!forever)
			timeout =
			    (struct timespec){(int)call->arg[3] / 1000, (int)call->arg[3] % 1000 * 1000000L};
	}
	if (call->number == SYS_epoll_wait || call->arg[4] == 0) {
		deadline = hijack_deadline_in(forever ? NULL : &timeout);
		return wait_for_events(call, &deadline, NULL);
	}
	if (call->arg[5] != HIJACK_SIGSET_SIZE)
		return -EINVAL;
	if (hijack_copyin(&mask, (uint64_t)call->arg[4], sizeof(mask)) != 0)
		return -EFAULT;
	mask &= ~HIJACK_SIGSYS_BIT;
	deadline = hijack_deadline_in(forever ? NULL : &timeout);
	return wait_for_events(call, &deadline, &mask);
}

bool
hijack_epoll_has_members(int fd)
{
	bool result;
	uint64_t mask;

	if (sets == NULL)
		return false;
	lock(&mask);
	result = find_set(fd) != NULL;
	unlock(&mask);
	return result;
}
