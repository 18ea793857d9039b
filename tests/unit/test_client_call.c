/* SPDX-License-Identifier: BSD-2-Clause */
/* Single calls, and what a server may ask for meanwhile. */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#include "sp/frame.h"
#include "tests/unit/scripted.h"

static struct scripted server;
static struct rumpclient *client;

static void
begin(bool tcp, uint32_t capabilities, scripted_fn *fn, void *arg)
{
	scripted_start(&server, tcp, capabilities, fn, arg);
	client = rumpclient_ctx_new(server.url);
	assert_non_null(client);
	rumpclient_ctx_use(client);
}

static int
end(void **state)
{
	(void)state;
	rumpclient_ctx_use(NULL);
	rumpclient_ctx_free(client);
	client = NULL;
	scripted_stop(&server);
	scripted_remove(&server);
	return 0;
}

static int64_t
echo(int64_t first, int64_t second)
{
	int64_t args[2] = {first, second};
	int64_t retval[2] = {0};

	assert_int_equal(rumpclient_ctx_syscall(client, KERNEL_ECHO, args, sizeof(args), retval), 0);
	assert_int_equal(retval[1], second);
	return retval[0];
}

static void
both_results_arrive(void **state)
{
	(void)state;
	begin(false, 0, scripted_kernel, NULL);
	for (int64_t i = 0; i < 1000; i++)
		assert_int_equal(echo(i, -i), i);
	assert_int_equal(rump_sys_getpid(), 42);
}

static void
errors_are_the_hosts(void **state)
{
	int64_t args[1] = {RUMP_EAGAIN};
	int64_t retval[2];

	(void)state;
	begin(false, 0, scripted_kernel, NULL);
	assert_int_equal(rumpclient_ctx_syscall(client, KERNEL_FAIL, args, sizeof(args), retval), -EAGAIN);
	assert_int_equal(rumpclient_syscall(KERNEL_FAIL, args, sizeof(args), retval), EAGAIN);
	assert_int_equal(rump_sys_open("/", 0), -1);
	assert_int_equal(errno, ENOSYS);
	assert_int_equal(rump_sys_close(3), -1);
	assert_int_equal(errno, ENOSYS);
	/* Calls that return their error leave errno alone. */
	errno = 0;
	assert_int_equal(rumpclient_ctx_syscall(client, KERNEL_ECHO, NULL, 17 * 8, retval), -EINVAL);
}

static void
memory_moves_both_ways(void **state)
{
	static char big[300000];
	char buf[100] = {0};

	(void)state;
	begin(false, 0, scripted_kernel, NULL);
	assert_int_equal(rump_sys_write(1, "hello", 5), 5);
	memset(big, 'w', sizeof(big));
	assert_int_equal(rump_sys_write(1, big, 60000), 60000);
	assert_int_equal(rump_sys_read(0, buf, 10), 10);
	assert_memory_equal(buf, "rrrrrrrrrr\0", 11);
	/* A frame longer than what the client receives at once. */
	assert_int_equal(rump_sys_read(0, big, sizeof(big) - 1), sizeof(big) - 1);
	for (size_t i = 0; i < sizeof(big) - 1; i++)
		assert_int_equal(big[i], 'r');
	assert_int_equal(big[sizeof(big) - 1], 'w');
	assert_int_equal(echo(1, 2), 1);
}

struct copies {
	sp_addr_t absent;
	sp_addr_t readonly;
	sp_addr_t text;
	bool fault;
};

