/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies of clients on the same machine: directly where the host allows that, by frames where it does not,
 * each copy for itself. The server is not root. Each client is a process; a copy by frames shows as frames
 * that the client sends beside its request.
 */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <rump/rumpclient.h>

#include "tests/support/pretend_kernel.h"
#include "tests/unit/faults.h"

/* The pretended kernel's. */
#define CALL_SUM 492
#define CALL_FILL 493
#define CALL_STRING 494

#define SIZE 3000
#define TEXT "in the client's memory"

enum how { DIRECTLY, BY_FRAMES, WRONG };

static char *directory;
static int sent;

/* A server of its own in another process, until the descriptor is closed. */
struct server {
	char url[128];
	pid_t pid;
	int until;
};

static long
count_sent(long number, long a, long b, long c, long d, long e, long f)
{
	long result = syscall(number, a, b, c, d, e, f);

	sent += number == SYS_sendto || number == SYS_sendmsg;
	return result == -1 ? -errno : result;
}

static void
serve(const struct server *server, bool as_root, int ready, int until)
{
	char byte = 'r';

	signal(SIGPIPE, SIG_IGN);
	if (!as_root)
		faults_leave_root();
	pretend_start(true);
	if (rumpuser_sp_init(server->url, "NetBSD", "7.99.34", "amd64") != 0)
		byte = 'x';
	if (write(ready, &byte, 1) == 1)
		(void)!read(until, &byte, 1);
	_exit(0);
}

static void
start(struct server *server, const char *name, const char *options, bool as_root)
{
	int ready[2], until[2];
	char byte = 0;

	snprintf(server->url, sizeof(server->url), "unix://%s/%s%s", directory, name, options);
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(until), 0);
	fflush(stdout);
	server->pid = fork();
	if (server->pid == 0) {
		close(until[1]);
		serve(server, as_root, ready[1], until[0]);
	}
	close(ready[1]);
	close(until[0]);
	server->until = until[1];
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 'r');
	close(ready[0]);
	/* Options are the server's. */
	server->url[strcspn(server->url, "?")] = '\0';
}

static void
stop(const struct server *server)
{
	close(server->until);
	assert_int_equal(waitpid(server->pid, NULL, 0), server->pid);
}

/* Copies in, a string, and out; how they went. */
static enum how
copy(struct rumpclient *ctx)
{
	static uint8_t memory[SIZE];
	const int64_t whole[] = {(int64_t)(intptr_t)memory, SIZE, 'f'};
	const int64_t text[] = {(int64_t)(intptr_t)TEXT, 100};
	int64_t retval[2];
	int before = sent;

	memset(memory, 3, sizeof(memory));
	if (rumpclient_ctx_syscall(ctx, CALL_SUM, whole, sizeof(whole), retval) != 0 || retval[0] != 3 * SIZE)
		return WRONG;
	if (rumpclient_ctx_syscall(ctx, CALL_STRING, text, sizeof(text), retval) != 0 ||
	    retval[0] != sizeof(TEXT))
		return WRONG;
	if (rumpclient_ctx_syscall(ctx, CALL_FILL, whole, sizeof(whole), retval) != 0)
		return WRONG;
	for (size_t i = 0; i < SIZE; i++)
		if (memory[i] != 'f')
			return WRONG;
	if (sent - before == 3)
		return DIRECTLY;
	return sent - before >= 6 ? BY_FRAMES : WRONG;
}

/* Whether a hole in the memory is EFAULT, in and out. */
static bool
holes_are_refused(struct rumpclient *ctx)
{
	void *hole = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const int64_t args[] = {(int64_t)(intptr_t)hole, SIZE, 'f'};
	int64_t retval[2];

	return rumpclient_ctx_syscall(ctx, CALL_SUM, args, sizeof(args), retval) == -EFAULT &&
	       rumpclient_ctx_syscall(ctx, CALL_FILL, args, sizeof(args), retval) == -EFAULT &&
	       rumpclient_ctx_syscall(ctx, CALL_STRING, args, sizeof(args), retval) == -EFAULT;
}

