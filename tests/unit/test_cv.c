/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/unit/unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <rump/rumpdefs.h>

#include "tests/unit/recording_kernel.h"
#include "tests/unit/signal_storm.h"

#define THREADS 4
#define ROUNDS 2000
#define MILLISECOND 1000000

static struct rumpuser_mtx *mtx;
static struct rumpuser_cv *cv;

static int
make_cv(void **state)
{
	(void)state;
	alarm(120);
	rumpuser_mutex_init(&mtx, RUMPUSER_MTX_KMUTEX);
	rumpuser_cv_init(&cv);
	return 0;
}

static int
destroy_cv(void **state)
{
	(void)state;
	rumpuser_cv_destroy(cv);
	rumpuser_mutex_destroy(mtx);
	alarm(0);
	return 0;
}

static int
waiters(void)
{
	int count;

	rumpuser_cv_has_waiters(cv, &count);
	return count;
}

static void
await_waiters(int count)
{
	while (waiters() != count)
		sched_yield();
}

static int order[THREADS];
static int woken;

static void *
wait_in_line(void *arg)
{
	rumpuser_mutex_enter(mtx);
	rumpuser_cv_wait(cv, mtx);
	order[woken++] = *(int *)arg;
	rumpuser_mutex_exit(mtx);
	return NULL;
}

static void
start_in_line(pthread_t *threads, int *places)
{
	woken = 0;
	for (int i = 0; i < THREADS; i++) {
		places[i] = i;
		assert_int_equal(pthread_create(&threads[i], NULL, wait_in_line, &places[i]), 0);
		await_waiters(i + 1);
	}
}

/* holding: whether the signals come from the holder of the mutex. */
static void
signal_each(bool holding)
{
	pthread_t threads[THREADS];
	int places[THREADS];

	start_in_line(threads, places);
	for (int i = 0; i < THREADS; i++) {
		if (holding)
			rumpuser_mutex_enter(mtx);
		rumpuser_cv_signal(cv);
		assert_int_equal(waiters(), THREADS - 1 - i);
		if (holding)
			rumpuser_mutex_exit(mtx);
		/* Who has been signalled is through before the next one is. */
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(woken, i + 1);
		assert_int_equal(order[i], i);
	}
}

static void
a_signal_wakes_the_first_and_nobody_else(void **state)
{
	(void)state;
	signal_each(true);
	signal_each(false);
}

static void
a_broadcast_wakes_everybody(void **state)
{
	(void)state;
	for (int holding = 0; holding < 2; holding++) {
		pthread_t threads[THREADS];
		int places[THREADS];

		start_in_line(threads, places);
		if (holding)
			rumpuser_mutex_enter(mtx);
		rumpuser_cv_broadcast(cv);
		assert_int_equal(waiters(), 0);
		if (holding)
			rumpuser_mutex_exit(mtx);
		for (int i = 0; i < THREADS; i++)
			assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(woken, THREADS);
	}
}

/* Tokens that some make and others use up: a lost signal stops the show. */
static int tokens, used;

static void *
use_tokens(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		rumpuser_mutex_enter(mtx);
		while (tokens == 0) {
			if (arg == NULL)
				rumpuser_cv_wait(cv, mtx);
			else
				(void)rumpuser_cv_timedwait(cv, mtx, 3600, 0);
		}
		tokens--;
		used++;
		rumpuser_mutex_exit(mtx);
	}
	return NULL;
}

static void *
make_tokens(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		rumpuser_mutex_enter(mtx);
		tokens++;
		if (i % 2 == 0)
			rumpuser_cv_signal(cv);
		rumpuser_mutex_exit(mtx);
		if (i % 2 == 1)
			rumpuser_cv_signal(cv);
	}
	return arg;
}

static void
no_signal_is_lost(void **state)
{
	pthread_t makers[THREADS], users[THREADS];

	(void)state;
	tokens = used = 0;
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_create(&users[i], NULL, use_tokens, i % 2 == 0 ? NULL : mtx), 0);
		assert_int_equal(pthread_create(&makers[i], NULL, make_tokens, NULL), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(makers[i], NULL), 0);
		assert_int_equal(pthread_join(users[i], NULL), 0);
	}
	assert_int_equal(used, THREADS * ROUNDS);
	assert_int_equal(tokens, 0);
}

/* Timeouts that race with signals: each wait ends by one or the other, and the queue stays whole. */
static int signals_left;

static void *
wait_briefly(void *arg)
{
	int *timeouts = arg;
	int error;

	rumpuser_mutex_enter(mtx);
	while (signals_left > 0) {
		error = rumpuser_cv_timedwait(cv, mtx, 0, 20000);
		if (error == RUMP_ETIMEDOUT)
			++*timeouts;
	}
	rumpuser_mutex_exit(mtx);
	return NULL;
}

