/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/unit/unit.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rump/rumpdefs.h>

#include "tests/unit/recording_kernel.h"

#define THREADS 4
#define ROUNDS 5000

static void
run_threads(void *(*function)(void *), void *arg)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, function, arg), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

struct counter {
	struct rumpuser_mtx *mtx;
	long count;
	bool inside;
	bool overlapped;
};

static void
count_one(struct counter *counter)
{
	if (counter->inside)
		counter->overlapped = true;
	counter->inside = true;
	/* Now and then for so long that the others give up looking, and sleep. */
	if (counter->count++ % 64 == 0)
		sched_yield();
	counter->inside = false;
}

static void *
count_up(void *arg)
{
	struct counter *counter = arg;

	for (int i = 0; i < ROUNDS; i++) {
		rumpuser_mutex_enter(counter->mtx);
		count_one(counter);
		rumpuser_mutex_exit(counter->mtx);
		while (rumpuser_mutex_tryenter(counter->mtx) != 0)
			rumpuser_mutex_enter_nowrap(counter->mtx), rumpuser_mutex_exit(counter->mtx);
		count_one(counter);
		rumpuser_mutex_exit(counter->mtx);
	}
	return NULL;
}

static void
one_holder_at_a_time(void **state)
{
	const int kinds[] = {
	    0, RUMPUSER_MTX_SPIN, RUMPUSER_MTX_KMUTEX, RUMPUSER_MTX_SPIN | RUMPUSER_MTX_KMUTEX};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct counter counter = {0};

		rumpuser_mutex_init(&counter.mtx, kinds[i]);
		run_threads(count_up, &counter);
		assert_int_equal(counter.count, 2L * THREADS * ROUNDS);
		assert_false(counter.overlapped);
		rumpuser_mutex_destroy(counter.mtx);
	}
}

static void
owner_is_who_entered(void **state)
{
	struct rumpuser_mtx *mtx;
	struct lwp *me = (struct lwp *)&mtx, *owner;

	(void)state;
	rumpuser_mutex_init(&mtx, RUMPUSER_MTX_KMUTEX);
	rumpuser_curlwpop(RUMPUSER_LWP_SET, me);
	rumpuser_mutex_owner(mtx, &owner);
	assert_null(owner);
	rumpuser_mutex_enter(mtx);
	rumpuser_mutex_owner(mtx, &owner);
	assert_ptr_equal(owner, me);
	rumpuser_mutex_exit(mtx);
	rumpuser_mutex_owner(mtx, &owner);
	assert_null(owner);
	assert_int_equal(rumpuser_mutex_tryenter(mtx), 0);
	rumpuser_mutex_owner(mtx, &owner);
	assert_ptr_equal(owner, me);
	assert_int_equal(rumpuser_mutex_tryenter(mtx), RUMP_EBUSY);
	rumpuser_mutex_exit(mtx);
	rumpuser_curlwpop(RUMPUSER_LWP_CLEAR, me);
	rumpuser_mutex_destroy(mtx);
}

static void
entering_twice_is_reported(void **state)
{
	static const struct rlimit no_core = {0, 0};
	int status;
	pid_t child = fork();

	(void)state;
	assert_int_not_equal(child, -1);
	if (child == 0) {
		struct rumpuser_mtx *mtx;

		signal(SIGABRT, SIG_DFL);
		setrlimit(RLIMIT_CORE, &no_core);
		close(STDERR_FILENO);
		rumpuser_mutex_init(&mtx, RUMPUSER_MTX_KMUTEX);
		rumpuser_mutex_enter(mtx);
		rumpuser_mutex_enter(mtx);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* Threads with different mutexes do not share a cache line. */
static void
each_has_a_line_of_its_own(void **state)
{
	struct rumpuser_mtx *mtx[100];

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		rumpuser_mutex_init(&mtx[i], 0);
		assert_int_equal((uintptr_t)mtx[i] % 64, 0);
		for (unsigned j = 0; j < i; j++)
			assert_ptr_not_equal(mtx[i], mtx[j]);
	}
	for (unsigned i = 0; i < 100; i++)
		rumpuser_mutex_destroy(mtx[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_has_a_line_of_its_own),
	    cmocka_unit_test(entering_twice_is_reported),
	    cmocka_unit_test(one_holder_at_a_time),
	    cmocka_unit_test(owner_is_who_entered),
	};

	recording_start();
	return cmocka_run_group_tests_name("mutex", tests, NULL, NULL);
}
