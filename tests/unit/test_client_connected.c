/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections that the server makes for processes that would not be let in. */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rumpclient/annotate.h"
#include "rumpclient/client.h"
#include "rumpclient/fork.h"
#include "tests/unit/in_child.h"
#include "tests/unit/scripted.h"

#define THREADS 3
#define ROUNDS 40

static struct scripted server;

static int
begin(void **state)
{
	(void)state;
	scripted_start(&server, false, SP_CAP_CONNECT | SP_CAP_CANCEL, scripted_kernel, NULL);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	scripted_stop(&server);
	scripted_remove(&server);
	return 0;
}

static struct rumpclient *
connect_to(void)
{
	return rumpclient_ctx_new(server.url);
}

/* Nobody finds the server any more. */
static int
hide(void)
{
	return unlink(server.url + strlen("unix://"));
}

/* Which connection the context has; -1: none. */
static int64_t
number_of(struct rumpclient *ctx)
{
	int64_t retval[2] = {0};

	return rumpclient_ctx_syscall(ctx, 20, NULL, 0, retval) == 0 && retval[0] == 42 ? retval[1] : -1;
}

static int
status_of(pid_t pid)
{
	int status = -1;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int
child_of_fork(void)
{
	struct rumpclient *ctx = connect_to(), *own;
	struct rumpclient_fork *fork_;
	int before = descriptors_open(), fd;
	pid_t pid;

	CHECK(ctx != NULL && hide() == 0);
	fork_ = rc_prefork_connected(ctx);
	CHECK(fork_ != NULL && fork_->fd >= RC_FD_BASE && rc_connect_owns(fork_->fd));
	CHECK(fcntl(fork_->fd, F_GETFD) == FD_CLOEXEC);
	fd = fork_->fd;
	pid = fork();
	if (pid == 0) {
		own = rumpclient_ctx_fork_init(fork_);
		CHECK(own != NULL && number_of(own) == 1);
		CHECK(atomic_load(&own->fd) == fd && !rc_connect_owns(fd) && fork_->fd == -1);
		CHECK((own->capabilities & SP_CAP_SENDALONG) != 0);
		rc_fork_free(fork_);
		CHECK(number_of(own) == 1);
		/* Its parent's connection is closed, its own in its place. */
		CHECK(descriptors_open() == before);
		return 0;
	}
	CHECK(status_of(pid) == 0);
	rc_fork_free(fork_);
	CHECK(!rc_connect_owns(fd) && descriptors_open() == before);
	CHECK(number_of(ctx) == 0);
	return 0;
}

static void
a_child_is_connected_that_could_not_connect(void **state)
{
	(void)state;
	in_child(child_of_fork);
}

/* One that shares its parent's memory has descriptors of its own all the same. */
static int
child_of_vfork(void)
{
	struct rumpclient *ctx = connect_to();
	int before = descriptors_open();

	CHECK(ctx != NULL && hide() == 0);
	for (int i = 1; i <= 3; i++) {
		struct rumpclient *volatile child = NULL;
		struct rumpclient_fork *fork_ = rc_prefork_connected(ctx);
		pid_t pid;

		CHECK(fork_ != NULL && fork_->fd != -1);
		pid = vfork();
		if (pid == 0) {
			child = rumpclient_ctx_fork_init(fork_);
			_exit(child != NULL && number_of(child) == i ? 0 : 1);
		}
		CHECK(status_of(pid) == 0);
		CHECK(fork_->fd != -1 && rc_connect_owns(fork_->fd));
		rc_fork_free(fork_);
		/* Tools make a fork of it. */
		if (child != NULL) {
			atomic_store(&child->fd, -1);
			rc_context_free(child);
		}
		CHECK(descriptors_open() == before && number_of(ctx) == 0);
	}
	return 0;
}

static void
so_is_one_of_vfork(void **state)
{
	(void)state;
	in_child(child_of_vfork);
}

static int
child_with_others(void)
{
	struct rumpclient *ctx = connect_to();
	struct rumpclient_fork *fork_ = rc_prefork_connected(ctx);
	int fd, null = open("/dev/null", O_RDONLY);
	pid_t pid;

	CHECK(fork_ != NULL && fork_->fd != -1);
	fd = fork_->fd;
	pid = fork();
	if (pid == 0) {
		rc_connect_forked(fd);
		CHECK(fcntl(fd, F_GETFD) != -1);
		rc_connect_forked(-1);
		CHECK(fcntl(fd, F_GETFD) == -1);
		rc_fork_free(fork_);
		return 0;
	}
	CHECK(status_of(pid) == 0);
	pid = fork();
	if (pid == 0) {
		CHECK(dup2(null, fd) == fd);
		rc_connect_forked(-1);
		CHECK(fcntl(fd, F_GETFD) != -1);
		rc_fork_free(fork_);
		CHECK(fcntl(fd, F_GETFD) != -1);
		return 0;
	}
	CHECK(status_of(pid) == 0);
	rc_fork_free(fork_);
	CHECK(fcntl(fd, F_GETFD) == -1);
	return 0;
}

static void
other_children_close_it_and_nothing_else(void **state)
{
	(void)state;
	in_child(child_with_others);
}

static _Atomic bool done;

static void *
call(void *arg)
{
	struct rumpclient *ctx = arg;
	uintptr_t wrong = 0;

	for (int64_t i = 0; !atomic_load(&done); i++) {
		const int64_t args[2] = {i, -i};
		int64_t retval[2];

		wrong += rumpclient_ctx_syscall(ctx, KERNEL_ECHO, args, sizeof(args), retval) != 0 ||
			 retval[0] != i || retval[1] != -i;
	}
	return (void *)wrong;
}

/* In the server's own process: ThreadSanitizer does not know threads of a forked child from their parent's.
 */
static void
ask_beside_threads(enum scripted_connect how)
{
	struct rumpclient *ctx;
	pthread_t thread[THREADS];
	void *wrong;

	atomic_store(&server.connect, how);
	atomic_store(&done, false);
	ctx = connect_to();
	assert_non_null(ctx);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, call, ctx), 0);
	for (int i = 0; i < ROUNDS; i++) {
		int fd = rc_connect(ctx);

		assert_true(fd >= RC_FD_BASE && rc_connect_owns(fd));
		rc_connect_close(fd);
		assert_true(fcntl(fd, F_GETFD) == -1 && !rc_connect_owns(fd));
	}
	atomic_store(&done, true);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(thread[i], &wrong), 0);
		assert_null(wrong);
	}
	assert_int_equal(number_of(ctx), 0);
	rumpclient_ctx_free(ctx);
}