static void
timeouts_and_signals_race(void **state)
{
	pthread_t threads[THREADS];
	int timeouts[THREADS] = {0};

	(void)state;
	signals_left = ROUNDS;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, wait_briefly, &timeouts[i]), 0);
	for (int i = 0; i < ROUNDS; i++) {
		rumpuser_mutex_enter(mtx);
		signals_left--;
		if (i % 8 == 0)
			rumpuser_cv_broadcast(cv);
		else
			rumpuser_cv_signal(cv);
		rumpuser_mutex_exit(mtx);
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(waiters(), 0);
}

/* What a thread waits on may go as soon as everybody has been signalled, even if its time was up as well. */
struct event {
	struct rumpuser_cv *cv;
	int64_t timeout;
	int sleepers;
};

static void *
wait_for_event(void *arg)
{
	struct event *event = arg;

	rumpuser_mutex_enter(mtx);
	event->sleepers++;
	(void)rumpuser_cv_timedwait(event->cv, mtx, 0, event->timeout);
	rumpuser_mutex_exit(mtx);
	return NULL;
}

static void
destroying_after_a_broadcast_is_safe(void **state)
{
	(void)state;
	for (int i = 0; i < 500; i++) {
		struct event event = {.timeout = i * 100};
		pthread_t threads[2];

		rumpuser_cv_init(&event.cv);
		for (int j = 0; j < 2; j++)
			assert_int_equal(pthread_create(&threads[j], NULL, wait_for_event, &event), 0);
		rumpuser_mutex_enter(mtx);
		while (event.sleepers < 2) {
			rumpuser_mutex_exit(mtx);
			sched_yield();
			rumpuser_mutex_enter(mtx);
		}
		rumpuser_cv_broadcast(event.cv);
		rumpuser_cv_destroy(event.cv);
		rumpuser_mutex_exit(mtx);
		for (int j = 0; j < 2; j++)
			assert_int_equal(pthread_join(threads[j], NULL), 0);
	}
}

static int64_t
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 * MILLISECOND + time.tv_nsec;
}

/*
 * Never early; and when nothing else keeps the machine busy at the wrong moment, not a millisecond late. So
 * one of many waits has to be that good.
 */
static void
timeouts_stand_up_to_a_storm_of_signals(void **state)
{
	const int64_t timeout = 5 * MILLISECOND;
	int64_t best = INT64_MAX;
	struct signal_storm storm;

	(void)state;
	signal_storm_start(&storm);
	rumpuser_mutex_enter(mtx);
	for (int i = 0; i < 400 && (i < 10 || best >= timeout + MILLISECOND); i++) {
		int64_t start = now(), took;

		assert_int_equal(rumpuser_cv_timedwait(cv, mtx, 0, timeout), RUMP_ETIMEDOUT);
		took = now() - start;
		assert_true(took >= timeout);
		if (took < best)
			best = took;
	}
	rumpuser_mutex_exit(mtx);
	assert_int_not_equal(signal_storm_stop(&storm), 0);
	assert_in_range(best, timeout, timeout + MILLISECOND);
}

static void *
signal_first_waiter(void *arg)
{
	await_waiters(1);
	rumpuser_mutex_enter(mtx);
	rumpuser_cv_signal(cv);
	rumpuser_mutex_exit(mtx);
	return arg;
}

static void
timeouts_of_any_length(void **state)
{
	const int64_t endless[][2] = {
	    {INT64_MAX, 0}, {INT64_MAX, INT64_MAX}, {0, INT64_MAX}, {INT64_MAX - 1, 999999999}};
	const int64_t past[][2] = {
	    {0, 0}, {-1, 0}, {INT64_MIN, 0}, {0, -1}, {INT64_MIN, INT64_MIN}, {-1, 999999999}};

	(void)state;
	for (size_t i = 0; i < sizeof(endless) / sizeof(endless[0]); i++) {
		pthread_t thread;

		rumpuser_mutex_enter(mtx);
		assert_int_equal(pthread_create(&thread, NULL, signal_first_waiter, NULL), 0);
		assert_int_equal(rumpuser_cv_timedwait(cv, mtx, endless[i][0], endless[i][1]), 0);
		rumpuser_mutex_exit(mtx);
		assert_int_equal(pthread_join(thread, NULL), 0);
	}
	rumpuser_mutex_enter(mtx);
	for (size_t i = 0; i < sizeof(past) / sizeof(past[0]); i++)
		assert_int_equal(rumpuser_cv_timedwait(cv, mtx, past[i][0], past[i][1]), RUMP_ETIMEDOUT);
	rumpuser_mutex_exit(mtx);
}

#define cv_test(function) cmocka_unit_test_setup_teardown(function, make_cv, destroy_cv)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cv_test(a_signal_wakes_the_first_and_nobody_else),
	    cv_test(a_broadcast_wakes_everybody),
	    cv_test(no_signal_is_lost),
	    cv_test(timeouts_and_signals_race),
	    cv_test(destroying_after_a_broadcast_is_safe),
	    cv_test(timeouts_stand_up_to_a_storm_of_signals),
	    cv_test(timeouts_of_any_length),
	};

	recording_start();
	return cmocka_run_group_tests_name("cv", tests, NULL, NULL);
}
