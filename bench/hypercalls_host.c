/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "bench/hypercalls.h"

static void
clock_times(const void *arg, int times)
{
	const struct hypercalls *call = arg;
	int64_t sec;
	long nsec;

	for (int i = 0; i < times; i++)
		(void)call->clock_gettime(RUMPUSER_CLOCK_ABSMONO, &sec, &nsec);
}

static double
clock_gettime_monotonic(const struct hypercalls *call)
{
	return bench_fast(clock_times, call);
}

static void
malloc_times(const void *arg, int times)
{
	const struct hypercalls *call = arg;
	const size_t size = 256;
	void *memory;

	for (int i = 0; i < times; i++) {
		if (call->malloc(size, 0, &memory) == 0)
			call->free(memory, size);
	}
}

static double
malloc_free(const struct hypercalls *call)
{
	return bench_fast(malloc_times, call);
}

const struct bench_row bench_host_rows[] = {
    {.name = "clock_gettime", .cores = 1, .measure = clock_gettime_monotonic},
    {.name = "malloc+free 256", .cores = 1, .measure = malloc_free},
    {0},
};
