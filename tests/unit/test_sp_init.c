/* SPDX-License-Identifier: BSD-2-Clause */
/* Beginning to serve where the host refuses. Every attempt is made by a process of its own. */
#include "config.h"

#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <rump/rumpdefs.h>
#include <rump/rumpuser.h>

#include "tests/unit/faults.h"
#include "tests/unit/recording_kernel.h"

static char *url;

static int
serve(const char *where)
{
	return rumpuser_sp_init(where, "Test", "1.0", "amd64");
}

static int
serve_twice(void *arg)
{
	(void)arg;
	if (serve(url) != 0)
		return 1;
	if (serve("unix://elsewhere") != RUMP_EALREADY)
		return 2;
	rumpuser_sp_fini(NULL);
	return access(url + sizeof("unix://") - 1, F_OK) == -1 ? 0 : 3;
}

static void
a_process_serves_once(void **state)
{
	(void)state;
	assert_int_equal(faults_in_child(serve_twice, NULL), 0);
}

/* How many descriptors this process has. */
static int
descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	if (directory == NULL)
		_exit(255);
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count;
}

#define LEFT_BEHIND 254

/* The error of an attempt, or LEFT_BEHIND when it keeps descriptors, or the socket's name, all the same. */
static int
serve_or_leave_nothing(const char *where)
{
	int before = descriptors();
	int error = serve(where);

	if (error != 0 && (descriptors() != before || access(url + sizeof("unix://") - 1, F_OK) == 0))
		return LEFT_BEHIND;
	return error;
}

/* What is wrong is said on stderr: not that of the test. */
static void
be_quiet(void)
{
	if (freopen("/dev/null", "w", stderr) == NULL)
		_exit(255);
}

static int
serve_badly(void *arg)
{
	be_quiet();
	return serve_or_leave_nothing(arg);
}

static void
bad_urls_are_refused(void **state)
{
	char nonsense[] = "nonsense://", nowhere[] = "unix:///nonexistent/socket";
	char option[] = "unix:///tmp/socket?nosuch=option", world[] = "tcp://0.0.0.0:12345/";

	(void)state;
	assert_int_equal(faults_in_child(serve_badly, nonsense), RUMP_EINVAL);
	assert_int_equal(faults_in_child(serve_badly, nowhere), RUMP_ENOENT);
	assert_int_equal(faults_in_child(serve_badly, option), RUMP_EINVAL);
	assert_int_equal(faults_in_child(serve_badly, world), RUMP_EACCES);
}

static int
serve_at_anothers(void *arg)
{
	int before = descriptors(), error;

	be_quiet();
	error = serve(arg);
	return descriptors() == before ? error : LEFT_BEHIND;
}

static void
an_address_in_use_stays_its_owners(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", url + sizeof("unix://") - 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(faults_in_child(serve_at_anothers, url), RUMP_EADDRINUSE);
	assert_int_equal(access(address.sun_path, F_OK), 0);
	close(fd);
	unlink(address.sun_path);
}

#define DESCRIPTORS 64

/* serve_or_leave_nothing(), without a descriptor to look with. */
static int
serve_within(int limit)
{
	bool before[DESCRIPTORS];
	int error;

	for (int fd = 0; fd < limit; fd++)
		before[fd] = fcntl(fd, F_GETFD) != -1;
	error = serve(url);
	for (int fd = 0; fd < limit; fd++)
		if (error != 0 && before[fd] != (fcntl(fd, F_GETFD) != -1))
			return LEFT_BEHIND;
	return error;
}

static int
serve_with_descriptors(void *arg)
{
	struct rlimit limit = {DESCRIPTORS, DESCRIPTORS};
	int spare = *(int *)arg;

	be_quiet();
	/* Root would raise the limit again. */
	faults_leave_root();
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		return 255;
	for (int last = 0; last < DESCRIPTORS - 1 - spare;)
		last = dup(STDERR_FILENO);
	return serve_within(DESCRIPTORS);
}

/* Whatever it is that there is no descriptor left for. */
static void
no_descriptor_left_is_emfile(void **state)
{
	int spare = 0, error;

	(void)state;
	if (faults_instrumented())
		return;
	while ((error = faults_in_child(serve_with_descriptors, &spare)) == RUMP_EMFILE)
		spare++;
	assert_int_equal(error, 0);
	assert_in_range(spare, 3, 15);
}

/*
 * As a user of whom there are no other processes, since the host counts threads by user. Root gets one whose
 * number is that of this process; anybody else is that user already, and cannot count so.
 */
static int
serve_with_threads(void *arg)
{
	struct rlimit limit;
	uid_t user = 100000 + (uid_t)getpid();
	int error;

	be_quiet();
	if (setgroups(0, NULL) == -1 || setgid(user) == -1 || setuid(user) == -1)
		return 255;
	getrlimit(RLIMIT_NPROC, &limit);
	limit.rlim_cur = *(rlim_t *)arg;
	if (setrlimit(RLIMIT_NPROC, &limit) == -1)
		return 255;
	error = serve_or_leave_nothing(url);
	if (error != RUMP_EAGAIN)
		return error;
	/* Nothing stands in the way of another attempt. */
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NPROC, &limit) == -1 || serve(url) != 0)
		return 253;
	rumpuser_sp_fini(NULL);
	return error;
}

static int
serve_without_threads(void *arg)
{
	struct rlimit limit = {1, 1};

	be_quiet();
	faults_leave_root();
	return setrlimit(RLIMIT_NPROC, &limit) == -1 ? 255 : serve_or_leave_nothing(arg);
}

/* Whichever of the threads it is that cannot be had. */
static void
no_thread_left_is_eagain(void **state)
{
	rlim_t threads = 1;
	int error;

	(void)state;
	if (faults_instrumented())
		return;
	assert_int_equal(faults_in_child(serve_without_threads, url), RUMP_EAGAIN);
	while ((error = faults_in_child(serve_with_threads, &threads)) == RUMP_EAGAIN)
		threads++;
	if (error == 255 && threads == 1)
		return; /* may not become others */
	assert_int_equal(error, 0);
	assert_in_range(threads, 3, 15);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_process_serves_once),
	    cmocka_unit_test(bad_urls_are_refused),
	    cmocka_unit_test(an_address_in_use_stays_its_owners),
	    cmocka_unit_test(no_descriptor_left_is_emfile),
	    cmocka_unit_test(no_thread_left_is_eagain),
	};
	char *path = faults_path("socket");
	int failed;

	if (asprintf(&url, "unix://%s", path) == -1)
		return 1;
	/* For those who have left root, too. */
	*strrchr(path, '/') = '\0';
	if (chmod(path, 0777) == -1)
		return 1;
	recording_start();
	failed = cmocka_run_group_tests_name("sp_init", tests, NULL, NULL);
	free(url);
	free(path);
	return failed;
}
