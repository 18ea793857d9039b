/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block I/O: random 4 KiB requests on one file, 32 at a time. A window is kept full by one submitter that
 * waits for any request to end; a burst is submitted as a whole, and waited for as a whole; a chain is a
 * request that submits the next one from its own report.
 *
 * With two cores the submitter has one and the library's threads have the other: where the host puts them if
 * it is left to it differs from run to run, and makes more of a difference than the libraries do.
 */
#include "config.h"

#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/hypercalls.h"

#define BLOCK 4096
#define OUTSTANDING 32
#define FILE_SIZE (64 << 20)
#define REQUESTS 60000
#define SLOW_REQUESTS 2000
#define ROUNDS 5

static struct {
	const struct hypercalls *call;
	int fd, op;
	char *buffers;
	sem_t done;
	atomic_uint left; /* to be submitted by chains */
	atomic_uint ended;
	uint64_t state;
} run;

static int64_t
random_offset(void)
{
	run.state = run.state * 6364136223846793005u + 1442695040888963407u;
	return (int64_t)((run.state >> 33) % (FILE_SIZE / BLOCK)) * BLOCK;
}

static void
fail(void)
{
	fprintf(stderr, "hypercalls: a block request failed\n");
	abort();
}

static void
submit(rump_biodone_fn done, unsigned number)
{
	char *buffer = run.buffers + (size_t)(number % OUTSTANDING) * BLOCK;

	run.call->bio(run.fd, run.op, buffer, BLOCK, random_offset(), done, (void *)(uintptr_t)(number + 1));
}

static void
post(void *arg, size_t transferred, int error)
{
	(void)arg;
	if (error != 0 || transferred != BLOCK)
		fail();
	sem_post(&run.done);
}

static void
await_one(void)
{
	while (sem_wait(&run.done) != 0)
		continue;
}

static void
run_window(unsigned requests)
{
	for (unsigned i = 0; i < requests; i++) {
		if (i >= OUTSTANDING)
			await_one();
		submit(post, i);
	}
	for (unsigned i = 0; i < OUTSTANDING; i++)
		await_one();
}

static void
count(void *arg, size_t transferred, int error)
{
	(void)arg;
	if (error != 0 || transferred != BLOCK)
		fail();
	if (atomic_fetch_add(&run.ended, 1) + 1 == OUTSTANDING)
		sem_post(&run.done);
}

static void
run_bursts(unsigned requests)
{
	for (unsigned i = 0; i < requests; i += OUTSTANDING) {
		atomic_store(&run.ended, 0);
		for (unsigned k = 0; k < OUTSTANDING; k++)
			submit(count, k);
		await_one();
	}
}

static void
go_on(void *arg, size_t transferred, int error)
{
	if (error != 0 || transferred != BLOCK)
		fail();
	if (atomic_fetch_sub(&run.left, 1) > OUTSTANDING)
		submit(go_on, (unsigned)(uintptr_t)arg - 1);
	else
		sem_post(&run.done);
}

static void
run_chains(unsigned requests)
{
	atomic_store(&run.left, requests);
	for (unsigned i = 0; i < OUTSTANDING; i++)
		submit(go_on, i);
	for (unsigned i = 0; i < OUTSTANDING; i++)
		await_one();
}

/* Makes the file, so that all of it is on the device too. */
static bool
prepare(const struct hypercalls *call)
{
	char name[] = "hypercalls.XXXXXX";
	char *piece = malloc(1 << 20);

	run.call = call;
	run.state = 1;
	run.buffers = aligned_alloc(BLOCK, (size_t)OUTSTANDING * BLOCK);
	/* In the working directory: the usual ones for such files are often memory. */
	run.fd = mkstemp(name);
	if (run.fd == -1 || piece == NULL || run.buffers == NULL)
		return false;
	(void)unlink(name);
	(void)sem_init(&run.done, 0, 0);
	memset(piece, 0x5a, 1 << 20);
	memset(run.buffers, 0, (size_t)OUTSTANDING * BLOCK);
	for (off_t off = 0; off < FILE_SIZE; off += 1 << 20)
		if (pwrite(run.fd, piece, 1 << 20, off) != 1 << 20)
			return false;
	free(piece);
	return fdatasync(run.fd) == 0;
}

/* Keeps the calling thread, and those that it starts, on one of the CPUs that the process had. */
static void
stay_on(const cpu_set_t *cpus, bool last)
{
	cpu_set_t one;
	int chosen = -1;

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, cpus) && (last || chosen < 0))
			chosen = cpu;
	}
	CPU_ZERO(&one);
	CPU_SET(chosen, &one);
	if (sched_setaffinity(0, sizeof(one), &one) != 0)
		err(1, "sched_setaffinity");
}

/* Has the library start its threads, away from the submitter. */
static void
part(void (*pattern)(unsigned requests))
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0)
		err(1, "sched_getaffinity");
	stay_on(&cpus, true);
	pattern(4 * OUTSTANDING);
	stay_on(&cpus, false);
}

static double
best(
    const struct hypercalls *call, int op, void (*pattern)(unsigned requests), unsigned requests, bool cached)
{
	double least = -1;

	if (!prepare(call))
		return -1;
	run.op = op;
	part(pattern);
	for (int round = 0; round < ROUNDS; round++) {
		double begin, took;

		if (!cached) {
			(void)posix_fadvise(run.fd, 0, 0, POSIX_FADV_DONTNEED);
			(void)posix_fadvise(run.fd, 0, 0, POSIX_FADV_RANDOM);
		}
		begin = bench_now();
		pattern(requests);
		took = (bench_now() - begin) / requests;
		if (least < 0 || took < least)
			least = took;
	}
	return least;
}

static double
read_window(const struct hypercalls *call)
{
	return best(call, RUMPUSER_BIO_READ, run_window, REQUESTS, true);
}

static double
read_bursts(const struct hypercalls *call)
{
	return best(call, RUMPUSER_BIO_READ, run_bursts, REQUESTS, true);
}

static double
read_chains(const struct hypercalls *call)
{
	return best(call, RUMPUSER_BIO_READ, run_chains, REQUESTS, true);
}

static double
read_device(const struct hypercalls *call)
{
	return best(call, RUMPUSER_BIO_READ, run_window, SLOW_REQUESTS, false);
}

static double
write_window(const struct hypercalls *call)
{
	return best(call, RUMPUSER_BIO_WRITE, run_window, REQUESTS, true);
}

static double
write_sync(const struct hypercalls *call)
{
	return best(call, RUMPUSER_BIO_WRITE | RUMPUSER_BIO_SYNC, run_window, SLOW_REQUESTS / 4, true);
}

const struct bench_row bench_bio_rows[] = {
    {.name = "bio read, cached, window of 32", .cores = 1, .measure = read_window},
    {.name = "bio read, cached, window of 32", .cores = 2, .measure = read_window},
    {.name = "bio read, cached, bursts of 32", .cores = 1, .measure = read_bursts},
    {.name = "bio read, cached, bursts of 32", .cores = 2, .measure = read_bursts},
    {.name = "bio read, cached, 32 chains", .cores = 1, .measure = read_chains},
    {.name = "bio read, cached, 32 chains", .cores = 2, .measure = read_chains},
    {.name = "bio read, not cached", .cores = 2, .measure = read_device},
    {.name = "bio write, window of 32", .cores = 1, .measure = write_window},
    {.name = "bio write, window of 32", .cores = 2, .measure = write_window},
    {.name = "bio write and sync", .cores = 2, .measure = write_sync},
    {0},
};
