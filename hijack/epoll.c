/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * The host's part of an epoll set is the host's epoll. Members that are sockets of the rump kernel's are kept
 * here, and waiting for such a set is a wait (wait.c) for the host's set and for them.
 *
 * Who waits for a set by other means, poll or a set around it, is told by the host: the set has a bell, an
 * eventfd that is a member of the host's set and readable while one of the members kept here has an event. So
 * the host does as it does for members of its own, to any depth, by level and by edge. The bell is put right
 * before the host is asked: every such wait comes here and polls for the members of all sets that are
 * involved, first and whenever there is nothing; what the bell was rung for it does not wait for again. Those
 * who wait for the set itself get the members' events, and never the bell's.
 *
 * Who waits while a set changes is told by an eventfd that its wait has for that (epoll_watch.c), and looks
 * again. Only waits on the host alone have none: for sets that have no members here, and no sets in them
 * while there are other threads. Their first member rings the bell.
 *
 * Sets are known from when they are made, since what is nested in what is to be known before there are
 * sockets. A set is found by any of its numbers. Its members go by the numbers that they had.
 *
 * Edge triggering: an event that was reported is not reported again before the program used the descriptor,
 * or it was seen gone, or another one comes. Using it is any call on it that reads or writes. Programs
 * that ask for edges use a descriptor until it has nothing more, so they miss none; they may see one too
 * many, which they have to cope with on the host as well.
 *
 * One lock guards all sets. It is held for the time of a look, never for that of a wait, with signals
 * blocked. A child of fork shares the bell with its parent, as it does the host's set; one of vfork leaves
 * its parent's sets alone.
 */
#include "hijack/epoll.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hijack/arm.h"
#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/epoll_watch.h"
#include "hijack/files.h"
#include "hijack/signal.h"

#define SLICE 64 /* events that are reported at once */

/* To those who wait on the host, too, when it is the first. */
static long
add(int fd, int target, const struct epoll_event *event)
{
	struct set *set = hijack_epoll_adopt(fd);
	struct member *member = set != NULL ? *find_member(set, target) : NULL;
	int error;

	if (set == NULL)
		return fd < HIJACK_FDS ? -ENOMEM : -EMFILE;
	if (member != NULL)
		return -EEXIST;
	error = hijack_epoll_bell(set, fd);
	if (error != 0)
		return error;
	member = malloc(sizeof(*member));
	if (member == NULL)
		return -ENOMEM;
	*member = (struct member){.next = set->members, .fd = target, .event = *event};
	if (set->members == NULL && hijack_threaded)
		hijack_epoll_announce(set);
	set->members = member;
	hijack_epoll_kick(set);
	member->since = set->changed;
	return 0;
}

static long
change(int fd, int operation, int target, const struct epoll_event *event)
{
	struct set *set = hijack_epoll_find(fd);
	struct member **place = set != NULL ? find_member(set, target) : NULL, *member;

	if (place == NULL || *place == NULL)
		return -ENOENT;
	member = *place;
	switch (operation) {
	case EPOLL_CTL_DEL:
		*place = member->next;
		free(member);
		if (set->members == NULL)
			hijack_epoll_silence(set);
		break;
	case EPOLL_CTL_MOD:
		member->event = *event;
		member->reported = 0;
		/* As on the host, no edge for sets around this one where there was something already. */
		member->seen = member->seen != 0 ? UINT32_MAX : 0;
		member->over = false;
		break;
	default:
		return -EINVAL;
	}
	hijack_epoll_kick(set);
	if (operation == EPOLL_CTL_MOD)
		member->since = set->changed;
	return 0;
}

long
hijack_beyond_epoll_ctl(const struct hijack_call *call)
{
	struct epoll_event event = {0};
	uint64_t mask;
	long result;

	if (!hijack_kind_waits(hijack_fd_settle(call->arg[2])))
		return -EPERM;
	if (call->arg[1] != EPOLL_CTL_DEL &&
	    hijack_copyin(&event, (uint64_t)call->arg[3], sizeof(event)) != 0)
		return -EFAULT;
	/* The host says whether the set is one. */
	result = hijack_raw(SYS_epoll_ctl, call->arg[0], EPOLL_CTL_DEL, call->arg[2], (long)&event, 0, 0);
	if (result != -ENOENT)
		return result;
	hijack_epoll_lock(&mask);
	if (call->arg[1] == EPOLL_CTL_ADD)
		result = add((int)call->arg[0], (int)call->arg[2], &event);
	else
		result = change((int)call->arg[0], (int)call->arg[1], (int)call->arg[2], &event);
	hijack_epoll_unlock(&mask);
	return result;
}

/*
 * The host has put one set into another, or taken it out. With the first, other threads' waits are not for
 * the host alone any more.
 */
