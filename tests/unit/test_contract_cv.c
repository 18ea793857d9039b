/* SPDX-License-Identifier: BSD-2-Clause */
/* The scheduling contract of condition variables, with each kind of mutex. */
#include "tests/unit/unit.h"

#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

#include <rump/rumpdefs.h>

#include "tests/unit/recording_kernel.h"

static struct rumpuser_mtx *plain, *kernel, *kernel_spin, *scheduler;
static struct rumpuser_cv *cv;
static struct lwp *const self = (struct lwp *)&plain;

/*
 * Somebody else who waits, so that there is something to do for a broadcast, and the one who signals: it
 * starts when the CPU is given up.
 */
static pthread_t bystander, signaller;
static sem_t released;
static atomic_bool waited;

static void *
stand_by(void *arg)
{
	struct rumpuser_mtx *mtx;

	rumpuser_mutex_init(&mtx, 0);
	rumpuser_mutex_enter_nowrap(mtx);
	rumpuser_cv_wait_nowrap(cv, mtx);
	rumpuser_mutex_exit(mtx);
	rumpuser_mutex_destroy(mtx);
	return arg;
}

static void *
signal_waiter(void *arg)
{
	struct rumpuser_mtx *mtx = arg;

	sem_wait(&released);
	while (!atomic_load(&waited)) {
		rumpuser_mutex_enter_nowrap(mtx);
		rumpuser_cv_signal(cv);
		rumpuser_mutex_exit(mtx);
		sched_yield();
	}
	return NULL;
}

static void
prepare_wait(struct rumpuser_mtx *mtx)
{
	int waiters = 0;

	sem_init(&released, 0, 0);
	atomic_store(&waited, false);
	assert_int_equal(pthread_create(&bystander, NULL, stand_by, NULL), 0);
	while (waiters == 0)
		rumpuser_cv_has_waiters(cv, &waiters);
	assert_int_equal(pthread_create(&signaller, NULL, signal_waiter, mtx), 0);
}

static void
end_wait(void)
{
	atomic_store(&waited, true);
	pthread_join(signaller, NULL);
	pthread_join(bystander, NULL);
	sem_destroy(&released);
}

/* What the mutex of a wait looked like from within the upcall that takes the CPU back. */
static struct rumpuser_mtx *watched;
static struct lwp *owner_at_schedule;

static void
watch_mutex(enum upcall upcall)
{
	if (upcall == UPCALL_BACKEND_SCHEDULE)
		rumpuser_mutex_owner(watched, &owner_at_schedule);
	/* Neither the queue nor another lock is held. */
	rumpuser_cv_broadcast(cv);
	if (upcall == UPCALL_BACKEND_UNSCHEDULE)
		sem_post(&released);
}

static void
wait_on(struct rumpuser_mtx *mtx, int64_t timeout)
{
	struct lwp *owner;

	watched = mtx;
	owner_at_schedule = NULL;
	prepare_wait(mtx);
	rumpuser_mutex_enter_nowrap(mtx);
	if (timeout == 0)
		rumpuser_cv_wait(cv, mtx);
	else
		assert_int_equal(rumpuser_cv_timedwait(cv, mtx, timeout, 0), 0);
	rumpuser_mutex_owner(mtx, &owner);
	rumpuser_mutex_exit(mtx);
	end_wait();
	assert_ptr_equal(owner, self);
	/* A spinning mutex of the kernel comes after the CPU, every other one before it. */
	assert_ptr_equal(owner_at_schedule, mtx == kernel_spin ? NULL : self);
}

static void
wait_kernel(void)
{
	wait_on(kernel, 0);
}

static void
wait_plain(void)
{
	wait_on(plain, 0);
}

static void
wait_kernel_spin(void)
{
	wait_on(kernel_spin, 0);
}

/* Upcalls take and release the scheduler's mutex: the caller does not hold it, neither before nor after. */
static void
wait_scheduler(void)
{
	watched = plain;
	prepare_wait(scheduler);
	rumpuser_cv_wait(cv, scheduler);
	end_wait();
	assert_int_equal(rumpuser_mutex_tryenter(scheduler), 0);
	rumpuser_mutex_exit(scheduler);
}

