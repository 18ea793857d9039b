/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes and connections: fork, vfork, exec, lost and restarted servers. */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#include "tests/unit/client_process.h"
#include "tests/unit/in_child.h"

static int
quiet(void)
{
	int fd = open("/dev/null", O_WRONLY);

	return fd == -1 || dup2(fd, 2) == -1;
}

static int
child_of_init(void)
{
	CHECK(quiet() == 0);
	unsetenv("RUMP_SERVER");
	CHECK(rumpclient_init() == -1 && errno == ENOENT);
	setenv("RUMP_SERVER", "nonsense", 1);
	CHECK(rumpclient_init() == -1 && errno == EINVAL);
	CHECK(rump_sys_getpid() == -1 && errno == ENOTCONN);
	setenv("RUMP_SERVER", server.url, 1);
	CHECK(rumpclient_init() == 0);
	CHECK(rumpclient_init() == 0);
	CHECK(rump_sys_getpid() == 42);
	return 0;
}

static void
init_says_what_is_wrong_and_can_be_tried_again(void **state)
{
	(void)state;
	in_child(child_of_init);
	assert_int_equal(server.count, 1);
}

static int
child_of_fork(void)
{
	pid_t pid;

	CHECK(rumpclient_init() == 0);
	CHECK(connection_number() == 0);
	pid = rumpclient_fork();
	if (pid == 0)
		_exit(connection_number() == 1 ? 0 : 1);
	CHECK(wait_for(pid) == 0);
	CHECK(connection_number() == 0);
	/* A plain fork's child has no connection, must not use its parent's, and can make one of its own. */
	pid = fork();
	if (pid == 0) {
		CHECK(connection_number() == -1);
		CHECK(rumpclient_init() == 0);
		CHECK(connection_number() == 2);
		_exit(0);
	}
	CHECK(wait_for(pid) == 0);
	CHECK(connection_number() == 0);
	return 0;
}

static void
children_are_processes_of_their_own(void **state)
{
	(void)state;
	in_child(child_of_fork);
}

static int
child_of_vfork(void)
{
	pid_t pid;

	CHECK(rumpclient_init() == 0);
	for (int i = 1; i <= 3; i++) {
		pid = rumpclient_vfork();
		if (pid == 0)
			_exit(connection_number() == i ? 0 : 1);
		CHECK(wait_for(pid) == 0);
		CHECK(connection_number() == 0);
	}
	return 0;
}

static void
vfork_gives_the_parent_its_connection_back(void **state)
{
	(void)state;
	in_child(child_of_vfork);
}

static char self[4096];

static int
child_of_exec(void)
{
	char *argv[] = {self, (char *)(uintptr_t) "executed", NULL};
	extern char **environ;

	CHECK(rumpclient_init() == 0);
	CHECK(connection_number() == 0);
	CHECK(rumpclient_exec("/nonexistent", argv, environ) == -1 && errno == ENOENT);
	CHECK(connection_number() == 0);
	(void)rumpclient_exec(self, argv, environ);
	return 255;
}

/* The new program. */
static int
executed(void)
{
	CHECK(getenv("RUMPCLIENT__EXECFD") != NULL);
	CHECK(rumpclient_init() == 0);
	CHECK(connection_number() == 0);
	CHECK(getenv("RUMPCLIENT__EXECFD") == NULL);
	CHECK(getenv("RUMP__PARSEDSERVER") == NULL);
	return 0;
}

static void
exec_keeps_the_connection(void **state)
{
	(void)state;
	in_child(child_of_exec);
	assert_int_equal(server.count, 1);
}

static void *
hold(void *arg)
{
	register_t retval[2];

	(void)rumpclient_syscall(KERNEL_HOLD, NULL, 0, retval);
	return arg;
}

static int
child_of_busy_exec(void)
{
	char *argv[] = {self, (char *)(uintptr_t) "executed", NULL};
	extern char **environ;
	pthread_t thread;

	CHECK(rumpclient_init() == 0);
	for (int i = 0; i < 4; i++)
		pthread_create(&thread, NULL, hold, NULL);
	for (int i = 0; i < 100; i++)
		CHECK(connection_number() == 0);
	(void)rumpclient_exec(self, argv, environ);
	return 255;
}

