/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A signal at every instruction of a call, whose handler makes a call of its own: a process goes through its
 * calls step by step, traced, and each time gets a signal after one step more. In the ordinary run it is a
 * sample of the instructions.
 */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef HAVE_VALGRIND
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#include <rump/rumpclient.h>

#include "sp/capability.h"
#include "tests/unit/scripted.h"

#define SAMPLE 100
#define PATIENCE 60 /* seconds for a call: more means that it hangs */

static struct scripted server;
static struct rumpclient *client;
static volatile sig_atomic_t wrong;

static void
check_echo(int64_t value)
{
	int64_t args[2] = {value, value + 1};
	int64_t retval[2] = {0, 0};

	if (rumpclient_ctx_syscall(client, KERNEL_ECHO, args, sizeof(args), retval) != 0 ||
	    retval[0] != value || retval[1] != value + 1)
		wrong = 1;
}

static void
make_a_call(int number)
{
	int before = errno;

	(void)number;
	check_echo(-7);
	errno = before;
}

/* A stop for the tracer, which is told from steps. */
static inline void
mark(void)
{
#ifdef __x86_64__
	__asm__ volatile("int3" ::: "memory");
#endif
}

static _Noreturn void
child_that_calls(void)
{
	struct sigaction action = {.sa_handler = make_a_call, .sa_flags = SA_RESTART};
	cpu_set_t one;

	/* On one CPU nobody looks for what may come: as many instructions each time. */
	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	(void)sched_setaffinity(0, sizeof(one), &one);
	client = rumpclient_ctx_new(server.url);
	if (client == NULL || sigaction(SIGUSR1, &action, NULL) != 0 ||
	    ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
		_exit(1);
	check_echo(0);
	for (int64_t i = 1; wrong == 0; i++) {
		alarm(PATIENCE);
		mark();
		check_echo(i);
	}
	_exit(2);
}

enum stop { MARK, STEP, OTHER };

/*
 * Lets the child go on, with a signal or without, and waits for its next stop. A signal that is blocked then
 * comes later, which is a stop of its own.
 */
static enum stop
go_on(pid_t pid, bool step, int number)
{
	siginfo_t info;
	int status;

	do {
		if (ptrace(step ? PTRACE_SINGLESTEP : PTRACE_CONT, pid, NULL, number) == -1 ||
		    waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			return OTHER;
		number = SIGUSR1;
	} while (WSTOPSIG(status) == SIGUSR1);
	if (WSTOPSIG(status) != SIGTRAP || ptrace(PTRACE_GETSIGINFO, pid, NULL, &info) == -1)
		return OTHER;
	return info.si_code == SI_KERNEL ? MARK : STEP;
}

/* Goes so many steps from a mark. Returns how many there were before the next one; -1: something else. */
static int
steps(pid_t pid, int count)
{
	for (int done = 0; done < count; done++) {
		enum stop stop = go_on(pid, true, 0);

		if (stop != STEP)
			return stop == MARK ? done : -1;
	}
	return count;
}

static void
signal_at_every_step(pid_t pid)
{
	int length;
	int stride;

	assert_int_equal(go_on(pid, false, 0), MARK);
	length = steps(pid, 1000000);
	assert_in_range(length, 100, 999999);
	stride = getenv("RUMPKIT_TEST_ALL") != NULL && *getenv("RUMPKIT_TEST_ALL") != '\0'
		     ? 1
		     : length / SAMPLE + 1;
	for (int count = 0; count < length; count += stride) {
		int done = steps(pid, count);

		/* A call may take a few steps fewer than the first did. */
		if (done != count) {
			assert_in_range(done, length / 2, count);
			continue;
		}
		if (go_on(pid, false, SIGUSR1) != MARK)
			fail_msg(
			    "after step %d of %d the call goes wrong, or never comes back", count, length);
	}
}

static void
step_through(bool tcp, uint32_t capabilities)
{
	pid_t pid;
	int status;

	scripted_start(&server, tcp, capabilities, scripted_kernel, NULL);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		child_that_calls();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL), 0);
	signal_at_every_step(pid);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	scripted_stop(&server);
	scripted_remove(&server);
}

static void
of_a_server_that_cannot_interrupt(void **state)
{
	(void)state;
	step_through(false, 0);
}

static void
of_a_server_that_can_interrupt(void **state)
{
	(void)state;
	step_through(false, SP_CAP_INTERRUPT);
}

static void
over_tcp(void **state)
{
	(void)state;
	step_through(true, SP_CAP_SENDALONG);
}

static bool
may_trace(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(of_a_server_that_cannot_interrupt),
	    cmocka_unit_test(of_a_server_that_can_interrupt),
	    cmocka_unit_test(over_tcp),
	};
	bool possible = !RUNNING_ON_VALGRIND && may_trace();

#if !defined(__x86_64__) || defined(__SANITIZE_THREAD__)
	/* ThreadSanitizer delivers signals when it pleases. */
	possible = false;
#endif
	if (!possible) {
		printf("1..0 # SKIP no process can be gone through step by step here\n");
		return 0;
	}
	return cmocka_run_group_tests_name("client steps", tests, NULL, NULL);
}
