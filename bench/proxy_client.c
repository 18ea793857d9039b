/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One row of the proxy benchmark: makes calls to the server that RUMP_SERVER names, with whatever
 * librumpclient the loader finds, and prints the best of several rounds: microseconds a call, or
 * with several threads or processes, thousands of calls a second over all.
 * usage: proxy_client getpid | sleepers N | pread SIZE | pwrite SIZE | threads N | processes N | socket |
 * sockets N | tcpsockets N
 * sleepers: getpid while N calls of another client sleep in the kernel. socket, sockets, tcpsockets: no
 * server, only what it and N processes would send each other.
 */
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#define ROUNDS 7
#define ROUND_NS 60000000.0
/* A server that cannot have so many calls asleep stops the client that makes them. */
#define SLEEPERS_SECONDS 20

static char *buffer;
static size_t size;
static int fd;
static int pair[2];

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void
call_getpid(void)
{
	if (rump_sys_getpid() == -1)
		err(1, "getpid");
}

static void
call_pread(void)
{
	if (rump_sys_pread(fd, buffer, size, 0) != (ssize_t)size)
		err(1, "pread");
}

static void
call_pwrite(void)
{
	if (rump_sys_pwrite(fd, buffer, size, 0) != (ssize_t)size)
		err(1, "pwrite");
}

/* What no proxy can beat: a request and an answer of the same lengths. */
static void
call_socket(void)
{
	char frame[48] = {0};

	if (send(pair[0], frame, 24, 0) != 24 || recv(pair[0], frame, 48, 0) != 48)
		err(1, "socket");
}

static void *
answer_socket(void *arg)
{
	char frame[48] = {0};

	while (recv(pair[1], frame, 24, 0) == 24 && send(pair[1], frame, 48, 0) == 48)
		continue;
	return arg;
}

static double
once(void (*call)(void), long count)
{
	double begun = now();

	for (long i = 0; i < count; i++)
		call();
	return (now() - begun) / (double)count;
}

/* Microseconds a call. */
static double
best_of(void (*call)(void))
{
	double best = once(call, 20);
	long count = (long)(ROUND_NS / best) + 1;

	for (int round = 0; round < ROUNDS; round++) {
		double each = once(call, count);

		if (each < best)
			best = each;
	}
	return best / 1000;
}

/* A server that answers each request at once, on pair[1] of every worker. */
static void
answer_sockets(const int *fds, int count)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	char frame[48] = {0};
	int set = epoll_create1(0);

	for (int i = 0; i < count; i++) {
		event.data.fd = fds[i];
		if (epoll_ctl(set, EPOLL_CTL_ADD, fds[i], &event) == -1)
			err(1, "epoll_ctl");
	}
	while (epoll_wait(set, &event, 1, -1) == 1)
		if (recv(event.data.fd, frame, 24, MSG_DONTWAIT) != 24 ||
		    send(event.data.fd, frame, 48, MSG_DONTWAIT) != 48)
			break;
	_exit(0);
}

struct shared {
	long counts[64];
	volatile int stop;
};

struct worker {
	struct shared *shared;
	int index;
	void (*call)(void);
};

static void *
work(void *arg)
{
	const struct worker *worker = arg;

	while (!worker->shared->stop) {
		worker->call();
		__atomic_fetch_add(&worker->shared->counts[worker->index], 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static long
total(const struct shared *shared)
{
	long sum = 0;

	for (int i = 0; i < 64; i++)
		sum += __atomic_load_n(&shared->counts[i], __ATOMIC_RELAXED);
	return sum;
}

/* Thousands of calls a second of all workers together. */
static double
rate(const struct shared *shared)
{
	double best = 0;

	usleep(50000);
	for (int round = 0; round < ROUNDS; round++) {
		double begun = now();
		long before = total(shared);
		double each;

		usleep((useconds_t)(ROUND_NS / 1000));
		each = (double)(total(shared) - before) / (now() - begun) * 1e6;
		if (each > best)
			best = each;
	}
	return best;
}

static double
with_workers(int count, int processes)
{
	struct shared *shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct worker workers[64];
	pthread_t threads[64];
	double best;

	if (shared == MAP_FAILED || count < 1 || count > 64)
		errx(1, "%d workers", count);
	for (int i = 0; i < count; i++) {
		workers[i] = (struct worker){shared, i, call_getpid};
		if (!processes) {
			pthread_create(&threads[i], NULL, work, &workers[i]);
		} else if (fork() == 0) {
			if (rumpclient_init() == -1)
				err(1, "rumpclient_init");
			work(&workers[i]);
			_exit(0);
		}
	}
	best = rate(shared);
	shared->stop = 1;
	for (int i = 0; i < count; i++)
		if (processes)
			wait(NULL);
		else
			pthread_join(threads[i], NULL);
	return best;
}

static void
connect_tcp(int ends[2])
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int one = 1;

	if (bind(listener, (struct sockaddr *)&in, len) == -1 || listen(listener, 1) == -1 ||
	    getsockname(listener, (struct sockaddr *)&in, &len) == -1)
		err(1, "loopback");
	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(ends[0], (struct sockaddr *)&in, len) == -1 ||
	    (ends[1] = accept(listener, NULL, NULL)) == -1)
		err(1, "loopback");
	for (int i = 0; i < 2; i++)
		if (setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == -1)
			err(1, "TCP_NODELAY");
	close(listener);
}

/* The same between processes and a server of bare sockets. */
static double
with_sockets(int count, int tcp)
{
	struct shared *shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t children[65];
	int ends[64][2];
	int servers[64];
	double best;

	if (shared == MAP_FAILED || count < 1 || count > 64)
		errx(1, "%d processes", count);
	for (int i = 0; i < count; i++) {
		if (tcp)
			connect_tcp(ends[i]);
		else if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends[i]) == -1)
			err(1, "socketpair");
		servers[i] = ends[i][1];
	}
	for (int i = 0; i <= count; i++) {
		struct worker worker = {shared, i, call_socket};

		children[i] = fork();
		if (children[i] == -1)
			err(1, "fork");
		if (children[i] != 0)
			continue;
		if (i == count)
			answer_sockets(servers, count);
		pair[0] = ends[i][0];
		work(&worker);
		_exit(0);
	}
	best = rate(shared);
	for (int i = 0; i <= count; i++) {
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
	}
	return best;
}

