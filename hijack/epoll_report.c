/* SPDX-License-Identifier: BSD-2-Clause */
/* What the members of an epoll set are polled for, and which of their answers are events. */
#include "hijack/epoll_set.h"

#include <stdlib.h>

size_t
hijack_epoll_snapshot(const struct set *set, struct pollfd **fds, bool anew)
{
	size_t count = 1;

	for (const struct member *member = set->members; member != NULL; member = member->next)
		count++;
	*fds = malloc(count * sizeof(**fds));
	if (*fds == NULL)
		return 0;
	count = 0;
	(*fds)[count++] = (struct pollfd){set->fd, POLLIN, 0};
	for (const struct member *member = set->members; member != NULL; member = member->next) {
		short events = (short)(member->event.events & 0x3fff & ~(anew ? member->reported : 0));

		if (!member->over && events != 0)
			(*fds)[count++] = (struct pollfd){member->fd, events, 0};
	}
	return count;
}

/* One member's answer. Returns whether there is an event to report. */
static bool
report(struct member *member, const struct pollfd *fd, struct epoll_event *event)
{
	uint32_t ready = (uint16_t)fd->revents & ~(uint32_t)POLLNVAL;

	if (member->over)
		return false;
	member->reported &= ready;
	/* A new edge brings along whatever else is ready, as on the host. */
	if ((ready & ~member->reported) == 0)
		return false;
	if (member->event.events & EPOLLET)
		member->reported |= ready;
	if (member->event.events & EPOLLONESHOT)
		member->over = true;
	*event = (struct epoll_event){.events = ready, .data = member->event.data};
	return true;
}

/* The next look begins behind the member, so that none has to wait for the others to be done. */
static void
rotate(struct set *set, struct member *member)
{
	struct member *last = member;

	if (member->next == NULL)
		return;
	while (last->next != NULL)
		last = last->next;
	last->next = set->members;
	set->members = member->next;
	member->next = NULL;
}

long
hijack_epoll_report(
    struct set *set, const struct pollfd *fds, size_t count, struct epoll_event *events, long room)
{
	struct member *hint = set->members, *member = NULL;
	long found = 0;

	for (size_t i = 0; i < count && found < room; i++) {
		for (member = hint; member != NULL && member->fd != fds[i].fd;)
			member = member->next;
		if (member == NULL)
			member = *find_member(set, fds[i].fd);
		if (member == NULL)
			continue;
		hint = member;
		found += report(member, &fds[i], &events[found]);
	}
	if (found == room && member != NULL)
		rotate(set, member);
	return found;
}
