/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several clients of one server, all of them with the server on one CPU, where they take turns: each writes
 * to a file of its own and reads it back, with signals coming all the time, and gets what is its own.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#define CLIENTS 6
#define CALLS 1000

static volatile sig_atomic_t ticks;

static void
tick(int sig)
{
	(void)sig;
	ticks++;
}

static int
client(int number)
{
	const struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
	const struct itimerval often = {{0, 700}, {0, 700}};
	unsigned char wrote[256], read[256];
	char name[16];
	int fd;

	snprintf(name, sizeof(name), "/file%d", number);
	if (rumpclient_init() == -1 || sigaction(SIGALRM, &action, NULL) == -1 ||
	    setitimer(ITIMER_REAL, &often, NULL) == -1)
		return 1;
	fd = rump_sys_open(name, RUMP_O_RDWR | RUMP_O_CREAT, 0644);
	if (fd == -1)
		return 2;
	for (int i = 0; i < CALLS; i++) {
		memset(wrote, number + i, sizeof(wrote));
		if (rump_sys_pwrite(fd, wrote, sizeof(wrote), 0) != (ssize_t)sizeof(wrote) ||
		    rump_sys_pread(fd, read, sizeof(read), 0) != (ssize_t)sizeof(read) ||
		    memcmp(wrote, read, sizeof(read)) != 0)
			return 3;
	}
	return ticks == 0 ? 4 : 0;
}

int
main(void)
{
	pid_t children[CLIENTS];
	int failed = 0;

	printf("1..%d\n", CLIENTS);
	fflush(stdout);
	for (int i = 0; i < CLIENTS; i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(client(i));
	}
	for (int i = 0; i < CLIENTS; i++) {
		int status = -1;
		int good = waitpid(children[i], &status, 0) == children[i] && status == 0;

		printf("%sok %d - client %d of several on one CPU\n", good ? "" : "not ", i + 1, i);
		if (!good)
			printf("# status %#x\n", status);
		failed += !good;
	}
	return failed != 0;
}
