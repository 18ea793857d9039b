/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "bench/hypercalls.h"

#define CALLS 4000000

static double
clock_gettime_monotonic(const struct hypercalls *call)
{
	int64_t sec;
	long nsec;
	double start = bench_now();

	for (int i = 0; i < CALLS; i++)
		(void)call->clock_gettime(RUMPUSER_CLOCK_ABSMONO, &sec, &nsec);
	return (bench_now() - start) / CALLS;
}

static double
malloc_free(const struct hypercalls *call)
{
	const size_t size = 256;
	double start = bench_now();
	void *memory;

	for (int i = 0; i < CALLS; i++) {
		if (call->malloc(size, 0, &memory) != 0)
			return -1;
		call->free(memory, size);
	}
	return (bench_now() - start) / CALLS;
}

const struct bench_row bench_host_rows[] = {
    {"clock_gettime", 1, clock_gettime_monotonic},
    {"malloc+free 256", 1, malloc_free},
    {0},
};
