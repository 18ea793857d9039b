/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <rump/rumpdefs.h>
#include <rump/rumpuser.h>

#include "tests/unit/faults.h"

/* What a daemon tells the test, over a pipe that its parent does not have. */
struct report {
	int pid, session, done_error, again_error;
	bool was_open, is_null;
};

struct daemon {
	int verdict; /* what it gives done() */
	int sig;     /* what it dies of before, when not 0 */
	int status;  /* what it exits with before, when not -1 */
	bool closed; /* it begins without stdin, stdout and stderr */
	int reports[2];
};

static bool
is_null(int fd)
{
	struct stat mine, null;

	return fstat(fd, &mine) == 0 && stat("/dev/null", &null) == 0 && mine.st_rdev == null.st_rdev &&
	       S_ISCHR(mine.st_mode);
}

/* The program that goes to the background; its parent never comes back from begin(). */
static int
go(void *arg)
{
	struct daemon *daemon = arg;
	struct report report = {0};

	if (daemon->closed)
		for (int fd = 0; fd < 3; fd++)
			close(fd);
	if (rumpuser_daemonize_done(0) != RUMP_ENOENT || rumpuser_daemonize_begin() != 0)
		return 99;
	if (daemon->sig != 0)
		raise(daemon->sig);
	if (daemon->status != -1)
		_exit(daemon->status);
	report.again_error = rumpuser_daemonize_begin();
	report.pid = getpid();
	report.session = getsid(0);
	report.was_open = !daemon->closed && !is_null(STDOUT_FILENO) && fcntl(STDERR_FILENO, F_GETFD) != -1;
	report.done_error = rumpuser_daemonize_done(daemon->verdict);
	report.is_null = is_null(0) && is_null(1) && is_null(2);
	if (write(daemon->reports[1], &report, sizeof(report)) != sizeof(report))
		_exit(1);
	_exit(0);
}

/* Returns the parent's exit status. */
static int
run(struct daemon *daemon, struct report *report)
{
	int status;

	assert_int_equal(pipe2(daemon->reports, O_CLOEXEC), 0);
	status = faults_in_child(go, daemon);
	close(daemon->reports[1]);
	memset(report, 0, sizeof(*report));
	if (daemon->sig == 0 && daemon->status == -1)
		assert_int_equal(read(daemon->reports[0], report, sizeof(*report)), sizeof(*report));
	close(daemon->reports[0]);
	return status;
}

static void
the_parent_exits_when_all_is_well(void **state)
{
	struct daemon daemon = {.status = -1};
	struct report report;

	(void)state;
	assert_int_equal(run(&daemon, &report), 0);
	assert_int_equal(report.done_error, 0);
	assert_int_equal(report.again_error, RUMP_EINPROGRESS);
	assert_int_equal(report.session, report.pid);
	assert_true(report.was_open);
	assert_true(report.is_null);
}

static void
the_parent_exits_with_the_childs_error(void **state)
{
	struct daemon daemon = {.status = -1, .verdict = RUMP_EADDRINUSE};
	struct report report;

	(void)state;
	assert_int_equal(run(&daemon, &report), RUMP_EADDRINUSE);
	assert_int_equal(report.done_error, 0);
	/* What went wrong can still be said. */
	assert_false(report.is_null);
}

static void
a_child_that_dies_is_an_error(void **state)
{
	struct daemon killed = {.sig = SIGKILL, .status = -1}, failed = {.status = 3}, ended = {.status = 0};
	struct report report;

	(void)state;
	assert_int_equal(run(&killed, &report), 128 + SIGKILL);
	assert_int_equal(run(&failed, &report), 3);
	/* Not even success is one before it has been said. */
	assert_int_equal(run(&ended, &report), 1);
}

static void
closed_standard_descriptors_are_no_obstacle(void **state)
{
	struct daemon daemon = {.status = -1, .closed = true};
	struct report report;

	(void)state;
	assert_int_equal(run(&daemon, &report), 0);
	assert_int_equal(report.done_error, 0);
	assert_true(report.is_null);
}

static int
print_twice(void *arg)
{
	(void)arg;
	printf("once ");
	if (rumpuser_daemonize_begin() != 0)
		return 99;
	rumpuser_daemonize_done(0);
	/* What has not been written by now goes to nobody. */
	_exit(0);
}

static void
buffered_output_comes_once(void **state)
{
	char *path, out[64] = "";
	int copy, file, status;

	(void)state;
	/* Valgrind and ThreadSanitizer flush at _exit(). */
	if (faults_instrumented())
		return;
	path = faults_path("output");
	copy = dup(STDOUT_FILENO);
	file = open(path, O_RDWR | O_CREAT | O_APPEND, 0600);
	fflush(stdout);
	dup2(file, STDOUT_FILENO);
	status = faults_in_child(print_twice, NULL);
	dup2(copy, STDOUT_FILENO);
	close(copy);
	assert_int_equal(status, 0);
	assert_true(pread(file, out, sizeof(out) - 1, 0) > 0);
	assert_string_equal(out, "once ");
	close(file);
	free(path);
}

static int
begin_without_processes(void *arg)
{
	struct rlimit limit = {1, 1};

	(void)arg;
	faults_leave_root();
	return setrlimit(RLIMIT_NPROC, &limit) == -1 ? 255 : rumpuser_daemonize_begin();
}

static int
begin_without_descriptors(void *arg)
{
	struct rlimit limit = {3, 3};

	(void)arg;
	return setrlimit(RLIMIT_NOFILE, &limit) == -1 ? 255 : rumpuser_daemonize_begin();
}

static void
what_the_host_is_short_of_is_told(void **state)
{
	(void)state;
	if (faults_instrumented())
		return;
	assert_int_equal(faults_in_child(begin_without_processes, NULL), RUMP_EAGAIN);
	assert_int_equal(faults_in_child(begin_without_descriptors, NULL), RUMP_EMFILE);
}

static void
ignore(int sig)
{
	(void)sig;
}

/* The parent's timer is not its child's. */
static int
begin_with_timer(void *arg)
{
	const struct itimerval often = {{0, 1000}, {0, 1000}};
	struct sigaction action = {.sa_handler = ignore};

	if (sigaction(SIGALRM, &action, NULL) == -1 || setitimer(ITIMER_REAL, &often, NULL) == -1)
		return 255;
	if (rumpuser_daemonize_begin() != 0)
		return 254;
	/* So long that the parent is interrupted while it waits. */
	poll(NULL, 0, 50);
	return arg == NULL ? rumpuser_daemonize_done(RUMP_EBUSY) : 7;
}

static void
signals_do_not_end_the_parents_wait(void **state)
{
	int without_verdict;

	(void)state;
	assert_int_equal(faults_in_child(begin_with_timer, NULL), RUMP_EBUSY);
	assert_int_equal(faults_in_child(begin_with_timer, &without_verdict), 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_parent_exits_when_all_is_well),
	    cmocka_unit_test(the_parent_exits_with_the_childs_error),
	    cmocka_unit_test(a_child_that_dies_is_an_error),
	    cmocka_unit_test(closed_standard_descriptors_are_no_obstacle),
	    cmocka_unit_test(buffered_output_comes_once),
	    cmocka_unit_test(what_the_host_is_short_of_is_told),
	    cmocka_unit_test(signals_do_not_end_the_parents_wait),
	};

	return cmocka_run_group_tests_name("daemonize", tests, NULL, NULL);
}
