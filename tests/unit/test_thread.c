/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef HAVE_VALGRIND
#include <valgrind/drd.h>
#else
#define DRD_GET_VALGRIND_THREADID 0
#endif

#include <rump/rumpdefs.h>

#include "tests/unit/recording_kernel.h"

#define THREADS 16
#define NOBODY 54321

static atomic_int ran;

static void *
run(void *arg)
{
	atomic_fetch_add(&ran, 1);
	return arg;
}

static _Noreturn void
leave(void)
{
	atomic_fetch_add(&ran, 1);
	rumpuser_thread_exit();
}

static void *
run_and_leave(void *arg)
{
	leave();
	return arg;
}

static void
joined_threads_have_run(void **state)
{
	void *cookies[THREADS];

	(void)state;
	atomic_store(&ran, 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(rumpuser_thread_create(
				     i % 2 == 0 ? run : run_and_leave, NULL, "joined", 1, 0, -1, &cookies[i]),
		    0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(rumpuser_thread_join(cookies[i]), 0);
	assert_int_equal(atomic_load(&ran), THREADS);
}

static sem_t finished;

static void *
post_and_leave(void *arg)
{
	sem_post(&finished);
	if (arg != NULL)
		rumpuser_thread_exit();
	return NULL;
}

static void
threads_of_their_own_need_no_cookie(void **state)
{
	(void)state;
	sem_init(&finished, 0, 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(
		    rumpuser_thread_create(post_and_leave, i % 2 == 0 ? NULL : &ran, NULL, 0, 0, -1, NULL),
		    0);
	for (int i = 0; i < THREADS; i++)
		while (sem_wait(&finished) != 0)
			assert_int_equal(errno, EINTR);
	sem_destroy(&finished);
}

struct inside {
	char name[16];
	sigset_t blocked;
};

static void *
look_around(void *arg)
{
	struct inside *inside = arg;

	(void)pthread_getname_np(pthread_self(), inside->name, sizeof(inside->name));
	(void)pthread_sigmask(SIG_SETMASK, NULL, &inside->blocked);
	return NULL;
}

/* A program's signal handlers run in its own threads, except for faults. */
static void
threads_have_names_and_take_no_signals_of_others(void **state)
{
	struct inside inside;
	sigset_t before, after;
	void *cookie;

	(void)state;
	(void)pthread_sigmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(
	    rumpuser_thread_create(look_around, &inside, "longer than a name can be", 1, 0, -1, &cookie), 0);
	assert_int_equal(rumpuser_thread_join(cookie), 0);
	assert_string_equal(inside.name, "longer than a n");
	assert_true(sigismember(&inside.blocked, SIGTERM));
	assert_true(sigismember(&inside.blocked, SIGUSR1));
	assert_false(sigismember(&inside.blocked, SIGSEGV));
	assert_false(sigismember(&inside.blocked, SIGABRT));
	(void)pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

static rlim_t
count_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;
	rlim_t count = 0;

	if (tasks == NULL)
		return 0;
	while ((task = readdir(tasks)) != NULL)
		count += task->d_name[0] != '.';
	closedir(tasks);
	return count;
}

/* In a child that may have more threads than it has, by so many. */
static int
check_with_limit(rlim_t more, int (*check)(void))
{
	struct rlimit threads;
	pthread_t first;

	/* Root is not limited. */
	if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) != 0)
		return -1;
	/* Tools start a thread of theirs along with a program's first one. */
	if (pthread_create(&first, NULL, run, NULL) != 0 || pthread_join(first, NULL) != 0)
		return -2;
	threads.rlim_cur = threads.rlim_max = count_threads() + more;
	if (setrlimit(RLIMIT_NPROC, &threads) != 0)
		return -3;
	return check();
}

/* What the check returns there. A pipe tells, as tools change a program's exit status. */
static int
with_thread_limit(rlim_t more, int (*check)(void))
{
	int result, fds[2], status;
	pid_t child;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_int_not_equal(child, -1);
	if (child == 0) {
		result = check_with_limit(more, check);
		_exit(write(fds[1], &result, sizeof(result)) != (ssize_t)sizeof(result));
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &result, sizeof(result)), sizeof(result));
	close(fds[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return result;
}

/* DRD itself does not survive that the host refuses a thread. */
static bool
tools_take_refusals(void)
{
	return DRD_GET_VALGRIND_THREADID == 0;
}

static int
start_one(void)
{
	void *cookie;

	return rumpuser_thread_create(run, NULL, "one", 1, 0, -1, &cookie);
}

static void
no_thread_is_left(void **state)
{
	(void)state;
	if (!tools_take_refusals())
		return;
	assert_int_equal(with_thread_limit(0, start_one), RUMP_EAGAIN);
}

static void *
stay_a_while(void *arg)
{
	(void)rumpuser_clock_sleep(RUMPUSER_CLOCK_RELWALL, 0, 20000000);
	return arg;
}

/* The second one's place is taken until the first one ends. */
static int
start_two(void)
{
	void *first, *second;

	if (rumpuser_thread_create(stay_a_while, NULL, "first", 1, 0, -1, &first) != 0)
		return 1;
	if (rumpuser_thread_create(run, NULL, "second", 1, 0, -1, &second) != 0)
		return 2;
	return rumpuser_thread_join(first) != 0 || rumpuser_thread_join(second) != 0;
}

static void
a_shortage_of_threads_is_waited_out(void **state)
{
	(void)state;
	if (geteuid() != 0 || !tools_take_refusals())
		return; /* this user's other processes count too */
	assert_int_equal(with_thread_limit(1, start_two), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_thread_is_left),
	    cmocka_unit_test(a_shortage_of_threads_is_waited_out),
	    cmocka_unit_test(joined_threads_have_run),
	    cmocka_unit_test(threads_of_their_own_need_no_cookie),
	    cmocka_unit_test(threads_have_names_and_take_no_signals_of_others),
	};

	recording_start();
	return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