static void
nest(struct set *set, const struct hijack_call *call, struct set *inner)
{
	int operation = (int)call->arg[1], fd = (int)call->arg[2];
	struct nested **place = &set->nested, *nested;

	while (*place != NULL && ((*place)->fd != fd || (*place)->set != inner))
		place = &(*place)->next;
	nested = *place;
	if (operation == EPOLL_CTL_DEL && nested != NULL) {
		*place = nested->next;
		free(nested);
	} else if (operation == EPOLL_CTL_ADD && nested == NULL) {
		nested = malloc(sizeof(*nested));
		if (nested == NULL)
			return;
		if (hijack_threaded && set->nested == NULL && set->members == NULL &&
		    hijack_epoll_bell(set, (int)call->arg[0]) == 0)
			hijack_epoll_announce(set);
		*nested = (struct nested){set->nested, inner, fd};
		set->nested = nested;
		inner->watched = true;
		__atomic_store_n(&hijack_epoll_nests, true, __ATOMIC_RELEASE);
	}
	hijack_epoll_kick(set);
}

long
hijack_beyond_epoll_nest(const struct hijack_call *call)
{
	struct set *set, *inner;
	uint64_t mask;
	long result;

	hijack_epoll_lock(&mask);
	result = hijack_pass(call);
	inner = hijack_epoll_find((int)call->arg[2]);
	set = result == 0 && inner != NULL ? hijack_epoll_adopt((int)call->arg[0]) : NULL;
	if (set != NULL)
		nest(set, call, inner);
	hijack_epoll_unlock(&mask);
	return result;
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
	uint32_t events = hijack_epoll_sets != NULL ? renewed(number, result) : 0;
	uint64_t mask;

	if (events == 0)
		return;
	hijack_epoll_lock(&mask);
	for (struct set *set = hijack_epoll_sets; set != NULL; set = set->next) {
		struct member *member = *find_member(set, (int)fd);

		if (member == NULL || !((member->reported | member->seen) & events))
			continue;
		member->reported &= ~events;
		member->seen &= ~events;
		hijack_epoll_kick(set);
		member->since = set->changed;
	}
	hijack_epoll_unlock(&mask);
}

/* Takes the bell's event out. Returns how many are left. */
static long
without_bell(struct epoll_event *events, long n)
{
	long kept = 0;

	for (long i = 0; i < n; i++) {
		if (events[i].data.u64 != HIJACK_BELL_DATA)
			events[kept++] = events[i];
	}
	return n < 0 ? n : kept;
}

/* The host's events. The bell's may be in the place of another: that one comes first the next time. */
static long
host_events(const struct set *set, int fd, struct epoll_event *events, long room)
{
	long n = hijack_raw(SYS_epoll_wait, fd, (long)events, room, 0, 0, 0), kept = without_bell(events, n);

	if (kept == n)
		return kept;
	if (!set->watched)
		hijack_epoll_silence(set);
	if (kept == 0)
		kept = without_bell(events, hijack_raw(SYS_epoll_wait, fd, (long)events, room, 0, 0, 0));
	return kept;
}

/* Events of both sides. Where there is no room for all of one side's, the other's come first next time. */
static long
collect(struct set *set, int fd, const struct asked *asked, struct epoll_event *events, long room)
{
	bool first = set->members_first;
	long found = first ? hijack_epoll_report(set, asked, events, room) : 0, n = 0;

	if (found < room)
		n = host_events(set, fd, events + found, room - found);
	if (n < 0)
		return found > 0 ? found : n;
	found += n;
	if (!first && found < room)
		found += hijack_epoll_report(set, asked, events + found, room - found);
	set->members_first = found == room && !first;
	return found;
}

/* Looks without waiting. Returns the number of events, or -errno. changed: as in hijack_epoll_sleep(). */
static long
look(int fd, struct epoll_event *events, long room, uint64_t *changed)
{
	const struct pollfd self = {fd, POLLIN, 0};
	struct asked asked;
	struct set *set;
	uint64_t mask;
	long n = hijack_epoll_look(&self, 1, &asked);

	if (n == 0) {
		hijack_epoll_lock(&mask);
		set = hijack_epoll_find(fd);
		hijack_epoll_tell(&self, 1, &asked);
		n = set != NULL ? collect(set, fd, &asked, events, room) : -EBADF;
		/* What was reported may have been all. */
		if (set != NULL && n > 0)
			hijack_epoll_refresh(set, &asked);
		hijack_epoll_unlock(&mask);
	}
	*changed = asked.changed;
	free(asked.fds);
	return n;
}