static struct rumpclient *
connected(const struct server *server)
{
	struct rumpclient *ctx;

	rumpclient_set_hostcall(count_sent);
	ctx = rumpclient_ctx_new(server->url);
	if (ctx == NULL)
		_exit(100);
	return ctx;
}

static int
goes_directly(void *arg)
{
	faults_leave_root();
	prctl(PR_SET_DUMPABLE, 1);
	_exit(copy(connected(arg)));
}

/* The host may forbid it altogether: then all is by frames, and nothing can be told apart. */
static bool
can_go_directly(struct server *server)
{
	int how = faults_in_child(goes_directly, server);

	assert_in_range(how, DIRECTLY, BY_FRAMES);
	if (how == BY_FRAMES)
		printf("# direct copies are not possible here\n");
	return how == DIRECTLY;
}

static int
becomes_opaque(void *arg)
{
	struct rumpclient *ctx;
	int bad = 0;

	faults_leave_root();
	prctl(PR_SET_DUMPABLE, 1);
	ctx = connected(arg);
	bad |= copy(ctx) == WRONG ? 1 : 0;
	prctl(PR_SET_DUMPABLE, 0);
	bad |= copy(ctx) != BY_FRAMES ? 2 : 0;
	bad |= holes_are_refused(ctx) ? 0 : 4;
	/* One copy that was refused says nothing about the next one. */
	prctl(PR_SET_DUMPABLE, 1);
	bad |= copy(ctx) == WRONG ? 8 : 0;
	bad |= holes_are_refused(ctx) ? 0 : 16;
	_exit(bad);
}

static int
is_direct_again(void *arg)
{
	struct rumpclient *ctx;

	faults_leave_root();
	prctl(PR_SET_DUMPABLE, 0);
	ctx = connected(arg);
	if (copy(ctx) != BY_FRAMES)
		_exit(WRONG);
	prctl(PR_SET_DUMPABLE, 1);
	_exit(copy(ctx));
}

static void
a_client_that_is_not_dumpable(void **state)
{
	struct server server;

	(void)state;
	start(&server, "own", "", false);
	assert_int_equal(faults_in_child(becomes_opaque, &server), 0);
	if (can_go_directly(&server))
		assert_int_equal(faults_in_child(is_direct_again, &server), DIRECTLY);
	stop(&server);
}

/* Root, whom no other user's server may touch, and then that user, which makes it opaque. */
static int
leaves_root_late(void *arg)
{
	struct rumpclient *ctx;
	int bad = 0;

	prctl(PR_SET_DUMPABLE, 1);
	ctx = connected(arg);
	bad |= copy(ctx) != BY_FRAMES ? 1 : 0;
	bad |= holes_are_refused(ctx) ? 0 : 2;
	faults_leave_root();
	bad |= copy(ctx) != BY_FRAMES ? 4 : 0;
	prctl(PR_SET_DUMPABLE, 1);
	bad |= copy(ctx) == WRONG ? 8 : 0;
	_exit(bad);
}

static void
a_client_that_changes_its_user(void **state)
{
	struct server server;

	(void)state;
	if (getuid() != 0)
		return; /* has no other user to be */
	start(&server, "others", "", false);
	assert_int_equal(faults_in_child(leaves_root_late, &server), 0);
	stop(&server);
}

/* A server that may touch everybody does not do so for those who could not themselves. */
static void
a_client_of_root(void **state)
{
	struct server server;

	(void)state;
	if (getuid() != 0)
		return;
	start(&server, "root", "?anyone=yes", true);
	assert_int_equal(faults_in_child(goes_directly, &server), BY_FRAMES);
	stop(&server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_client_that_is_not_dumpable),
	    cmocka_unit_test(a_client_that_changes_its_user),
	    cmocka_unit_test(a_client_of_root),
	};
	int failed;

	directory = faults_path("socket");
	*strrchr(directory, '/') = '\0';
	/* For those who have left root, too. */
	if (chmod(directory, 0777) == -1)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(directory);
	return failed;
}
