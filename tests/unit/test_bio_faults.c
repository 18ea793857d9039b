/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block I/O that goes wrong: what the file, the device or the host refuses, and what interrupts. Built twice,
 * as test_bio.c is.
 */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rump/rumpdefs.h>

#include "tests/unit/bio_requests.h"
#include "tests/unit/faults.h"
#include "tests/unit/signal_storm.h"

static struct signal_storm storm;

static bool
all_zero(const unsigned char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (data[i] != 0)
			return false;
	return true;
}

static void
a_file_that_has_shrunk_is_eio(void **state)
{
	unsigned char *data = malloc(4 * BLOCK);
	int fd = io_file(8, RUMPUSER_OPEN_RDWR);
	struct io io;

	(void)state;
	assert_int_equal(ftruncate(fd, 5 * BLOCK + 100), 0);
	for (int cached = 0; cached < 2; cached++) {
		if (!cached)
			io_uncache(fd);
		memset(data, 0xff, 4 * BLOCK);
		io = io_run(fd, READ, data, 4 * BLOCK, 4 * BLOCK);
		assert_int_equal(io.error, RUMP_EIO);
		assert_int_equal(io.transferred, BLOCK + 100);
		assert_true(is_block(data, 4, 0));
		/* What the kernel had in memory is not taken for data. */
		assert_true(all_zero(data + BLOCK + 100, 3 * BLOCK - 100));
		memset(data, 0xff, BLOCK);
		io = io_run(fd, READ, data, BLOCK, 7 * BLOCK);
		assert_int_equal(io.error, RUMP_EIO);
		assert_int_equal(io.transferred, 0);
		assert_true(all_zero(data, BLOCK));
	}
	assert_int_equal(rumpuser_close(fd), 0);
	free(data);
}

static void
what_may_only_be_read_is_erofs(void **state)
{
	unsigned char block[BLOCK] = {0};
	int fd = io_file(2, RUMPUSER_OPEN_RDONLY);
	struct io io;

	(void)state;
	io = io_run(fd, WRITE, block, BLOCK, 0);
	assert_int_equal(io.error, RUMP_EROFS);
	assert_int_equal(io.transferred, 0);
	io = io_run(fd, WRITE | SYNC, block, BLOCK, 0);
	assert_int_equal(io.error, RUMP_EROFS);
	io = io_run(fd, READ, block, BLOCK, BLOCK);
	assert_int_equal(io.error, 0);
	assert_true(is_block(block, 1, 0));
	assert_int_equal(rumpuser_close(fd), 0);
}

static void
errors_are_netbsds(void **state)
{
	unsigned char block[BLOCK] = {0};
	int fd = io_file(2, RUMPUSER_OPEN_RDWR), pipes[2];
	struct io io;

	(void)state;
	io = io_run(fd, READ, block, BLOCK, -BLOCK);
	assert_int_equal(io.error, RUMP_EINVAL);
	io = io_run(fd, WRITE, block, BLOCK, -BLOCK);
	assert_int_equal(io.error, RUMP_EINVAL);
	io = io_run(fd, READ | WRITE, block, BLOCK, 0);
	assert_int_equal(io.error, RUMP_EINVAL);
	io = io_run(fd, 0, block, BLOCK, 0);
	assert_int_equal(io.error, RUMP_EINVAL);
	io = io_run(fd, 0x40, block, BLOCK, 0);
	assert_int_equal(io.error, RUMP_EINVAL);
	assert_int_equal(rumpuser_close(fd), 0);

	io = io_run(4000, READ, block, BLOCK, 0);
	assert_int_equal(io.error, RUMP_EBADF);
	io = io_run(4000, WRITE, block, BLOCK, 0);
	assert_int_equal(io.error, RUMP_EBADF);
	io = io_run(4000, SYNC, NULL, 0, 0);
	assert_int_equal(io.error, RUMP_EBADF);
	assert_int_equal(pipe(pipes), 0);
	io = io_run(pipes[0], READ, block, BLOCK, 0);
	assert_int_equal(io.error, RUMP_ESPIPE);
	io = io_run(pipes[1], WRITE, block, BLOCK, 0);
	assert_int_equal(io.error, RUMP_ESPIPE);
	close(pipes[0]);
	close(pipes[1]);
	fd = open("/", O_RDONLY);
	io = io_run(fd, READ, block, BLOCK, 0);
	assert_int_equal(io.error, RUMP_EISDIR);
	close(fd);
}

static void
a_full_disk_is_enospc(void **state)
{
	char *mountpoint = faults_path("full"), *name;
	unsigned char *data = calloc(64, BLOCK);
	struct io io;
	int fd;

	(void)state;
	assert_int_equal(rumpuser_open("/dev/full", RUMPUSER_OPEN_RDWR | RUMPUSER_OPEN_BIO, &fd), 0);
	io = io_run(fd, WRITE, data, BLOCK, 0);
	assert_int_equal(io.error, RUMP_ENOSPC);
	assert_int_equal(io.transferred, 0);
	assert_int_equal(rumpuser_close(fd), 0);

	assert_int_equal(mkdir(mountpoint, 0700), 0);
	if (mount("none", mountpoint, "tmpfs", 0, "size=128k") == -1) {
		print_message("no small file system to be mounted here: %s\n", strerror(errno));
		goto out;
	}
	assert_true(asprintf(&name, "%s/file", mountpoint) > 0);
	assert_int_equal(rumpuser_open(name, RUMPUSER_OPEN_RDWR | RUMPUSER_OPEN_CREATE, &fd), 0);
	io = io_run(fd, WRITE, data, 64 * BLOCK, 0);
	assert_int_equal(io.error, RUMP_ENOSPC);
	assert_int_equal(io.transferred, 32 * BLOCK);
	io = io_run(fd, WRITE | SYNC, data, BLOCK, 40 * BLOCK);
	assert_int_equal(io.error, RUMP_ENOSPC);
	assert_int_equal(io.transferred, 0);
	assert_int_equal(rumpuser_close(fd), 0);
	free(name);
	assert_int_equal(umount(mountpoint), 0);
out:
	free(mountpoint);
	free(data);
}

