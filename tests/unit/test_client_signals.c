/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads and signals: calls that overlap, and handlers that make calls of their own. */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#include "tests/unit/scripted.h"

#define THREADS 8

static struct scripted server;
static struct rumpclient *client;

static int
begin(uint32_t capabilities)
{
	scripted_start(&server, false, capabilities, scripted_kernel, NULL);
	client = rumpclient_ctx_new(server.url);
	assert_non_null(client);
	return 0;
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

static int
call(int number, int64_t first, int64_t *result)
{
	int64_t args[2] = {first, first + 1};
	int64_t retval[2] = {0};
	int error = rumpclient_ctx_syscall(client, number, args, sizeof(args), retval);

	if (result != NULL)
		*result = retval[0];
	return error;
}

static _Atomic int wrong;

static void
check_echo(int64_t value)
{
	int64_t result = -1;

	if (call(KERNEL_ECHO, value, &result) != 0 || result != value)
		wrong++;
}

static void *
echo_often(void *arg)
{
	for (int64_t i = 0; i < 2000; i++)
		check_echo((int64_t)(intptr_t)arg * 10000 + i);
	return NULL;
}

static void *
hold(void *arg)
{
	int error = call(KERNEL_HOLD, 0, NULL);

	(void)arg;
	return (void *)(intptr_t)error;
}

static void
calls_of_threads_overlap(void **state)
{
	pthread_t threads[THREADS];
	pthread_t held[THREADS];
	void *result;

	(void)state;
	begin(0);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&held[i], NULL, hold, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, echo_often, (void *)(intptr_t)(i + 1));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(wrong, 0);
	/* What is held is answered only when asked for, and by then all have to be there. */
	for (int i = 0; i < THREADS; i++) {
		while (pthread_tryjoin_np(held[i], &result) == EBUSY)
			assert_int_equal(call(KERNEL_RELEASE, 0, NULL), 0);
		assert_int_equal((intptr_t)result, 0);
	}
}

#define TOGETHER 3
#define ROUNDS 200

static sem_t answered; /* as often as calls have returned */
static sem_t go_on;    /* the last call of a round may be answered */

/* Answers calls in rounds: all but the last that came at once, and that one when nobody else is left. */
static void
answer_the_last_one_late(struct scripted_connection *c, void *arg)
{
	struct sp_header header;
	uint64_t reqno[TOGETHER];
	uint8_t body[128];
	int have = 0;

	(void)arg;
	(void)scripted_greet(c);
	while (scripted_receive(c, &header, body, sizeof(body))) {
		reqno[have++] = header.reqno;
		if (have < TOGETHER)
			continue;
		for (int i = 0; i < TOGETHER - 1; i++)
			scripted_answer(c, reqno[i], 0, 0, 0);
		while (sem_wait(&go_on) != 0)
			continue;
		scripted_answer(c, reqno[TOGETHER - 1], 0, 0, 0);
		have = 0;
	}
}

static void *
echo_once(void *arg)
{
	intptr_t error = call(KERNEL_ECHO, 0, NULL);

	(void)arg;
	sem_post(&answered);
	return (void *)error;
}

/* Whoever received for all has gone with the others: the last one has to do it for itself. */
static void
somebody_always_receives(void **state)
{
	(void)state;
	sem_init(&answered, 0, 0);
	sem_init(&go_on, 0, 0);
	alarm(300);
	scripted_start(&server, false, 0, answer_the_last_one_late, NULL);
	client = rumpclient_ctx_new(server.url);
	assert_non_null(client);
	for (int round = 0; round < ROUNDS; round++) {
		pthread_t threads[TOGETHER];
		void *result;

		for (int i = 0; i < TOGETHER; i++)
			pthread_create(&threads[i], NULL, echo_once, NULL);
		for (int i = 0; i < TOGETHER - 1; i++)
			while (sem_wait(&answered) != 0)
				continue;
		sem_post(&go_on);
		for (int i = 0; i < TOGETHER; i++) {
			pthread_join(threads[i], &result);
			assert_int_equal((intptr_t)result, 0);
		}
		assert_int_equal(sem_wait(&answered), 0);
	}
	alarm(0);
}

static _Atomic int handled;

/*
 * A storm: signals at every point of a call. The handler asks for the next one, a little later each time,
 * so that the program gets on however slow the machine is.
 */
static _Atomic int stormy;

static void
next_signal(void)
{
	static _Atomic unsigned int step;
	struct itimerval once = {.it_value = {0, 20 + (suseconds_t)(step++ * 37 % 300)}};

	if (stormy)
		(void)setitimer(ITIMER_REAL, &once, NULL);
}

static void
storm(bool on_now)
{
	struct itimerval none = {{0, 0}, {0, 0}};

	stormy = on_now;
	next_signal();
	if (!on_now) {
		(void)setitimer(ITIMER_REAL, &none, NULL);
		signal(SIGALRM, SIG_IGN);
	}
}

static void
make_a_call(int number)
{
	int before = errno;

	check_echo(-7 - handled);
	handled++;
	if (number == SIGALRM)
		next_signal();
	errno = before;
}

static void
just_count(int number)
{
	(void)number;
	handled++;
}

static void
on(int number, void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	sigemptyset(&action.sa_mask);
	assert_int_equal(sigaction(number, &action, NULL), 0);
}

static void
handlers_may_make_calls(void **state)
{
	(void)state;
	begin(0);
	handled = 0;
	on(SIGALRM, make_a_call, SA_RESTART);
	storm(true);
	for (int64_t i = 0; i < 20000; i++)
		check_echo(i);
	storm(false);
	assert_int_equal(wrong, 0);
	assert_true(handled > 0);
}

