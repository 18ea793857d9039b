/* SPDX-License-Identifier: BSD-2-Clause */
/* poll and select, in all their forms, for lists with a socket of the rump kernel's in it, or in a set in it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/epoll_watch.h"
#include "hijack/files.h"
#include "hijack/gate.h"
#include "hijack/signal.h"
#include "hijack/waiter.h"

#define SET_WORD 64

/* Reads the program's mask, without SIGSYS. Returns 0, 1 when there is none, or -errno. */
static int
read_mask(uint64_t address, size_t size, uint64_t *mask)
{
	if (address == 0)
		return 1;
	if (size != HIJACK_SIGSET_SIZE)
		return -EINVAL;
	if (hijack_copyin(mask, address, sizeof(*mask)) != 0)
		return -EFAULT;
	*mask &= ~HIJACK_SIGSYS_BIT;
	return 0;
}

static int
read_time(uint64_t address, struct timespec *time)
{
	if (hijack_copyin(time, address, sizeof(*time)) != 0)
		return -EFAULT;
	return time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= 1000000000 ? -EINVAL : 0;
}

static long
wait_for_program(const struct hijack_call *call, const struct hijack_deadline *deadline, const uint64_t *mask)
{
	size_t count = (size_t)(unsigned int)call->arg[1];
	struct rlimit limit;
	struct pollfd *fds;
	long result;

	if (hijack_own(SYS_getrlimit, RLIMIT_NOFILE, (long)&limit, 0, 0, 0, 0) == 0 && count > limit.rlim_cur)
		return -EINVAL;
	fds = malloc((count + 1) * sizeof(*fds));
	if (fds == NULL)
		return -ENOMEM;
	result = hijack_copyin(fds, (uint64_t)call->arg[0], count * sizeof(*fds));
	if (result == 0)
		result = hijack_epoll_poll(fds, count, deadline, mask);
	if (result >= 0 && hijack_copyout((uint64_t)call->arg[0], fds, count * sizeof(*fds)) != 0)
		result = -EFAULT;
	free(fds);
	return result;
}

long
hijack_beyond_poll(const struct hijack_call *call)
{
	int milliseconds = (int)call->arg[2];
	const struct timespec timeout = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
	struct hijack_deadline deadline = hijack_deadline_in(milliseconds < 0 ? NULL : &timeout);

	return wait_for_program(call, &deadline, NULL);
}

long
hijack_beyond_ppoll(const struct hijack_call *call)
{
	struct hijack_deadline deadline;
	struct timespec timeout, left;
	uint64_t mask;
	int masked = read_mask((uint64_t)call->arg[3], (size_t)call->arg[4], &mask), error = 0;
	long result;

	if (call->arg[2] != 0)
		error = read_time((uint64_t)call->arg[2], &timeout);
	if (masked < 0 || error != 0)
		return masked < 0 ? masked : error;
	deadline = hijack_deadline_in(call->arg[2] != 0 ? &timeout : NULL);
	result = wait_for_program(call, &deadline, masked == 0 ? &mask : NULL);
	left = hijack_deadline_left(&deadline);
	if (call->arg[2] != 0)
		(void)hijack_copyout((uint64_t)call->arg[2], &left, sizeof(left));
	return result;
}

/* setrlimit and prlimit64 of the number of descriptors. */
long
hijack_beyond_limit(const struct hijack_call *call)
{
	hijack_waiter_prepare();
	return hijack_pass(call);
}

/* select's three sets. */
struct sets {
	uint64_t *in[3];
	size_t words;
	int numbers;
};
static const short set_events[3] = {
    POLLIN | POLLRDNORM | POLLRDBAND, POLLOUT | POLLWRNORM | POLLWRBAND, POLLPRI};
static const short set_ready[3] = {POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR,
    POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR, POLLPRI};

static bool
has(const struct sets *sets, int set, int fd)
{
	return sets->in[set] != NULL && sets->in[set][fd / SET_WORD] >> fd % SET_WORD & 1;
}

static long
read_sets(const struct hijack_call *call, struct sets *sets, uint64_t *memory)
{
	for (int set = 0; set < 3; set++) {
		uint64_t address = (uint64_t)call->arg[1 + set];

		sets->in[set] = address != 0 ? memory + (size_t)set * sets->words : NULL;
		if (address != 0 && hijack_copyin(sets->in[set], address, sets->words * 8) != 0)
			return -EFAULT;
	}
	return 0;
}

