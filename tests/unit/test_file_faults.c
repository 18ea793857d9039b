/* SPDX-License-Identifier: BSD-2-Clause */
/* Files on a host that runs out of things, or interrupts. */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rump/rumpdefs.h>
#include <rump/rumpuser.h>

#include "tests/unit/faults.h"
#include "tests/unit/signal_storm.h"
#include "tests/unit/strict_kernel.h"

#define NOSEEK RUMPUSER_IOV_NOSEEK

static char *path;
static struct signal_storm storm;

/* A file of so many bytes. */
static int
make_file(off_t size, int mode)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);

	assert_true(fd != -1);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
	assert_int_equal(rumpuser_open(path, mode, &fd), 0);
	return fd;
}

static void
a_full_disk_is_enospc(void **state)
{
	char *mountpoint = faults_path("full"), *name;
	unsigned char data[64 << 10] = {0};
	struct rumpuser_iovec iov = {data, sizeof(data)};
	size_t n, total = 0;
	int fd, error;

	(void)state;
	assert_int_equal(rumpuser_open("/dev/full", RUMPUSER_OPEN_RDWR, &fd), 0);
	assert_int_equal(rumpuser_iovwrite(fd, &iov, 1, 0, &n), RUMP_ENOSPC);
	assert_int_equal(rumpuser_close(fd), 0);

	assert_int_equal(mkdir(mountpoint, 0700), 0);
	if (mount("none", mountpoint, "tmpfs", 0, "size=256k") == -1) {
		print_message("no small file system to be mounted here: %s\n", strerror(errno));
		goto out;
	}
	assert_true(asprintf(&name, "%s/file", mountpoint) > 0);
	assert_int_equal(rumpuser_open(name, RUMPUSER_OPEN_RDWR | RUMPUSER_OPEN_CREATE, &fd), 0);
	/* 10 bytes on, so that the last piece fits in part: it is counted, and only the next one fails. */
	while ((error = rumpuser_iovwrite(fd, &iov, 1, 10 + (int64_t)total, &n)) == 0)
		total += n;
	assert_int_equal(error, RUMP_ENOSPC);
	assert_int_equal(total, (256 << 10) - 10);
	assert_int_equal(rumpuser_close(fd), 0);
	free(name);
	assert_int_equal(umount(mountpoint), 0);
out:
	free(mountpoint);
}

static int
write_beyond_the_limit(void *arg)
{
	struct rlimit limit = {100, 100};
	unsigned char data[80] = {0};
	struct rumpuser_iovec iov = {data, sizeof(data)};
	int fd = *(int *)arg;
	size_t n;

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) == -1)
		return 1;
	if (rumpuser_iovwrite(fd, &iov, 1, 60, &n) != 0 || n != 40)
		return 2;
	return rumpuser_iovwrite(fd, &iov, 1, 100, &n) == RUMP_EFBIG ? 0 : 3;
}

static void
a_file_that_must_not_grow_is_efbig(void **state)
{
	int fd = make_file(0, RUMPUSER_OPEN_RDWR);

	(void)state;
	/* Neither valgrind nor a sanitizer's runtime does without files of its own. */
	if (!faults_instrumented())
		assert_int_equal(faults_in_child(write_beyond_the_limit, &fd), 0);
	assert_int_equal(rumpuser_close(fd), 0);
}

static int
use_up_descriptors(void *arg)
{
	struct rlimit limit = {64, 64};
	int fd, error;

	(void)arg;
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		return 1;
	while ((error = rumpuser_open("/dev/null", RUMPUSER_OPEN_RDONLY, &fd)) == 0)
		continue;
	return error == RUMP_EMFILE ? 0 : 2;
}

static void
no_descriptor_left_is_emfile(void **state)
{
	(void)state;
	if (!faults_instrumented())
		assert_int_equal(faults_in_child(use_up_descriptors, NULL), 0);
}

