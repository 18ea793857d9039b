/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage: cases [-fren] [-l library]... [-s url] [case]...
 *   -l  a library to load; the first is librump or librumpclient
 *   -r  the first is librumpclient
 *   -f  the kernel at its other end has file systems
 *   -e  its stubs leave NetBSD's errno
 *   -n  only name the cases that there are
 *   -s  serve at the url, and run nothing, until standard input ends
 * Prints one line for each line that a case says: its name, a tab, the line.
 */
#include "tests/kernel/case.h"
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "abi/errno.h"
#include "tests/kernel/kernel.h"

#define CASE_SECONDS 60
#define YIELDS 20000

static const struct testcase *const base_tables[] = {descriptor_cases, pipe_cases, kqueue_cases, poll_cases,
    process_cases, identity_cases, time_cases, sysctl_cases, stress_cases, file_cases, directory_cases,
    rename_cases, order_cases, permission_cases, filetime_cases, filelock_cases, special_cases, slash_cases,
    mount_cases, stream_cases, datagram_cases, readiness_cases, local_cases, rights_cases, sigio_cases};

static const char *current;

void
say(const char *format, ...)
{
	va_list ap;

	printf("%s\t", current);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

static const char *
name_of(int netbsd)
{
	static const struct {
		int number;
		const char *name;
	} names[] = {
#define X(name) {RUMP_##name, #name},
#define NETBSD_ONLY(name, host) {RUMP_##name, #name},
#include "abi/errno.def"
	};
	static _Thread_local char number[24];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].number == netbsd)
			return names[i].name;
	snprintf(number, sizeof(number), "errno %d", netbsd);
	return number;
}

/* Through the host's numbering in any case: not everything survives that, and answers have to compare. */
static int
canonical(int error)
{
	return abi_errno_to_netbsd(kernel.netbsd_errno ? abi_errno_to_host(error) : error);
}

const char *
errno_name(void)
{
	return name_of(canonical(errno));
}

long
ret(const char *what, long value)
{
	if (value == -1)
		say("%s: -1 %s", what, errno_name());
	else
		say("%s: %ld", what, value);
	return value;
}

int
ret_error(const char *what, int error)
{
	say("%s: %s", what, error == 0 ? "0" : name_of(canonical(error)));
	return error;
}

long
good(const char *what, long value)
{
	if (value == -1)
		say("%s: -1 %s", what, errno_name());
	else
		say("%s: ok", what);
	return value;
}

void
in_child(void (*f)(void *), void *arg)
{
	void *self;
	pid_t pid;
	int32_t child = 0;
	int told[2];

	fflush(stdout);
	if (!kernel.remote) {
		self = kernel_curlwp();
		if (kernel_rfork(RUMP_RFFD_COPY) != 0)
			errx(1, "rfork failed");
		f(arg);
		kernel_releaselwp();
		kernel_switch(self);
		return;
	}
	if (pipe(told) != 0)
		err(1, "pipe");
	pid = client_fork();
	if (pid == -1)
		err(1, "rumpclient_fork");
	if (pid == 0) {
		child = rump_sys_getpid();
		if (write(told[1], &child, sizeof(child)) != sizeof(child))
			_exit(1);
		f(arg);
		_exit(0);
	}
	close(told[1]);
	if (read(told[0], &child, sizeof(child)) != sizeof(child))
		errx(1, "a child did not begin");
	close(told[0]);
	waitpid(pid, NULL, 0);
	/* The kernel learns of its end from the connection, and has its files until then. */
	for (int i = 0; i < 100000 && rump_sys_getpgid(child) != -1; i++)
		continue;
}

struct case_thread {
	pthread_t handle;
	void (*f)(void *);
	void *arg;
	int pid;
};

static void *
thread_main(void *arg)
{
	struct case_thread *thread = arg;

	if (!kernel.remote && kernel_newlwp(thread->pid) != 0)
		errx(1, "newlwp failed");
	thread->f(thread->arg);
	if (!kernel.remote)
		kernel_releaselwp();
	return NULL;
}

struct case_thread *
case_thread(void (*f)(void *), void *arg)
{
	struct case_thread *thread = malloc(sizeof(*thread));

	if (thread == NULL)
		errx(1, "no memory");
	thread->f = f;
	thread->arg = arg;
	thread->pid = rump_sys_getpid();
	if (pthread_create(&thread->handle, NULL, thread_main, thread) != 0)
		errx(1, "no thread");
	return thread;
}

void
case_join(struct case_thread *thread)
{
	pthread_join(thread->handle, NULL);
	free(thread);
}

bool
case_yield(int *calls)
{
	sched_yield();
	if (++*calls > YIELDS / 10)
		usleep(1000);
	return *calls < YIELDS;
}

static void
run(const struct testcase *c)
{
	char directory[128];

	alarm(CASE_SECONDS);
	kernel_start();
	kernel_process();
	if (kernel.files) {
		snprintf(directory, sizeof(directory), "/case_%s", c->name);
		if (rump_sys_mkdir(directory, 0777) != 0 || rump_sys_chdir(directory) != 0)
			say("no directory: %s", errno_name());
	}
	c->run();
	fflush(stdout);
}

/* Every case has a host process of its own: a kernel of its own, or a connection. */
static int
run_apart(const struct testcase *c)
{
	int status;
	pid_t pid;

	current = c->name;
	pid = fork();
	if (pid == -1)
		err(1, "fork");
	if (pid == 0) {
		run(c);
		exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		err(1, "waitpid");
	if (status == 0)
		return 0;
	say(WIFSIGNALED(status) ? "died of signal %d" : "exited with %d",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return 1;
}

static bool
wanted(const char *name, char *const names[], int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return count == 0;
}

static int
each(const struct testcase *table, bool name_only, char *const names[], int count)
{
	int failed = 0;

	for (; table->name != NULL; table++) {
		if (!wanted(table->name, names, count))
			continue;
		if (name_only)
			puts(table->name);
		else
			failed |= run_apart(table);
	}
	return failed;
}

static int
serve(const char *url)
{
	char byte;

	kernel_start();
	if (kernel_serve(url) != 0)
		errx(1, "%s: no server", url);
	puts("serving");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		continue;
	return 0;
}

int
main(int argc, char *argv[])
{
	char *libraries[32];
	const char *url = NULL;
	bool name_only = false;
	int nlibraries = 0, option, failed = 0;

	while ((option = getopt(argc, argv, "frenl:s:")) != -1) {
		switch (option) {
		case 'f':
			kernel.files = true;
			break;
		case 'r':
			kernel.remote = true;
			break;
		case 'e':
			kernel.netbsd_errno = true;
			break;
		case 'n':
			name_only = true;
			break;
		case 'l':
			if (nlibraries == (int)(sizeof(libraries) / sizeof(*libraries)))
				errx(1, "too many libraries");
			libraries[nlibraries++] = optarg;
			break;
		case 's':
			url = optarg;
			break;
		default:
			return 2;
		}
	}
	if (!name_only)
		kernel_load(libraries, nlibraries);
	if (url != NULL)
		return serve(url);
	for (size_t i = 0; i < sizeof(base_tables) / sizeof(*base_tables); i++)
		failed |= each(base_tables[i], name_only, argv + optind, argc - optind);
	return failed;
}
