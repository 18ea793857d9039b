/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rump/rumpdefs.h>
#include <rump/rumpuser.h>

#include "tests/unit/faults.h"
#include "tests/unit/strict_kernel.h"

#define NOSEEK RUMPUSER_IOV_NOSEEK

static char *path;

/* A file of so many bytes, each of which tells its position. */
static int
make_file(size_t size, int mode)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);

	assert_true(fd != -1);
	for (size_t i = 0; i < size; i++) {
		unsigned char byte = (unsigned char)(i * 7 + i / 256);

		assert_int_equal(pwrite(fd, &byte, 1, (off_t)i), 1);
	}
	close(fd);
	assert_int_equal(rumpuser_open(path, mode, &fd), 0);
	return fd;
}

static bool
is_pattern(const unsigned char *data, size_t from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (data[i] != (unsigned char)((from + i) * 7 + (from + i) / 256))
			return false;
	return true;
}

static void
open_modes_mean_what_they_say(void **state)
{
	int fd;

	(void)state;
	unlink(path);
	assert_int_equal(rumpuser_open(path, RUMPUSER_OPEN_RDWR, &fd), RUMP_ENOENT);
	assert_int_equal(rumpuser_open(path, RUMPUSER_OPEN_RDWR | RUMPUSER_OPEN_CREATE, &fd), 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(rumpuser_close(fd), 0);
	assert_int_equal(
	    rumpuser_open(path, RUMPUSER_OPEN_RDWR | RUMPUSER_OPEN_CREATE | RUMPUSER_OPEN_EXCL, &fd),
	    RUMP_EEXIST);
	assert_int_equal(rumpuser_open(path, RUMPUSER_OPEN_RDONLY | RUMPUSER_OPEN_BIO, &fd), 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_int_equal(rumpuser_close(fd), 0);
	assert_int_equal(rumpuser_open(path, RUMPUSER_OPEN_WRONLY, &fd), 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_WRONLY);
	assert_int_equal(rumpuser_close(fd), 0);
	assert_int_equal(rumpuser_open(path, RUMPUSER_OPEN_ACCMODE, &fd), RUMP_EINVAL);
	assert_int_equal(rumpuser_open("/", RUMPUSER_OPEN_RDWR, &fd), RUMP_EISDIR);
	assert_int_equal(rumpuser_close(fd), RUMP_EBADF);
}

static void
open_reports_errors_in_netbsds_numbers(void **state)
{
	char *long_name = malloc(5000), *loop = faults_path("loop");
	int fd = -2;

	(void)state;
	memset(long_name, 'x', 4999);
	long_name[4999] = '\0';
	/* ENAMETOOLONG and ELOOP have other numbers on Linux. */
	assert_int_equal(rumpuser_open(long_name, RUMPUSER_OPEN_RDONLY, &fd), RUMP_ENAMETOOLONG);
	assert_int_equal(symlink("loop", loop), 0);
	assert_int_equal(rumpuser_open(loop, RUMPUSER_OPEN_RDONLY, &fd), RUMP_ELOOP);
	assert_int_equal(fd, -2);
	free(long_name);
	free(loop);
}

static void
fileinfo_tells_types_and_sizes(void **state)
{
	char *fifo = faults_path("fifo");
	uint64_t size;
	int type;

	(void)state;
	rumpuser_close(make_file(1234, RUMPUSER_OPEN_RDONLY));
	assert_int_equal(rumpuser_getfileinfo(path, &size, &type), 0);
	assert_int_equal(size, 1234);
	assert_int_equal(type, RUMPUSER_FT_REG);
	assert_int_equal(rumpuser_getfileinfo(path, NULL, NULL), 0);
	assert_int_equal(rumpuser_getfileinfo("/", NULL, &type), 0);
	assert_int_equal(type, RUMPUSER_FT_DIR);
	assert_int_equal(rumpuser_getfileinfo("/dev/null", &size, &type), 0);
	assert_int_equal(type, RUMPUSER_FT_CHR);
	assert_int_equal(size, 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(rumpuser_getfileinfo(fifo, &size, &type), 0);
	assert_int_equal(type, RUMPUSER_FT_OTHER);
	assert_int_equal(rumpuser_getfileinfo("/nonexistent", &size, &type), RUMP_ENOENT);
	free(fifo);
}

/* Any block device of the machine's that may be opened, and its size as the host's sysfs tells it. */
static bool
find_block_device(char *device, size_t len, uint64_t *size)
{
	FILE *list = popen("cd /sys/class/block 2>/dev/null && for d in *; do "
			   "[ -b /dev/$d ] && : 2>/dev/null </dev/$d && echo $d $(cat $d/size); done",
	    "r");
	unsigned long sectors = 0;
	char name[64];

	while (sectors == 0 && list != NULL && fscanf(list, "%63s %lu", name, &sectors) == 2)
		snprintf(device, len, "/dev/%s", name);
	if (list != NULL)
		pclose(list);
	*size = (uint64_t)sectors * 512;
	return sectors > 0;
}

/* Otherwise one of our own, where that is allowed. */
static bool
make_block_device(char *device, size_t len, uint64_t *size)
{
	char *command;
	FILE *answer;
	bool made;

	*size = 96 * 512;
	rumpuser_close(make_file(*size, RUMPUSER_OPEN_RDONLY));
	assert_true(asprintf(&command, "losetup --find --show %s 2>/dev/null", path) > 0);
	answer = popen(command, "r");
	made = answer != NULL && fgets(device, (int)len, answer) != NULL;
	device[made ? strcspn(device, "\n") : 0] = '\0';
	if (answer != NULL)
		pclose(answer);
	free(command);
	return made;
}

static void
a_block_devices_size_is_its_capacity(void **state)
{
	uint64_t expected, size;
	char device[80], command[120];
	bool made = false;
	int type;

	(void)state;
	if (!find_block_device(device, sizeof(device), &expected) &&
	    !(made = make_block_device(device, sizeof(device), &expected))) {
		print_message("no block device to read here\n");
		return;
	}
	assert_int_equal(rumpuser_getfileinfo(device, &size, &type), 0);
	assert_int_equal(type, RUMPUSER_FT_BLK);
	assert_int_equal(size, expected);
	assert_int_equal(rumpuser_getfileinfo(device, NULL, &type), 0);
	snprintf(command, sizeof(command), "losetup -d %s", device);
	if (made)
		assert_int_equal(system(command), 0);
}

static void
vectors_are_read_and_written_at_their_place(void **state)
{
	unsigned char a[5], b[300], c[1];
	struct rumpuser_iovec iov[] = {{a, 5}, {NULL, 0}, {b, 300}, {c, 1}};
	int fd = make_file(1000, RUMPUSER_OPEN_RDWR);
	size_t n;

	(void)state;
	assert_int_equal(rumpuser_iovread(fd, iov, 4, 100, &n), 0);
	assert_int_equal(n, 306);
	assert_true(is_pattern(a, 100, 5) && is_pattern(b, 105, 300) && is_pattern(c, 405, 1));
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);

	memset(b, 'b', sizeof(b));
	assert_int_equal(rumpuser_iovwrite(fd, iov, 4, 998, &n), 0);
	assert_int_equal(n, 306);
	assert_int_equal(lseek(fd, 0, SEEK_END), 1304);
	assert_int_equal(pread(fd, c, 1, 1302), 1);
	assert_int_equal(c[0], 'b');
	assert_int_equal(rumpuser_close(fd), 0);
}

static void
the_position_serves_where_no_offset_is_given(void **state)
{
	unsigned char a[10];
	struct rumpuser_iovec iov = {a, 10};
	int fd = make_file(25, RUMPUSER_OPEN_RDWR);
	size_t n;

	(void)state;
	assert_int_equal(rumpuser_iovread(fd, &iov, 1, NOSEEK, &n), 0);
	assert_int_equal(rumpuser_iovread(fd, &iov, 1, NOSEEK, &n), 0);
	assert_int_equal(n, 10);
	assert_true(is_pattern(a, 10, 10));
	assert_int_equal(rumpuser_iovread(fd, &iov, 1, NOSEEK, &n), 0);
	assert_int_equal(n, 5);
	assert_int_equal(rumpuser_iovwrite(fd, &iov, 1, NOSEEK, &n), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), 35);
	assert_int_equal(rumpuser_close(fd), 0);
}

static void
any_number_of_pieces_will_do(void **state)
{
	enum { PIECES = IOV_MAX * 2 + 17, SIZE = PIECES * 3 };
	struct rumpuser_iovec *iov = calloc(PIECES, sizeof(*iov));
	unsigned char *data = malloc(SIZE);
	int fd = make_file(SIZE, RUMPUSER_OPEN_RDWR);
	size_t n;

	(void)state;
	for (int i = 0; i < PIECES; i++)
		iov[i] = (struct rumpuser_iovec){data + i * 3, 3};
	assert_int_equal(rumpuser_iovread(fd, iov, PIECES, 0, &n), 0);
	assert_int_equal(n, SIZE);
	assert_true(is_pattern(data, 0, SIZE));
	assert_int_equal(rumpuser_iovwrite(fd, iov, PIECES, SIZE, &n), 0);
	assert_int_equal(n, SIZE);
	assert_int_equal(rumpuser_iovread(fd, iov, PIECES, SIZE, &n), 0);
	assert_true(is_pattern(data, 0, SIZE));
	assert_int_equal(rumpuser_close(fd), 0);
	free(iov);
	free(data);
}

static void
a_file_that_ends_early_gives_what_it_has(void **state)
{
	unsigned char a[100];
	struct rumpuser_iovec iov[] = {{a, 50}, {a + 50, 50}};
	int fd = make_file(200, RUMPUSER_OPEN_RDWR);
	size_t n = 1;

	(void)state;
	assert_int_equal(ftruncate(fd, 160), 0);
	assert_int_equal(rumpuser_iovread(fd, iov, 2, 100, &n), 0);
	assert_int_equal(n, 60);
	assert_int_equal(rumpuser_iovread(fd, iov, 2, 160, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(rumpuser_iovread(fd, iov, 2, 1000, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(rumpuser_close(fd), 0);
}

static void
transfers_report_errors_in_netbsds_numbers(void **state)
{
	unsigned char a[100] = {0};
	struct rumpuser_iovec iov = {a, 100}, wild = {(void *)8, 100};
	int fd = make_file(200, RUMPUSER_OPEN_RDONLY), pipes[2];
	size_t n = 77;

	(void)state;
	assert_int_equal(rumpuser_iovread(fd, &iov, 1, -2, &n), RUMP_EINVAL);
	assert_int_equal(rumpuser_iovwrite(fd, &iov, 1, 0, &n), RUMP_EBADF);
	if (!faults_instrumented())
		assert_int_equal(rumpuser_iovread(fd, &wild, 1, 0, &n), RUMP_EFAULT);
	assert_int_equal(rumpuser_close(fd), 0);
	assert_int_equal(rumpuser_iovread(fd, &iov, 1, 0, &n), RUMP_EBADF);
	assert_int_equal(pipe2(pipes, O_NONBLOCK), 0);
	assert_int_equal(rumpuser_iovread(pipes[0], &iov, 1, 0, &n), RUMP_ESPIPE);
	/* 11 on Linux. */
	assert_int_equal(rumpuser_iovread(pipes[0], &iov, 1, NOSEEK, &n), RUMP_EAGAIN);
	assert_int_equal(n, 77);
	close(pipes[0]);
	close(pipes[1]);
}

static void
streams_give_what_they_have(void **state)
{
	char a[10] = "abcdef", b[10], c[10];
	struct rumpuser_iovec out[] = {{a, 3}, {a + 3, 3}}, in[] = {{b, 4}, {c, 4}};
	int pipes[2];
	size_t n;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(rumpuser_iovwrite(pipes[1], out, 2, NOSEEK, &n), 0);
	assert_int_equal(n, 6);
	assert_int_equal(rumpuser_iovread(pipes[0], in, 2, NOSEEK, &n), 0);
	assert_int_equal(n, 6);
	assert_memory_equal(b, "abcd", 4);
	assert_memory_equal(c, "ef", 2);
	close(pipes[1]);
	assert_int_equal(rumpuser_iovread(pipes[0], in, 2, NOSEEK, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(rumpuser_close(pipes[0]), 0);
}

static void
sync_takes_all_its_flags(void **state)
{
	static const int kinds[] = {
	    RUMPUSER_SYNCFD_READ, RUMPUSER_SYNCFD_WRITE, RUMPUSER_SYNCFD_READ | RUMPUSER_SYNCFD_WRITE};
	static const int manners[] = {
	    0, RUMPUSER_SYNCFD_BARRIER, RUMPUSER_SYNCFD_SYNC, RUMPUSER_SYNCFD_BARRIER | RUMPUSER_SYNCFD_SYNC};
	int fd = make_file(100, RUMPUSER_OPEN_RDWR), pipes[2];

	(void)state;
	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++)
		for (size_t manner = 0; manner < sizeof(manners) / sizeof(manners[0]); manner++) {
			assert_int_equal(rumpuser_syncfd(fd, kinds[kind] | manners[manner], 0, 0), 0);
			assert_int_equal(rumpuser_syncfd(fd, kinds[kind] | manners[manner], 10, 50), 0);
			assert_int_equal(rumpuser_syncfd(fd, kinds[kind] | manners[manner], 5000, 1), 0);
			assert_int_equal(
			    rumpuser_syncfd(4000, kinds[kind] | manners[manner], 0, 0), RUMP_EBADF);
		}
	assert_int_equal(rumpuser_syncfd(fd, RUMPUSER_SYNCFD_SYNC, 0, 0), RUMP_EINVAL);
	assert_int_equal(rumpuser_syncfd(fd, 0, 0, 0), RUMP_EINVAL);
	assert_int_equal(rumpuser_syncfd(fd, RUMPUSER_SYNCFD_WRITE, UINT64_MAX, 2), RUMP_EINVAL);
	assert_int_equal(rumpuser_syncfd(fd, RUMPUSER_SYNCFD_WRITE, INT64_MAX, 1), RUMP_EINVAL);
	assert_int_equal(rumpuser_close(fd), 0);
	/* What cannot be synced needs none. */
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(rumpuser_syncfd(pipes[1], RUMPUSER_SYNCFD_WRITE, 0, 0), 0);
	assert_int_equal(rumpuser_syncfd(pipes[1], RUMPUSER_SYNCFD_WRITE | RUMPUSER_SYNCFD_SYNC, 0, 0), 0);
	assert_int_equal(rumpuser_close(pipes[0]), 0);
	assert_int_equal(rumpuser_close(pipes[1]), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(open_modes_mean_what_they_say),
	    cmocka_unit_test(open_reports_errors_in_netbsds_numbers),
	    cmocka_unit_test(fileinfo_tells_types_and_sizes),
	    cmocka_unit_test(a_block_devices_size_is_its_capacity),
	    cmocka_unit_test(vectors_are_read_and_written_at_their_place),
	    cmocka_unit_test(the_position_serves_where_no_offset_is_given),
	    cmocka_unit_test(any_number_of_pieces_will_do),
	    cmocka_unit_test(a_file_that_ends_early_gives_what_it_has),
	    cmocka_unit_test(transfers_report_errors_in_netbsds_numbers),
	    cmocka_unit_test(streams_give_what_they_have),
	    cmocka_unit_test(sync_takes_all_its_flags),
	};
	int failed;

	strict_kernel_start();
	path = faults_path("file");
	failed = cmocka_run_group_tests_name("file", tests, NULL, NULL);
	free(path);
	return failed;
}