/* The other end of the pipes: slow, so that every call waits, and is interrupted. */
struct peer {
	pthread_t thread;
	const char *fifo;
	int in, out;
};

static void *
serve_peer(void *arg)
{
	struct peer *peer = arg;
	char data[100];
	int fd;

	poll(NULL, 0, 20);
	fd = open(peer->fifo, O_WRONLY);
	assert_true(fd != -1);
	for (int i = 0; i < 5; i++) {
		poll(NULL, 0, 20);
		assert_int_equal(write(peer->out, "hello", 5), 5);
	}
	for (int i = 0; i < 5; i++) {
		poll(NULL, 0, 20);
		for (size_t left = 4096; left > 0;) {
			ssize_t n = read(peer->in, data, left < sizeof(data) ? left : sizeof(data));

			assert_true(n > 0);
			left -= (size_t)n;
		}
	}
	close(fd);
	return NULL;
}

static void
signals_interrupt_no_call(void **state)
{
	char *fifo = faults_path("storm");
	struct peer peer = {.fifo = fifo};
	char data[4096] = {0};
	struct rumpuser_iovec in = {data, sizeof(data)}, out = {data, sizeof(data)};
	int to[2], from[2], fd, file = make_file(4096, RUMPUSER_OPEN_RDWR);
	sigset_t set, old;
	size_t n;

	(void)state;
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	assert_int_equal(fcntl(to[1], F_SETPIPE_SZ, 4096), 4096);
	assert_int_equal(write(to[1], data, 4096), 4096);
	peer.in = to[0];
	peer.out = from[1];
	sigfillset(&set);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	assert_int_equal(pthread_create(&peer.thread, NULL, serve_peer, &peer), 0);
	pthread_sigmask(SIG_SETMASK, &old, NULL);

	signal_storm_start(&storm);
	assert_int_equal(rumpuser_open(fifo, RUMPUSER_OPEN_RDONLY, &fd), 0);
	/* One read may get what was written in several turns. */
	for (size_t got = 0; got < 25; got += n) {
		assert_int_equal(rumpuser_iovread(from[0], &in, 1, NOSEEK, &n), 0);
		assert_in_range(n, 1, 25 - got);
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(rumpuser_iovwrite(to[1], &out, 1, NOSEEK, &n), 0);
		/* A signal may end a write that has begun: that is a short one. */
		for (size_t left = sizeof(data) - n; left > 0; left -= n) {
			struct rumpuser_iovec rest = {data, left};

			assert_int_equal(rumpuser_iovwrite(to[1], &rest, 1, NOSEEK, &n), 0);
		}
	}
	assert_int_equal(rumpuser_close(fd), 0);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(rumpuser_iovwrite(file, &out, 1, i * 4096, &n), 0);
		assert_int_equal(n, 4096);
		assert_int_equal(rumpuser_iovread(file, &in, 1, i * 4096, &n), 0);
		assert_int_equal(n, 4096);
	}
	assert_int_equal(rumpuser_syncfd(file, RUMPUSER_SYNCFD_WRITE | RUMPUSER_SYNCFD_SYNC, 0, 0), 0);
	assert_int_equal(rumpuser_syncfd(file, RUMPUSER_SYNCFD_WRITE, 0, 0), 0);
	assert_int_equal(rumpuser_close(file), 0);
	assert_true(signal_storm_stop(&storm) > 0);

	pthread_join(peer.thread, NULL);
	for (int i = 0; i < 2; i++) {
		close(to[i]);
		close(from[i]);
	}
	free(fifo);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_full_disk_is_enospc),
	    cmocka_unit_test(a_file_that_must_not_grow_is_efbig),
	    cmocka_unit_test(no_descriptor_left_is_emfile),
	    cmocka_unit_test(signals_interrupt_no_call),
	};
	int failed;

	strict_kernel_start();
	path = faults_path("file");
	failed = cmocka_run_group_tests_name("file faults", tests, NULL, NULL);
	free(path);
	return failed;
}
