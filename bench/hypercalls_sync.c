/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "bench/hypercalls.h"

#define SWITCHES 20000

/* A call and what it works on. */
struct lock {
	const struct hypercalls *call;
	int kind;
	struct rumpuser_mtx *mtx;
	struct rumpuser_rw *rw;
	struct rumpuser_cv *cv;
};

static void
mutex_times(const void *arg, int times)
{
	const struct lock *lock = arg;

	for (int i = 0; i < times; i++) {
		lock->call->mutex_enter(lock->mtx);
		lock->call->mutex_exit(lock->mtx);
	}
}

static double
mutex_enter_exit(const struct hypercalls *call)
{
	struct lock lock = {.call = call};

	call->mutex_init(&lock.mtx, RUMPUSER_MTX_KMUTEX);
	return bench_fast(mutex_times, &lock);
}

static void
rw_times(const void *arg, int times)
{
	const struct lock *lock = arg;

	for (int i = 0; i < times; i++) {
		lock->call->rw_enter(lock->kind, lock->rw);
		lock->call->rw_exit(lock->rw);
	}
}

static double
rw_read(const struct hypercalls *call)
{
	struct lock lock = {.call = call, .kind = RUMPUSER_RW_READER};

	call->rw_init(&lock.rw);
	return bench_fast(rw_times, &lock);
}

static double
rw_write(const struct hypercalls *call)
{
	struct lock lock = {.call = call, .kind = RUMPUSER_RW_WRITER};

	call->rw_init(&lock.rw);
	return bench_fast(rw_times, &lock);
}

static void
signal_times(const void *arg, int times)
{
	const struct lock *lock = arg;

	for (int i = 0; i < times; i++)
		lock->call->cv_signal(lock->cv);
}

static double
signal_without_waiters(const struct hypercalls *call)
{
	struct lock lock = {.call = call};

	call->cv_init(&lock.cv);
	return bench_fast(signal_times, &lock);
}

/* Two threads that hand a turn to each other. */
struct table {
	const struct hypercalls *call;
	struct rumpuser_mtx *mtx;
	struct rumpuser_cv *cv[2];
	int turn;
};

static void
play(struct table *table, int side)
{
	const struct hypercalls *call = table->call;

	call->mutex_enter(table->mtx);
	for (int i = 0; i < SWITCHES; i++) {
		while (table->turn != side)
			call->cv_wait(table->cv[side], table->mtx);
		table->turn = !side;
		call->cv_signal(table->cv[!side]);
	}
	call->mutex_exit(table->mtx);
}

static void *
second_player(void *table)
{
	((struct table *)table)->call->curlwpop(RUMPUSER_LWP_SET, table);
	play(table, 1);
	return NULL;
}

static double
ping_pong(const struct hypercalls *call)
{
	struct table table = {.call = call};
	void *second;
	double start;

	call->mutex_init(&table.mtx, RUMPUSER_MTX_KMUTEX);
	call->cv_init(&table.cv[0]);
	call->cv_init(&table.cv[1]);
	if (call->thread_create(second_player, &table, "second", 1, 0, -1, &second) != 0)
		return -1;
	start = bench_now();
	play(&table, 0);
	call->thread_join(second);
	return (bench_now() - start) / SWITCHES;
}

const struct bench_row bench_sync_rows[] = {
    {.name = "mutex enter+exit", .cores = 1, .measure = mutex_enter_exit},
    {.name = "mutex, one thread", .cores = 1, .alone = true, .measure = mutex_enter_exit},
    {.name = "rwlock read enter+exit", .cores = 1, .measure = rw_read},
    {.name = "rwlock write enter+exit", .cores = 1, .measure = rw_write},
    {.name = "cv signal without waiters", .cores = 1, .measure = signal_without_waiters},
    {.name = "cv ping-pong", .cores = 1, .measure = ping_pong},
    {.name = "cv ping-pong", .cores = 2, .measure = ping_pong},
    {0},
};
