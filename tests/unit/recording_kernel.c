/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/unit/recording_kernel.h"

#include "tests/unit/unit.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_UPCALLS 1024
/* Seconds after which a test that waits for a lock held across an upcall is ended by SIGALRM. */
#define STUCK 120

void (*recording_hook)(enum upcall upcall);
struct rumpuser_mtx *recording_scheduler_mutex;
int (*recording_syscall)(int number, void *args);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct recorded_upcall record[MAX_UPCALLS];
static size_t recorded;
static __thread bool has_cpu;
static __thread bool under_test;

static void
note(enum upcall upcall, int nlocks, const void *argument)
{
	if (under_test && recording_hook != NULL)
		recording_hook(upcall);
	pthread_mutex_lock(&lock);
	if (recorded < MAX_UPCALLS)
		record[recorded++] = (struct recorded_upcall){.thread = pthread_self(),
		    .upcall = upcall,
		    .nlocks = nlocks,
		    .argument = (void *)(uintptr_t)argument,
		    .had_cpu = has_cpu};
	pthread_mutex_unlock(&lock);
}

static void
schedule(void)
{
	note(UPCALL_SCHEDULE, 0, NULL);
	has_cpu = true;
}

static void
unschedule(void)
{
	note(UPCALL_UNSCHEDULE, 0, NULL);
	has_cpu = false;
}

static void
backend_unschedule(int nlocks, int *countp, void *interlock)
{
	note(UPCALL_BACKEND_UNSCHEDULE, nlocks, interlock);
	has_cpu = false;
	*countp = RECORDING_NLOCKS;
	if (interlock != NULL && interlock == recording_scheduler_mutex)
		rumpuser_mutex_enter_nowrap(interlock);
}

static void
backend_schedule(int nlocks, void *interlock)
{
	note(UPCALL_BACKEND_SCHEDULE, nlocks, interlock);
	if (interlock != NULL && interlock == recording_scheduler_mutex)
		rumpuser_mutex_exit(interlock);
	has_cpu = true;
}

static void
set_lwp(struct lwp *l)
{
	if (rumpuser_curlwp() != NULL)
		rumpuser_curlwpop(RUMPUSER_LWP_CLEAR, rumpuser_curlwp());
	if (l != NULL)
		rumpuser_curlwpop(RUMPUSER_LWP_SET, l);
}

/* Nobody looks into an lwp: they are told apart by their addresses. */
static struct lwp *
new_lwp(void)
{
	static atomic_uintptr_t last;

	return (struct lwp *)(atomic_fetch_add(&last, 16) + 4096);
}

static void
lwproc_switch(struct lwp *l)
{
	note(UPCALL_LWPROC_SWITCH, 0, l);
	set_lwp(l);
}

static void
lwproc_release(void)
{
	note(UPCALL_LWPROC_RELEASE, 0, NULL);
	set_lwp(NULL);
}

static int
lwproc_rfork(void *priv, int flags, const char *comm)
{
	(void)flags;
	(void)comm;
	note(UPCALL_LWPROC_RFORK, 0, priv);
	set_lwp(new_lwp());
	return 0;
}

static int
lwproc_newlwp(pid_t pid)
{
	note(UPCALL_LWPROC_NEWLWP, (int)pid, NULL);
	set_lwp(new_lwp());
	return 0;
}

static struct lwp *
lwproc_curlwp(void)
{
	note(UPCALL_LWPROC_CURLWP, 0, NULL);
	return rumpuser_curlwp();
}

static int
system_call(int number, void *args, long *retval)
{
	note(UPCALL_SYSCALL, number, args);
	retval[0] = retval[1] = 0;
	return recording_syscall == NULL ? 0 : recording_syscall(number, args);
}

static void
lwpexit(void)
{
	note(UPCALL_LWPEXIT, 0, NULL);
}

static void
execnotify(const char *comm)
{
	note(UPCALL_EXECNOTIFY, 0, comm);
}

static pid_t
get_pid(void)
{
	note(UPCALL_GETPID, 0, NULL);
	return 1;
}

void
recording_start(void)
{
	static const struct rumpuser_hyperup upcalls = {
	    .hyp_schedule = schedule,
	    .hyp_unschedule = unschedule,
	    .hyp_backend_unschedule = backend_unschedule,
	    .hyp_backend_schedule = backend_schedule,
	    .hyp_lwproc_switch = lwproc_switch,
	    .hyp_lwproc_release = lwproc_release,
	    .hyp_lwproc_rfork = lwproc_rfork,
	    .hyp_lwproc_newlwp = lwproc_newlwp,
	    .hyp_lwproc_curlwp = lwproc_curlwp,
	    .hyp_syscall = system_call,
	    .hyp_lwpexit = lwpexit,
	    .hyp_execnotify = execnotify,
	    .hyp_getpid = get_pid,
	};

	if (rumpuser_init(RUMPUSER_VERSION, &upcalls) != 0)
		abort();
	recording_clear();
}

void
recording_clear(void)
{
	pthread_mutex_lock(&lock);
	recorded = 0;
	pthread_mutex_unlock(&lock);
	under_test = true;
	has_cpu = true;
}

size_t
recording_get(struct recorded_upcall *upcalls, size_t max, bool mine)
{
	size_t found = 0;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < recorded; i++) {
		if ((pthread_equal(record[i].thread, pthread_self()) != 0) != mine)
			continue;
		if (found < max)
			upcalls[found] = record[i];
		found++;
	}
	pthread_mutex_unlock(&lock);
	return found;
}

void
assert_never_released(void)
{
	assert_int_equal(recording_get(NULL, 0, true), 0);
}

void
assert_released_once(const struct rumpuser_mtx *interlock)
{
	struct recorded_upcall upcalls[2];

	assert_int_equal(recording_get(upcalls, 2, true), 2);
	assert_int_equal(upcalls[0].upcall, UPCALL_BACKEND_UNSCHEDULE);
	assert_true(upcalls[0].had_cpu);
	assert_int_equal(upcalls[0].nlocks, 0);
	assert_ptr_equal(upcalls[0].argument, interlock);
	assert_int_equal(upcalls[1].upcall, UPCALL_BACKEND_SCHEDULE);
	assert_false(upcalls[1].had_cpu);
	assert_int_equal(upcalls[1].nlocks, RECORDING_NLOCKS);
	assert_ptr_equal(upcalls[1].argument, interlock);
}

static void
check_row(void **state)
{
	const struct contract *row = *state;
	const struct rumpuser_mtx *interlock = row->interlock == NULL ? NULL : *row->interlock;

	alarm(STUCK);
	recording_hook = row->probe;
	if (row->call != NULL) {
		recording_clear();
		row->call();
		if (row->class == CONTRACT_ALWAYS)
			assert_released_once(interlock);
		else
			assert_never_released();
	}
	if (row->call_waiting != NULL) {
		recording_clear();
		row->call_waiting();
		if (row->class == CONTRACT_NEVER)
			assert_never_released();
		else
			assert_released_once(interlock);
	}
	recording_hook = NULL;
	alarm(0);
}

int
contract_check(const char *group, const struct contract *rows, size_t count)
{
	struct CMUnitTest *tests = calloc(count, sizeof(*tests));
	int failed;

	if (tests == NULL)
		abort();
	for (size_t i = 0; i < count; i++) {
		tests[i].name = rows[i].name;
		tests[i].test_func = check_row;
		tests[i].initial_state = (void *)(uintptr_t)&rows[i];
	}
	failed = _cmocka_run_group_tests(group, tests, count, NULL, NULL);
	free(tests);
	return failed;
}
