/* SPDX-License-Identifier: BSD-2-Clause */
/* Handlers of signals that come while a thread sleeps in a call on a socket; the same on every kernel. */
#include "config.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 20
#define QUEUED 30
#define LIMIT 5000      /* milliseconds, for a handler that does not run */
#define ALTERNATE 65536 /* the size of another stack */

static int ends[2]; /* of a connection */
static char buffer[64];

static void
make_pair(void)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(name);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&name, sizeof(name)) != 0 || listen(listener, 1) != 0 ||
	    getsockname(listener, (struct sockaddr *)&name, &size) != 0 ||
	    connect(ends[0], (struct sockaddr *)&name, sizeof(name)) != 0)
		err(1, "a connection");
	ends[1] = accept(listener, NULL, NULL);
	(void)close(listener);
}

static void
set(int number, void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	if (sigaction(number, &action, NULL) != 0)
		err(1, "sigaction");
}

static void
pause_for(long milliseconds)
{
	struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};

	while (nanosleep(&time, &time) != 0)
		continue;
}

/* So that the reader is likely to sleep; it does not matter when it does not yet. */
static void
let_sleep(void)
{
	pause_for(30);
}

static void *
reader(void *unused)
{
	ssize_t n = read(ends[0], buffer, sizeof(buffer));

	(void)unused;
	return (void *)(intptr_t)(n < 0 ? -errno : n);
}

static pthread_t
start(void *(*run)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, NULL) != 0)
		errx(1, "no thread");
	let_sleep();
	return thread;
}

static long
end(pthread_t thread)
{
	void *result;

	(void)pthread_join(thread, &result);
	return (long)(intptr_t)result;
}

static void
feed(void)
{
	if (send(ends[1], "abc", 3, 0) != 3)
		err(1, "send");
}

static sem_t begun, done;
static volatile sig_atomic_t handled;

static void
wait_for_others(int number)
{
	(void)number;
	(void)sem_post(&begun);
	while (sem_wait(&done) != 0)
		continue;
}

static void
count(int number)
{
	(void)number;
	handled++;
}

/* By as many as it takes: its call may not have begun when the first comes. */
static long
end_by_signals(pthread_t thread)
{
	void *result;

	while (pthread_tryjoin_np(thread, &result) != 0) {
		(void)pthread_kill(thread, SIGUSR1);
		pause_for(1);
	}
	return (long)(intptr_t)result;
}

/* A handler that waits until another thread has made calls. */
static void
waits(int flags)
{
	struct sockaddr_in name;
	pthread_t thread;

	set(SIGUSR1, wait_for_others, flags);
	thread = start(reader);
	(void)pthread_kill(thread, SIGUSR1);
	while (sem_wait(&begun) != 0)
		continue;
	for (int i = 0; i < ROUNDS; i++) {
		socklen_t size = sizeof(name);

		if (getpeername(ends[0], (struct sockaddr *)&name, &size) != 0)
			err(1, "getpeername");
	}
	set(SIGUSR1, count, flags);
	(void)sem_post(&done);
	if (flags & SA_RESTART)
		feed();
	printf("%ld\n", flags & SA_RESTART ? end(thread) : end_by_signals(thread));
}

static sigjmp_buf back;
static volatile sig_atomic_t jumps;

static void
jump(int number)
{
	(void)number;
	jumps++;
	siglongjmp(back, 1);
}

static _Atomic bool over;

static void *
busy(void *unused)
{
	struct sockaddr_in name;
	long count = 0;

	(void)unused;
	for (; !over; count++) {
		socklen_t size = sizeof(name);

		if (getpeername(ends[0], (struct sockaddr *)&name, &size) != 0)
			err(1, "getpeername");
	}
	return (void *)(intptr_t)(count > 0);
}

/* A handler that does not return: what comes later is not for the call that it has left. */
static void
jumps_out(int flags)
{
	const struct itimerval soon = {.it_value.tv_usec = 10000};
	char late[sizeof(buffer)] = "";
	pthread_t thread;
	sigset_t alarms;
	ssize_t n;

	/* They are for this thread from the other's start on. */
	(void)sigemptyset(&alarms);
	(void)sigaddset(&alarms, SIGALRM);
	(void)pthread_sigmask(SIG_BLOCK, &alarms, NULL);
	thread = start(busy);
	(void)pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
	set(SIGALRM, jump, flags);
	for (int i = 0; i < ROUNDS; i++)
		if (sigsetjmp(back, 1) == 0) {
			(void)setitimer(ITIMER_REAL, &soon, NULL);
			n = read(ends[0], buffer, sizeof(buffer));
			printf("came back with %zd\n", n);
		}
	feed();
	n = recv(ends[0], late, sizeof(late), 0);
	over = true;
	printf("%d %zd %s%s %ld\n", (int)jumps, n, late, buffer, end(thread));
}

