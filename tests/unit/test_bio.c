/* SPDX-License-Identifier: BSD-2-Clause */
/* Built twice: with ENGINE "threads", and with "io_uring" for what the host allows by itself. */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rump/rumpdefs.h>
#include <rump/rumpuser.h>

#include "tests/unit/faults.h"
#include "tests/unit/signal_storm.h"
#include "tests/unit/strict_kernel.h"

/* librumpuser has some until the process ends. */
const int unit_keeps_descriptors = 1;

#define BLOCK 4096
#define BLOCKS 512
#define READ RUMPUSER_BIO_READ
#define WRITE RUMPUSER_BIO_WRITE
#define SYNC RUMPUSER_BIO_SYNC

/* One request and what became of it. */
struct io {
	unsigned char *data;
	size_t transferred;
	int error;
	bool in_submitter; /* done was called by the thread that submitted */
	bool had_cpu;
	unsigned reports;
	pthread_t submitter;
	void (*then)(struct io *io);
	int fd;
	unsigned left;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned outstanding;
static char *path;
static struct signal_storm storm;

static void
done(void *arg, size_t transferred, int error)
{
	struct io *io = arg;
	void (*then)(struct io *) = io->then;

	pthread_mutex_lock(&lock);
	io->transferred = transferred;
	io->error = error;
	io->in_submitter = pthread_equal(pthread_self(), io->submitter);
	io->had_cpu = strict_kernel_has_cpu();
	io->reports++;
	pthread_mutex_unlock(&lock);
	if (then != NULL)
		then(io);
	pthread_mutex_lock(&lock);
	outstanding--;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void
begin(struct io *io, int fd, int op, size_t len, off_t off)
{
	io->submitter = pthread_self();
	pthread_mutex_lock(&lock);
	outstanding++;
	pthread_mutex_unlock(&lock);
	rumpuser_bio(fd, op, io->data, len, off, done, io);
}

static void
finish(void)
{
	pthread_mutex_lock(&lock);
	while (outstanding > 0)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

/* One request, from beginning to end. */
static struct io
run(int fd, int op, void *data, size_t len, off_t off)
{
	struct io io = {.data = data};

	begin(&io, fd, op, len, off);
	finish();
	assert_int_equal(io.reports, 1);
	assert_false(io.in_submitter);
	assert_true(io.had_cpu);
	return io;
}

static void
fill_block(unsigned char *block, size_t number, unsigned generation)
{
	for (size_t i = 0; i < BLOCK; i++)
		block[i] = (unsigned char)(number * 31 + i * 7 + generation * 101 + i / 256);
}

static bool
is_block(const unsigned char *block, size_t number, unsigned generation)
{
	unsigned char expected[BLOCK];

	fill_block(expected, number, generation);
	return memcmp(block, expected, BLOCK) == 0;
}

static int
make_file(size_t blocks, int mode)
{
	unsigned char block[BLOCK];
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);

	assert_true(fd != -1);
	for (size_t i = 0; i < blocks; i++) {
		fill_block(block, i, 0);
		assert_int_equal(pwrite(fd, block, BLOCK, (off_t)(i * BLOCK)), BLOCK);
	}
	close(fd);
	assert_int_equal(rumpuser_open(path, mode | RUMPUSER_OPEN_BIO, &fd), 0);
	return fd;
}

/* Makes the host forget what it has of a file, so that reads wait for the device. */
static void
uncache(int fd)
{
	fdatasync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

static void
a_request_is_done_by_another_thread(void **state)
{
	unsigned char block[BLOCK];
	int fd = make_file(4, RUMPUSER_OPEN_RDWR);
	unsigned releases = strict_kernel_releases(), visits = strict_kernel_visits();
	struct io io;

	(void)state;
	io = run(fd, READ, block, BLOCK, 2 * BLOCK);
	assert_int_equal(io.error, 0);
	assert_int_equal(io.transferred, BLOCK);
	assert_true(is_block(block, 2, 0));
	assert_int_equal(strict_kernel_releases(), releases + 1);
	assert_true(strict_kernel_visits() > visits);

	fill_block(block, 2, 1);
	io = run(fd, WRITE, block, BLOCK, 2 * BLOCK);
	assert_int_equal(io.error, 0);
	assert_int_equal(io.transferred, BLOCK);
	memset(block, 0, BLOCK);
	io = run(fd, READ, block, BLOCK, 2 * BLOCK);
	assert_true(is_block(block, 2, 1));
	io = run(fd, WRITE | SYNC, block, BLOCK, 3 * BLOCK);
	assert_int_equal(io.error, 0);
	assert_int_equal(io.transferred, BLOCK);
	io = run(fd, SYNC, NULL, 0, 0);
	assert_int_equal(io.error, 0);
	io = run(fd, READ, block, 0, 0);
	assert_int_equal(io.error, 0);
	assert_int_equal(io.transferred, 0);
	io = run(fd, WRITE, block, 0, 0);
	assert_int_equal(io.error, 0);
	assert_int_equal(rumpuser_close(fd), 0);
}

/* Whether this process has a ring. */
static bool
has_ring(void)
{
	char name[64], target[64];
	bool found = false;

	for (int fd = 0; fd < 256 && !found; fd++) {
		ssize_t n;

		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		n = readlink(name, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		found = strcmp(target, "anon_inode:[io_uring]") == 0;
	}
	return found;
}

static bool
host_allows_rings(void)
{
#ifdef HAVE_IO_URING
	long fd = syscall(SYS_io_uring_setup, 0, NULL);

	return fd != -1 || (errno != ENOSYS && errno != EPERM);
#else
	return false;
#endif
}

static void
the_engine_is_the_one_asked_for(void **state)
{
	(void)state;
	assert_int_equal(has_ring(), strcmp(ENGINE, "io_uring") == 0 && host_allows_rings());
}

/* Has the host refuse rings with this error from now on, as containers do. Returns false where that fails. */
static bool
forbid_rings(int error)
{
	struct sock_filter filter[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static int
without_rings(void *arg)
{
	unsigned char block[BLOCK];
	int fd = make_file(8, RUMPUSER_OPEN_RDWR);
	struct io io;

	if (!forbid_rings(*(int *)arg))
		return 1;
	for (size_t i = 0; i < 8; i++) {
		uncache(fd);
		io = run(fd, READ, block, BLOCK, (off_t)(i * BLOCK));
		if (io.error != 0 || io.transferred != BLOCK || !is_block(block, i, 0))
			return 2;
	}
	return has_ring() ? 3 : 0;
}

static void
threads_serve_where_rings_are_forbidden(void **state)
{
	static int errors[] = {EPERM, ENOSYS, ENOMEM};

	(void)state;
	if (faults_instrumented())
		return;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		assert_int_equal(faults_in_child(without_rings, &errors[i]), 0);
}

static void
many_requests_go_on_at_once(void **state)
{
	enum { COUNT = 300 };
	unsigned char *data = calloc(COUNT, BLOCK);
	struct io *ios = calloc(COUNT, sizeof(*ios));
	int fd = make_file(BLOCKS, RUMPUSER_OPEN_RDWR);

	(void)state;
	for (int round = 0; round < 4; round++) {
		if (round % 2 == 0)
			uncache(fd);
		for (size_t i = 0; i < COUNT; i++) {
			ios[i] = (struct io){.data = data + i * BLOCK};
			begin(&ios[i], fd, READ, BLOCK, (off_t)(i * 17 % BLOCKS * BLOCK));
		}
		finish();
		for (size_t i = 0; i < COUNT; i++) {
			assert_int_equal(ios[i].reports, 1);
			assert_int_equal(ios[i].error, 0);
			assert_int_equal(ios[i].transferred, BLOCK);
			assert_true(is_block(ios[i].data, i * 17 % BLOCKS, 0));
		}
	}
	assert_int_equal(rumpuser_close(fd), 0);
	free(ios);
	free(data);
}

static void
reads_and_writes_mix(void **state)
{
	enum { COUNT = 128, ROUNDS = 6 };
	unsigned char *data = malloc(2 * COUNT * BLOCK);
	struct io *ios = calloc(2 * COUNT, sizeof(*ios));
	int fd = make_file(2 * COUNT, RUMPUSER_OPEN_RDWR);

	(void)state;
	/* Each round reads one half and writes the other. */
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t reads = round % 2 * COUNT, writes = COUNT - reads;

		for (size_t i = 0; i < COUNT; i++) {
			struct io *in = &ios[reads + i], *out = &ios[writes + i];

			*in = (struct io){.data = data + (reads + i) * BLOCK};
			*out = (struct io){.data = data + (writes + i) * BLOCK};
			fill_block(out->data, writes + i, round + 1);
			begin(out, fd, i % 16 == 0 ? WRITE | SYNC : WRITE, BLOCK,
			    (off_t)((writes + i) * BLOCK));
			begin(in, fd, READ, BLOCK, (off_t)((reads + i) * BLOCK));
		}
		finish();
		for (size_t i = 0; i < COUNT; i++) {
			assert_int_equal(ios[reads + i].error, 0);
			assert_int_equal(ios[writes + i].error, 0);
			assert_int_equal(ios[writes + i].transferred, BLOCK);
			assert_true(is_block(ios[reads + i].data, reads + i, round));
		}
		if (round == 2)
			uncache(fd);
	}
	assert_int_equal(rumpuser_close(fd), 0);
	free(ios);
	free(data);
}

static void
submit_next(struct io *io)
{
	if (io->left-- > 0)
		begin(io, io->fd, READ, BLOCK, (off_t)(io->left % BLOCKS * BLOCK));
}

static void
a_report_may_submit_again(void **state)
{
	enum { COUNT = 40, EACH = 50 };
	unsigned char *data = calloc(COUNT, BLOCK);
	struct io *ios = calloc(COUNT, sizeof(*ios));
	int fd = make_file(BLOCKS, RUMPUSER_OPEN_RDONLY);

	(void)state;
	uncache(fd);
	for (size_t i = 0; i < COUNT; i++) {
		ios[i] =
		    (struct io){.data = data + i * BLOCK, .then = submit_next, .fd = fd, .left = EACH - 1};
		begin(&ios[i], fd, READ, BLOCK, 0);
	}
	finish();
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(ios[i].reports, EACH);
		assert_int_equal(ios[i].error, 0);
	}
	assert_int_equal(rumpuser_close(fd), 0);
	free(ios);
	free(data);
}

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
	int fd = make_file(8, RUMPUSER_OPEN_RDWR);
	struct io io;

	(void)state;
	assert_int_equal(ftruncate(fd, 5 * BLOCK + 100), 0);
	for (int cached = 0; cached < 2; cached++) {
		if (!cached)
			uncache(fd);
		memset(data, 0xff, 4 * BLOCK);
		io = run(fd, READ, data, 4 * BLOCK, 4 * BLOCK);
		assert_int_equal(io.error, RUMP_EIO);
		assert_int_equal(io.transferred, BLOCK + 100);
		assert_true(is_block(data, 4, 0));
		/* What the kernel had in memory is not taken for data. */
		assert_true(all_zero(data + BLOCK + 100, 3 * BLOCK - 100));
		memset(data, 0xff, BLOCK);
		io = run(fd, READ, data, BLOCK, 7 * BLOCK);
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
	int fd = make_file(2, RUMPUSER_OPEN_RDONLY);
	struct io io;

	(void)state;
	io = run(fd, WRITE, block, BLOCK, 0);
	assert_int_equal(io.error, RUMP_EROFS);
	assert_int_equal(io.transferred, 0);
	io = run(fd, WRITE | SYNC, block, BLOCK, 0);
	assert_int_equal(io.error, RUMP_EROFS);
	io = run(fd, READ, block, BLOCK, BLOCK);
	assert_int_equal(io.error, 0);
	assert_true(is_block(block, 1, 0));
	assert_int_equal(rumpuser_close(fd), 0);
}

static void
errors_are_netbsds(void **state)
{
	unsigned char block[BLOCK] = {0};
	int fd = make_file(2, RUMPUSER_OPEN_RDWR), pipes[2];
	struct io io;

	(void)state;
	io = run(fd, READ, block, BLOCK, -BLOCK);
	assert_int_equal(io.error, RUMP_EINVAL);
	io = run(fd, WRITE, block, BLOCK, -BLOCK);
	assert_int_equal(io.error, RUMP_EINVAL);
	io = run(fd, READ | WRITE, block, BLOCK, 0);
	assert_int_equal(io.error, RUMP_EINVAL);
	io = run(fd, 0, block, BLOCK, 0);
	assert_int_equal(io.error, RUMP_EINVAL);
	io = run(fd, 0x40, block, BLOCK, 0);
	assert_int_equal(io.error, RUMP_EINVAL);
	assert_int_equal(rumpuser_close(fd), 0);

	io = run(4000, READ, block, BLOCK, 0);
	assert_int_equal(io.error, RUMP_EBADF);
	io = run(4000, WRITE, block, BLOCK, 0);
	assert_int_equal(io.error, RUMP_EBADF);
	io = run(4000, SYNC, NULL, 0, 0);
	assert_int_equal(io.error, RUMP_EBADF);
	assert_int_equal(pipe(pipes), 0);
	io = run(pipes[0], READ, block, BLOCK, 0);
	assert_int_equal(io.error, RUMP_ESPIPE);
	io = run(pipes[1], WRITE, block, BLOCK, 0);
	assert_int_equal(io.error, RUMP_ESPIPE);
	close(pipes[0]);
	close(pipes[1]);
	fd = open("/", O_RDONLY);
	io = run(fd, READ, block, BLOCK, 0);
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
	io = run(fd, WRITE, data, BLOCK, 0);
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
	io = run(fd, WRITE, data, 64 * BLOCK, 0);
	assert_int_equal(io.error, RUMP_ENOSPC);
	assert_int_equal(io.transferred, 32 * BLOCK);
	io = run(fd, WRITE | SYNC, data, BLOCK, 40 * BLOCK);
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
	io = run(fd, WRITE, data, 2 * BLOCK, 0);
	if (io.error != RUMP_EFBIG || io.transferred != BLOCK + 100)
		return 2;
	io = run(fd, READ, data, BLOCK, 0);
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
	begin(&io, fd, READ, BLOCK, 0);
	if (io.reports != 1 || io.error != RUMP_EAGAIN || io.transferred != 0 || !io.had_cpu)
		return 2;
	begin(&io, fd, WRITE, BLOCK, 0);
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
	begin(&io, fd, READ, BLOCK, 0);
	return io.reports == 1 && io.error == RUMP_ENOMEM && io.transferred == 0 && io.had_cpu ? 0 : 2;
}

static void
a_host_without_memory_is_enomem(void **state)
{
	int fd = make_file(1, RUMPUSER_OPEN_RDWR);

	(void)state;
	if (faults_can_limit_memory())
		assert_int_equal(faults_in_child(without_memory, &fd), 0);
	assert_int_equal(rumpuser_close(fd), 0);
}

static void
a_file_that_must_not_grow_is_efbig(void **state)
{
	int fd = make_file(0, RUMPUSER_OPEN_RDWR);

	(void)state;
	if (!faults_instrumented())
		assert_int_equal(faults_in_child(write_beyond_the_limit, &fd), 0);
	assert_int_equal(rumpuser_close(fd), 0);
}

static void
a_host_without_threads_is_eagain(void **state)
{
	int fd = make_file(1, RUMPUSER_OPEN_RDWR);

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
	int fd = make_file(BLOCKS, RUMPUSER_OPEN_RDWR);

	(void)state;
	signal_storm_start(&storm);
	for (unsigned round = 0; round < 8; round++) {
		uncache(fd);
		for (size_t i = 0; i < COUNT; i++) {
			ios[i] = (struct io){.data = data + i * BLOCK};
			begin(&ios[i], fd, i % 8 == 7 ? SYNC : READ, BLOCK, (off_t)(i * 7 % BLOCKS * BLOCK));
		}
		finish();
		for (size_t i = 0; i < COUNT; i++)
			assert_int_equal(ios[i].error, 0);
	}
	assert_true(signal_storm_stop(&storm) > 0);
	assert_int_equal(rumpuser_close(fd), 0);
	free(ios);
	free(data);
}

static void
closing_waits_for_what_is_under_way(void **state)
{
	enum { COUNT = 200 };
	unsigned char *data = calloc(COUNT, BLOCK);
	struct io *ios = calloc(COUNT, sizeof(*ios));

	(void)state;
	for (int round = 0; round < 5; round++) {
		int fd = make_file(BLOCKS, RUMPUSER_OPEN_RDWR), other;

		uncache(fd);
		for (size_t i = 0; i < COUNT; i++) {
			ios[i] = (struct io){.data = data + i * BLOCK};
			begin(&ios[i], fd, i % 4 == 3 ? WRITE : READ, BLOCK,
			    (off_t)((i % 4 == 3 ? BLOCKS + i : i) * BLOCK));
		}
		assert_int_equal(rumpuser_close(fd), 0);
		/* The number is free, and what is opened next gets it. */
		other = open("/dev/null", O_RDWR);
		assert_int_equal(other, fd);
		finish();
		for (size_t i = 0; i < COUNT; i++) {
			assert_int_equal(ios[i].error, 0);
			assert_int_equal(ios[i].transferred, BLOCK);
		}
		close(other);
	}
	free(ios);
	free(data);
}

static void
a_barrier_waits_for_what_was_submitted(void **state)
{
	enum { COUNT = 100 };
	unsigned char *data = malloc(COUNT * BLOCK), block[BLOCK];
	struct io *ios = calloc(COUNT, sizeof(*ios));
	int fd = make_file(1, RUMPUSER_OPEN_RDWR);

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		ios[i] = (struct io){.data = data + i * BLOCK};
		fill_block(ios[i].data, i, 5);
		begin(&ios[i], fd, WRITE, BLOCK, (off_t)(i * BLOCK));
	}
	assert_int_equal(rumpuser_syncfd(fd, RUMPUSER_SYNCFD_WRITE | RUMPUSER_SYNCFD_BARRIER, 0, 0), 0);
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(pread(fd, block, BLOCK, (off_t)(i * BLOCK)), BLOCK);
		assert_true(is_block(block, i, 5));
	}
	finish();
	assert_int_equal(rumpuser_close(fd), 0);
	free(ios);
	free(data);
}

/* Several threads at once, each with a part of the file to itself. */
struct user {
	pthread_t thread;
	int fd;
	size_t number;
	bool good;
};

static void *
use_part(void *arg)
{
	enum { COUNT = 16, ROUNDS = 20 };
	struct user *user = arg;
	unsigned char *data = calloc(COUNT, BLOCK);
	size_t base = user->number * COUNT;
	struct io ios[COUNT];

	strict_kernel_enter();
	user->good = true;
	for (unsigned round = 0; round < 2 * ROUNDS; round++) {
		int op = round % 2 == 0 ? WRITE : READ;

		for (size_t i = 0; i < COUNT; i++) {
			ios[i] = (struct io){.data = data + i * BLOCK};
			if (op == WRITE)
				fill_block(ios[i].data, base + i, round / 2);
			else
				memset(ios[i].data, 0, BLOCK);
			begin(&ios[i], user->fd, op, BLOCK, (off_t)((base + i) * BLOCK));
		}
		pthread_mutex_lock(&lock);
		for (size_t i = 0; i < COUNT; i++)
			while (ios[i].reports == 0)
				pthread_cond_wait(&changed, &lock);
		pthread_mutex_unlock(&lock);
		for (size_t i = 0; i < COUNT; i++)
			if (ios[i].error != 0 || !is_block(ios[i].data, base + i, round / 2))
				user->good = false;
	}
	free(data);
	return NULL;
}

static void
threads_do_not_get_in_each_others_way(void **state)
{
	enum { USERS = 6 };
	struct user users[USERS];
	int fd = make_file(BLOCKS, RUMPUSER_OPEN_RDWR);

	(void)state;
	for (size_t i = 0; i < USERS; i++) {
		users[i] = (struct user){.fd = fd, .number = i};
		assert_int_equal(pthread_create(&users[i].thread, NULL, use_part, &users[i]), 0);
	}
	for (size_t i = 0; i < USERS; i++) {
		pthread_join(users[i].thread, NULL);
		assert_true(users[i].good);
	}
	finish();
	assert_int_equal(rumpuser_close(fd), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    /* In children, which have no use for threads of their parent's: first. */
	    cmocka_unit_test(a_file_that_must_not_grow_is_efbig),
	    cmocka_unit_test(a_host_without_threads_is_eagain),
	    cmocka_unit_test(a_host_without_memory_is_enomem),
	    cmocka_unit_test(threads_serve_where_rings_are_forbidden),
	    cmocka_unit_test(a_request_is_done_by_another_thread),
	    cmocka_unit_test(the_engine_is_the_one_asked_for),
	    cmocka_unit_test(many_requests_go_on_at_once),
	    cmocka_unit_test(reads_and_writes_mix),
	    cmocka_unit_test(a_report_may_submit_again),
	    cmocka_unit_test(a_file_that_has_shrunk_is_eio),
	    cmocka_unit_test(what_may_only_be_read_is_erofs),
	    cmocka_unit_test(errors_are_netbsds),
	    cmocka_unit_test(a_full_disk_is_enospc),
	    cmocka_unit_test(signals_interrupt_no_request),
	    cmocka_unit_test(closing_waits_for_what_is_under_way),
	    cmocka_unit_test(a_barrier_waits_for_what_was_submitted),
	    cmocka_unit_test(threads_do_not_get_in_each_others_way),
	};
	int failed;

	setenv("RUMPUSER_BIO", ENGINE, 1);
	strict_kernel_start();
	path = faults_path("file");
	failed = cmocka_run_group_tests_name("bio, " ENGINE, tests, NULL, NULL);
	free(path);
	return failed;
}
