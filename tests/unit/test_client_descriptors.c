/* SPDX-License-Identifier: BSD-2-Clause */
/* The connection's descriptor: out of the program's way, wherever that goes. */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <rump/rumpclient.h>

#include "sp/capability.h"
#include "tests/unit/client_process.h"
#include "tests/unit/in_child.h"

static int
child_with_low_descriptors(void)
{
	struct stat status;
	int fd;

	close(0);
	close(1);
	close(2);
	CHECK(rumpclient_init() == 0);
	CHECK(fstat(0, &status) == -1 && fstat(1, &status) == -1 && fstat(2, &status) == -1);
	/* The program wants each number in turn. */
	for (fd = 0; fd < 300; fd++) {
		int wanted = fd;

		CHECK(rumpclient__closenotify(&wanted, RUMPCLIENT_CLOSE_DUP2) == 0);
		CHECK(wanted == fd);
		(void)close(fd);
		CHECK(connection_number() == 0);
	}
	fd = 3;
	CHECK(rumpclient__closenotify(&fd, RUMPCLIENT_CLOSE_FCLOSEM) == 0);
	CHECK(connection_number() == 0);
	CHECK(descriptors_open() == 1);
	CHECK(fcntl(fd - 1, F_GETFD) == FD_CLOEXEC);
	return 0;
}

static void
descriptors_keep_out_of_the_way(void **state)
{
	(void)state;
	in_child(child_with_low_descriptors);
}

static void *
make_calls(void *arg)
{
	(void)arg;
	for (int i = 0; i < 2000; i++)
		if (connection_number() != 0)
			return (void *)1;
	return NULL;
}

/*
 * Its stack is too large to be one that a thread of the parent's has had, who for ThreadSanitizer is still
 * there.
 */
static int
start(pthread_t *thread, void *(*fn)(void *))
{
	pthread_attr_t attributes;
	size_t size;
	int error;

	if (pthread_attr_init(&attributes) != 0)
		return -1;
	error = pthread_attr_getstacksize(&attributes, &size);
	if (error == 0)
		error = pthread_attr_setstacksize(&attributes, 2 * size);
	if (error == 0)
		error = pthread_create(thread, &attributes, fn, NULL);
	pthread_attr_destroy(&attributes);
	return error;
}

static int
child_that_moves(void)
{
	pthread_t thread;
	void *result;

	CHECK(rumpclient_init() == 0);
	CHECK(start(&thread, make_calls) == 0);
	for (int round = 0; round < 20; round++)
		for (int fd = 100; fd < 300; fd++) {
			int wanted = fd;

			CHECK(rumpclient__closenotify(&wanted, RUMPCLIENT_CLOSE_DUP2) == 0);
			/* What now has the number is no connection. */
			if (fcntl(fd, F_GETFD) != -1)
				CHECK(dup2(server.listener, fd) == fd);
			(void)close(fd);
		}
	pthread_join(thread, &result);
	CHECK(result == NULL);
	return 0;
}

static void
connections_move_under_way(void **state)
{
	(void)state;
	in_child(child_that_moves);
}

/* The descriptor that is connected to the server, -1 when there is none. */
static int
connection_descriptor(void)
{
	for (int fd = 3; fd < 1024; fd++) {
		struct sockaddr_un peer = {0};
		socklen_t len = sizeof(peer);

		if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 && peer.sun_family == AF_UNIX &&
		    strstr(server.url, peer.sun_path) != NULL && peer.sun_path[0] == '/')
			return fd;
	}
	return -1;
}

static _Atomic pid_t waiting;

static void *
say_and_hold(void *arg)
{
	register_t retval[2];

	(void)arg;
	waiting = gettid();
	return (void *)(intptr_t)rumpclient_syscall(KERNEL_HOLD, NULL, 0, retval);
}

/* Whether a thread sleeps. It may have done so for another reason than the one that is meant. */
static bool
sleeps(pid_t thread)
{
	char name[64];
	char line[512] = "";
	const char *state;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/self/task/%d/stat", thread);
	file = fopen(name, "r");
	if (file == NULL)
		return false;
	state = fgets(line, sizeof(line), file) != NULL ? strrchr(line, ')') : NULL;
	fclose(file);
	return state != NULL && state[2] == 'S';
}

