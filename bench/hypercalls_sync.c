/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "bench/hypercalls.h"

#define FAST_CALLS 4000000
#define SWITCHES 100000

static double
mutex_enter_exit(const struct hypercalls *call)
{
	struct rumpuser_mtx *mtx;
	double start;

	call->mutex_init(&mtx, RUMPUSER_MTX_KMUTEX);
	start = bench_now();
	for (int i = 0; i < FAST_CALLS; i++) {
		call->mutex_enter(mtx);
		call->mutex_exit(mtx);
	}
	return (bench_now() - start) / FAST_CALLS;
}

static double
rw_enter_exit(const struct hypercalls *call, int kind)
{
	struct rumpuser_rw *rw;
	double start;

	call->rw_init(&rw);
	start = bench_now();
	for (int i = 0; i < FAST_CALLS; i++) {
		call->rw_enter(kind, rw);
		call->rw_exit(rw);
	}
	return (bench_now() - start) / FAST_CALLS;
}

static double
rw_read(const struct hypercalls *call)
{
	return rw_enter_exit(call, RUMPUSER_RW_READER);
}

static double
rw_write(const struct hypercalls *call)
{
	return rw_enter_exit(call, RUMPUSER_RW_WRITER);
}

static double
signal_without_waiters(const struct hypercalls *call)
{
	struct rumpuser_cv *cv;
	double start;

	call->cv_init(&cv);
	start = bench_now();
	for (int i = 0; i < FAST_CALLS; i++)
		call->cv_signal(cv);
	return (bench_now() - start) / FAST_CALLS;
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
    {"mutex enter+exit", 1, mutex_enter_exit},
    {"rwlock read enter+exit", 1, rw_read},
    {"rwlock write enter+exit", 1, rw_write},
    {"cv signal without waiters", 1, signal_without_waiters},
    {"cv ping-pong", 1, ping_pong},
    {"cv ping-pong", 2, ping_pong},
    {0},
};
