/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for sets, by what their members are ready for. For how it works, see epoll.c. */
#include "hijack/epoll_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hijack/epoll.h"
#include "hijack/gate.h"
#include "hijack/waiter.h"

/* One who waits. In memory of its own: a handler may leave the wait for good. */
struct watch {
	struct watch *next;
	int event;
	size_t count;
	uint64_t sets[];
};

struct watch *hijack_epoll_watches;
static uint64_t changes;

void
hijack_epoll_kick(struct set *set)
{
	const uint64_t one = 1;

	set->changed = ++changes;
	for (const struct watch *watch = hijack_epoll_watches; watch != NULL; watch = watch->next) {
		for (size_t i = 0; i < watch->count; i++) {
			if (watch->sets[i] == set->id)
				(void)!write(watch->event, &one, sizeof(one));
		}
	}
}

/* Under the lock. NULL: no memory. */
static struct watch *
begin(const struct pollfd *fds, size_t count, int event)
{
	const struct set *involved = hijack_epoll_involved(fds, count);
	struct watch *watch;
	size_t sets = 0;

	for (const struct set *set = involved; set != NULL; set = set->involved)
		sets++;
	watch = malloc(sizeof(*watch) + sets * sizeof(watch->sets[0]));
	if (watch == NULL)
		return NULL;
	*watch = (struct watch){hijack_epoll_watches, event, sets};
	sets = 0;
	for (const struct set *set = involved; set != NULL; set = set->involved)
		watch->sets[sets++] = set->id;
	hijack_epoll_watches = watch;
	return watch;
}

static void
end(struct watch *watch)
{
	struct watch **place = &hijack_epoll_watches;
	uint64_t mask;

	hijack_epoll_lock(&mask);
	while (*place != NULL && *place != watch)
		place = &(*place)->next;
	if (*place != NULL)
		*place = watch->next;
	hijack_epoll_unlock(&mask);
	free(watch);
}

long
hijack_epoll_look(const struct pollfd *fds, size_t count, struct asked *asked)
{
	const struct hijack_deadline at_once = hijack_deadline_in(&(const struct timespec){0});
	uint64_t mask;
	bool good;
	long n = 0;

	hijack_epoll_lock(&mask);
	good = hijack_epoll_ask(asked, fds, count, FOR_ALL);
	hijack_epoll_unlock(&mask);
	if (!good)
		return -ENOMEM;
	if (asked->count > asked->given)
		n = hijack_wait(asked->fds + asked->given, asked->count - asked->given, &at_once, NULL);
	return n < 0 ? n : 0;
}

void
hijack_epoll_tell(const struct pollfd *fds, size_t count, struct asked *asked)
{
	struct set *involved = hijack_epoll_involved(fds, count);
	bool changed = hijack_epoll_changed(involved) != asked->changed;

	for (struct set *set = involved; set != NULL; set = set->involved)
		hijack_epoll_refresh(set, asked);
	if (!changed)
		asked->changed = hijack_epoll_changed(involved);
}

/* Unless the sets have changed since the look: then it is as if something had come. */
static long
wait_watching(const struct pollfd *fds, size_t count, struct asked *asked, struct watch **watch, int event,
    enum asking what)
{
	uint64_t changed = asked->changed, mask;
	bool good;

	hijack_epoll_lock(&mask);
	good = hijack_epoll_ask(asked, fds, count, what);
	if (good && asked->changed == changed)
		*watch = begin(fds, count, event);
	else
		changed = 0;
	hijack_epoll_unlock(&mask);
	if (!good)
		return -ENOMEM;
	asked->fds[count].fd = event;
	return *watch == NULL && asked->changed == changed ? -ENOMEM : *watch != NULL;
}

long
hijack_epoll_sleep(struct pollfd *fds, size_t count, uint64_t changed, enum asking what,
    const struct hijack_deadline *deadline, const uint64_t *signals)
{
	struct asked asked = {.changed = changed};
	struct watch *watch = NULL;
	int event = hijack_event_take();
	long n;

	if (event < 0)
		return event;
	n = wait_watching(fds, count, &asked, &watch, event, what);
	if (n > 0)
		n = hijack_wait(asked.fds, asked.count, deadline, signals);
	else if (n == 0)
		n = 1;
	for (size_t i = 0; watch != NULL && n >= 0 && i < count; i++)
		fds[i].revents = asked.fds[i].revents;
	if (watch != NULL)
		end(watch);
	hijack_event_give(event);
	free(asked.fds);
	return n;
}

/* The sets in the list are watched through it from now on. Returns whether there are any. */
static bool
watch_sets(const struct pollfd *fds, size_t count)
{
	uint64_t mask;
	size_t i = 0;

	while (i < count && !hijack_fd_is_epoll(fds[i].fd))
		i++;
	if (i == count)
		return false;
	hijack_epoll_lock(&mask);
	for (; i < count; i++) {
		struct set *set = hijack_epoll_find(fds[i].fd);

		if (set != NULL)
			set->watched = true;
	}
	hijack_epoll_unlock(&mask);
	return true;
}

static long
count_ready(const struct pollfd *fds, size_t count)
{
	long ready = 0;

	for (size_t i = 0; i < count; i++)
		ready += fds[i].revents != 0;
	return ready;
}

long
hijack_epoll_poll(
    struct pollfd *fds, size_t count, const struct hijack_deadline *deadline, const uint64_t *signals)
{
	struct asked asked;
	uint64_t mask;
	long n;

	if (!watch_sets(fds, count))
		return hijack_wait(fds, count, deadline, signals);
	for (;;) {
		n = hijack_epoll_look(fds, count, &asked);
		if (n == 0) {
			hijack_epoll_lock(&mask);
			hijack_epoll_tell(fds, count, &asked);
			hijack_epoll_unlock(&mask);
		}
		free(asked.fds);
		for (size_t i = 0; i < count; i++)
			fds[i].revents = 0;
		if (n == 0)
			n = hijack_epoll_sleep(fds, count, asked.changed, FOR_NEWS, deadline, signals);
		if (n <= 0 || count_ready(fds, count) > 0)
			return n <= 0 ? n : count_ready(fds, count);
	}
}
