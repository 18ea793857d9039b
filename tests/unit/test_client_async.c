/* SPDX-License-Identifier: BSD-2-Clause */
/* Submitted calls. */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

#include <rump/rumpclient.h>

#include "tests/unit/scripted.h"

#define MANY 700 /* more than the first tables of requests hold */

static struct scripted server;
static struct rumpclient *client;

static void
begin(uint32_t capabilities)
{
	scripted_start(&server, false, capabilities, scripted_kernel, NULL);
	client = rumpclient_ctx_new(server.url);
	assert_non_null(client);
}

static int
end(void **state)
{
	(void)state;
	rumpclient_ctx_free(client);
	scripted_stop(&server);
	scripted_remove(&server);
	return 0;
}

static void
submit(struct rumpclient_call *call, int number, int64_t first)
{
	int64_t args[2] = {first, 0};

	assert_int_equal(rumpclient_ctx_submit(client, call, number, args, sizeof(args)), 0);
}

static struct rumpclient_call *
wait_for_one(void)
{
	struct pollfd wait = {.fd = rumpclient_ctx_fd(client), .events = POLLIN};
	struct rumpclient_call *call;

	assert_true(wait.fd > 2);
	while ((call = rumpclient_ctx_complete(client)) == NULL) {
		assert_int_equal(errno, EAGAIN);
		assert_int_equal(poll(&wait, 1, -1), 1);
	}
	return call;
}

static void
calls_complete_in_any_order(void **state)
{
	static struct rumpclient_call held[MANY];
	struct rumpclient_call echo = {.data = &echo};
	struct rumpclient_call release = {0};
	bool seen[MANY] = {false};

	(void)state;
	begin(0);
	assert_null(rumpclient_ctx_complete(client));
	assert_int_equal(errno, ENOENT);
	for (int i = 0; i < MANY; i++)
		submit(&held[i], KERNEL_HOLD, i);
	submit(&echo, KERNEL_ECHO, 5);
	assert_ptr_equal(wait_for_one(), &echo);
	assert_int_equal(echo.error, 0);
	assert_int_equal(echo.retval[0], 5);
	assert_ptr_equal(echo.data, &echo);
	submit(&release, KERNEL_RELEASE, 0);
	for (int i = 0; i < MANY; i++) {
		struct rumpclient_call *call = wait_for_one();

		assert_in_range(call - held, 0, MANY - 1);
		assert_int_equal(call->error, 0);
		assert_false(seen[call - held]);
		seen[call - held] = true;
	}
	assert_ptr_equal(wait_for_one(), &release);
	assert_null(rumpclient_ctx_complete(client));
	assert_int_equal(errno, ENOENT);
}

static void
errors_complete_too(void **state)
{
	struct rumpclient_call call = {0};

	(void)state;
	begin(0);
	submit(&call, KERNEL_FAIL, 35 /* NetBSD's EAGAIN */);
	assert_ptr_equal(wait_for_one(), &call);
	assert_int_equal(call.error, EAGAIN);
	submit(&call, KERNEL_HANGUP, 0);
	assert_ptr_equal(wait_for_one(), &call);
	assert_int_equal(call.error, ENOTCONN);
	assert_int_equal(rumpclient_ctx_submit(client, &call, KERNEL_ECHO, NULL, 0), -ENOTCONN);
}

static void
cancelled_calls_are_interrupted(void **state)
{
	struct rumpclient_call call = {0};

	(void)state;
	begin(0);
	submit(&call, KERNEL_HOLD, 0);
	assert_int_equal(rumpclient_ctx_cancel(client, &call), -EOPNOTSUPP);
	end(state);
	begin(SP_CAP_INTERRUPT);
	submit(&call, KERNEL_HOLD, 0);
	assert_int_equal(rumpclient_ctx_cancel(client, &call), 0);
	assert_ptr_equal(wait_for_one(), &call);
	assert_int_equal(call.error, EINTR);
	assert_int_equal(rumpclient_ctx_cancel(client, &call), -ENOENT);
}

static _Atomic bool stop;
static _Atomic int wrong;

static void *
call_often(void *arg)
{
	int64_t retval[2];

	while (!stop)
		if (rumpclient_ctx_syscall(client, 20, NULL, 0, retval) != 0 || retval[0] != 42)
			wrong++;
	return arg;
}

/* The other thread receives most of the answers. */
static void
waiting_calls_of_other_threads_do_not_disturb(void **state)
{
	struct rumpclient_call calls[4];
	pthread_t thread;

	(void)state;
	begin(0);
	memset(calls, 0, sizeof(calls));
	stop = false;
	pthread_create(&thread, NULL, call_often, NULL);
	for (int round = 0; round < 1000; round++) {
		for (int i = 0; i < 4; i++)
			submit(&calls[i], KERNEL_ECHO, round * 4 + i);
		for (int i = 0; i < 4; i++) {
			struct rumpclient_call *call = wait_for_one();

			assert_int_equal(call->error, 0);
			assert_int_equal(call->retval[0], round * 4 + (call - calls));
		}
	}
	stop = true;
	pthread_join(thread, NULL);
	assert_int_equal(wrong, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(calls_complete_in_any_order, end),
	    cmocka_unit_test_teardown(errors_complete_too, end),
	    cmocka_unit_test_teardown(cancelled_calls_are_interrupted, end),
	    cmocka_unit_test_teardown(waiting_calls_of_other_threads_do_not_disturb, end),
	};

	return cmocka_run_group_tests_name("submitted calls", tests, NULL, NULL);
}
