/* SPDX-License-Identifier: BSD-2-Clause */
/* The scheduling contract of threads, locks, clocks, the current lwp, and of what drivers' host halves call.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

#include <rump/rumpdefs.h>
#include <rump/rumpuser_component.h>

#include "tests/unit/recording_kernel.h"

static struct rumpuser_mtx *plain, *spin, *kernel, *kernel_spin, *scheduler;
static struct rumpuser_rw *rw;
static struct rumpuser_cv *cv;
static struct lwp *const self = (struct lwp *)&plain;
static struct lwp *const other = (struct lwp *)&spin;

/* Another thread that holds a lock and lets it go when told to. */
struct holder {
	pthread_t thread;
	sem_t held, let_go;
	struct rumpuser_mtx *mtx;
	int kind;
};
static struct holder holder;

static void *
hold_mutex(void *arg)
{
	rumpuser_mutex_enter_nowrap(holder.mtx);
	sem_post(&holder.held);
	sem_wait(&holder.let_go);
	rumpuser_mutex_exit(holder.mtx);
	return arg;
}

static void *
hold_rw(void *arg)
{
	(void)rumpuser_rw_tryenter(holder.kind, rw);
	sem_post(&holder.held);
	sem_wait(&holder.let_go);
	rumpuser_rw_exit(rw);
	return arg;
}

static void
hold(void *(*function)(void *))
{
	sem_init(&holder.held, 0, 0);
	sem_init(&holder.let_go, 0, 0);
	assert_int_equal(pthread_create(&holder.thread, NULL, function, NULL), 0);
	while (sem_wait(&holder.held) != 0)
		assert_int_equal(errno, EINTR);
}

static void
join_holder(void)
{
	pthread_join(holder.thread, NULL);
	sem_destroy(&holder.held);
	sem_destroy(&holder.let_go);
}

static void
let_go_when_released(enum upcall upcall)
{
	if (upcall == UPCALL_BACKEND_UNSCHEDULE)
		sem_post(&holder.let_go);
}

/* Mutexes. */

static void
free_mutexes(void)
{
	rumpuser_mutex_enter(plain);
	rumpuser_mutex_exit(plain);
	rumpuser_mutex_enter(kernel);
	rumpuser_mutex_exit(kernel);
	rumpuser_mutex_enter(spin);
	rumpuser_mutex_exit(spin);
	rumpuser_mutex_enter(kernel_spin);
	rumpuser_mutex_exit(kernel_spin);
}

static void
enter_held(struct rumpuser_mtx *mtx)
{
	struct lwp *owner;

	holder.mtx = mtx;
	hold(hold_mutex);
	recording_hook = let_go_when_released;
	rumpuser_mutex_enter(mtx);
	rumpuser_mutex_owner(mtx, &owner);
	rumpuser_mutex_exit(mtx);
	join_holder();
	assert_ptr_equal(owner, self);
}

static void
enter_held_plain(void)
{
	enter_held(plain);
}

static void
enter_held_kernel(void)
{
	enter_held(kernel);
}

/* The holder lets go without having seen anything; whether it is waited for or not, there is no upcall. */
static void
enter_held_without_release(struct rumpuser_mtx *mtx, void (*enter)(struct rumpuser_mtx *))
{
	for (int i = 0; i < 20; i++) {
		holder.mtx = mtx;
		hold(hold_mutex);
		sem_post(&holder.let_go);
		enter(mtx);
		rumpuser_mutex_exit(mtx);
		join_holder();
	}
}

static void
enter_held_spin(void)
{
	enter_held_without_release(spin, rumpuser_mutex_enter);
	enter_held_without_release(kernel_spin, rumpuser_mutex_enter);
}

static void
enter_held_nowrap(void)
{
	enter_held_without_release(plain, rumpuser_mutex_enter_nowrap);
	enter_held_without_release(kernel, rumpuser_mutex_enter_nowrap);
}

static void
try_mutexes(void)
{
	assert_int_equal(rumpuser_mutex_tryenter(kernel), 0);
	rumpuser_mutex_exit(kernel);
	holder.mtx = kernel;
	hold(hold_mutex);
	assert_int_equal(rumpuser_mutex_tryenter(kernel), RUMP_EBUSY);
	sem_post(&holder.let_go);
	join_holder();
}

static void
make_mutex(void)
{
	struct rumpuser_mtx *mtx;

	rumpuser_mutex_init(&mtx, RUMPUSER_MTX_KMUTEX);
	rumpuser_mutex_destroy(mtx);
}

static void
ask_owner(void)
{
	struct lwp *owner = self;

	rumpuser_mutex_owner(kernel, &owner);
	assert_null(owner);
}

/* Reader/writer locks. */