static void
others_calls_go_on_meanwhile(void **state)
{
	(void)state;
	ask_beside_threads(SCRIPTED_GIVES);
	scripted_stop(&server);
	scripted_restart(&server);
	ask_beside_threads(SCRIPTED_GIVES_IN_PIECES);
}

static int
refused(int wanted)
{
	struct rumpclient *ctx = connect_to();
	int before = descriptors_open();
	int64_t number;

	CHECK(ctx != NULL);
	number = number_of(ctx);
	for (int i = 0; i < 3; i++)
		CHECK(rc_connect(ctx) == wanted);
	CHECK(descriptors_open() == before);
	CHECK(wanted == -ENOTCONN || number_of(ctx) == number);
	return 0;
}

static int
child_that_is_refused(void)
{
	return refused(-EAGAIN);
}

static int
child_that_gets_none(void)
{
	return refused(-EMFILE);
}

static int
child_that_loses_its_connection(void)
{
	return refused(-ENOTCONN);
}

static int
child_that_gets_two(void)
{
	struct rumpclient *ctx = connect_to();
	int before = descriptors_open(), fd;

	CHECK(ctx != NULL);
	fd = rc_connect(ctx);
	CHECK(fd >= 0);
	rc_connect_close(fd);
	CHECK(descriptors_open() == before && number_of(ctx) >= 0);
	return 0;
}

static void
servers_may_do_anything_else(void **state)
{
	(void)state;
	atomic_store(&server.connect, SCRIPTED_REFUSES);
	in_child(child_that_is_refused);
	atomic_store(&server.connect, SCRIPTED_GIVES_NONE);
	in_child(child_that_gets_none);
	atomic_store(&server.connect, SCRIPTED_ENDS);
	in_child(child_that_loses_its_connection);
	atomic_store(&server.connect, SCRIPTED_GIVES_TWO);
	in_child(child_that_gets_two);
}

static int
child_without_room(void)
{
	struct rumpclient *ctx = connect_to();
	int before = descriptors_open(), fd[64], count = 0;
	struct rlimit limit, none;

	CHECK(ctx != NULL && getrlimit(RLIMIT_NOFILE, &limit) == 0);
	none = (struct rlimit){0, limit.rlim_max};
	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	/* valgrind keeps the limit to itself. */
	fd[0] = rc_connect(ctx);
	CHECK(fd[0] == -EMFILE || (fd[0] >= 0 && rc_annotate_needed()));
	if (fd[0] >= 0)
		rc_connect_close(fd[0]);
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	CHECK(number_of(ctx) == 0 && descriptors_open() == before);
	/* Nor are there more of them than the list has room for. */
	while (count < 64 && (fd[count] = rc_connect(ctx)) >= 0)
		count++;
	CHECK(count > 0 && count < 64 && fd[count] == -EAGAIN);
	CHECK(descriptors_open() == before + count);
	while (count > 0)
		rc_connect_close(fd[--count]);
	CHECK(descriptors_open() == before && number_of(ctx) == 0);
	return 0;
}

static void
there_may_be_no_room(void **state)
{
	(void)state;
	in_child(child_without_room);
}

static int
child_beside(void)
{
	struct rumpclient *ctx = connect_to(), *second;
	int before = descriptors_open();

	CHECK(ctx != NULL && hide() == 0);
	second = rc_context_beside(ctx);
	CHECK(second != NULL && number_of(second) == 1 && number_of(ctx) == 0);
	CHECK(!rc_connect_owns(atomic_load(&second->fd)));
	rumpclient_ctx_free(second);
	CHECK(descriptors_open() == before);
	ctx->capabilities &= ~(uint32_t)SP_CAP_CONNECT;
	CHECK(rc_connect(ctx) == -EOPNOTSUPP && rc_context_beside(ctx) == NULL && errno == EOPNOTSUPP);
	return 0;
}

static void
a_second_one_may_be_the_process_s_own(void **state)
{
	(void)state;
	in_child(child_beside);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_child_is_connected_that_could_not_connect, begin, end),
	    cmocka_unit_test_setup_teardown(so_is_one_of_vfork, begin, end),
	    cmocka_unit_test_setup_teardown(other_children_close_it_and_nothing_else, begin, end),
	    cmocka_unit_test_setup_teardown(others_calls_go_on_meanwhile, begin, end),
	    cmocka_unit_test_setup_teardown(servers_may_do_anything_else, begin, end),
	    cmocka_unit_test_setup_teardown(there_may_be_no_room, begin, end),
	    cmocka_unit_test_setup_teardown(a_second_one_may_be_the_process_s_own, begin, end),
	};

	return cmocka_run_group_tests_name("client connected", tests, NULL, NULL);
}