/* What the program has put onto the number of the connection never has anything to read. */
static int
child_that_moves_in_a_wait(void)
{
	register_t retval[2];
	pthread_t thread;
	int never[2];
	void *result;

	alarm(120);
	CHECK(rumpclient_init() == 0);
	CHECK(pipe(never) == 0);
	for (int round = 0; round < 20; round++) {
		int fd = connection_descriptor();

		CHECK(fd != -1);
		waiting = 0;
		CHECK(start(&thread, say_and_hold) == 0);
		while (waiting == 0 || !sleeps(waiting))
			sched_yield();
		CHECK(rumpclient__closenotify(&fd, RUMPCLIENT_CLOSE_DUP2) == 0);
		CHECK(dup2(never[0], fd) == fd);
		CHECK(connection_descriptor() != -1);
		/* Whoever is the receiver has to bring this answer, and find its own. */
		CHECK(rumpclient_syscall(KERNEL_RELEASE, NULL, 0, retval) == 0);
		while (pthread_tryjoin_np(thread, &result) == EBUSY)
			CHECK(rumpclient_syscall(KERNEL_RELEASE, NULL, 0, retval) == 0);
		CHECK(result == NULL);
		close(fd);
	}
	return 0;
}

static void
connections_move_in_a_wait(void **state)
{
	(void)state;
	in_child(child_that_moves_in_a_wait);
	scripted_stop(&server);
	scripted_remove(&server);
	scripted_start(&server, false, SP_CAP_INTERRUPT, scripted_kernel, NULL);
	setenv("RUMP_SERVER", server.url, 1);
	in_child(child_that_moves_in_a_wait);
}

static int
child_without_descriptors(void)
{
	struct rlimit limit;

	CHECK(rumpclient_init() == 0);
	CHECK(connection_number() == 0);
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = 0;
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	for (int i = 0; i < 100; i++)
		CHECK(connection_number() == 0);
	return 0;
}

/* As programs do that shut themselves in. */
static void
calls_need_no_more_descriptors(void **state)
{
	(void)state;
	in_child(child_without_descriptors);
}

#define FILES 200

/* Closes all that the library has, as daemons do, and has files of its own at those numbers perhaps. */
static void
close_all(bool with_files)
{
	for (int fd = 3; fd < 1024; fd++)
		(void)close(fd);
	for (int i = 0; with_files && i < FILES; i++)
		(void)open("/dev/null", O_RDONLY);
}

static int
child_that_closed_all(bool with_files, struct rumpclient_fork *fork)
{
	close_all(with_files);
	CHECK(fork != NULL ? rumpclient_fork_init(fork) == 0 : rumpclient_init() == 0);
	CHECK(connection_number() > 0);
	CHECK(descriptors_open() >= (with_files ? FILES : 1));
	for (int fd = 3; with_files && fd < FILES; fd++)
		CHECK(fcntl(fd, F_GETFD) != -1);
	return 0;
}

static int
child_with_children(void)
{
	CHECK(rumpclient_init() == 0);
	CHECK(rumpclient_fd() > 2);
	for (int i = 0; i < 4; i++) {
		struct rumpclient_fork *prefork = i < 2 ? NULL : rumpclient_prefork();
		int status;
		pid_t pid;

		CHECK(i < 2 || prefork != NULL);
		pid = fork();
		if (pid == 0)
			_exit(child_that_closed_all(i % 2 != 0, prefork));
		status = wait_for(pid);
		if (status != 0)
			return status == -1 ? 255 : status;
		if (prefork != NULL)
			rumpclient_fork_vparent(prefork);
		CHECK(connection_number() == 0);
	}
	return 0;
}

static void
children_may_have_closed_all(void **state)
{
	(void)state;
	in_child(child_with_children);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(descriptors_keep_out_of_the_way, begin, end),
	    cmocka_unit_test_setup_teardown(connections_move_under_way, begin, end),
	    cmocka_unit_test_setup_teardown(connections_move_in_a_wait, begin, end),
	    cmocka_unit_test_setup_teardown(calls_need_no_more_descriptors, begin, end),
	    cmocka_unit_test_setup_teardown(children_may_have_closed_all, begin, end),
	};

	return cmocka_run_group_tests_name("client descriptors", tests, NULL, NULL);
}