static int
write_beyond_the_limit(void *arg)
{
	struct rlimit limit = {BLOCK + 100, BLOCK + 100};
	unsigned char data[2 * BLOCK] = {0};
	int fd = *(int *)arg;
	struct io io;

	/* The signal that comes with it must not end the process. */
	if (setrlimit(RLIMIT_FSIZE, &limit) == -1)
		return 1;
	io = io_run(fd, WRITE, data, 2 * BLOCK, 0);
	if (io.error != RUMP_EFBIG || io.transferred != BLOCK + 100)
		return 2;
	io = io_run(fd, READ, data, BLOCK, 0);
	return io.error == 0 ? 0 : 3;
}

static int
without_threads(void *arg)
{
	struct rlimit limit = {1, 1};
	unsigned char data[BLOCK];
	int fd = *(int *)arg;
	struct io io = {.data = data};

	faults_leave_root();
	if (setrlimit(RLIMIT_NPROC, &limit) == -1)
		return 1;
	/* There is nobody else to report it. */
	io_begin(&io, fd, READ, BLOCK, 0);
	if (io.reports != 1 || io.error != RUMP_EAGAIN || io.transferred != 0 || !io.had_cpu)
		return 2;
	io_begin(&io, fd, WRITE, BLOCK, 0);
	return io.reports == 2 && io.error == RUMP_EAGAIN ? 0 : 3;
}

static int
without_memory(void *arg)
{
	struct rlimit limit = {256 << 20, 256 << 20};
	unsigned char data[BLOCK];
	int fd = *(int *)arg;
	struct io io = {.data = data};
	void *mem;

	if (setrlimit(RLIMIT_AS, &limit) == -1)
		return 1;
	for (size_t len = 16 << 20; len >= 64; len /= 2)
		while (rumpuser_malloc(len, 0, &mem) == 0)
			continue;
	io_begin(&io, fd, READ, BLOCK, 0);
	return io.reports == 1 && io.error == RUMP_ENOMEM && io.transferred == 0 && io.had_cpu ? 0 : 2;
}

static void
a_host_without_memory_is_enomem(void **state)
{
	int fd = io_file(1, RUMPUSER_OPEN_RDWR);

	(void)state;
	if (faults_can_limit_memory())
		assert_int_equal(faults_in_child(without_memory, &fd), 0);
	assert_int_equal(rumpuser_close(fd), 0);
}

static void
a_file_that_must_not_grow_is_efbig(void **state)
{
	int fd = io_file(0, RUMPUSER_OPEN_RDWR);

	(void)state;
	if (!faults_instrumented())
		assert_int_equal(faults_in_child(write_beyond_the_limit, &fd), 0);
	assert_int_equal(rumpuser_close(fd), 0);
}

static void
a_host_without_threads_is_eagain(void **state)
{
	int fd = io_file(1, RUMPUSER_OPEN_RDWR);

	(void)state;
	if (!faults_instrumented())
		assert_int_equal(faults_in_child(without_threads, &fd), 0);
	assert_int_equal(rumpuser_close(fd), 0);
}

static void
signals_interrupt_no_request(void **state)
{
	enum { COUNT = 64 };
	unsigned char *data = calloc(COUNT, BLOCK);
	struct io *ios = calloc(COUNT, sizeof(*ios));
	int fd = io_file(BLOCKS, RUMPUSER_OPEN_RDWR);

	(void)state;
	signal_storm_start(&storm);
	for (unsigned round = 0; round < 8; round++) {
		io_uncache(fd);
		for (size_t i = 0; i < COUNT; i++) {
			ios[i] = (struct io){.data = data + i * BLOCK};
			io_begin(
			    &ios[i], fd, i % 8 == 7 ? SYNC : READ, BLOCK, (off_t)(i * 7 % BLOCKS * BLOCK));
		}
		io_finish();
		for (size_t i = 0; i < COUNT; i++)
			assert_int_equal(ios[i].error, 0);
	}
	assert_true(signal_storm_stop(&storm) > 0);
	assert_int_equal(rumpuser_close(fd), 0);
	free(ios);
	free(data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    /* In children, which have no use for threads of their parent's: first. */
	    cmocka_unit_test(a_file_that_must_not_grow_is_efbig),
	    cmocka_unit_test(a_host_without_threads_is_eagain),
	    cmocka_unit_test(a_host_without_memory_is_enomem),
	    cmocka_unit_test(a_file_that_has_shrunk_is_eio),
	    cmocka_unit_test(what_may_only_be_read_is_erofs),
	    cmocka_unit_test(errors_are_netbsds),
	    cmocka_unit_test(a_full_disk_is_enospc),
	    cmocka_unit_test(signals_interrupt_no_request),
	};
	int failed;

	io_start(ENGINE);
	failed = cmocka_run_group_tests_name("bio faults, " ENGINE, tests, NULL, NULL);
	io_end();
	return failed;
}