static void
handlers_of_threads_may_make_calls(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	begin(0);
	handled = 0;
	on(SIGALRM, make_a_call, 0);
	storm(true);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, echo_often, (void *)(intptr_t)(i + 1));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	storm(false);
	assert_int_equal(wrong, 0);
	assert_true(handled > 0);
}

static void
nested_handlers_may_make_calls(void **state)
{
	pthread_t self = pthread_self();

	(void)state;
	begin(0);
	handled = 0;
	on(SIGALRM, make_a_call, SA_RESTART | SA_NODEFER);
	on(SIGUSR1, make_a_call, SA_RESTART | SA_NODEFER);
	storm(true);
	for (int64_t i = 0; i < 5000; i++) {
		check_echo(i);
		pthread_kill(self, SIGUSR1);
	}
	storm(false);
	assert_int_equal(wrong, 0);
}

/* Copies go by frames, which are handled with signals blocked. */
static void
handlers_interrupt_copies(void **state)
{
	char buf[200];

	(void)state;
	begin(0);
	handled = 0;
	rumpclient_ctx_use(client);
	on(SIGALRM, make_a_call, SA_RESTART);
	storm(true);
	for (int i = 0; i < 5000; i++) {
		memset(buf, 0, sizeof(buf));
		assert_int_equal(rump_sys_read(0, buf, 100), 100);
		assert_int_equal(buf[99], 'r');
		assert_int_equal(buf[100], 0);
		assert_int_equal(rump_sys_write(1, buf, 100), 100);
	}
	storm(false);
	rumpclient_ctx_use(NULL);
	assert_int_equal(wrong, 0);
}

static pthread_t waiter;
static _Atomic bool waiter_done;

static void *
interrupt_until_done(void *arg)
{
	(void)arg;
	while (!waiter_done) {
		pthread_kill(waiter, SIGUSR1);
		usleep(1000);
	}
	return NULL;
}

static void
signals_end_calls(void **state)
{
	pthread_t helper;

	(void)state;
	begin(SP_CAP_INTERRUPT);
	assert_true(rumpclient_ctx_can_interrupt(client));
	on(SIGUSR1, just_count, 0);
	waiter = pthread_self();
	waiter_done = false;
	pthread_create(&helper, NULL, interrupt_until_done, NULL);
	assert_int_equal(call(KERNEL_HOLD, 0, NULL), -EINTR);
	waiter_done = true;
	pthread_join(helper, NULL);
}

/* Also of a thread that does not receive. */
static void
signals_end_calls_of_followers(void **state)
{
	pthread_t leader;
	pthread_t helper;
	void *result;

	(void)state;
	begin(SP_CAP_INTERRUPT);
	on(SIGUSR1, just_count, 0);
	pthread_create(&leader, NULL, hold, NULL);
	waiter = pthread_self();
	waiter_done = false;
	pthread_create(&helper, NULL, interrupt_until_done, NULL);
	assert_int_equal(call(KERNEL_HOLD, 0, NULL), -EINTR);
	waiter_done = true;
	pthread_join(helper, NULL);
	while (pthread_tryjoin_np(leader, &result) == EBUSY)
		assert_int_equal(call(KERNEL_RELEASE, 0, NULL), 0);
	assert_int_equal((intptr_t)result, 0);
}

static void *
release_after_signals(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20 || handled == 0; i++) {
		pthread_kill(waiter, SIGUSR1);
		usleep(1000);
	}
	while (!waiter_done) {
		(void)call(KERNEL_RELEASE, 0, NULL);
		usleep(1000);
	}
	return NULL;
}

static void __attribute__((unused)) restarting_signals_do_not(void **state)
{
	pthread_t helper;

	(void)state;
	begin(SP_CAP_INTERRUPT);
	handled = 0;
	on(SIGUSR1, just_count, SA_RESTART);
	waiter = pthread_self();
	waiter_done = false;
	pthread_create(&helper, NULL, release_after_signals, NULL);
	assert_int_equal(call(KERNEL_HOLD, 0, NULL), 0);
	waiter_done = true;
	pthread_join(helper, NULL);
	assert_true(handled > 0);
}

/* Without INTERRUPT a call goes on, whatever the handler's flags. */
static void
signals_do_not_end_calls_of_old_servers(void **state)
{
	pthread_t helper;

	(void)state;
	begin(0);
	handled = 0;
	on(SIGUSR1, just_count, 0);
	waiter = pthread_self();
	waiter_done = false;
	pthread_create(&helper, NULL, release_after_signals, NULL);
	assert_int_equal(call(KERNEL_HOLD, 0, NULL), 0);
	waiter_done = true;
	pthread_join(helper, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(calls_of_threads_overlap, end),
	    cmocka_unit_test_teardown(somebody_always_receives, end),
	    cmocka_unit_test_teardown(handlers_may_make_calls, end),
	    cmocka_unit_test_teardown(handlers_of_threads_may_make_calls, end),
	    cmocka_unit_test_teardown(nested_handlers_may_make_calls, end),
	    cmocka_unit_test_teardown(handlers_interrupt_copies, end),
	    cmocka_unit_test_teardown(signals_end_calls, end),
	    cmocka_unit_test_teardown(signals_end_calls_of_followers, end),
#ifndef __SANITIZE_THREAD__
	    /* ThreadSanitizer's own waiting never restarts. */
	    cmocka_unit_test_teardown(restarting_signals_do_not, end),
#endif
	    cmocka_unit_test_teardown(signals_do_not_end_calls_of_old_servers, end),
	};

	return cmocka_run_group_tests_name("client signals", tests, NULL, NULL);
}
