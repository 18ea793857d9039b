/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks and condition variables that are destroyed by whoever comes out last, while those who let it out are
 * on their way out themselves. What they still touch is for the sanitizers and valgrind to see.
 */
#include "config.h"

#include "tests/unit/unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/faults.h"
#include "tests/unit/recording_kernel.h"

#define THREADS 3
#define OBJECTS_MAX 2000

/* Goes with its last reference. */
struct object {
	struct rumpuser_mtx *mtx;
	struct rumpuser_cv *cv;
	struct rumpuser_rw *rw;
	int references;
	int asleep;
};

static struct object *objects[OBJECTS_MAX];
static int count;

/* As many as are worth their time, each with a reference for each thread. */
static void
make_objects(int references)
{
	count = faults_instrumented() ? OBJECTS_MAX / 4 : OBJECTS_MAX;
	for (int i = 0; i < count; i++) {
		struct object *object = calloc(1, sizeof(*object));

		assert_non_null(object);
		rumpuser_mutex_init(&object->mtx, i % 2 == 0 ? RUMPUSER_MTX_KMUTEX : 0);
		rumpuser_cv_init(&object->cv);
		rumpuser_rw_init(&object->rw);
		object->references = references;
		objects[i] = object;
	}
}

static void
destroy(struct object *object)
{
	rumpuser_cv_destroy(object->cv);
	rumpuser_mutex_destroy(object->mtx);
	rumpuser_rw_destroy(object->rw);
	free(object);
}

/* Every object sees all threads at about the same time. */
static void
run_threads(void *(*function)(void *))
{
	pthread_barrier_t start;
	pthread_t threads[THREADS];

	alarm(120);
	pthread_barrier_init(&start, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, function, &start), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	pthread_barrier_destroy(&start);
	alarm(0);
}

static void
meet(pthread_barrier_t *start, int i)
{
	if (i % 50 == 0)
		pthread_barrier_wait(start);
}

static void *
drop_by_mutex(void *arg)
{
	for (int i = 0; i < count; i++) {
		struct object *object = objects[i];
		bool last;

		meet(arg, i);
		rumpuser_mutex_enter(object->mtx);
		last = --object->references == 0;
		rumpuser_mutex_exit(object->mtx);
		if (last)
			destroy(object);
	}
	return NULL;
}

static void
a_mutex_goes_with_who_leaves_last(void **state)
{
	(void)state;
	make_objects(THREADS);
	run_threads(drop_by_mutex);
}

/* Readers that look in first are on their way out when the writers come. */
static void *
drop_by_rwlock(void *arg)
{
	for (int i = 0; i < count; i++) {
		struct object *object = objects[i];
		int left;

		meet(arg, i);
		rumpuser_rw_enter(RUMPUSER_RW_READER, object->rw);
		(void)*(volatile int *)&object->references;
		rumpuser_rw_exit(object->rw);
		rumpuser_rw_enter(RUMPUSER_RW_WRITER, object->rw);
		left = --object->references;
		if (i % 2 == 0)
			rumpuser_rw_downgrade(object->rw);
		rumpuser_rw_exit(object->rw);
		if (left > 0)
			continue;
		/* Who has turned to reading may still be there. */
		rumpuser_rw_enter(RUMPUSER_RW_WRITER, object->rw);
		rumpuser_rw_exit(object->rw);
		destroy(object);
	}
	return NULL;
}

static void
an_rwlock_goes_with_who_leaves_last(void **state)
{
	(void)state;
	make_objects(THREADS);
	run_threads(drop_by_rwlock);
}

/* Waits for the others of this object to sleep, and wakes them: in four ways. */
static void
wake_sleepers(struct object *object, int way)
{
	rumpuser_mutex_enter(object->mtx);
	while (object->asleep < THREADS - 1) {
		rumpuser_mutex_exit(object->mtx);
		sched_yield();
		rumpuser_mutex_enter(object->mtx);
	}
	if (way & 1)
		rumpuser_mutex_exit(object->mtx);
	if (way & 2) {
		rumpuser_cv_broadcast(object->cv);
	} else {
		/* With the last of these the object may be gone. */
		for (int i = 0; i < THREADS - 1; i++)
			rumpuser_cv_signal(object->cv);
	}
	if (!(way & 1))
		rumpuser_mutex_exit(object->mtx);
}

static void
sleep_and_leave(struct object *object)
{
	bool last;

	rumpuser_mutex_enter(object->mtx);
	object->asleep++;
	rumpuser_cv_wait(object->cv, object->mtx);
	last = --object->references == 0;
	rumpuser_mutex_exit(object->mtx);
	if (last)
		destroy(object);
}

/* The threads take turns at waking. */
static void *
sleep_or_wake(void *arg)
{
	static _Atomic int next;
	int self = next++ % THREADS;

	for (int i = 0; i < count; i++) {
		meet(arg, i);
		if (i % THREADS == self)
			wake_sleepers(objects[i], i / THREADS % 4);
		else
			sleep_and_leave(objects[i]);
	}
	return NULL;
}

static void
a_condition_goes_with_who_is_woken_last(void **state)
{
	(void)state;
	make_objects(THREADS - 1);
	run_threads(sleep_or_wake);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_mutex_goes_with_who_leaves_last),
	    cmocka_unit_test(an_rwlock_goes_with_who_leaves_last),
	    cmocka_unit_test(a_condition_goes_with_who_is_woken_last),
	};

	recording_start();
	return cmocka_run_group_tests_name("destroy", tests, NULL, NULL);
}