static void
exec_ends_calls_of_other_threads(void **state)
{
	(void)state;
	in_child(child_of_busy_exec);
	assert_int_equal(server.count, 1);
}

static int
child_of_daemon(void)
{
	int out[2];
	char result = 1;
	pid_t pid;

	CHECK(pipe(out) == 0);
	pid = fork();
	if (pid == 0) {
		close(out[0]);
		if (rumpclient_init() == 0 && rumpclient_daemon(1, 1) == 0 && connection_number() == 1)
			result = 0;
		(void)!write(out[1], &result, 1);
		_exit(0);
	}
	close(out[1]);
	CHECK(wait_for(pid) == 0);
	CHECK(read(out[0], &result, 1) == 1 && result == 0);
	return 0;
}

static void
daemons_stay_connected(void **state)
{
	(void)state;
	in_child(child_of_daemon);
}

static int
hang_up(void)
{
	register_t retval[2];

	return rumpclient_syscall(KERNEL_HANGUP, NULL, 0, retval);
}

static int
child_without_retry(void)
{
	CHECK(rumpclient_init() == 0);
	CHECK(hang_up() == ENOTCONN);
	CHECK(rump_sys_getpid() == -1 && errno == ENOTCONN);
	return 0;
}

static int
child_that_dies(void)
{
	CHECK(rumpclient_init() == 0);
	rumpclient_setconnretry(RUMPCLIENT_RETRYCONN_DIE);
	(void)hang_up();
	return 0;
}

static void
lost_connections_are_as_asked_for(void **state)
{
	pid_t pid;

	(void)state;
	in_child(child_without_retry);
	pid = fork();
	if (pid == 0)
		_exit(child_that_dies());
	assert_int_equal(wait_for(pid), 1);
}

/* Ends its first connection as soon as it gets a call, and is a kernel for the second. */
static void
first_hangs_up(struct scripted_connection *c, void *arg)
{
	struct sp_header header;
	uint8_t body[256];

	if (c->number != 0) {
		scripted_kernel(c, arg);
		return;
	}
	if (scripted_greet(c) != -1)
		(void)scripted_receive(c, &header, body, sizeof(body));
}

static int
child_that_retries(void)
{
	CHECK(rumpclient_init() == 0);
	rumpclient_setconnretry(RUMPCLIENT_RETRYCONN_ONCE);
	CHECK(connection_number() == 1);
	CHECK(connection_number() == 1);
	return 0;
}

static void
calls_are_made_again_on_a_new_connection(void **state)
{
	(void)state;
	server.fn = first_hangs_up;
	in_child(child_that_retries);
}

static struct rumpclient *
context_that_retries(time_t seconds)
{
	struct rumpclient *ctx = rumpclient_ctx_new(server.url);

	assert_non_null(ctx);
	rumpclient_ctx_setconnretry(ctx, seconds);
	return ctx;
}

static _Atomic uint64_t last_number;
static _Atomic bool used_again;

/* Notes the number of a connection's first calls, and answers but the last. */
static void
notes_numbers(struct scripted_connection *c, void *arg)
{
	struct sp_header header;
	uint8_t body[256];

	(void)arg;
	if (scripted_greet(c) == -1)
		return;
	for (int i = 0; i < 8 && scripted_receive(c, &header, body, sizeof(body)); i++) {
		if (header.reqno <= last_number)
			used_again = true;
		last_number = header.reqno;
		if (i < 7)
			scripted_answer(c, header.reqno, 0, 42, c->number);
	}
}

/* A thread may still have to learn that its request was lost when others make theirs on the new connection.
 */
static void
numbers_are_not_used_again(void **state)
{
	struct rumpclient *ctx;
	int64_t retval[2];

	(void)state;
	server.fn = notes_numbers;
	ctx = context_that_retries(RUMPCLIENT_RETRYCONN_INFTIME);
	for (int i = 0; i < 20; i++)
		assert_int_equal(rumpclient_ctx_syscall(ctx, 20, NULL, 0, retval), 0);
	assert_int_equal(server.count, 3);
	assert_false(used_again);
	rumpclient_ctx_free(ctx);
}

