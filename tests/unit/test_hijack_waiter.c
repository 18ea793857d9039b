/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * More waits at once than eventfds are kept, each answered by whoever comes along: everyone gets its own
 * answer, is told of it, and nobody writes to an eventfd that has been closed. The rump kernel is a list
 * here.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#include "hijack/rump.h"
#include "hijack/waiter.h"
#include "rumpclient/client.h"

#define THREADS 24
#define ROUNDS 400
#define LOOKS 1000000 /* at most, for one answer */

__thread struct hijack_thread hijack_thread;
struct hijack_process hijack_main_process;
_Thread_local struct rc_slot *rc_innermost;

static struct rumpclient context;
static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct rumpclient_call *list[THREADS * ROUNDS + 1];
static size_t first, last;
static int errors;

/* No lock: a thread that uses a number after another has closed it is to be seen by the sanitizer, too. */
static bool is_open[UNIT_DESCRIPTORS];

struct rumpclient *
hijack_rump_context(int *error)
{
	*error = 0;
	return &context;
}

int
rumpclient_ctx_fd(struct rumpclient *ctx)
{
	(void)ctx;
	return 0;
}

int
rc_fd_up(int fd)
{
	return fd;
}

int
rumpclient_ctx_cancel(struct rumpclient *ctx, struct rumpclient_call *call)
{
	(void)ctx;
	(void)call;
	return 0;
}

int
rumpclient_ctx_submit(
    struct rumpclient *ctx, struct rumpclient_call *call, int number, const void *args, size_t len)
{
	(void)ctx;
	(void)number;
	assert_true(len == 3 * sizeof(uint64_t));
	call->reserved[0] = *(const uint64_t *)args;
	pthread_mutex_lock(&list_lock);
	list[last++] = call;
	pthread_mutex_unlock(&list_lock);
	return 0;
}

/* Each answer comes back to the one descriptor that was asked for. */
struct rumpclient_call *
rumpclient_ctx_complete(struct rumpclient *ctx)
{
	struct rumpclient_call *call;

	(void)ctx;
	pthread_mutex_lock(&list_lock);
	call = first < last ? list[first++] : NULL;
	pthread_mutex_unlock(&list_lock);
	if (call != NULL) {
		struct rump_pollfd *fd = (struct rump_pollfd *)(uintptr_t)call->reserved[0];

		fd->revents = (int16_t)fd->fd;
		call->error = 0;
		call->retval[0] = 1;
	}
	return call;
}

long
hijack_own(long number, long a1, long a2, long a3, long a4, long a5, long a6)
{
	int fd;

	(void)a3;
	(void)a4;
	(void)a5;
	(void)a6;
	if (number != SYS_eventfd2)
		return sched_yield();
	fd = eventfd((unsigned int)a1, (int)a2);
	if (fd >= 0)
		is_open[fd] = true;
	return fd;
}

ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size);
int __real_close(int fd);
int __wrap_close(int fd);

/* Who tells is late. */
ssize_t
__wrap_write(int fd, const void *data, size_t size)
{
	if (size == sizeof(uint64_t)) {
		for (int i = 0; i < 3; i++)
			sched_yield();
		if (!is_open[fd])
			__atomic_fetch_add(&errors, 1, __ATOMIC_RELAXED);
	}
	return __real_write(fd, data, size);
}

int
__wrap_close(int fd)
{
	is_open[fd] = false;
	return __real_close(fd);
}

/* Waits to be told, or looks itself. */
static void
wait_for(struct hijack_waiter *waiter, unsigned int *seed)
{
	for (int looks = 0; looks < LOOKS; looks++) {
		struct pollfd wakes = {hijack_waiter_wakes(waiter), POLLIN, 0};

		if (poll(&wakes, 1, 0) > 0)
			hijack_waiter_woken(waiter);
		if ((wakes.revents != 0 || rand_r(seed) % 4 == 0) && hijack_waiter_done(waiter))
			return;
		sched_yield();
	}
	__atomic_fetch_add(&errors, 1, __ATOMIC_RELAXED);
}

static void *
waits(void *argument)
{
	int self = *(int *)argument;
	unsigned int seed = (unsigned int)self;

	for (int round = 0; round < ROUNDS; round++) {
		struct rump_pollfd fd = {self, RUMP_POLLIN, 0};
		int error;
		struct hijack_waiter *waiter = hijack_waiter_start(&fd, 1, -1, &error);
		bool gives_up = rand_r(&seed) % 4 == 0;
		long result;

		if (waiter == NULL)
			return NULL;
		if (!gives_up)
			wait_for(waiter, &seed);
		result = hijack_waiter_finish(waiter, &fd, 1);
		if (result != (fd.revents != 0) || (fd.revents != 0 && fd.revents != self) ||
		    (result == 0 && !gives_up))
			__atomic_fetch_add(&errors, 1, __ATOMIC_RELAXED);
	}
	return argument;
}

static void
everyone_gets_its_own_answer(void **state)
{
	pthread_t threads[THREADS];
	int numbers[THREADS], error;
	struct rump_pollfd fd = {99, RUMP_POLLIN, 0};
	struct hijack_waiter *waiter;

	(void)state;
	for (int i = 0; i < THREADS; i++) {
		numbers[i] = i + 1;
		assert_int_equal(pthread_create(&threads[i], NULL, waits, &numbers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		void *result;

		pthread_join(threads[i], &result);
		assert_ptr_equal(result, &numbers[i]);
	}
	/* Who comes last finds the answers that nobody waits for any more. */
	waiter = hijack_waiter_start(&fd, 1, -1, &error);
	assert_true(hijack_waiter_done(waiter));
	assert_int_equal(hijack_waiter_finish(waiter, &fd, 1), 1);
	assert_int_equal(fd.revents, 99);
	assert_int_equal(first, last);
	assert_int_equal(errors, 0);
	for (size_t i = 0; i < HIJACK_EVENTS; i++) {
		if (hijack_main_process.events[i] != 0)
			(void)close(hijack_main_process.events[i] - 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(everyone_gets_its_own_answer)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