static void
free_rw(void)
{
	rumpuser_rw_enter(RUMPUSER_RW_READER, rw);
	rumpuser_rw_exit(rw);
	rumpuser_rw_enter(RUMPUSER_RW_WRITER, rw);
	rumpuser_rw_exit(rw);
}

static void
enter_held_rw(int holders, int mine)
{
	int held;

	holder.kind = holders;
	hold(hold_rw);
	recording_hook = let_go_when_released;
	rumpuser_rw_enter(mine, rw);
	rumpuser_rw_held(mine, rw, &held);
	rumpuser_rw_exit(rw);
	join_holder();
	assert_true(held);
}

static void
write_while_written(void)
{
	enter_held_rw(RUMPUSER_RW_WRITER, RUMPUSER_RW_WRITER);
}

static void
write_while_read(void)
{
	enter_held_rw(RUMPUSER_RW_READER, RUMPUSER_RW_WRITER);
}

static void
read_while_written(void)
{
	enter_held_rw(RUMPUSER_RW_WRITER, RUMPUSER_RW_READER);
}

static void
try_rw(void)
{
	assert_int_equal(rumpuser_rw_tryenter(RUMPUSER_RW_READER, rw), 0);
	assert_int_equal(rumpuser_rw_tryenter(RUMPUSER_RW_WRITER, rw), RUMP_EBUSY);
	rumpuser_rw_exit(rw);
	assert_int_equal(rumpuser_rw_tryenter(RUMPUSER_RW_WRITER, rw), 0);
	assert_int_equal(rumpuser_rw_tryenter(RUMPUSER_RW_READER, rw), RUMP_EBUSY);
	rumpuser_rw_exit(rw);
}

static void
upgrade_rw(void)
{
	assert_int_equal(rumpuser_rw_tryenter(RUMPUSER_RW_READER, rw), 0);
	assert_int_equal(rumpuser_rw_tryupgrade(rw), 0);
	rumpuser_rw_exit(rw);
}

static void
downgrade_rw(void)
{
	assert_int_equal(rumpuser_rw_tryenter(RUMPUSER_RW_WRITER, rw), 0);
	rumpuser_rw_downgrade(rw);
	rumpuser_rw_exit(rw);
}

static void
make_rw(void)
{
	struct rumpuser_rw *made;
	int held;

	rumpuser_rw_init(&made);
	rumpuser_rw_held(RUMPUSER_RW_READER, made, &held);
	rumpuser_rw_destroy(made);
	assert_false(held);
}

/* Condition variables. */

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

/* Threads. */

static void *
do_nothing(void *arg)
{
	return arg;
}

static void *
exit_thread(void *arg)
{
	*(bool *)arg = true;
	rumpuser_thread_exit();
}

static void *cookie;

static void
create_thread(void)
{
	assert_int_equal(rumpuser_thread_create(do_nothing, NULL, "contract", 1, 0, -1, &cookie), 0);
}

static void
join_thread(void)
{
	assert_int_equal(rumpuser_thread_join(cookie), 0);
}

/* The thread that ends makes no upcall: all that is recorded is the joiner's release. */
static void
exit_and_join(void)
{
	struct recorded_upcall upcalls[1];
	bool ran = false;

	assert_int_equal(rumpuser_thread_create(exit_thread, &ran, NULL, 1, 0, -1, &cookie), 0);
	join_thread();
	assert_true(ran);
	assert_int_equal(recording_get(upcalls, 1, false), 0);
}

static void
change_lwp(void)
{
	rumpuser_curlwpop(RUMPUSER_LWP_CLEAR, self);
	rumpuser_curlwpop(RUMPUSER_LWP_CREATE, other);
	rumpuser_curlwpop(RUMPUSER_LWP_SET, other);
	assert_ptr_equal(rumpuser_curlwp(), other);
	rumpuser_curlwpop(RUMPUSER_LWP_CLEAR, other);
	rumpuser_curlwpop(RUMPUSER_LWP_DESTROY, other);
	assert_null(rumpuser_curlwp());
	rumpuser_curlwpop(RUMPUSER_LWP_SET, self);
}

/* Clocks and errno. */

static void
read_clocks(void)
{
	int64_t sec;
	long nsec;

	assert_int_equal(rumpuser_clock_gettime(RUMPUSER_CLOCK_RELWALL, &sec, &nsec), 0);
	assert_int_equal(rumpuser_clock_gettime(RUMPUSER_CLOCK_ABSMONO, &sec, &nsec), 0);
	assert_int_equal(rumpuser_clock_gettime(2, &sec, &nsec), RUMP_EINVAL);
}

static void
sleep_relative(void)
{
	assert_int_equal(rumpuser_clock_sleep(RUMPUSER_CLOCK_RELWALL, 0, 1000), 0);
}

static void
sleep_absolute(void)
{
	assert_int_equal(rumpuser_clock_sleep(RUMPUSER_CLOCK_ABSMONO, 0, 1), 0);
}