static void
bad_copies(struct scripted_connection *c, void *arg)
{
	const struct copies *copies = arg;
	struct sp_header header;
	uint8_t body[256];
	size_t len;

	if (scripted_greet(c) == -1 || !scripted_receive(c, &header, body, sizeof(body)))
		return;
	for (int string = 0; string < 2; string++) {
		int class;

		memset(body, 1, sizeof(body));
		len = sizeof(body);
		class = scripted_copyin(c, string, copies->absent, 64, body, &len);
		if (copies->fault) {
			assert_int_equal(class, SP_ERROR);
			assert_int_equal(len, 0);
		} else {
			/* What cannot be said is zeros, and a string of zeros ends at once. */
			assert_int_equal(class, SP_RESPONSE);
			assert_int_equal(len, string ? 1 : 64);
			assert_int_equal(body[0], 0);
			assert_int_equal(body[len - 1], 0);
		}
	}
	/* A string that has no end in the range comes whole; one that ends comes with its NUL. */
	len = sizeof(body);
	assert_int_equal(scripted_copyin(c, true, copies->text, 4, body, &len), SP_RESPONSE);
	assert_int_equal(len, 4);
	len = sizeof(body);
	assert_int_equal(scripted_copyin(c, true, copies->text, 100, body, &len), SP_RESPONSE);
	assert_int_equal(len, 6);
	assert_string_equal((char *)body, "hello");
	for (int bad = 0; bad < 2; bad++) {
		struct sp_header answer;

		scripted_copyout(c, bad ? copies->readonly : copies->absent, "x", 1);
		if (copies->fault) {
			assert_true(scripted_receive(c, &answer, body, sizeof(body)));
			assert_int_equal(answer.class, SP_ERROR);
			assert_int_equal(answer.u, SP_ERR_FAULT);
			assert_int_equal(answer.reqno, 8);
		}
	}
	scripted_answer(c, header.reqno, 0, 5, 0);
	(void)scripted_receive(c, &header, body, sizeof(body));
}

static void
ranges_that_are_not_there_do_no_harm(void **state)
{
	struct copies copies;
	void *absent = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *readonly = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	copies = (struct copies){(sp_addr_t)(uintptr_t)absent, (sp_addr_t)(uintptr_t)readonly,
	    (sp_addr_t)(uintptr_t) "hello", false};
	begin(false, 0, bad_copies, &copies);
	assert_int_equal(rump_sys_getpid(), 5);
	end(state);
	copies.fault = true;
	begin(false, SP_CAP_FAULT, bad_copies, &copies);
	assert_int_equal(rump_sys_getpid(), 5);
	munmap(absent, 4096);
	munmap(readonly, 4096);
}

static void
other_requests(struct scripted_connection *c, void *arg)
{
	struct sp_anonmmap want = {8192};
	struct sp_header header;
	struct sp_header call;
	uint8_t body[256];
	_Atomic sp_addr_t *addr = arg;
	sp_addr_t made;

	if (scripted_greet(c) == -1 || !scripted_receive(c, &call, body, sizeof(body)))
		return;
	scripted_send(c, sp_header(SP_REQUEST, SP_ANONMMAP, 0, 3, sizeof(want)), &want);
	assert_true(scripted_receive(c, &header, body, sizeof(body)));
	assert_int_equal(header.len, sizeof(header) + sizeof(*addr));
	memcpy(&made, body, sizeof(made));
	*addr = made;
	want.len = UINT64_MAX;
	scripted_send(c, sp_header(SP_REQUEST, SP_ANONMMAP, 0, 4, sizeof(want)), &want);
	assert_true(scripted_receive(c, &header, body, sizeof(body)));
	assert_int_equal(body[0], 0);
	scripted_send(c, sp_header(SP_REQUEST, 99, 0, 5, 0), NULL);
	assert_true(scripted_receive(c, &header, body, sizeof(body)));
	assert_int_equal(header.class, SP_ERROR);
	assert_int_equal(header.u, SP_ERR_MALFORMED);
	/* Answers that nobody asked for, and one too many. */
	scripted_answer(c, 12345, 0, 1, 1);
	scripted_answer(c, call.reqno, 0, 6, 0);
	scripted_answer(c, call.reqno, 0, 7, 0);
	assert_true(scripted_receive(c, &call, body, sizeof(body)));
	scripted_answer(c, call.reqno, 0, 8, 0);
	(void)scripted_receive(c, &header, body, sizeof(body));
}

static void
memory_is_made_and_nonsense_survived(void **state)
{
	_Atomic sp_addr_t addr = 0;

	(void)state;
	begin(false, 0, other_requests, (void *)(uintptr_t)&addr);
	assert_int_equal(rump_sys_getpid(), 6);
	assert_int_not_equal(addr, 0);
	memset((void *)(uintptr_t)addr, 1, 8192);
	assert_int_equal(munmap((void *)(uintptr_t)addr, 8192), 0);
	assert_int_equal(rump_sys_getpid(), 8);
}

static void
break_protocol(struct scripted_connection *c, void *arg)
{
	const struct sp_header *frame = arg;
	struct sp_header header;
	uint8_t body[256] = {0};

	if (scripted_greet(c) == -1 || !scripted_receive(c, &header, body, sizeof(body)))
		return;
	(void)!write(c->fd, frame, sizeof(*frame));
	(void)!write(c->fd, body, 40);
	while (scripted_receive(c, &header, body, sizeof(body)))
		continue;
}

