/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage: kernel_start runs library-path server argument...
 * How long a server takes from its start to the first call that it answers, and what it costs while nobody
 * wants anything of it: "name<tab>value" a line. Each run starts one with the arguments, to which a URL is
 * added; it has to detach. The client is the same whatever the server.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

/* How long an idle server is watched, after as long a time for it to come to rest. */
#define IDLE_SECONDS 3

extern char **environ;

static char directory[] = "/tmp/kernel_start.XXXXXX", url[64], path[48];

static double
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* Starts a server and calls it once: milliseconds. Never returns to a process that has been a client. */
static double
first_call(char **server)
{
	double start = now_ms();
	pid_t pid;
	int status;

	if (posix_spawnp(&pid, server[0], NULL, NULL, server, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid || status != 0)
		errx(1, "%s does not start", server[0]);
	if (rumpclient_init() == -1 || rump_sys_getpid() == -1)
		errx(1, "%s does not answer", server[0]);
	return now_ms() - start;
}

/* The server's process, as its socket knows it. */
static pid_t
server_pid(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct ucred peer;
	socklen_t size = sizeof(peer);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	if (fd == -1 || connect(fd, (struct sockaddr *)&address, sizeof(address)) == -1 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == -1)
		err(1, "%s", path);
	close(fd);
	return peer.pid;
}

/* The number after a word of a status file in /proc; 0 when the thread has gone. */
static unsigned long
field(const char *file, const char *word)
{
	FILE *stream = fopen(file, "re");
	unsigned long value = 0;
	char line[256];

	while (stream != NULL && fgets(line, sizeof(line), stream) != NULL) {
		if (strncmp(line, word, strlen(word)) == 0)
			value = strtoul(line + strlen(word), NULL, 10);
	}
	if (stream != NULL)
		fclose(stream);
	return value;
}

/* How often all threads of a process have been switched to and from. */
static unsigned long
switches(pid_t pid)
{
	char name[320];
	struct dirent *entry;
	unsigned long sum = 0;
	DIR *tasks;

	snprintf(name, sizeof(name), "/proc/%d/task", (int)pid);
	tasks = opendir(name);
	if (tasks == NULL)
		err(1, "%s", name);
	while ((entry = readdir(tasks)) != NULL) {
		snprintf(name, sizeof(name), "/proc/%d/task/%s/status", (int)pid, entry->d_name);
		if (entry->d_name[0] != '.')
			sum += field(name, "voluntary_ctxt_switches:") +
			       field(name, "nonvoluntary_ctxt_switches:");
	}
	closedir(tasks);
	return sum;
}

static void
watch_idle(pid_t pid)
{
	char name[64];
	unsigned long before;

	sleep(IDLE_SECONDS);
	before = switches(pid);
	sleep(IDLE_SECONDS);
	snprintf(name, sizeof(name), "/proc/%d/status", (int)pid);
	printf("idle server, switches a second\t%.1f\n", (double)(switches(pid) - before) / IDLE_SECONDS);
	printf("idle server, MiB resident\t%.2f\n", (double)field(name, "VmRSS:") / 1024);
}

/* One run in a process of its own: a client cannot be one again. Returns the server's pid and the time. */
static pid_t
run(char **server, double *took)
{
	int ends[2];
	pid_t child;

	if (pipe(ends) == -1 || (child = fork()) == -1)
		err(1, NULL);
	if (child == 0) {
		*took = first_call(server);
		if (write(ends[1], took, sizeof(*took)) != sizeof(*took))
			err(1, "write");
		_exit(0);
	}
	close(ends[1]);
	if (read(ends[0], took, sizeof(*took)) != sizeof(*took))
		errx(1, "no answer");
	close(ends[0]);
	waitpid(child, NULL, 0);
	return server_pid();
}

static int
by_size(const void *a, const void *b)
{
	double one = *(const double *)a, other = *(const double *)b;

	return (one > other) - (one < other);
}

int
main(int argc, char **argv)
{
	int runs = argc > 3 ? atoi(argv[1]) : 0;
	double *took = calloc((size_t)runs + 1, sizeof(*took));
	pid_t pid = 0;

	if (runs < 1 || took == NULL || mkdtemp(directory) == NULL)
		errx(1, "usage: kernel_start runs library-path server argument...");
	snprintf(path, sizeof(path), "%s/ctl", directory);
	snprintf(url, sizeof(url), "unix://%s", path);
	setenv("RUMP_SERVER", url, 1);
	setenv("LD_LIBRARY_PATH", argv[2], 1);
	/* The program's own libraries are loaded: this is for the server's. */
	memmove(argv, argv + 3, (size_t)(argc - 3) * sizeof(*argv));
	argv[argc - 3] = url;
	argv[argc - 2] = NULL;
	for (int i = 0; i < runs; i++) {
		pid = run(argv, &took[i]);
		if (i + 1 == runs)
			watch_idle(pid);
		kill(pid, SIGKILL);
		unlink(path);
	}
	qsort(took, (size_t)runs, sizeof(*took), by_size);
	printf("start to first answered call, ms, least\t%.2f\n", took[0]);
	printf("start to first answered call, ms, median\t%.2f\n", took[runs / 2]);
	rmdir(directory);
	free(took);
	return 0;
}
