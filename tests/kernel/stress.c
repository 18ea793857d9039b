/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage: stress [seed [operations [threads]]]
 * Random operations on the kernel's file system: alone and compared with the host's, by several threads on
 * trees of their own and compared, by several threads on one tree whose soundness is looked at afterwards.
 * Each thread is a process of the kernel. RUMPKIT_TEST_ALL=1 in the environment makes it long.
 */
#define _GNU_SOURCE
#include "tests/kernel/stress.h"
#include <err.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <rump/rump.h>

#ifdef __SANITIZE_THREAD__
/*
 * Directories are locked from the top of the tree down, two that lie beside each other under their mount's
 * rename lock only. The tree changes: what was below may lie above later, and the detector, which knows
 * neither, takes that for a cycle.
 */
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void);

const char *
__tsan_default_suppressions(void)
{
	return "deadlock:lock_directories\ndeadlock:lock_files\ndeadlock:do_remove\n";
}
#endif

#define THREADS_MAX 16
/* Renamed into each other, directories lie ever deeper: after so many operations everything begins anew. */
#define ROUND 5000

static char host[] = "/tmp/rumpkit-stress.XXXXXX";
static uint64_t seed = 1;
static unsigned operations, threads = 4;
static unsigned contended; /* operations on the shared tree, in rounds that have ended */

struct thread {
	pthread_t handle;
	unsigned number;
	bool good;
};

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

/* How many operations the round that begins there has. */
static unsigned
round_of(unsigned done)
{
	return operations - done < ROUND ? operations - done : ROUND;
}

static void *
compare_main(void *arg)
{
	struct thread *t = arg;
	char name[16], path[32], host_path[sizeof(host) + 16];

	rump_pub_lwproc_rfork(RUMP_RFFD_COPY);
	snprintf(name, sizeof(name), "t%u", t->number);
	snprintf(path, sizeof(path), "/%s", name);
	snprintf(host_path, sizeof(host_path), "%s/%s", host, name);
	t->good = true;
	for (unsigned done = 0; done < operations && t->good; done += ROUND) {
		t->good = stress_compare(seed + t->number + done, round_of(done), name, host) &&
			  stress_remove(path);
		nftw(host_path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	}
	rump_pub_lwproc_releaselwp();
	return NULL;
}

static void *
contend_main(void *arg)
{
	struct thread *t = arg;

	rump_pub_lwproc_rfork(RUMP_RFFD_COPY);
	stress_contend(seed * 1000 + t->number + contended, round_of(contended), t->number);
	t->good = true;
	rump_pub_lwproc_releaselwp();
	return NULL;
}

static bool
in_threads(void *(*f)(void *), unsigned first, unsigned count)
{
	struct thread t[THREADS_MAX];
	bool good = true;

	for (unsigned i = 0; i < count; i++) {
		t[i].number = first + i;
		if (pthread_create(&t[i].handle, NULL, f, &t[i]) != 0)
			errx(1, "no thread");
	}
	for (unsigned i = 0; i < count; i++) {
		pthread_join(t[i].handle, NULL);
		good &= t[i].good;
	}
	return good;
}

static int failures;

static void
result(int number, bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", number, what);
	fflush(stdout);
	failures += !good;
}

/* Nodes in use: none may be left over. */
static uint64_t
nodes(void)
{
	struct rump_statvfs st;

	rump_sys_statvfs1("/", &st, RUMP_ST_WAIT);
	return st.f_files - st.f_ffree;
}

int
main(int argc, char *argv[])
{
	const char *all = getenv("RUMPKIT_TEST_ALL");
	uint64_t before;
	bool sound;

	operations = all != NULL && strcmp(all, "1") == 0 ? 400000 : 6000;
	if (argc > 1)
		seed = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		operations = (unsigned)strtoul(argv[2], NULL, 0);
	if (argc > 3)
		threads = (unsigned)strtoul(argv[3], NULL, 0);
	if (threads < 1 || threads > THREADS_MAX)
		errx(2, "between 1 and %d threads", THREADS_MAX);
	/* The host's permissions are compared with what is asked for. */
	umask(022);
	if (mkdtemp(host) == NULL)
		err(1, "%s", host);
	if (rump_init() != 0)
		errx(1, "the kernel does not start");
	printf(
	    "1..4\n# seed %llu, %u operations, %u threads\n", (unsigned long long)seed, operations, threads);
	result(1, in_threads(compare_main, 100, 1), "the same answers as the host's file system");
	result(2, in_threads(compare_main, 0, threads), "the same in parallel on trees of their own");
	before = nodes();
	for (sound = true; contended < operations && sound; contended += ROUND) {
		in_threads(contend_main, 0, threads);
		sound = stress_invariants();
	}
	result(3, sound, "a tree that all have changed is sound");
	result(4, nodes() == before, "and leaves nothing behind");
	nftw(host, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return failures != 0;
}