static void *
sleep_in_kernel(void *arg)
{
	const int *pipe_fds = arg;
	char byte;

	rump_sys_read(pipe_fds[0], &byte, 1);
	return NULL;
}

/* How many lwps this process has in the kernel. */
static uint64_t
lwps(void)
{
	struct rump_kinfo_proc2 self = {0};
	size_t len = sizeof(self);
	const int name[] = {
	    RUMP_CTL_KERN, RUMP_KERN_PROC2, RUMP_KERN_PROC_PID, rump_sys_getpid(), sizeof(self), 1};

	if (rump_sys___sysctl(name, 6, &self, &len, NULL, 0) != 0)
		err(1, "kern.proc2");
	return self.p_nlwps;
}

/* A client with so many calls that sleep, in a process of its own, until the descriptor is closed. */
static void
be_asleep(int count, int ready, int until)
{
	pthread_attr_t attr;
	pthread_t thread;
	int pipe_fds[2];
	char byte = 0;

	alarm(SLEEPERS_SECONDS);
	if (rumpclient_init() == -1 || rump_sys_pipe(pipe_fds) == -1)
		err(1, "a sleeping client");
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (int i = 0; i < count; i++)
		if ((errno = pthread_create(&thread, &attr, sleep_in_kernel, pipe_fds)) != 0)
			err(1, "%d threads", count);
	while (lwps() < (uint64_t)count)
		usleep(10000);
	if (write(ready, &byte, 1) != 1 || read(until, &byte, 1) == -1)
		err(1, "a sleeping client");
	_exit(0);
}

static double
with_sleepers(int count)
{
	int ready[2], until[2];
	double best;
	char byte;

	if (pipe(ready) == -1 || pipe(until) == -1)
		err(1, "pipe");
	if (fork() == 0) {
		close(until[1]);
		be_asleep(count, ready[1], until[0]);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		errx(1, "%d calls do not fall asleep", count);
	if (rumpclient_init() == -1)
		err(1, "rumpclient_init");
	best = best_of(call_getpid);
	close(until[1]);
	wait(NULL);
	return best;
}

static double
row(const char *name, const char *argument)
{
	int count = argument != NULL ? atoi(argument) : 0;
	pthread_t thread;

	if (strcmp(name, "socket") == 0) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
			err(1, "socketpair");
		pthread_create(&thread, NULL, answer_socket, NULL);
		return best_of(call_socket);
	}
	if (strcmp(name, "sockets") == 0)
		return with_sockets(count, 0);
	if (strcmp(name, "tcpsockets") == 0)
		return with_sockets(count, 1);
	if (strcmp(name, "processes") == 0)
		return with_workers(count, 1);
	if (strcmp(name, "sleepers") == 0)
		return with_sleepers(count);
	if (rumpclient_init() == -1)
		err(1, "rumpclient_init");
	if (strcmp(name, "getpid") == 0)
		return best_of(call_getpid);
	if (strcmp(name, "threads") == 0)
		return with_workers(count, 0);
	size = (size_t)count;
	buffer = malloc(size + 1);
	fd = rump_sys_open("/bench", RUMP_O_RDWR | RUMP_O_CREAT, 0644);
	if (buffer == NULL || fd == -1)
		err(1, "/bench");
	memset(buffer, 'x', size);
	call_pwrite();
	if (strcmp(name, "pread") == 0)
		return best_of(call_pread);
	if (strcmp(name, "pwrite") == 0)
		return best_of(call_pwrite);
	errx(1, "no row '%s'", name);
}

int
main(int argc, char *argv[])
{
	if (argc < 2)
		errx(1, "usage: proxy_client getpid | sleepers N | pread SIZE | pwrite SIZE | threads N | "
			"processes N | socket | sockets N | tcpsockets N");
	printf("%.2f\n", row(argv[1], argv[2]));
	return 0;
}