static void
timedwait_kernel(void)
{
	wait_on(kernel, 3600);
}

static void
timedwait_kernel_spin(void)
{
	wait_on(kernel_spin, 3600);
}

static void
timedwait_until_timeout(void)
{
	rumpuser_mutex_enter_nowrap(kernel);
	assert_int_equal(rumpuser_cv_timedwait(cv, kernel, 0, 1000000), RUMP_ETIMEDOUT);
	rumpuser_mutex_exit(kernel);
}

static void
wait_nowrap(void)
{
	prepare_wait(kernel);
	rumpuser_mutex_enter_nowrap(kernel);
	sem_post(&released);
	rumpuser_cv_wait_nowrap(cv, kernel);
	rumpuser_mutex_exit(kernel);
	end_wait();
}

static void
signal_cv(void)
{
	rumpuser_cv_signal(cv);
}

static void
broadcast_cv(void)
{
	rumpuser_cv_broadcast(cv);
}

static void
make_cv(void)
{
	struct rumpuser_cv *made;
	int waiters = 1;

	rumpuser_cv_init(&made);
	rumpuser_cv_has_waiters(made, &waiters);
	rumpuser_cv_destroy(made);
	assert_int_equal(waiters, 0);
}

static const struct contract rows[] = {
    {.name = "cv_wait",
	.class = CONTRACT_ALWAYS,
	.call = wait_kernel,
	.interlock = &kernel,
	.probe = watch_mutex},
    {.name = "cv_wait (plain)",
	.class = CONTRACT_ALWAYS,
	.call = wait_plain,
	.interlock = &plain,
	.probe = watch_mutex},
    {.name = "cv_wait (SPIN and KMUTEX)",
	.class = CONTRACT_ALWAYS,
	.call = wait_kernel_spin,
	.interlock = &kernel_spin,
	.probe = watch_mutex},
    {.name = "cv_wait (scheduler's)",
	.class = CONTRACT_ALWAYS,
	.call = wait_scheduler,
	.interlock = &scheduler,
	.probe = watch_mutex},
    {.name = "cv_timedwait",
	.class = CONTRACT_ALWAYS,
	.call = timedwait_kernel,
	.interlock = &kernel,
	.probe = watch_mutex},
    {.name = "cv_timedwait (SPIN and KMUTEX)",
	.class = CONTRACT_ALWAYS,
	.call = timedwait_kernel_spin,
	.interlock = &kernel_spin,
	.probe = watch_mutex},
    {.name = "cv_timedwait (to its end)",
	.class = CONTRACT_ALWAYS,
	.call = timedwait_until_timeout,
	.interlock = &kernel},
    {.name = "cv_wait_nowrap", .class = CONTRACT_NEVER, .call = wait_nowrap},
    {.name = "cv_signal", .class = CONTRACT_NEVER, .call = signal_cv},
    {.name = "cv_broadcast", .class = CONTRACT_NEVER, .call = broadcast_cv},
    {.name = "cv_init, cv_has_waiters, cv_destroy", .class = CONTRACT_NEVER, .call = make_cv},
};

int
main(void)
{
	int failed;

	recording_start();
	rumpuser_mutex_init(&plain, 0);
	rumpuser_mutex_init(&kernel, RUMPUSER_MTX_KMUTEX);
	rumpuser_mutex_init(&kernel_spin, RUMPUSER_MTX_SPIN | RUMPUSER_MTX_KMUTEX);
	rumpuser_mutex_init(&scheduler, RUMPUSER_MTX_SPIN);
	recording_scheduler_mutex = scheduler;
	rumpuser_cv_init(&cv);
	rumpuser_curlwpop(RUMPUSER_LWP_SET, self);
	failed = contract_check("contract_cv", rows, sizeof(rows) / sizeof(rows[0]));
	rumpuser_cv_destroy(cv);
	rumpuser_mutex_destroy(scheduler);
	rumpuser_mutex_destroy(kernel_spin);
	rumpuser_mutex_destroy(kernel);
	rumpuser_mutex_destroy(plain);
	return failed;
}
