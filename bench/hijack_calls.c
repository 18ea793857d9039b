/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The time of one system call, or of a few that belong together, in this process and this directory.
 * bench/hijack runs it on the host, hijacked, and otherwise.
 *
 * usage: hijack_calls row directory
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCHES 40
#define ENTRIES 1000

extern char **environ;

static char directory[300];
static char file[300];
static int peer;
static char buffer[4096];
static int zero, data;

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void
call_getppid(void)
{
	(void)getppid();
}

static void
call_read(void)
{
	if (read(zero, buffer, 1) != 1)
		err(1, "read");
}

static void
call_fstat(void)
{
	struct stat st;

	if (fstat(zero, &st) != 0)
		err(1, "fstat");
}

static void
call_pread(void)
{
	if (pread(data, buffer, sizeof(buffer), 0) != (ssize_t)sizeof(buffer))
		err(1, "pread");
}

static void
call_stat(void)
{
	struct stat st;

	if (stat(file, &st) != 0)
		err(1, "%s", file);
}

static void
call_open(void)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd == -1 || close(fd) != 0)
		err(1, "%s", file);
}

/* Not of this process but of another: the time from spawning a program to its end. */
static void
call_start(void)
{
	char *arguments[] = {(char *)(void *)(size_t) "/bin/true", NULL};
	pid_t pid;
	int status;

	if (posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid)
		err(1, "/bin/true");
}

static void
call_readdir(void)
{
	DIR *d = opendir(directory);
	int count = 0;

	if (d == NULL)
		err(1, "%s", directory);
	while (readdir(d) != NULL)
		count++;
	closedir(d);
	if (count != ENTRIES + 2)
		errx(1, "%d entries", count);
}

static void
call_ping_pong(void)
{
	if (send(peer, buffer, 1, 0) != 1 || recv(peer, buffer, 1, 0) != 1)
		err(1, "ping-pong");
}

static void
set_up_file(const char *where)
{
	zero = open("/dev/zero", O_RDONLY);
	snprintf(file, sizeof(file), "%s/bench.%d", where, (int)getpid());
	data = open(file, O_RDWR | O_CREAT, 0600);
	if (zero == -1 || data == -1 || write(data, buffer, sizeof(buffer)) != (ssize_t)sizeof(buffer))
		err(1, "%s", file);
}

static void
set_up_directory(const char *where)
{
	char name[400];

	snprintf(directory, sizeof(directory), "%s/bench.%d", where, (int)getpid());
	if (mkdir(directory, 0700) != 0)
		err(1, "%s", directory);
	for (int i = 0; i < ENTRIES; i++) {
		int fd;

		snprintf(name, sizeof(name), "%s/entry-%04d", directory, i);
		fd = open(name, O_WRONLY | O_CREAT, 0600);
		if (fd == -1 || close(fd) != 0)
			err(1, "%s", name);
	}
}

static void
echo(int fd)
{
	char byte;

	while (recv(fd, &byte, 1, 0) == 1 && send(fd, &byte, 1, 0) == 1)
		;
	_exit(0);
}

/* With a child that answers. */
static void
set_up_peer(const char *where)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);

	(void)where;
	if (listener == -1 || bind(listener, (struct sockaddr *)&address, length) != 0 ||
	    listen(listener, 1) != 0 || getsockname(listener, (struct sockaddr *)&address, &length) != 0)
		err(1, "listen");
	if (fork() == 0) {
		int fd = accept(listener, NULL, NULL);

		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		echo(fd);
	}
	peer = socket(AF_INET, SOCK_STREAM, 0);
	if (peer == -1 || connect(peer, (struct sockaddr *)&address, length) != 0)
		err(1, "connect");
	(void)setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static const struct row {
	const char *name;
	void (*set_up)(const char *);
	void (*call)(void);
	int times; /* a batch */
} rows[] = {
    {"getppid", set_up_file, call_getppid, 5000},
    {"read", set_up_file, call_read, 5000},
    {"fstat", set_up_file, call_fstat, 5000},
    {"start", set_up_file, call_start, 5},
    {"pread", set_up_file, call_pread, 200},
    {"stat", set_up_file, call_stat, 200},
    {"open", set_up_file, call_open, 100},
    {"readdir", set_up_directory, call_readdir, 2},
    {"ping-pong", set_up_peer, call_ping_pong, 100},
};

static void
clean_up(void)
{
	char name[400];

	if (file[0] != '\0')
		(void)unlink(file);
	for (int i = 0; i < ENTRIES && directory[0] != '\0'; i++) {
		snprintf(name, sizeof(name), "%s/entry-%04d", directory, i);
		(void)unlink(name);
	}
	if (directory[0] != '\0')
		(void)rmdir(directory);
}

/* The best of several batches, in nanoseconds. */
static double
measure(const struct row *row)
{
	double best = -1;

	for (int batch = 0; batch < BATCHES; batch++) {
		double start = now(), took;

		for (int i = 0; i < row->times; i++)
			row->call();
		took = (now() - start) / row->times;
		if (best < 0 || took < best)
			best = took;
	}
	return best;
}

int
main(int argc, char **argv)
{
	for (size_t i = 0; argc == 3 && i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].name, argv[1]) != 0)
			continue;
		rows[i].set_up(argv[2]);
		printf("%.1f\n", measure(&rows[i]));
		clean_up();
		return 0;
	}
	errx(2, "usage: hijack_calls row directory");
}
