/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that sleep in the kernel of RUMP_SERVER, and signals: without SA_RESTART a call ends with EINTR, with
 * it the call goes on until it gets what it waits for.
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#define SOCKET_PATH "/interrupts"
#define SIGNALS 5
#define TRIES 1000000
#ifdef __SANITIZE_THREAD__
#define RESTARTS false
#else
#define RESTARTS true
#endif
/* No call is meant to last so long. */
#define DEADLINE 60

static int pipe_fds[2], listener, queue;
static _Atomic int handled;

static long
do_read(void)
{
	char byte;

	return rump_sys_read(pipe_fds[0], &byte, 1);
}

static long
do_poll(void)
{
	struct rump_pollfd wait = {.fd = pipe_fds[0], .events = RUMP_POLLIN};

	return rump_sys_poll(&wait, 1, -1) == 1 ? do_read() : -1;
}

static long
do_kevent(void)
{
	struct rump_kevent event;

	return rump_sys_kevent(queue, NULL, 0, &event, 1, NULL) == 1 ? do_read() : -1;
}

static long
do_accept(void)
{
	int fd = rump_sys_accept(listener, NULL, NULL);

	return fd == -1 ? -1 : rump_sys_close(fd) == 0;
}

static long
do_nanosleep(void)
{
	const struct rump_timespec long_time = {.tv_sec = 3600};

	return rump_sys_nanosleep(&long_time, NULL);
}

static long
do_short_sleep(void)
{
	const struct rump_timespec moment = {.tv_nsec = 300000000};

	return rump_sys_nanosleep(&moment, NULL) == 0 ? 1 : -1;
}

static bool
feed(void)
{
	return rump_sys_write(pipe_fds[1], "x", 1) == 1;
}

static bool
connect_once(void)
{
	struct rump_sockaddr_un name = {.sun_family = RUMP_AF_LOCAL, .sun_path = SOCKET_PATH};
	int fd = rump_sys_socket(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);

	name.sun_len = sizeof(name);
	return rump_sys_connect(fd, (struct rump_sockaddr *)&name, sizeof(name)) == 0 &&
	       rump_sys_close(fd) == 0;
}

static bool
wait_for_time(void)
{
	return true;
}

/* A call that sleeps until `satisfy`, after which it returns 1. */
static const struct sleeper {
	const char *name;
	long (*call)(void);
	bool (*satisfy)(void);
} interrupted[] = {{"read", do_read, NULL}, {"poll", do_poll, NULL}, {"kevent", do_kevent, NULL},
    {"accept", do_accept, NULL}, {"nanosleep", do_nanosleep, NULL}},
  continued[] = {{"read", do_read, feed}, {"poll", do_poll, feed}, {"kevent", do_kevent, feed},
      {"accept", do_accept, connect_once}, {"nanosleep", do_short_sleep, wait_for_time}};

struct made {
	const struct sleeper *what;
	_Atomic bool done;
	long result;
	int error;
};

static void *
make(void *arg)
{
	struct made *made = arg;

	made->result = made->what->call();
	made->error = errno;
	made->done = true;
	return NULL;
}

/* How many lwps of this process sleep in the kernel. */
static long
asleep(void)
{
	struct rump_kinfo_proc2 self;
	size_t len = sizeof(self);
	const int name[] = {
	    RUMP_CTL_KERN, RUMP_KERN_PROC2, RUMP_KERN_PROC_PID, rump_sys_getpid(), sizeof(self), 1};

	if (rump_sys___sysctl(name, 6, &self, &len, NULL, 0) != 0)
		err(1, "kern.proc2");
	return (long)(self.p_nlwps - self.p_nrlwps);
}

static void
on_signal(int number)
{
	(void)number;
	handled++;
}

static void
with_flags(int flags)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};

	sigaction(SIGUSR1, &action, NULL);
}

static pthread_t
begin(struct made *made)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, make, made) != 0)
		err(1, "pthread_create");
	while (asleep() == 0 && !made->done)
		sched_yield();
	return thread;
}

/* The signal may come when the call's thread is not waiting yet; a later one finds it so. */
static bool
is_interrupted(const struct sleeper *what)
{
	struct made made = {.what = what};
	pthread_t thread;

	with_flags(0);
	thread = begin(&made);
	for (int i = 0; !made.done && i < TRIES; i++) {
		pthread_kill(thread, SIGUSR1);
		sched_yield();
	}
	pthread_join(thread, NULL);
	return made.result == -1 && made.error == EINTR && asleep() == 0;
}

static bool
goes_on(const struct sleeper *what)
{
	struct made made = {.what = what};
	pthread_t thread;
	bool good;

	with_flags(SA_RESTART);
	thread = begin(&made);
	for (int i = 0; i < SIGNALS && !made.done; i++) {
		int before = handled;

		pthread_kill(thread, SIGUSR1);
		while (handled == before && !made.done)
			sched_yield();
	}
	/* One that sleeps for a time may have ended. */
	good = what->satisfy == wait_for_time || !made.done;
	good = what->satisfy() && good;
	pthread_join(thread, NULL);
	return good && made.result == 1 && asleep() == 0;
}

static void
prepare(void)
{
	struct rump_sockaddr_un name = {.sun_family = RUMP_AF_LOCAL, .sun_path = SOCKET_PATH};
	struct rump_kevent watch = {.filter = RUMP_EVFILT_READ, .flags = RUMP_EV_ADD | RUMP_EV_CLEAR};

	name.sun_len = sizeof(name);
	if (rumpclient_init() == -1)
		err(1, "rumpclient_init");
	(void)rump_sys_unlink(SOCKET_PATH);
	listener = rump_sys_socket(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	if (rump_sys_bind(listener, (struct rump_sockaddr *)&name, sizeof(name)) == -1 ||
	    rump_sys_listen(listener, 5) == -1)
		err(1, SOCKET_PATH);
	queue = rump_sys_kqueue();
	if (queue == -1 || rump_sys_pipe(pipe_fds) == -1)
		err(1, "kqueue and pipe");
	watch.ident = (uint64_t)pipe_fds[0];
	if (rump_sys_kevent(queue, &watch, 1, NULL, 0, NULL) == -1)
		err(1, "kevent");
}

int
main(void)
{
	const size_t each = sizeof(interrupted) / sizeof(*interrupted);
	int number = 0, bad = 0;

	alarm(DEADLINE);
	prepare();
	printf("1..%zu\n", each + (RESTARTS ? each : 0) + 1);
	for (size_t i = 0; i < each; i++) {
		bool good = is_interrupted(&interrupted[i]);

		bad += !good;
		printf("%s %d - %s ends with EINTR\n", good ? "ok" : "not ok", ++number, interrupted[i].name);
	}
	/* ThreadSanitizer's own waiting for signals is in calls that nothing restarts. */
	for (size_t i = 0; i < each && RESTARTS; i++) {
		bool good = goes_on(&continued[i]);

		bad += !good;
		printf("%s %d - %s goes on where SA_RESTART is set\n", good ? "ok" : "not ok", ++number,
		    continued[i].name);
	}
	bad += rump_sys_getpid() <= 0;
	printf("%s %d - the connection is well\n", rump_sys_getpid() > 0 ? "ok" : "not ok", ++number);
	return bad != 0;
}