static volatile int values[QUEUED];
static volatile sig_atomic_t value_count, others;

static void
on_value(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	if (info->si_code != SI_QUEUE || info->si_pid != getpid())
		others++;
	values[value_count++] = info->si_value.sival_int;
}

/* What signals carry, and their order. */
static void
carries(void)
{
	struct sigaction action = {.sa_sigaction = on_value, .sa_flags = SA_SIGINFO | SA_RESTART}, old;
	bool ordered = true;
	pthread_t thread;

	if (sigaction(SIGRTMIN, &action, NULL) != 0 || sigaction(SIGRTMIN, NULL, &old) != 0)
		err(1, "sigaction");
	printf("%d\n", old.sa_sigaction == on_value && (old.sa_flags & SA_RESTART) != 0);
	thread = start(reader);
	for (int i = 0; i < QUEUED; i++) {
		const union sigval value = {.sival_int = i};

		(void)pthread_sigqueue(thread, SIGRTMIN, value);
		if (i % 10 == 9)
			let_sleep();
	}
	feed();
	printf("%ld\n", end(thread));
	for (int i = 0; i < QUEUED; i++)
		ordered = ordered && values[i] == i;
	printf("%d %d %d\n", (int)value_count, ordered, (int)others);
}

#define NO_FLAG 0x400 /* that no kernel knows, for finding out what one knows */

/* What was set is told again, but for what the kernel does not know or allow. */
static void
tells(void)
{
	struct sigaction action = {.sa_sigaction = on_value, .sa_flags = SA_SIGINFO | SA_ONSTACK | NO_FLAG},
			 old;

	(void)sigfillset(&action.sa_mask);
	if (sigaction(SIGUSR1, &action, &old) != 0 || old.sa_handler != SIG_DFL ||
	    sigaction(SIGUSR1, NULL, &old) != 0)
		err(1, "sigaction");
	printf("%d %x %d %d %d\n", old.sa_sigaction == on_value, (unsigned int)old.sa_flags & ~0x04000000U,
	    sigismember(&old.sa_mask, SIGKILL) == 1, sigismember(&old.sa_mask, SIGSYS) == 1,
	    sigismember(&old.sa_mask, SIGTERM) == 1);
	action = (struct sigaction){.sa_handler = SIG_IGN};
	if (sigaction(SIGUSR1, &action, &old) != 0)
		err(1, "sigaction");
	printf("%d\n", old.sa_sigaction == on_value);
	if (sigaction(SIGUSR1, NULL, &old) != 0)
		err(1, "sigaction");
	printf("%d %x\n", old.sa_handler == SIG_IGN, (unsigned int)old.sa_flags & ~0x04000000U);
}

/* A handler for one time, in a process of its own: the second signal ends it. */
static void
once(void)
{
	int status, told[2];
	pid_t child;

	if (pipe(told) != 0)
		err(1, "pipe");
	fflush(stdout);
	child = fork();
	if (child == 0) {
		set(SIGUSR1, count, (int)SA_RESETHAND);
		(void)!write(told[1], "x", 1);
		while (handled == 0)
			(void)!read(ends[0], buffer, 1);
		(void)!write(told[1], handled == 1 ? "1" : "0", 1);
		for (;;)
			(void)!read(ends[0], buffer, 1);
	}
	for (int i = 0; i < 2; i++) {
		(void)!read(told[0], buffer, 1);
		let_sleep();
		(void)kill(child, SIGUSR1);
		if (i == 0) /* the call may begin only now */
			feed();
	}
	(void)waitpid(child, &status, 0);
	printf("%c %d\n", buffer[0], WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
}

/* Signals that come to a sleeping process at the same moment: both handlers run, and nothing remains blocked.
 */
static void
two_at_once(void)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		sigset_t mask;

		handled = 0;
		set(SIGUSR1, count, 0);
		set(SIGUSR2, count, 0);
		(void)raise(SIGSTOP);
		(void)!read(ends[0], buffer, 1);
		while (handled < 2 && poll(NULL, 0, LIMIT) != 0)
			continue;
		(void)sigprocmask(SIG_BLOCK, NULL, &mask);
		printf("%d %d\n", (int)handled, sigismember(&mask, SIGUSR1) || sigismember(&mask, SIGUSR2));
		fflush(stdout);
		_exit(0);
	}
	(void)waitpid(child, &status, WUNTRACED);
	(void)kill(child, SIGCONT);
	let_sleep();
	(void)kill(child, SIGSTOP);
	(void)waitpid(child, &status, WUNTRACED);
	(void)kill(child, SIGUSR1);
	(void)kill(child, SIGUSR2);
	(void)kill(child, SIGCONT);
	let_sleep();
	feed(); /* to a call that begins only now */
	(void)waitpid(child, &status, 0);
	printf("%d\n", status);
}

