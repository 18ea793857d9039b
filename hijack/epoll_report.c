/* SPDX-License-Identifier: BSD-2-Clause */
/* What the members of epoll sets are polled for, and what their answers mean. */
#include "hijack/epoll_set.h"

#include <stdlib.h>

#include "hijack/gate.h"

/* What there is to ask a member for: 0 when that is how it ends, which is always told. -1: nothing. */
static int
worth_asking(const struct member *member, enum asking what, bool first)
{
	uint32_t known = what == FOR_ALL ? 0 : member->reported, wanted = member->event.events & 0x3fff;

	if (what == FOR_NEWS || (what == FOR_EVENTS && !first))
		known |= member->seen;
	/* These would be the answer to whatever is asked. */
	if (member->over || known & (EPOLLHUP | EPOLLERR))
		return -1;
	return wanted == 0 || wanted & ~known ? (int)(wanted & ~known) : -1;
}

bool
hijack_epoll_ask(struct asked *asked, const struct pollfd *fds, size_t count, enum asking what)
{
	const struct set *involved = hijack_epoll_involved(fds, count);
	size_t room = count + 1;

	for (const struct set *set = involved; set != NULL; set = set->involved) {
		for (const struct member *member = set->members; member != NULL; member = member->next)
			room++;
	}
	*asked = (struct asked){.given = count + 1, .count = count + 1};
	asked->changed = hijack_epoll_changed(involved);
	asked->fds = malloc(room * (sizeof(*asked->fds) + sizeof(*asked->set)));
	if (asked->fds == NULL)
		return false;
	asked->set = (uint64_t *)(void *)(asked->fds + room);
	for (size_t i = 0; i < count; i++)
		asked->fds[i] = fds[i];
	asked->fds[count] = (struct pollfd){-1, POLLIN, 0};
	for (const struct set *set = involved; set != NULL; set = set->involved) {
		for (const struct member *member = set->members; member != NULL; member = member->next) {
			int events = worth_asking(member, what, set == involved);

			if (events < 0)
				continue;
			asked->set[asked->count] = set->id;
			asked->fds[asked->count++] = (struct pollfd){member->fd, (short)events, 0};
		}
	}
	return true;
}

/* The first of the set's answers, and the one behind its last. */
static size_t
answers_of(const struct set *set, const struct asked *asked, size_t *end)
{
	size_t first = asked->given;

	while (first < asked->count && asked->set[first] != set->id)
		first++;
	*end = first;
	while (*end < asked->count && asked->set[*end] == set->id)
		++*end;
	return first;
}

/* The member that an answer is about: mostly the one behind the last. NULL: it has been taken out. */
static struct member *
member_of(struct set *set, struct member *last, int fd)
{
	struct member *member = last != NULL ? last->next : set->members;

	while (member != NULL && member->fd != fd)
		member = member->next;
	return member != NULL ? member : *find_member(set, fd);
}

static bool
is_rung(const struct set *set)
{
	struct pollfd fd = {set->bell, POLLIN, 0};

	return poll(&fd, 1, 0) > 0;
}

/*
 * The bell is rung anew for everything that was not so before, which is what makes an edge in sets around
 * this one. Whether it still is, is asked, since parent and child may share it.
 */
void
hijack_epoll_refresh(struct set *set, const struct asked *asked)
{
	struct member *member = NULL;
	bool pending = false, edge = false, gone = false;
	size_t end;

	if (set->bell < 0 || !set->watched)
		return;
	for (size_t i = answers_of(set, asked, &end); i < end; i++) {
		struct member *found = member_of(set, member, asked->fds[i].fd);
		uint32_t ready = (uint16_t)asked->fds[i].revents & ~(uint32_t)POLLNVAL;

		if (found == NULL)
			continue;
		member = found;
		if (member->since > asked->changed)
			continue;
		gone |= ((member->reported | member->seen) & ~ready) != 0;
		member->reported &= ready;
		ready &= member->over ? 0 : ~member->reported;
		pending |= ready != 0;
		edge |= (ready & ~member->seen) != 0;
		member->seen = ready;
	}
	if (!pending)
		hijack_epoll_silence(set);
	else if (edge || !is_rung(set))
		hijack_epoll_ring(set);
	if (gone)
		hijack_epoll_kick(set);
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
hijack_epoll_report(struct set *set, const struct asked *asked, struct epoll_event *events, long room)
{
	struct member *member = NULL;
	bool gone = false;
	long found = 0;
	size_t end;

	for (size_t i = answers_of(set, asked, &end); i < end && found < room; i++) {
		struct member *next = member_of(set, member, asked->fds[i].fd);
		uint32_t reported;

		if (next == NULL)
			continue;
		member = next;
		if (member->since > asked->changed)
			continue;
		reported = member->reported;
		found += report(member, &asked->fds[i], &events[found]);
		gone |= (reported & ~member->reported) != 0;
	}
	if (found == room && member != NULL)
		rotate(set, member);
	if (gone)
		hijack_epoll_kick(set);
	return found;
}