static void
a_server_that_breaks_the_protocol_is_left(void **state)
{
	static const struct sp_header frames[] = {
	    {.len = 3, .reqno = 2, .class = SP_RESPONSE, .type = SP_SYSCALL},
	    {.len = 0, .reqno = 2, .class = SP_RESPONSE, .type = SP_SYSCALL},
	    {.len = UINT64_MAX, .reqno = 2, .class = SP_REQUEST, .type = SP_COPYOUT},
	    {.len = 64, .reqno = 2, .class = 3, .type = SP_SYSCALL},
	    {.len = 64, .reqno = 2, .class = SP_REQUEST, .type = SP_COPYIN},
	    {.len = 30, .reqno = 2, .class = SP_REQUEST, .type = SP_COPYOUT},
	    {.len = 60, .reqno = 2, .class = SP_RESPONSE, .type = SP_CALL},
	};

	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		struct sp_header frame = frames[i];

		begin(false, 0, break_protocol, &frame);
		assert_int_equal(rump_sys_getpid(), -1);
		assert_true(errno == ENOTCONN || errno == EPROTO);
		end(state);
	}
	begin(false, 0, scripted_kernel, NULL);
}

static volatile sig_atomic_t raised;

static void
on_signal(int number)
{
	raised = number;
}

static void
raised_signals_arrive_before_the_answer(void **state)
{
	int64_t args[1] = {RUMP_SIGUSR1};
	int64_t retval[2];
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	(void)state;
	begin(false, 0, scripted_kernel, NULL);
	sigaction(SIGUSR1, &action, NULL);
	raised = 0;
	assert_int_equal(rumpclient_ctx_syscall(client, KERNEL_RAISE, args, sizeof(args), retval), 0);
	assert_int_equal(raised, SIGUSR1);
	args[0] = 200;
	assert_int_equal(rumpclient_ctx_syscall(client, KERNEL_RAISE, args, sizeof(args), retval), 0);
	signal(SIGUSR1, SIG_DFL);
}

static void
bad_banner(struct scripted_connection *c, void *arg)
{
	(void)!write(c->fd, arg, strlen(arg));
}

static void
what_is_no_server_is_refused(void **state)
{
	static char *const banners[] = {
	    "RUMPSP-1.0-NetBSD-9/amd64\n", "HTTP/1.1 400 Bad Request\n", "", "no newline"};
	static const int errors[] = {EPROTONOSUPPORT, EPROTO, EPERM, EPROTO};

	for (size_t i = 0; i < sizeof(banners) / sizeof(banners[0]); i++) {
		scripted_start(&server, false, 0, bad_banner, banners[i]);
		assert_null(rumpclient_ctx_new(server.url));
		assert_true(errno == errors[i] || errno == ECONNRESET);
		if (i + 1 < sizeof(banners) / sizeof(banners[0]))
			end(state);
	}
	assert_null(rumpclient_ctx_new("unix:///nonexistent/socket"));
	assert_int_equal(errno, ENOENT);
	assert_null(rumpclient_ctx_new("http://localhost"));
	assert_int_equal(errno, EINVAL);
}

static void
tcp_works_alike(void **state)
{
	(void)state;
	begin(true, 0, scripted_kernel, NULL);
	assert_int_equal(echo(3, 4), 3);
	assert_int_equal(rump_sys_write(1, "hello", 5), 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(both_results_arrive, end),
	    cmocka_unit_test_teardown(errors_are_the_hosts, end),
	    cmocka_unit_test_teardown(memory_moves_both_ways, end),
	    cmocka_unit_test_teardown(ranges_that_are_not_there_do_no_harm, end),
	    cmocka_unit_test_teardown(memory_is_made_and_nonsense_survived, end),
	    cmocka_unit_test_teardown(a_server_that_breaks_the_protocol_is_left, end),
	    cmocka_unit_test_teardown(raised_signals_arrive_before_the_answer, end),
	    cmocka_unit_test_teardown(what_is_no_server_is_refused, end),
	    cmocka_unit_test_teardown(tcp_works_alike, end),
	};

	return cmocka_run_group_tests_name("client calls", tests, NULL, NULL);
}