static char *alternate;
static volatile sig_atomic_t there;

static void
on_alternate(int number)
{
	char here;
	uintptr_t place = (uintptr_t)&here, stack = (uintptr_t)alternate;

	(void)number;
	there = place >= stack && place < stack + ALTERNATE;
}

static void *
reader_with_stack(void *unused)
{
	const stack_t stack = {.ss_sp = alternate, .ss_size = ALTERNATE};

	(void)sigaltstack(&stack, NULL);
	return reader(unused);
}

static void
elsewhere(void)
{
	pthread_t thread;
	long result;

	alternate = malloc(ALTERNATE);
	set(SIGUSR1, on_alternate, SA_ONSTACK);
	thread = start(reader_with_stack);
	result = end_by_signals(thread);
	printf("%ld %d\n", result, (int)there);
	free(alternate);
}

static void
cleanup(void *text)
{
	puts(text);
}

static void *
cancelled_reader(void *unused)
{
	void *result;

	pthread_cleanup_push(cleanup, (void *)(uintptr_t) "cleaned up");
	result = reader(unused);
	pthread_cleanup_pop(0);
	return result;
}

/* What comes after a thread was cancelled is for the next call. */
static void
cancels(void)
{
	pthread_t thread = start(cancelled_reader);
	void *result;

	(void)pthread_cancel(thread);
	(void)pthread_join(thread, &result);
	feed();
	printf("%d %zd\n", result == PTHREAD_CANCELED, recv(ends[0], buffer, sizeof(buffer), 0));
}

static void *
reads_much(void *unused)
{
	size_t total = 0;
	ssize_t n;

	while ((n = recv(ends[0], buffer, sizeof(buffer), 0)) > 0)
		total += (size_t)n;
	(void)unused;
	return (void *)(intptr_t)(n == 0 ? (long)total : -1L);
}

/* Signals without end while threads read and write: nothing is lost, and no call returns EINTR. */
static void
under_fire(void)
{
	pthread_t thread;
	long sent = 0;
	bool all;

	set(SIGUSR2, count, SA_RESTART);
	thread = start(reads_much);
	for (int i = 0; i < 1000; i++) {
		(void)pthread_kill(thread, SIGUSR2);
		if (i % 10 == 0)
			sent += send(ends[1], buffer, sizeof(buffer), 0);
		if (i % 100 == 0)
			pause_for(1);
	}
	(void)shutdown(ends[1], SHUT_WR);
	all = end(thread) == sent;
	printf("%d %d\n", all, handled > 0);
}

static const struct {
	const char *name;
	void (*run)(int flags);
	void (*plain)(void);
	int flags;
} cases[] = {
    {"waits", waits, NULL, 0},
    {"waits, with SA_RESTART", waits, NULL, SA_RESTART},
    {"jumps out", jumps_out, NULL, 0},
    {"jumps out, with SA_RESTART", jumps_out, NULL, SA_RESTART},
    {"carries", NULL, carries, 0},
    {"is told of", NULL, tells, 0},
    {"once", NULL, once, 0},
    {"jumps out, with SA_NODEFER", jumps_out, NULL, SA_NODEFER},
    {"comes with another", NULL, two_at_once, 0},
    {"elsewhere", NULL, elsewhere, 0},
    {"cancels", NULL, cancels, 0},
    {"under fire", NULL, under_fire, 0},
};

int
main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (argc > 1 && strcmp(argv[1], cases[i].name) != 0)
			continue;
		if (argc == 1) {
			puts(cases[i].name);
			continue;
		}
		(void)sem_init(&begun, 0, 0);
		(void)sem_init(&done, 0, 0);
		make_pair();
		if (cases[i].plain != NULL)
			cases[i].plain();
		else
			cases[i].run(cases[i].flags);
		return 0;
	}
	return argc == 1 ? 0 : 1;
}
