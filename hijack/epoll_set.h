/* SPDX-License-Identifier: BSD-2-Clause */
/* What is kept of epoll sets, under the lock of epoll_set.c. For how it is used, see epoll.c. */
#ifndef HIJACK_EPOLL_SET_H
#define HIJACK_EPOLL_SET_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "hijack/wait.h"

#define HIJACK_BELL_DATA 0x52554d504b49434bULL /* the event of a set's own eventfd in the host's set */

/* A socket of the rump kernel's. */
struct member {
	struct member *next;
	int fd;
	struct epoll_event event;
	uint32_t reported; /* edges, and one shots that are over: not to be reported again */
	uint32_t seen;     /* what the bell was rung for */
	uint64_t since;    /* answers of before this change of the set are not to be reported */
	bool over;
};

/* A set in a set. The host has it too, with its event. */
struct nested {
	struct nested *next;
	struct set *set;
	int fd;
};

struct set {
	struct set *next;
	struct set *involved; /* the next of those that a look is about */
	uint64_t id;
	uint64_t changed; /* when: by a count of all changes */
	uint64_t marked;  /* in which look it was met last */
	unsigned int numbers;
	int bell;     /* -1: it never had a member */
	bool watched; /* also through poll or another set, by which the bell has to be right */
	struct hijack_deadline announced; /* until when its first member may be news to some */
	bool members_first;               /* before the host's, at the next look */
	struct member *members;
	struct nested *nested;
};

extern struct set *hijack_epoll_sets;

/* The lock is taken with signals blocked: a handler of the program's may come back here. */
void hijack_epoll_lock(uint64_t *mask);
void hijack_epoll_unlock(const uint64_t *mask);

/* The set that a number stands for; NULL: none that is known. */
struct set *hijack_epoll_find(int fd);

/* The same; a number that the library has not seen made is a new set's. NULL: no memory. */
struct set *hijack_epoll_adopt(int fd);

/* Makes the set's bell, if it has none, a member of the host's set. Returns 0 or -errno. */
int hijack_epoll_bell(struct set *set, int fd);

void hijack_epoll_ring(const struct set *set);
void hijack_epoll_silence(const struct set *set);

/*
 * Rings for those who wait for the set on the host alone, which the number is for. The host wakes one after
 * the other, so the bell is not silenced before there are none.
 */
void hijack_epoll_announce(struct set *set);

/*
 * The sets that a wait for these numbers is about: those that they stand for, in their order, each followed
 * by what is nested in it. They are linked by their field involved.
 */
struct set *hijack_epoll_involved(const struct pollfd *fds, size_t count);

/* Whether one of them has members. */
bool hijack_epoll_any_member(const struct set *involved);

/* When one of them changed last. */
uint64_t hijack_epoll_changed(const struct set *involved);

static inline struct member **
find_member(struct set *set, int fd)
{
	struct member **member = &set->members;

	while (*member != NULL && (*member)->fd != fd)
		member = &(*member)->next;
	return member;
}

/*
 * epoll_watch.c: a set has changed, or what is known of its members has: all who wait for it look again.
 */
void hijack_epoll_kick(struct set *set);

/*
 * epoll_report.c: what to poll for. fds: first those given, then room for one more, and from there all
 * members of the involved sets; set says whose each is.
 */
struct asked {
	struct pollfd *fds;
	uint64_t *set;
	size_t given, count; /* without, and with the members */
	uint64_t changed;
};

enum asking {
	FOR_ALL,   /* what they are members for */
	FOR_NEWS,  /* what is not known of them */
	FOR_EVENTS /* likewise of nested sets, but of the first all that was not reported */
};

/* Under the lock. False: no memory. To be freed with free(asked->fds). */
bool hijack_epoll_ask(struct asked *asked, const struct pollfd *fds, size_t count, enum asking what);

/* Takes the members' answers for the set's bell. */
void hijack_epoll_refresh(struct set *set, const struct asked *asked);

/* The members' answers as events, in the order that they had in the set. Returns how many. */
long hijack_epoll_report(struct set *set, const struct asked *asked, struct epoll_event *events, long room);

#endif
