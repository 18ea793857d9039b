/* SPDX-License-Identifier: BSD-2-Clause */
/* Which sets there are, by what numbers, and what is nested in what. */
#include "hijack/epoll_set.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hijack/descriptor.h"
#include "hijack/epoll.h"
#include "hijack/files.h"
#include "hijack/signal.h"
#include "rumpclient/client.h"

#define ANNOUNCED_SECONDS 1

/* A set has as many numbers as it was duplicated. */
struct number {
	struct number *next;
	struct set *set;
	int fd;
};

bool hijack_epoll_any, hijack_epoll_made, hijack_epoll_nests;
uint32_t hijack_epoll_lock_word; /* 0 free, 1 taken, 2 taken and waited for */
uint32_t hijack_epoll_passing[HIJACK_EPOLL_COUNTS];
struct set *hijack_epoll_sets;
static struct number *numbers;
static uint64_t looks;

void
hijack_epoll_lock(uint64_t *mask)
{
	const uint64_t all = ~HIJACK_SIGSYS_BIT;
	uint32_t none = 0;

	(void)hijack_own(SYS_rt_sigprocmask, SIG_BLOCK, (long)&all, (long)mask, HIJACK_SIGSET_SIZE, 0, 0);
	if (__atomic_compare_exchange_n(
		&hijack_epoll_lock_word, &none, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(&hijack_epoll_lock_word, 2, __ATOMIC_ACQUIRE) != 0)
		(void)hijack_own(SYS_futex, (long)&hijack_epoll_lock_word, FUTEX_WAIT_PRIVATE, 2, 0, 0, 0);
}

void
hijack_epoll_unlock(const uint64_t *mask)
{
	if (__atomic_exchange_n(&hijack_epoll_lock_word, 0, __ATOMIC_RELEASE) == 2)
		(void)hijack_own(SYS_futex, (long)&hijack_epoll_lock_word, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
	(void)hijack_own(SYS_rt_sigprocmask, SIG_SETMASK, (long)mask, 0, HIJACK_SIGSET_SIZE, 0, 0);
}

static struct number **
find_number(int fd)
{
	struct number **number = &numbers;

	while (*number != NULL && (*number)->fd != fd)
		number = &(*number)->next;
	return number;
}

struct set *
hijack_epoll_find(int fd)
{
	const struct number *number = hijack_fd_is_epoll(fd) ? *find_number(fd) : NULL;

	return number != NULL ? number->set : NULL;
}

/* The number stands for the set from now on. */
static bool
add_number(int fd, struct set *set)
{
	struct number *number = malloc(sizeof(*number));

	if (number == NULL || hijack_fd_set(fd, -1, HIJACK_KIND_EPOLL) != 0) {
		free(number);
		return false;
	}
	*number = (struct number){numbers, set, fd};
	numbers = number;
	set->numbers++;
	__atomic_store_n(&hijack_epoll_made, true, __ATOMIC_RELEASE);
	return true;
}

struct set *
hijack_epoll_adopt(int fd)
{
	static uint64_t last;
	struct set *set = hijack_epoll_find(fd);

	if (set != NULL)
		return set;
	set = calloc(1, sizeof(*set));
	if (set == NULL)
		return NULL;
	*set = (struct set){.next = hijack_epoll_sets, .id = ++last, .bell = -1};
	if (!add_number(fd, set)) {
		free(set);
		return NULL;
	}
	hijack_epoll_sets = set;
	return set;
}

int
hijack_epoll_bell(struct set *set, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = HIJACK_BELL_DATA};
	int error;

	if (set->bell >= 0)
		return 0;
	set->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (set->bell < 0)
		return -errno;
	set->bell = rc_fd_up(set->bell);
	if (epoll_ctl(fd, EPOLL_CTL_ADD, set->bell, &event) == 0) {
		__atomic_store_n(&hijack_epoll_any, true, __ATOMIC_RELEASE);
		return 0;
	}
	error = -errno;
	(void)close(set->bell);
	set->bell = -1;
	return error;
}

void
hijack_epoll_ring(const struct set *set)
{
	const uint64_t one = 1;

	(void)!write(set->bell, &one, sizeof(one));
}

/* Whether somebody may not have heard it. One whose handler left the wait for good counts no longer than
 * that.
 */
static bool
is_announcing(const struct set *set)
{
	const struct timespec left = hijack_deadline_left(&set->announced);

	if (left.tv_sec == 0 && left.tv_nsec == 0)
		return false;
	for (const struct number *number = numbers; number != NULL; number = number->next) {
		if (number->set == set &&
		    __atomic_load_n(&hijack_epoll_passing[(unsigned int)number->fd % HIJACK_EPOLL_COUNTS],
			__ATOMIC_SEQ_CST) != 0)
			return true;
	}
	return false;
}

void
hijack_epoll_silence(const struct set *set)
{
	uint64_t count;

	if (set->bell >= 0 && !is_announcing(set))
		(void)!read(set->bell, &count, sizeof(count));
}

void
hijack_epoll_announce(struct set *set)
{
	set->announced = hijack_deadline_in(&(const struct timespec){ANNOUNCED_SECONDS, 0});
	hijack_epoll_ring(set);
}

/* Adds a set, and those in it, behind the last. The host has seen to it that there is no loop. */
static struct set **
involve(struct set **last, struct set *set)
{
	if (set->marked == looks)
		return last;
	set->marked = looks;
	set->involved = NULL;
	*last = set;
	last = &set->involved;
	for (const struct nested *nested = set->nested; nested != NULL; nested = nested->next)
		last = involve(last, nested->set);
	return last;
}

struct set *
hijack_epoll_involved(const struct pollfd *fds, size_t count)
{
	struct set *first = NULL, **last = &first;

	looks++;
	for (size_t i = 0; i < count; i++) {
		struct set *set = hijack_epoll_find(fds[i].fd);

		if (set != NULL)
			last = involve(last, set);
	}
	return first;
}

bool
hijack_epoll_any_member(const struct set *involved)
{
	while (involved != NULL && involved->members == NULL)
		involved = involved->involved;
	return involved != NULL;
}

uint64_t
hijack_epoll_changed(const struct set *involved)
{
	uint64_t changed = 0;

	for (; involved != NULL; involved = involved->involved)
		changed = involved->changed > changed ? involved->changed : changed;
	return changed;
}

/* Takes the set out of the others. */
static void
take_out(const struct set *gone)
{
	for (struct set *set = hijack_epoll_sets; set != NULL; set = set->next) {
		struct nested **nested = &set->nested, *found;

		while ((found = *nested) != NULL) {
			if (found->set != gone) {
				nested = &found->next;
				continue;
			}
			*nested = found->next;
			free(found);
			hijack_epoll_kick(set);
		}
	}
}

static void
destroy(struct set *set)
{
	struct set **place = &hijack_epoll_sets;
	struct member *member;
	struct nested *nested;

	hijack_epoll_kick(set);
	take_out(set);
	while (*place != set)
		place = &(*place)->next;
	*place = set->next;
	if (set->bell >= 0)
		(void)close(set->bell);
	while ((member = set->members) != NULL) {
		set->members = member->next;
		free(member);
	}
	while ((nested = set->nested) != NULL) {
		set->nested = nested->next;
		free(nested);
	}
	free(set);
}

static void
forget_number(int fd)
{
	struct number **place = find_number(fd), *number = *place;

	if (number == NULL)
		return;
	*place = number->next;
	hijack_fd_clear(fd);
	if (--number->set->numbers == 0)
		destroy(number->set);
	free(number);
}

static void
forget_member(int fd)
{
	for (struct set *set = hijack_epoll_sets; set != NULL; set = set->next) {
		struct member **place = find_member(set, fd), *member = *place;

		if (member == NULL)
			continue;
		*place = member->next;
		free(member);
		if (set->members == NULL)
			hijack_epoll_silence(set);
		hijack_epoll_kick(set);
	}
}

/* A child of vfork closes numbers of its own, while the sets are its parent's. */
static bool
is_guest(void)
{
	return hijack_thread.process != NULL;
}

void
hijack_epoll_forget(long fd)
{
	enum hijack_kind kind = (enum hijack_kind)(hijack_fd_entry(fd) % HIJACK_FD_KINDS);
	uint64_t mask;

	if (hijack_epoll_sets == NULL || is_guest() ||
	    (!hijack_kind_waits(kind) && kind != HIJACK_KIND_EPOLL))
		return;
	hijack_epoll_lock(&mask);
	if (kind == HIJACK_KIND_EPOLL)
		forget_number((int)fd);
	else
		forget_member((int)fd);
	hijack_epoll_unlock(&mask);
}

/* The host has made a set. */
long
hijack_beyond_epoll_created(const struct hijack_call *call)
{
	uint64_t mask;

	if (is_guest())
		return 0;
	hijack_epoll_lock(&mask);
	/* A number that was closed without the library's knowledge would still be marked. */
	forget_number((int)call->arg[0]);
	(void)hijack_epoll_adopt((int)call->arg[0]);
	hijack_epoll_unlock(&mask);
	return 0;
}

void
hijack_epoll_duplicated(long from, long to)
{
	struct set *set;
	uint64_t mask;

	if (is_guest())
		return;
	hijack_epoll_lock(&mask);
	set = hijack_epoll_find((int)from);
	if (set != NULL)
		(void)add_number((int)to, set);
	hijack_epoll_unlock(&mask);
}

/* dup and fcntl on a set. */
long
hijack_beyond_epoll_dup(const struct hijack_call *call)
{
	long fd = hijack_pass(call);

	if (fd >= 0)
		hijack_epoll_duplicated(call->arg[0], fd);
	return fd;
}

bool
hijack_epoll_owns(int fd)
{
	for (const struct set *set = hijack_epoll_sets; set != NULL; set = set->next) {
		if (set->bell == fd && fd >= 0)
			return true;
	}
	return false;
}
