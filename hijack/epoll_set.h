/* SPDX-License-Identifier: BSD-2-Clause */
/* What is kept of an epoll set, under the lock of epoll.c. */
#ifndef HIJACK_EPOLL_SET_H
#define HIJACK_EPOLL_SET_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

struct member {
	struct member *next;
	int fd;
	struct epoll_event event;
	uint32_t reported; /* edges, and one shots that are over: not to be reported again */
	bool over;
};

struct set {
	struct set *next;
	int fd;
	int kick;
	struct member *members;
};

static inline struct member **
find_member(struct set *set, int fd)
{
	struct member **member = &set->members;

	while (*member != NULL && (*member)->fd != fd)
		member = &(*member)->next;
	return member;
}

/*
 * What to poll for, the set itself first; anew: not what was reported. Returns how many there are, 0 when
 * there is no memory for them.
 */
size_t hijack_epoll_snapshot(const struct set *set, struct pollfd **fds, bool anew);

/*
 * All members' answers, in the order that they had in the set. Returns the number of events, of which there
 * are room at most.
 */
long hijack_epoll_report(
    struct set *set, const struct pollfd *fds, size_t count, struct epoll_event *events, long room);

#endif
