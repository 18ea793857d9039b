/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What threads that submit block I/O do for the one that reports, and with it: they read for it while it is
 * busy, where there is more than one CPU, and where there is only one they let it end its reports, unless it
 * waits for them.
 */
#include "config.h"

#include "tests/unit/unit.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/bio_requests.h"
#include "tests/unit/faults.h"
#include "tests/unit/strict_kernel.h"

/* What the reports wait for, and say, by means that the kernel has too. */
static struct rumpuser_mtx *mtx;
static struct rumpuser_cv *cv;
static bool reporting, go_on;

static void
make_gate(void)
{
	rumpuser_mutex_init(&mtx, 0);
	rumpuser_cv_init(&cv);
}

static void
set(bool *what)
{
	rumpuser_mutex_enter(mtx);
	*what = true;
	rumpuser_cv_broadcast(cv);
	rumpuser_mutex_exit(mtx);
}

static void
await(const bool *what)
{
	rumpuser_mutex_enter(mtx);
	while (!*what)
		rumpuser_cv_wait(cv, mtx);
	rumpuser_mutex_exit(mtx);
}

static void
say_and_wait(struct io *io)
{
	(void)io;
	set(&reporting);
	await(&go_on);
}

static int
cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
}

static void
submitters_read_for_a_busy_thread(void **state)
{
	enum { COUNT = 16, QUEUED_AT_MOST = 8 };
	static unsigned char data[COUNT][BLOCK];
	static struct io ios[COUNT];
	int fd = io_file(COUNT, RUMPUSER_OPEN_RDWR);

	(void)state;
	if (cpus() == 1 || !io_tells_what_is_cached(fd)) {
		print_message("# the submitter leaves it to the thread here\n");
		assert_int_equal(rumpuser_close(fd), 0);
		return;
	}
	reporting = go_on = false;
	for (size_t i = 0; i < COUNT; i++) {
		ios[i] = (struct io){.data = data[i], .then = i == 0 ? say_and_wait : NULL};
		io_begin(&ios[i], fd, READ, BLOCK, (off_t)(i * BLOCK));
		if (i == 0)
			await(&reporting);
		else if (i > QUEUED_AT_MOST)
			assert_true(is_block(data[i], i, 0));
	}
	assert_int_equal(ios[COUNT - 1].reports, 0);
	set(&go_on);
	io_finish();
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(ios[i].reports, 1);
		assert_int_equal(ios[i].error, 0);
		assert_int_equal(ios[i].transferred, BLOCK);
		assert_true(is_block(data[i], i, 0));
	}
	assert_int_equal(rumpuser_close(fd), 0);
}

static bool first_reported, submitted;

static void
say_first(struct io *io)
{
	(void)io;
	set(&first_reported);
}

static void
await_submission(struct io *io)
{
	(void)io;
	await(&submitted);
}

/* In a process with one CPU: a batch whose first report wakes a submitter that the second one waits for. */
static int
on_one_cpu(void)
{
	enum { COUNT = 16 };
	static unsigned char data[COUNT + 2][BLOCK];
	static struct io ios[COUNT + 2];
	int fd;

	alarm(60);
	io_start("io_uring");
	make_gate();
	fd = io_file(COUNT + 2, RUMPUSER_OPEN_RDWR);
	for (size_t i = 0; i < COUNT + 2; i++)
		ios[i].data = data[i];
	ios[0].then = say_and_wait;
	io_begin(&ios[0], fd, READ, BLOCK, 0);
	await(&reporting);
	ios[1].then = say_first;
	ios[2].then = await_submission;
	for (size_t i = 1; i <= COUNT; i++)
		io_begin(&ios[i], fd, READ, BLOCK, (off_t)(i * BLOCK));
	set(&go_on);
	await(&first_reported);
	io_begin(&ios[COUNT + 1], fd, READ, BLOCK, (off_t)((COUNT + 1) * BLOCK));
	set(&submitted);
	io_finish();
	for (size_t i = 0; i < COUNT + 2; i++)
		if (ios[i].reports != 1 || ios[i].error != 0 || !is_block(data[i], i, 0))
			return 1;
	io_end();
	return 0;
}

static int
become_one_cpu(void *arg)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	CPU_ZERO(&set);
	CPU_SET(cpu >= 0 ? cpu : 0, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		return 2;
	execl(arg, arg, "one-cpu", (char *)NULL);
	return 3;
}

static char *program;

static void
a_report_may_wait_for_a_submitter(void **state)
{
	(void)state;
	assert_int_equal(faults_in_child(become_one_cpu, program), 0);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    /* In a child, which has no use for threads of its parent's: first. */
	    cmocka_unit_test(a_report_may_wait_for_a_submitter),
	    cmocka_unit_test(submitters_read_for_a_busy_thread),
	};
	int failed;

	if (argc > 1 && strcmp(argv[1], "one-cpu") == 0)
		return on_one_cpu();
	program = argv[0];
	io_start("io_uring");
	make_gate();
	failed = cmocka_run_group_tests_name("bio, submitters", tests, NULL, NULL);
	io_end();
	return failed;
}