static long
wait_for_events(
    const struct hijack_call *call, const struct hijack_deadline *deadline, const uint64_t *signals)
{
	struct pollfd self = {(int)call->arg[0], POLLIN, 0};
	struct epoll_event events[SLICE];
	long room = call->arg[2] < SLICE ? call->arg[2] : SLICE, n;
	uint64_t changed;

	if (room <= 0)
		return -EINVAL;
	for (;;) {
		n = look(self.fd, events, room, &changed);
		if (n != 0)
			break;
		n = hijack_epoll_sleep(&self, 1, changed, FOR_EVENTS, deadline, signals);
		if (n <= 0)
			break;
	}
	if (n > 0 && hijack_copyout((uint64_t)call->arg[1], events, (size_t)n * sizeof(events[0])) != 0)
		return -EFAULT;
	return n;
}

/* What the host returned, without the bell's event. -EAGAIN: there was nothing else. */
static long
filter(const struct hijack_call *call, long n)
{
	struct epoll_event *events = malloc((size_t)n * sizeof(*events));
	long kept = -ENOMEM;

	if (events == NULL)
		return kept;
	kept = -EFAULT;
	if (hijack_copyin(events, (uint64_t)call->arg[1], (size_t)n * sizeof(*events)) == 0) {
		kept = without_bell(events, n);
		if (kept < n && kept > 0 &&
		    hijack_copyout((uint64_t)call->arg[1], events, (size_t)kept * sizeof(*events)) != 0)
			kept = -EFAULT;
	}
	free(events);
	return kept == 0 ? -EAGAIN : kept;
}

/* Whether a wait for the set cannot be left to the host. */
static bool
is_ours(int fd)
{
	const struct pollfd self = {fd, POLLIN, 0};
	const struct set *involved;
	uint64_t mask;
	bool result;

	if (!__atomic_load_n(&hijack_epoll_any, __ATOMIC_ACQUIRE) &&
	    !__atomic_load_n(&hijack_epoll_nests, __ATOMIC_ACQUIRE))
		return false;
	hijack_epoll_lock(&mask);
	involved = hijack_epoll_involved(&self, 1);
	result = hijack_epoll_any_member(involved) ||
		 (involved != NULL && involved->nested != NULL && hijack_threaded);
	hijack_epoll_unlock(&mask);
	return result;
}

/* Time and mask of epoll_wait, epoll_pwait and epoll_pwait2. */
struct terms {
	struct hijack_deadline deadline;
	bool masked, forever;
	uint64_t signals;
};

static int
read_terms(const struct hijack_call *call, struct terms *terms)
{
	struct timespec timeout = {0};

	*terms = (struct terms){.masked = call->number != SYS_epoll_wait && call->arg[4] != 0};
	if (call->number == SYS_epoll_pwait2) {
		terms->forever = call->arg[3] == 0;
		if (!terms->forever && hijack_copyin(&timeout, (uint64_t)call->arg[3], sizeof(timeout)) != 0)
			return -EFAULT;
	} else {
		terms->forever = (int)call->arg[3] < 0;
		if (!terms->forever)
			timeout =
			    (struct timespec){(int)call->arg[3] / 1000, (int)call->arg[3] % 1000 * 1000000L};
	}
	if (terms->masked) {
		if (call->arg[5] != HIJACK_SIGSET_SIZE)
			return -EINVAL;
		if (hijack_copyin(&terms->signals, (uint64_t)call->arg[4], sizeof(terms->signals)) != 0)
			return -EFAULT;
		terms->signals &= ~HIJACK_SIGSYS_BIT;
	}
	terms->deadline = hijack_deadline_in(terms->forever ? NULL : &timeout);
	return 0;
}

long
hijack_beyond_epoll(const struct hijack_call *call)
{
	struct hijack_call changed = *call;
	struct terms terms;
	bool counted, ours;
	long n = read_terms(call, &terms);

	if (n != 0)
		return n;
	counted = hijack_epoll_pass_begin(call->arg[0]);
	ours = is_ours((int)call->arg[0]);
	if (terms.masked)
		changed.arg[4] = (long)&terms.signals;
	if (!ours)
		n = hijack_pass(&changed);
	hijack_epoll_pass_end(call->arg[0], counted);
	if (!ours) {
		if (n > 0 && __atomic_load_n(&hijack_epoll_any, __ATOMIC_ACQUIRE))
			n = filter(call, n);
		if (n != -EAGAIN)
			return n;
	}
	return wait_for_events(call, &terms.deadline, terms.masked ? &terms.signals : NULL);
}

/*
 * The host has returned events to a wait that began before there were any members here; the bell may be among
 * them. How long the wait should have lasted is only known if that is for ever or not at all.
 */
long
hijack_beyond_epoll_passed(const struct hijack_call *call)
{
	long n = filter(call, call->shadow);
	struct terms terms;

	if (n != -EAGAIN)
		return n;
	n = read_terms(call, &terms);
	if (n != 0)
		return n;
	if (!terms.forever && (call->number == SYS_epoll_pwait2 || call->arg[3] != 0))
		return -EINTR;
	return wait_for_events(call, &terms.deadline, terms.masked ? &terms.signals : NULL);
}
