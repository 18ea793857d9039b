/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block I/O that goes well: transfers, their order, and many at once. Built twice: with ENGINE "threads", and
 * with "io_uring" for what the host allows by itself.
 */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/bio_requests.h"
#include "tests/unit/faults.h"
#include "tests/unit/strict_kernel.h"

static void
a_request_is_done_by_another_thread(void **state)
{
	unsigned char block[BLOCK];
	int fd = io_file(4, RUMPUSER_OPEN_RDWR);
	unsigned releases = strict_kernel_releases(), visits = strict_kernel_visits();
	struct io io;

	(void)state;
	io = io_run(fd, READ, block, BLOCK, 2 * BLOCK);
	assert_int_equal(io.error, 0);
	assert_int_equal(io.transferred, BLOCK);
	assert_true(is_block(block, 2, 0));
	assert_int_equal(strict_kernel_releases(), releases + 1);
	assert_true(strict_kernel_visits() > visits);

	fill_block(block, 2, 1);
	io = io_run(fd, WRITE, block, BLOCK, 2 * BLOCK);
	assert_int_equal(io.error, 0);
	assert_int_equal(io.transferred, BLOCK);
	memset(block, 0, BLOCK);
	io = io_run(fd, READ, block, BLOCK, 2 * BLOCK);
	assert_true(is_block(block, 2, 1));
	io = io_run(fd, WRITE | SYNC, block, BLOCK, 3 * BLOCK);
	assert_int_equal(io.error, 0);
	assert_int_equal(io.transferred, BLOCK);
	io = io_run(fd, SYNC, NULL, 0, 0);
	assert_int_equal(io.error, 0);
	io = io_run(fd, READ, block, 0, 0);
	assert_int_equal(io.error, 0);
	assert_int_equal(io.transferred, 0);
	io = io_run(fd, WRITE, block, 0, 0);
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
	int fd = io_file(8, RUMPUSER_OPEN_RDWR);
	struct io io;

	if (!forbid_rings(*(int *)arg))
		return 1;
	for (size_t i = 0; i < 8; i++) {
		io_uncache(fd);
		io = io_run(fd, READ, block, BLOCK, (off_t)(i * BLOCK));
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
	int fd = io_file(BLOCKS, RUMPUSER_OPEN_RDWR);

	(void)state;
	for (int round = 0; round < 4; round++) {
		if (round % 2 == 0)
			io_uncache(fd);
		for (size_t i = 0; i < COUNT; i++) {
			ios[i] = (struct io){.data = data + i * BLOCK};
			io_begin(&ios[i], fd, READ, BLOCK, (off_t)(i * 17 % BLOCKS * BLOCK));
		}
		io_finish();
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
	int fd = io_file(2 * COUNT, RUMPUSER_OPEN_RDWR);

	(void)state;
	/* Each round reads one half and writes the other. */
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t reads = round % 2 * COUNT, writes = COUNT - reads;

		for (size_t i = 0; i < COUNT; i++) {
			struct io *in = &ios[reads + i], *out = &ios[writes + i];

			*in = (struct io){.data = data + (reads + i) * BLOCK};
			*out = (struct io){.data = data + (writes + i) * BLOCK};
			fill_block(out->data, writes + i, round + 1);
			io_begin(out, fd, i % 16 == 0 ? WRITE | SYNC : WRITE, BLOCK,
			    (off_t)((writes + i) * BLOCK));
			io_begin(in, fd, READ, BLOCK, (off_t)((reads + i) * BLOCK));
		}
		io_finish();
		for (size_t i = 0; i < COUNT; i++) {
			assert_int_equal(ios[reads + i].error, 0);
			assert_int_equal(ios[writes + i].error, 0);
			assert_int_equal(ios[writes + i].transferred, BLOCK);
			assert_true(is_block(ios[reads + i].data, reads + i, round));
		}
		if (round == 2)
			io_uncache(fd);
	}
	assert_int_equal(rumpuser_close(fd), 0);
	free(ios);
	free(data);
}

static void
submit_next(struct io *io)
{
	if (io->left-- > 0)
		io_begin(io, io->fd, READ, BLOCK, (off_t)(io->left % BLOCKS * BLOCK));
}

static void
a_report_may_submit_again(void **state)
{
	enum { COUNT = 40, EACH = 50 };
	unsigned char *data = calloc(COUNT, BLOCK);
	struct io *ios = calloc(COUNT, sizeof(*ios));
	int fd = io_file(BLOCKS, RUMPUSER_OPEN_RDONLY);

	(void)state;
	io_uncache(fd);
	for (size_t i = 0; i < COUNT; i++) {
		ios[i] =
		    (struct io){.data = data + i * BLOCK, .then = submit_next, .fd = fd, .left = EACH - 1};
		io_begin(&ios[i], fd, READ, BLOCK, 0);
	}
	io_finish();
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(ios[i].reports, EACH);
		assert_int_equal(ios[i].error, 0);
	}
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
		int fd = io_file(BLOCKS, RUMPUSER_OPEN_RDWR), other;

		io_uncache(fd);
		for (size_t i = 0; i < COUNT; i++) {
			ios[i] = (struct io){.data = data + i * BLOCK};
			io_begin(&ios[i], fd, i % 4 == 3 ? WRITE : READ, BLOCK,
			    (off_t)((i % 4 == 3 ? BLOCKS + i : i) * BLOCK));
		}
		assert_int_equal(rumpuser_close(fd), 0);
		/* The number is free, and what is opened next gets it. */
		other = open("/dev/null", O_RDWR);
		assert_int_equal(other, fd);
		io_finish();
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
	int fd = io_file(1, RUMPUSER_OPEN_RDWR);

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		ios[i] = (struct io){.data = data + i * BLOCK};
		fill_block(ios[i].data, i, 5);
		io_begin(&ios[i], fd, WRITE, BLOCK, (off_t)(i * BLOCK));
	}
	assert_int_equal(rumpuser_syncfd(fd, RUMPUSER_SYNCFD_WRITE | RUMPUSER_SYNCFD_BARRIER, 0, 0), 0);
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(pread(fd, block, BLOCK, (off_t)(i * BLOCK)), BLOCK);
		assert_true(is_block(block, i, 5));
	}
	io_finish();
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
			io_begin(&ios[i], user->fd, op, BLOCK, (off_t)((base + i) * BLOCK));
		}
		io_finish_these(ios, COUNT);
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
	int fd = io_file(BLOCKS, RUMPUSER_OPEN_RDWR);

	(void)state;
	for (size_t i = 0; i < USERS; i++) {
		users[i] = (struct user){.fd = fd, .number = i};
		assert_int_equal(pthread_create(&users[i].thread, NULL, use_part, &users[i]), 0);
	}
	for (size_t i = 0; i < USERS; i++) {
		pthread_join(users[i].thread, NULL);
		assert_true(users[i].good);
	}
	io_finish();
	assert_int_equal(rumpuser_close(fd), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    /* In children, which have no use for threads of their parent's: first. */
	    cmocka_unit_test(threads_serve_where_rings_are_forbidden),
	    cmocka_unit_test(a_request_is_done_by_another_thread),
	    cmocka_unit_test(the_engine_is_the_one_asked_for),
	    cmocka_unit_test(many_requests_go_on_at_once),
	    cmocka_unit_test(reads_and_writes_mix),
	    cmocka_unit_test(a_report_may_submit_again),
	    cmocka_unit_test(closing_waits_for_what_is_under_way),
	    cmocka_unit_test(a_barrier_waits_for_what_was_submitted),
	    cmocka_unit_test(threads_do_not_get_in_each_others_way),
	};
	int failed;

	io_start(ENGINE);
	failed = cmocka_run_group_tests_name("bio, " ENGINE, tests, NULL, NULL);
	io_end();
	return failed;
}
