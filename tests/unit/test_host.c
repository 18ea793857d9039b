/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rump/rumpdefs.h>
#include <rump/rumpuser.h>

#include "abi/signal.h"
#include "tests/unit/faults.h"
#include "tests/unit/signal_storm.h"
#include "tests/unit/strict_kernel.h"

static char *path;
static struct signal_storm storm;

static void
parameters_come_from_the_environment(void **state)
{
	char buf[64];

	(void)state;
	setenv("RUMP_TEST_PARAM", "some value", 1);
	unsetenv("RUMP_TEST_NONE");
	setenv("_RUMP_TEST", "hidden", 1);
	assert_int_equal(rumpuser_getparam("RUMP_TEST_PARAM", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "some value");
	assert_int_equal(rumpuser_getparam("RUMP_TEST_PARAM", buf, sizeof("some value")), 0);
	assert_int_equal(rumpuser_getparam("RUMP_TEST_NONE", buf, sizeof(buf)), RUMP_ENOENT);
	assert_int_equal(rumpuser_getparam("_RUMP_TEST", buf, sizeof(buf)), RUMP_EINVAL);
	assert_int_equal(rumpuser_getparam("_RUMPUSER_NONE", buf, sizeof(buf)), RUMP_EINVAL);
	/* What does not fit is not cut off. */
	strcpy(buf, "untouched");
	assert_int_equal(rumpuser_getparam("RUMP_TEST_PARAM", buf, sizeof("some value") - 1), RUMP_ERANGE);
	assert_int_equal(rumpuser_getparam("RUMP_TEST_PARAM", buf, 0), RUMP_ERANGE);
	assert_string_equal(buf, "untouched");
}

static void
the_number_of_cpus_is_a_number(void **state)
{
	static const char *const bad[] = {"", "0", "00", "-1", "two", "2x", " 2", "hosts"};
	char buf[64], expected[16];
	cpu_set_t cpus;

	(void)state;
	unsetenv("RUMP_NCPU");
	assert_int_equal(rumpuser_getparam(RUMPUSER_PARAM_NCPU, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "2");
	setenv("RUMP_NCPU", "17", 1);
	assert_int_equal(rumpuser_getparam(RUMPUSER_PARAM_NCPU, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "17");
	setenv("RUMP_NCPU", "host", 1);
	assert_int_equal(rumpuser_getparam(RUMPUSER_PARAM_NCPU, buf, sizeof(buf)), 0);
	sched_getaffinity(0, sizeof(cpus), &cpus);
	snprintf(expected, sizeof(expected), "%d", CPU_COUNT(&cpus));
	assert_string_equal(buf, expected);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		setenv("RUMP_NCPU", bad[i], 1);
		assert_int_equal(rumpuser_getparam(RUMPUSER_PARAM_NCPU, buf, sizeof(buf)), RUMP_EINVAL);
	}
	unsetenv("RUMP_NCPU");
	assert_int_equal(rumpuser_getparam(RUMPUSER_PARAM_NCPU, buf, 1), RUMP_ERANGE);
}

static void
the_hostname_tells_kernels_apart(void **state)
{
	char buf[256], expected[64];

	(void)state;
	snprintf(expected, sizeof(expected), "rump-%05d", (int)getpid());
	assert_int_equal(rumpuser_getparam(RUMPUSER_PARAM_HOSTNAME, buf, sizeof(buf)), 0);
	assert_memory_equal(buf, expected, strlen(expected));
	assert_int_equal(rumpuser_getparam(RUMPUSER_PARAM_HOSTNAME, buf, 4), RUMP_ERANGE);
}

static void
errno_is_the_hosts(void **state)
{
	(void)state;
	rumpuser_seterrno(RUMP_EAGAIN);
	assert_int_equal(errno, EAGAIN);
	rumpuser_seterrno(RUMP_ENOTSOCK);
	assert_int_equal(errno, ENOTSOCK);
}

static volatile sig_atomic_t caught;
static volatile pid_t caught_in;

static void
note_signal(int sig)
{
	caught = sig;
	caught_in = getpid();
}

static void
every_signal_is_raised_in_this_process(void **state)
{
	struct sigaction action = {.sa_handler = note_signal}, old;

	(void)state;
	for (int sig = 1; sig < 64; sig++) {
		int host = abi_signal_to_host(sig);

		if (host == 0) {
			assert_int_equal(rumpuser_kill(1, sig), RUMP_EINVAL);
			continue;
		}
		if (host == SIGKILL || host == SIGSTOP)
			continue;
		/* Valgrind expects these from instructions alone. */
		if (faults_instrumented() && (host == SIGSEGV || host == SIGBUS || host == SIGFPE ||
						 host == SIGILL || host == SIGTRAP || host == SIGSYS))
			continue;
		sigaction(host, &action, &old);
		caught = 0;
		/* Were it a process of the host's, it would be one that minds. */
		assert_int_equal(rumpuser_kill(1, sig), 0);
		assert_int_equal(caught, host);
		assert_int_equal(caught_in, getpid());
		sigaction(host, &old, NULL);
	}
	assert_int_equal(rumpuser_kill(1, 0), 0);
	assert_int_equal(rumpuser_kill(1, -1), RUMP_EINVAL);
	assert_int_equal(rumpuser_kill(1, 4711), RUMP_EINVAL);
}

static int
kill_by_number(void *arg)
{
	rumpuser_kill(0, *(int *)arg);
	return 0;
}

static void
signals_end_only_this_process(void **state)
{
	int sig = RUMP_SIGTERM;

	(void)state;
	assert_int_equal(faults_in_child(kill_by_number, &sig), 128 + SIGTERM);
	sig = RUMP_SIGKILL;
	assert_int_equal(faults_in_child(kill_by_number, &sig), 128 + SIGKILL);
}

static void *
raise_usr1(void *arg)
{
	sigset_t all;

	(void)arg;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	assert_int_equal(rumpuser_kill(1, RUMP_SIGUSR1), 0);
	return NULL;
}

static void
a_thread_that_blocks_signals_raises_them_all_the_same(void **state)
{
	struct sigaction action = {.sa_handler = note_signal};
	sigset_t usr1, old;
	pthread_t thread;

	(void)state;
	sigaction(SIGUSR1, &action, NULL);
	caught = 0;
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &usr1, &old);
	assert_int_equal(pthread_create(&thread, NULL, raise_usr1, NULL), 0);
	pthread_join(thread, NULL);
	assert_int_equal(caught, 0);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	assert_int_equal(caught, SIGUSR1);
}

/* What function(arg) prints on stdout and stderr, both a pipe; its exit status as of faults_in_child(). */
static int
output_of(int (*function)(void *arg), void *arg, char *out, size_t size)
{
	int out_copy = dup(STDOUT_FILENO), err_copy = dup(STDERR_FILENO), file, status;
	ssize_t n;

	fflush(NULL);
	file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
	assert_true(file != -1);
	dup2(file, STDOUT_FILENO);
	dup2(file, STDERR_FILENO);
	status = faults_in_child(function, arg);
	dup2(out_copy, STDOUT_FILENO);
	dup2(err_copy, STDERR_FILENO);
	close(out_copy);
	close(err_copy);
	n = pread(file, out, size - 1, 0);
	out[n > 0 ? n : 0] = '\0';
	close(file);
	return status;
}

static void
print(const char *text)
{
	for (; *text != '\0'; text++)
		rumpuser_putchar(*text);
}

static int
print_and_die(void *arg)
{
	(void)arg;
	print("first line\nsecond line\n");
	raise(SIGKILL);
	return 0;
}

static int
print_and_exit(void *arg)
{
	(void)arg;
	print("no newline");
	rumpuser_dprintf("%s %d;", "debug", 42);
	rumpuser_exit(7);
}

/* Cores go to the working directory of most hosts: to one that is removed. */
static int
print_and_panic(void *arg)
{
	if (chdir(arg) == -1)
		return 1;
	print("NetBSD 7.99.34\r\npanic: kernel diagnostic assertion\r\nhalting");
	/* A handler, or a mask, does not keep a panic from ending the process. */
	signal(SIGABRT, SIG_IGN);
	rumpuser_exit(RUMPUSER_PANIC);
}

static int
panic_without_a_word(void *arg)
{
	struct rlimit limit;

	if (chdir(arg) == -1)
		return 1;
	getrlimit(RLIMIT_CORE, &limit);
	limit.rlim_cur = 0;
	setrlimit(RLIMIT_CORE, &limit);
	rumpuser_exit(RUMPUSER_PANIC);
}

static void
whole_lines_survive_any_end(void **state)
{
	char out[1024];

	(void)state;
	assert_int_equal(output_of(print_and_die, NULL, out, sizeof(out)), 128 + SIGKILL);
	assert_string_equal(out, "first line\nsecond line\n");
}

static void
exit_flushes_and_returns_its_status(void **state)
{
	char out[1024];

	(void)state;
	assert_int_equal(output_of(print_and_exit, NULL, out, sizeof(out)), 7);
	assert_non_null(strstr(out, "no newline"));
	assert_non_null(strstr(out, "debug 42;"));
}

static void
a_panic_says_why_and_aborts(void **state)
{
	char out[1024], *first, *directory = faults_path(".");

	(void)state;
	assert_int_equal(output_of(print_and_panic, directory, out, sizeof(out)), 128 + SIGABRT);
	first = strstr(out, "panic: kernel diagnostic assertion\r\n");
	assert_non_null(first);
	assert_non_null(strstr(out, "halting"));
	assert_non_null(strstr(first + 1, "panicked, aborting: panic: kernel diagnostic assertion\n"));
	assert_int_equal(output_of(panic_without_a_word, directory, out, sizeof(out)), 128 + SIGABRT);
	assert_non_null(strstr(out, "panicked"));
	free(directory);
}

/* Where the host writes cores into the working directory, there is one after a panic, whatever the soft
 * limit. */
static void
a_panic_leaves_a_core(void **state)
{
	char pattern[256] = "", out[1024], *directory = faults_path("cores"), *command;
	FILE *file = fopen("/proc/sys/kernel/core_pattern", "r");
	struct rlimit limit;

	(void)state;
	if (file != NULL) {
		if (fgets(pattern, sizeof(pattern), file) == NULL)
			pattern[0] = '\0';
		fclose(file);
	}
	getrlimit(RLIMIT_CORE, &limit);
	if (strcmp(pattern, "core\n") != 0 || limit.rlim_max == 0 || faults_instrumented()) {
		print_message("no core can be looked for here\n");
		free(directory);
		return;
	}
	assert_int_equal(mkdir(directory, 0700), 0);
	assert_int_equal(output_of(panic_without_a_word, directory, out, sizeof(out)), 128 + SIGABRT);
	assert_true(asprintf(&command, "ls %s/core* >/dev/null", directory) > 0);
	assert_int_equal(system(command), 0);
	free(command);
	free(directory);
}

static void
random_bytes_are_as_many_as_asked(void **state)
{
	static const int flags[] = {
	    0, RUMPUSER_RANDOM_HARD, RUMPUSER_RANDOM_NOWAIT, RUMPUSER_RANDOM_HARD | RUMPUSER_RANDOM_NOWAIT};
	unsigned char first[1000], second[1000];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		memset(first, 0, sizeof(first));
		memset(second, 0, sizeof(second));
		assert_int_equal(rumpuser_getrandom(first, sizeof(first), flags[i], &n), 0);
		assert_int_equal(n, sizeof(first));
		assert_int_equal(rumpuser_getrandom(second, sizeof(second), flags[i], &n), 0);
		assert_memory_not_equal(first, second, sizeof(first));
		/* To the last byte: 16 zeroes in a row are as good as impossible. */
		assert_memory_not_equal(first + 984, (unsigned char[16]){0}, 16);
	}
	assert_int_equal(rumpuser_getrandom(first, 0, 0, &n), 0);
	assert_int_equal(n, 0);
}