static void
sleep_wrongly(void)
{
	assert_int_equal(rumpuser_clock_sleep(RUMPUSER_CLOCK_RELWALL, 0, 1000000000), RUMP_EINVAL);
}

static void
set_errno(void)
{
	rumpuser_seterrno(RUMP_EAGAIN);
	assert_int_equal(errno, EAGAIN);
}

/* What host halves of drivers call. */

static void
component_release(void)
{
	rumpuser_component_schedule(rumpuser_component_unschedule());
}

static void
component_errtrans(void)
{
	assert_int_equal(rumpuser_component_errtrans(ETIMEDOUT), RUMP_ETIMEDOUT);
}

static const struct contract rows[] = {
    {.name = "mutex_enter",
	.class = CONTRACT_WHEN_WAITING,
	.call = free_mutexes,
	.call_waiting = enter_held_plain},
    {.name = "mutex_enter (KMUTEX)", .class = CONTRACT_WHEN_WAITING, .call_waiting = enter_held_kernel},
    {.name = "mutex_enter (SPIN)", .class = CONTRACT_NEVER, .call_waiting = enter_held_spin},
    {.name = "mutex_enter_nowrap", .class = CONTRACT_NEVER, .call_waiting = enter_held_nowrap},
    {.name = "mutex_tryenter, mutex_exit", .class = CONTRACT_NEVER, .call = try_mutexes},
    {.name = "mutex_init, mutex_destroy", .class = CONTRACT_NEVER, .call = make_mutex},
    {.name = "mutex_owner", .class = CONTRACT_NEVER, .call = ask_owner},
    {.name = "rw_enter",
	.class = CONTRACT_WHEN_WAITING,
	.call = free_rw,
	.call_waiting = write_while_written},
    {.name = "rw_enter (after readers)", .class = CONTRACT_WHEN_WAITING, .call_waiting = write_while_read},
    {.name = "rw_enter (reader)", .class = CONTRACT_WHEN_WAITING, .call_waiting = read_while_written},
    {.name = "rw_tryenter, rw_exit", .class = CONTRACT_NEVER, .call = try_rw},
    {.name = "rw_tryupgrade", .class = CONTRACT_NEVER, .call = upgrade_rw},
    {.name = "rw_downgrade", .class = CONTRACT_ALWAYS, .call = downgrade_rw},
    {.name = "rw_init, rw_held, rw_destroy", .class = CONTRACT_NEVER, .call = make_rw},
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
    {.name = "thread_create", .class = CONTRACT_NEVER, .call = create_thread},
    {.name = "thread_join", .class = CONTRACT_ALWAYS, .call = join_thread},
    {.name = "thread_exit", .class = CONTRACT_ALWAYS, .call = exit_and_join},
    {.name = "curlwpop, curlwp", .class = CONTRACT_NEVER, .call = change_lwp},
    {.name = "clock_gettime", .class = CONTRACT_NEVER, .call = read_clocks},
    {.name = "clock_sleep (RELWALL)", .class = CONTRACT_ALWAYS, .call = sleep_relative},
    {.name = "clock_sleep (ABSMONO)", .class = CONTRACT_ALWAYS, .call = sleep_absolute},
    {.name = "clock_sleep (of no time)", .class = CONTRACT_ALWAYS, .call = sleep_wrongly},
    {.name = "seterrno", .class = CONTRACT_NEVER, .call = set_errno},
    {.name = "component_unschedule, component_schedule", .class = CONTRACT_ALWAYS, .call = component_release},
    {.name = "component_errtrans", .class = CONTRACT_NEVER, .call = component_errtrans},
};

int
main(void)
{
	int failed;

	recording_start();
	rumpuser_mutex_init(&plain, 0);
	rumpuser_mutex_init(&spin, RUMPUSER_MTX_SPIN);
	rumpuser_mutex_init(&kernel, RUMPUSER_MTX_KMUTEX);
	rumpuser_mutex_init(&kernel_spin, RUMPUSER_MTX_SPIN | RUMPUSER_MTX_KMUTEX);
	rumpuser_mutex_init(&scheduler, RUMPUSER_MTX_SPIN);
	recording_scheduler_mutex = scheduler;
	rumpuser_rw_init(&rw);
	rumpuser_cv_init(&cv);
	rumpuser_curlwpop(RUMPUSER_LWP_SET, self);
	failed = contract_check("contract_sync", rows, sizeof(rows) / sizeof(rows[0]));
	rumpuser_cv_destroy(cv);
	rumpuser_rw_destroy(rw);
	rumpuser_mutex_destroy(scheduler);
	rumpuser_mutex_destroy(kernel_spin);
	rumpuser_mutex_destroy(kernel);
	rumpuser_mutex_destroy(spin);
	rumpuser_mutex_destroy(plain);
	return failed;
}