static _Atomic int lost;

static void *
count_calls(void *arg)
{
	struct rumpclient *ctx = arg;
	int64_t retval[2];

	for (int i = 0; i < 3000; i++)
		if (rumpclient_ctx_syscall(ctx, 20, NULL, 0, retval) != 0 || retval[0] != 42)
			lost++;
	return NULL;
}

static void
a_restarted_server_is_found_again(void **state)
{
	struct rumpclient *ctx = context_that_retries(RUMPCLIENT_RETRYCONN_INFTIME);
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, count_calls, ctx);
	for (int i = 0; i < 3; i++) {
		scripted_stop(&server);
		scripted_restart(&server);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(lost, 0);
	rumpclient_ctx_free(ctx);
}

static void
second_hangs_up_too(struct scripted_connection *c, void *arg)
{
	if (c->number != 1)
		first_hangs_up(c, arg);
}

/* More seconds than there are. */
static void
time_may_be_very_long(void **state)
{
	struct rumpclient *ctx;
	int64_t retval[2];

	(void)state;
	server.fn = second_hangs_up_too;
	ctx = context_that_retries(INT64_MAX);
	assert_int_equal(rumpclient_ctx_syscall(ctx, 20, NULL, 0, retval), 0);
	assert_int_equal(retval[1], 2);
	rumpclient_ctx_free(ctx);
}

#define WAITING 8

/* Takes connections after the first, and says nothing to them. */
static void
falls_silent(struct scripted_connection *c, void *arg)
{
	char byte;

	if (c->number == 0)
		first_hangs_up(c, arg);
	else
		(void)!read(c->fd, &byte, 1);
}

static _Atomic int given_up;

static void *
call_until_lost(void *arg)
{
	int64_t retval[2];

	given_up += rumpclient_ctx_syscall(arg, 20, NULL, 0, retval) == -ENOTCONN;
	return NULL;
}

/* The time is all threads' together: those who wait for one's attempt do not begin another. */
static void
time_ends_with_a_silent_server(void **state)
{
	struct rumpclient *ctx;
	pthread_t threads[WAITING];

	(void)state;
	server.fn = falls_silent;
	ctx = context_that_retries(1);
	for (int i = 0; i < WAITING; i++)
		pthread_create(&threads[i], NULL, call_until_lost, ctx);
	for (int i = 0; i < WAITING; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(given_up, WAITING);
	assert_in_range(server.count, 2, WAITING);
	rumpclient_ctx_free(ctx);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(init_says_what_is_wrong_and_can_be_tried_again, begin, end),
	    cmocka_unit_test_setup_teardown(children_are_processes_of_their_own, begin, end),
	    cmocka_unit_test_setup_teardown(vfork_gives_the_parent_its_connection_back, begin, end),
	    cmocka_unit_test_setup_teardown(exec_keeps_the_connection, begin, end),
	    cmocka_unit_test_setup_teardown(exec_ends_calls_of_other_threads, begin, end),
	    cmocka_unit_test_setup_teardown(daemons_stay_connected, begin, end),
	    cmocka_unit_test_setup_teardown(lost_connections_are_as_asked_for, begin, end),
	    cmocka_unit_test_setup_teardown(calls_are_made_again_on_a_new_connection, begin, end),
	    cmocka_unit_test_setup_teardown(numbers_are_not_used_again, begin, end),
	    cmocka_unit_test_setup_teardown(a_restarted_server_is_found_again, begin, end),
	    cmocka_unit_test_setup_teardown(time_may_be_very_long, begin, end),
	    cmocka_unit_test_setup_teardown(time_ends_with_a_silent_server, begin, end),
	};

	if (argc > 1)
		return strcmp(argv[1], "executed") == 0 ? executed() : 254;
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) == -1)
		return 1;
	return cmocka_run_group_tests_name("client processes", tests, NULL, NULL);
}