static void
random_bytes_survive_signals(void **state)
{
	size_t len = 4 << 20, n;
	void *data = malloc(len);

	(void)state;
	signal_storm_start(&storm);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(rumpuser_getrandom(data, len, 0, &n), 0);
		assert_int_equal(n, len);
	}
	assert_true(signal_storm_stop(&storm) > 0);
	free(data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(parameters_come_from_the_environment),
	    cmocka_unit_test(the_number_of_cpus_is_a_number),
	    cmocka_unit_test(the_hostname_tells_kernels_apart),
	    cmocka_unit_test(errno_is_the_hosts),
	    cmocka_unit_test(every_signal_is_raised_in_this_process),
	    cmocka_unit_test(signals_end_only_this_process),
	    cmocka_unit_test(a_thread_that_blocks_signals_raises_them_all_the_same),
	    cmocka_unit_test(whole_lines_survive_any_end),
	    cmocka_unit_test(exit_flushes_and_returns_its_status),
	    cmocka_unit_test(a_panic_says_why_and_aborts),
	    cmocka_unit_test(a_panic_leaves_a_core),
	    cmocka_unit_test(random_bytes_are_as_many_as_asked),
	    cmocka_unit_test(random_bytes_survive_signals),
	};
	int failed;

	strict_kernel_start();
	path = faults_path("output");
	failed = cmocka_run_group_tests_name("host", tests, NULL, NULL);
	free(path);
	return failed;
}