static size_t
to_poll(const struct sets *sets, struct pollfd *fds)
{
	size_t count = 0;

	for (int fd = 0; fd < sets->numbers; fd++) {
		short events = 0;

		for (int set = 0; set < 3; set++)
			events |= has(sets, set, fd) ? set_events[set] : 0;
		if (events != 0)
			fds[count++] = (struct pollfd){fd, events, 0};
	}
	return count;
}

static long
from_poll(struct sets *sets, const struct pollfd *fds, size_t count)
{
	long ready = 0;

	for (size_t i = 0; i < count; i++) {
		if (fds[i].revents & POLLNVAL)
			return -EBADF;
	}
	for (size_t i = 0; i < count; i++) {
		for (int set = 0; set < 3; set++) {
			uint64_t bit = 1ULL << fds[i].fd % SET_WORD;

			if (!has(sets, set, fds[i].fd))
				continue;
			if (fds[i].revents & set_ready[set])
				ready++;
			else
				sets->in[set][fds[i].fd / SET_WORD] &= ~bit;
		}
	}
	return ready;
}

static long
select_until(const struct hijack_call *call, const struct hijack_deadline *deadline, const uint64_t *mask)
{
	struct sets sets = {.numbers = (int)call->arg[0]};
	size_t count;
	uint64_t *memory;
	struct pollfd *fds;
	long result;

	if (sets.numbers < 0)
		return -EINVAL;
	if (sets.numbers > HIJACK_FDS)
		sets.numbers = HIJACK_FDS;
	sets.words = ((size_t)sets.numbers + SET_WORD - 1) / SET_WORD;
	memory = malloc(3 * sets.words * 8 + (size_t)sets.numbers * sizeof(*fds) + 1);
	if (memory == NULL)
		return -ENOMEM;
	fds = (struct pollfd *)(memory + 3 * sets.words);
	result = read_sets(call, &sets, memory);
	if (result == 0) {
		count = to_poll(&sets, fds);
		result = hijack_epoll_poll(fds, count, deadline, mask);
		if (result >= 0)
			result = from_poll(&sets, fds, count);
	}
	for (int set = 0; result >= 0 && set < 3; set++) {
		if (sets.in[set] != NULL &&
		    hijack_copyout((uint64_t)call->arg[1 + set], sets.in[set], sets.words * 8) != 0)
			result = -EFAULT;
	}
	free(memory);
	return result;
}

long
hijack_beyond_select(const struct hijack_call *call)
{
	struct hijack_deadline deadline;
	struct timespec timeout, left;
	struct timeval time;
	long result;

	if (call->arg[4] != 0) {
		if (hijack_copyin(&time, (uint64_t)call->arg[4], sizeof(time)) != 0)
			return -EFAULT;
		if (time.tv_sec < 0 || time.tv_usec < 0)
			return -EINVAL;
		timeout =
		    (struct timespec){time.tv_sec + time.tv_usec / 1000000, time.tv_usec % 1000000 * 1000};
	}
	deadline = hijack_deadline_in(call->arg[4] != 0 ? &timeout : NULL);
	result = select_until(call, &deadline, NULL);
	left = hijack_deadline_left(&deadline);
	time = (struct timeval){left.tv_sec, left.tv_nsec / 1000};
	if (call->arg[4] != 0)
		(void)hijack_copyout((uint64_t)call->arg[4], &time, sizeof(time));
	return result;
}

long
hijack_beyond_pselect6(const struct hijack_call *call)
{
	struct hijack_deadline deadline;
	struct timespec timeout, left;
	uint64_t pack[2] = {0}, mask;
	int masked, error = 0;
	long result;

	if (call->arg[5] != 0 && hijack_copyin(pack, (uint64_t)call->arg[5], sizeof(pack)) != 0)
		return -EFAULT;
	masked = read_mask(pack[0], (size_t)pack[1], &mask);
	if (call->arg[4] != 0)
		error = read_time((uint64_t)call->arg[4], &timeout);
	if (masked < 0 || error != 0)
		return masked < 0 ? masked : error;
	deadline = hijack_deadline_in(call->arg[4] != 0 ? &timeout : NULL);
	result = select_until(call, &deadline, masked == 0 ? &mask : NULL);
	left = hijack_deadline_left(&deadline);
	if (call->arg[4] != 0)
		(void)hijack_copyout((uint64_t)call->arg[4], &left, sizeof(left));
	return result;
}
