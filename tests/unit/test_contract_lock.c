/* SPDX-License-Identifier: BSD-2-Clause */
/* The scheduling contract of mutexes and reader/writer locks. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <semaphore.h>

#include <rump/rumpdefs.h>

#include "tests/unit/recording_kernel.h"

static struct rumpuser_mtx *plain, *spin, *kernel, *kernel_spin;
static struct rumpuser_rw *rw;
static struct lwp *const self = (struct lwp *)&plain;

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
	rumpuser_rw_init(&rw);
	rumpuser_curlwpop(RUMPUSER_LWP_SET, self);
	failed = contract_check("contract_lock", rows, sizeof(rows) / sizeof(rows[0]));
	rumpuser_rw_destroy(rw);
	rumpuser_mutex_destroy(kernel_spin);
	rumpuser_mutex_destroy(kernel);
	rumpuser_mutex_destroy(spin);
	rumpuser_mutex_destroy(plain);
	return failed;
}
