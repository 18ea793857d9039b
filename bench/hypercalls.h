/* SPDX-License-Identifier: BSD-2-Clause */
/* One librumpuser of those that bench/hypercalls compares, and what is measured of it. */
#ifndef BENCH_HYPERCALLS_H
#define BENCH_HYPERCALLS_H

#include <stdbool.h>

#include <rump/rumpuser.h>

/* The hypercalls that rows use, looked up in the library under measurement. */
#define HYPERCALLS(X) \
	X(init) \
	X(malloc) \
	X(free) \
	X(open) \
	X(close) \
	X(bio) \
	X(clock_gettime) \
	X(curlwpop) \
	X(thread_create) \
	X(thread_join) \
	X(mutex_init) \
	X(mutex_enter) \
	X(mutex_exit) \
	X(mutex_destroy) \
	X(rw_init) \
	X(rw_enter) \
	X(rw_exit) \
	X(rw_destroy) \
	X(cv_init) \
	X(cv_wait) \
	X(cv_signal) \
	X(cv_destroy)

struct hypercalls {
#define X(name) __typeof__(&rumpuser_##name) name;
	HYPERCALLS(X)
#undef X
};

/*
 * A row of the table. measure() runs in a process of its own, in which the library has been initialized with
 * a kernel whose upcalls do nothing; it returns nanoseconds an operation, or a negative number when it cannot
 * be measured here.
 */
struct bench_row {
	const char *name;
	int cores;  /* pinned to so many */
	bool alone; /* without a second thread: kernels have many, and C libraries save atomic operations
		       without */
	double (*measure)(const struct hypercalls *call);
};

/* Each group's rows, ended by one without a name. */
extern const struct bench_row bench_sync_rows[];
extern const struct bench_row bench_host_rows[];
extern const struct bench_row bench_bio_rows[];

/* Monotonic time in nanoseconds. */
double bench_now(void);

/* Calls operation(arg) over and over and returns what one call takes at the best of times. */
double bench_fast(void (*operation)(const void *arg, int times), const void *arg);

#endif
