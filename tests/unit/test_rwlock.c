/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/unit/unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include <rump/rumpdefs.h>

#include "tests/unit/recording_kernel.h"

#define THREADS 4
#define ROUNDS 4000
#define READER RUMPUSER_RW_READER
#define WRITER RUMPUSER_RW_WRITER

static struct rumpuser_rw *rw;

static int
make_lock(void **state)
{
	(void)state;
	rumpuser_rw_init(&rw);
	return 0;
}

static int
destroy_lock(void **state)
{
	(void)state;
	rumpuser_rw_destroy(rw);
	return 0;
}

static long first, second;
static atomic_int torn;

static void
change_both(void)
{
	first++;
	second++;
}

static void
compare_both(void)
{
	if (first != second)
		atomic_fetch_add(&torn, 1);
}

static void *
read_and_write(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		rumpuser_rw_enter(READER, rw);
		compare_both();
		if (rumpuser_rw_tryupgrade(rw) == 0) {
			change_both();
			rumpuser_rw_downgrade(rw);
			compare_both();
		}
		rumpuser_rw_exit(rw);
		rumpuser_rw_enter(WRITER, rw);
		change_both();
		if (i % 2 == 0)
			rumpuser_rw_downgrade(rw);
		compare_both();
		rumpuser_rw_exit(rw);
		if (rumpuser_rw_tryenter(WRITER, rw) == 0) {
			change_both();
			rumpuser_rw_exit(rw);
		}
		if (rumpuser_rw_tryenter(READER, rw) == 0) {
			compare_both();
			rumpuser_rw_exit(rw);
		}
	}
	return arg;
}

static void
writers_exclude_everybody(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	first = second = 0;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_and_write, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(atomic_load(&torn), 0);
	assert_int_equal(first, second);
	assert_in_range(first, (long)THREADS * ROUNDS, 3L * THREADS * ROUNDS);
	assert_int_equal(rumpuser_rw_tryenter(WRITER, rw), 0);
	rumpuser_rw_exit(rw);
}

static void *
read_together(void *arg)
{
	rumpuser_rw_enter(READER, rw);
	/* Passed only when all are inside at once. */
	pthread_barrier_wait(arg);
	rumpuser_rw_exit(rw);
	return NULL;
}

static void
readers_share(void **state)
{
	pthread_barrier_t barrier;
	pthread_t threads[THREADS];

	(void)state;
	alarm(120);
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_together, &barrier), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	pthread_barrier_destroy(&barrier);
	alarm(0);
}

static atomic_int written;

static void *
write_once(void *arg)
{
	rumpuser_rw_enter(WRITER, rw);
	atomic_store(&written, 1);
	rumpuser_rw_exit(rw);
	return arg;
}

static void *
read_once(void *arg)
{
	rumpuser_rw_enter(READER, rw);
	*(int *)arg = atomic_load(&written);
	rumpuser_rw_exit(rw);
	return NULL;
}

/* Until a writer waits, another reader gets in. */
static void
await_waiting_writer(void)
{
	while (rumpuser_rw_tryenter(READER, rw) == 0) {
		rumpuser_rw_exit(rw);
		sched_yield();
	}
}

static void
waiting_writer_comes_before_later_readers(void **state)
{
	pthread_t writer, reader;
	int seen = 0;

	(void)state;
	alarm(120);
	atomic_store(&written, 0);
	rumpuser_rw_enter(READER, rw);
	assert_int_equal(pthread_create(&writer, NULL, write_once, NULL), 0);
	await_waiting_writer();
	assert_int_equal(atomic_load(&written), 0);
	assert_int_equal(pthread_create(&reader, NULL, read_once, &seen), 0);
	rumpuser_rw_exit(rw);
	assert_int_equal(pthread_join(writer, NULL), 0);
	assert_int_equal(pthread_join(reader, NULL), 0);
	assert_int_equal(atomic_load(&written), 1);
	alarm(0);
}

static void
upgrade_wants_to_be_alone(void **state)
{
	int held;

	(void)state;
	rumpuser_rw_enter(READER, rw);
	rumpuser_rw_enter(READER, rw);
	assert_int_equal(rumpuser_rw_tryupgrade(rw), RUMP_EBUSY);
	rumpuser_rw_held(READER, rw, &held);
	assert_true(held);
	rumpuser_rw_exit(rw);
	assert_int_equal(rumpuser_rw_tryupgrade(rw), 0);
	rumpuser_rw_held(READER, rw, &held);
	assert_false(held);
	rumpuser_rw_held(WRITER, rw, &held);
	assert_true(held);
	rumpuser_rw_exit(rw);
	rumpuser_rw_held(WRITER, rw, &held);
	assert_false(held);
}

static void *
ask_whether_written(void *arg)
{
	rumpuser_curlwpop(RUMPUSER_LWP_SET, arg);
	rumpuser_rw_held(WRITER, rw, arg);
	return NULL;
}

static void
only_the_writer_holds_for_writing(void **state)
{
	struct lwp *me = (struct lwp *)&rw;
	pthread_t other;
	int held = 1;

	(void)state;
	rumpuser_curlwpop(RUMPUSER_LWP_SET, me);
	rumpuser_rw_enter(WRITER, rw);
	assert_int_equal(pthread_create(&other, NULL, ask_whether_written, &held), 0);
	assert_int_equal(pthread_join(other, NULL), 0);
	assert_false(held);
	rumpuser_rw_held(WRITER, rw, &held);
	assert_true(held);
	rumpuser_rw_downgrade(rw);
	rumpuser_rw_held(WRITER, rw, &held);
	assert_false(held);
	rumpuser_rw_held(READER, rw, &held);
	assert_true(held);
	rumpuser_rw_exit(rw);
	rumpuser_curlwpop(RUMPUSER_LWP_CLEAR, me);
}

/* Readers that wait for a writer come in when it turns to reading itself. */
static void
downgrade_lets_readers_in(void **state)
{
	pthread_t readers[THREADS];
	int seen[THREADS] = {0};

	(void)state;
	alarm(120);
	rumpuser_rw_enter(WRITER, rw);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_once, &seen[i]), 0);
	atomic_store(&written, 2);
	rumpuser_rw_downgrade(rw);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(readers[i], NULL), 0);
		assert_int_equal(seen[i], 2);
	}
	rumpuser_rw_exit(rw);
	alarm(0);
}

#define rw_test(function) cmocka_unit_test_setup_teardown(function, make_lock, destroy_lock)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    rw_test(readers_share),
	    rw_test(writers_exclude_everybody),
	    rw_test(waiting_writer_comes_before_later_readers),
	    rw_test(upgrade_wants_to_be_alone),
	    rw_test(only_the_writer_holds_for_writing),
	    rw_test(downgrade_lets_readers_in),
	};

	recording_start();
	return cmocka_run_group_tests_name("rwlock", tests, NULL, NULL);
}
