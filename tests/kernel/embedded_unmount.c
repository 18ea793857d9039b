/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An unmount that takes its time holds up nobody who is elsewhere: a file system of the test's own waits in
 * its unmount until another thread has mounted, listed and unmounted others. Then, many at once.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include "kernel/fs/memfs/memfs.h"
#include "kernel/vfs/mount.h"

#define THREADS 4

static sem_t entered, others_done;
static int failures, answer; /* of the unmount that waits */

static int
slow_mount(struct mount *mp, void *args, size_t *lenp, uint64_t flags, uint64_t oldflags)
{
	(void)args, (void)lenp, (void)flags, (void)oldflags;
	return rumpk_memfs_create(mp, 0, 0, 0755, 0, 0);
}

static int
slow_unmount(struct mount *mp, bool force)
{
	(void)mp, (void)force;
	sem_post(&entered);
	while (sem_wait(&others_done) != 0)
		continue;
	return answer;
}

static struct vfsops slow_ops = {
    .vfs_name = "slow",
    .vfs_mount = slow_mount,
    .vfs_unmount = slow_unmount,
    .vfs_release = rumpk_memfs_release,
    .vfs_free = rumpk_memfs_free,
    .vfs_statvfs = rumpk_memfs_statvfs,
};

static void
result(int number, bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", number, what);
	fflush(stdout);
	failures += !good;
}

static int
mount_tmpfs(const char *where)
{
	struct rump_tmpfs_args args = {.ta_version = RUMP_TMPFS_ARGS_VERSION, .ta_root_mode = 0755};

	return rump_sys_mount("tmpfs", where, 0, &args, sizeof(args));
}

/* How many mounts there are, each of them listed. */
static int
mounts(void)
{
	struct rump_statvfs *st = calloc(32, sizeof(*st));
	int n = rump_sys_getvfsstat(st, 32 * sizeof(*st), RUMP_ST_WAIT);

	for (int i = 0; i < n; i++)
		if (st[i].f_fstypename[0] == '\0')
			n = -1;
	free(st);
	return n;
}

static void *
unmount_slow(void *arg)
{
	(void)arg;
	return rump_sys_unmount("/slow", 0) == 0 ? arg : NULL;
}

static bool
others_go_on(void)
{
	bool good;
	pthread_t thread;
	void *left;
	char none[8] = "";

	if (rump_sys_mkdir("/slow", 0755) != 0 || rump_sys_mkdir("/other", 0755) != 0 ||
	    rump_sys_mount("slow", "/slow", 0, none, 0) != 0 ||
	    pthread_create(&thread, NULL, unmount_slow, none) != 0)
		return false;
	while (sem_wait(&entered) != 0)
		continue;
	good = mount_tmpfs("/other") == 0 && mounts() == 3 && rump_sys_unmount("/other", 0) == 0;
	sem_post(&others_done);
	pthread_join(thread, &left);
	return good && left == none && mounts() == 1;
}

static void *
look(void *arg)
{
	struct rump_stat st;

	return rump_sys_stat("/slow/file", &st) == 0 ? arg : NULL;
}

/* An unmount that fails in the end, and what is tried with the directory meanwhile. */
static bool
covered_stays(void)
{
	pthread_t unmounter, looker;
	void *left, *found;
	char none[8] = "";
	bool good;
	int fd;

	answer = RUMP_EBUSY;
	if (rump_sys_mount("slow", "/slow", 0, none, 0) != 0)
		return false;
	fd = rump_sys_open("/slow/file", RUMP_O_CREAT | RUMP_O_RDWR, 0644);
	if (fd == -1 || rump_sys_close(fd) != 0 || pthread_create(&unmounter, NULL, unmount_slow, none) != 0)
		return false;
	while (sem_wait(&entered) != 0)
		continue;
	good = rump_sys_rmdir("/slow") == -1 && errno == RUMP_EBUSY;
	good &= rump_sys_rename("/slow", "/other") == -1 && errno == RUMP_EBUSY;
	if (pthread_create(&looker, NULL, look, none) != 0)
		return false;
	sem_post(&others_done);
	pthread_join(unmounter, &left);
	pthread_join(looker, &found);
	good &= left == NULL && found == none && mounts() == 2;
	answer = 0;
	sem_post(&others_done);
	return good && rump_sys_unmount("/slow", 0) == 0 && sem_wait(&entered) == 0 && mounts() == 1 &&
	       rump_sys_rmdir("/slow") == 0;
}

static void *
come_and_go(void *arg)
{
	int number = *(int *)arg, rounds = getenv("RUMPKIT_TEST_ALL") != NULL ? 20000 : 300;
	char path[16];
	bool good;

	snprintf(path, sizeof(path), "/m%d", number);
	good = rump_sys_mkdir(path, 0755) == 0;
	for (int i = 0; i < rounds && good; i++) {
		good = mount_tmpfs(path) == 0;
		if (number % 2 == 0)
			rump_sys_sync();
		else
			good &= mounts() >= 1;
		good &= rump_sys_unmount(path, 0) == 0;
	}
	return good ? arg : NULL;
}

static bool
many_at_once(void)
{
	pthread_t threads[THREADS];
	int numbers[THREADS];
	bool good = true;
	void *end;

	for (int i = 0; i < THREADS; i++) {
		numbers[i] = i;
		if (pthread_create(&threads[i], NULL, come_and_go, &numbers[i]) != 0)
			return false;
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &end);
		good &= end != NULL;
	}
	return good && mounts() == 1;
}

int
main(void)
{
	printf("1..3\n");
	if (sem_init(&entered, 0, 0) != 0 || sem_init(&others_done, 0, 0) != 0 || rump_init() != 0 ||
	    rumpk_vfs_register(&slow_ops) != 0)
		return 1;
	result(1, others_go_on(), "others mount, list and unmount while one waits in its unmount");
	result(2, covered_stays(), "the directory under a mount stays while an unmount is tried");
	result(3, many_at_once(), "mounts that come and go are never busy by being listed or synced");
	return failures != 0;
}
