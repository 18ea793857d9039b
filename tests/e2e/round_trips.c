/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often a call goes there and back over TCP: a relay between client and server holds everything for
 * 10 ms and counts how often the direction turns. Speaks TAP.
 * usage: round_trips port-of-the-server directory-to-write-in
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#define DELAY_US 10000

struct relay {
	int listener;
	struct sockaddr_in server;
	_Atomic int turns; /* from the server's direction, or none, to the client's */
};

static void
no_delay(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* Passes on what is there, and what comes during the delay with it. False at the end. */
static bool
pass(int from, int to)
{
	static char bytes[4 << 20];
	ssize_t have = recv(from, bytes, sizeof(bytes), 0);
	ssize_t more;

	if (have <= 0)
		return false;
	usleep(DELAY_US);
	more = recv(from, bytes + have, sizeof(bytes) - (size_t)have, MSG_DONTWAIT);
	have += more > 0 ? more : 0;
	for (ssize_t sent = 0, n; sent < have; sent += n) {
		n = send(to, bytes + sent, (size_t)(have - sent), MSG_NOSIGNAL);
		if (n <= 0)
			return false;
	}
	return true;
}

static void *
run_relay(void *arg)
{
	struct relay *relay = arg;
	int client = accept(relay->listener, NULL, NULL);
	int server = socket(AF_INET, SOCK_STREAM, 0);
	bool from_client = false;

	if (client == -1 || connect(server, (struct sockaddr *)&relay->server, sizeof(relay->server)) == -1)
		err(1, "relay");
	no_delay(client);
	no_delay(server);
	for (;;) {
		struct pollfd ends[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};

		if (poll(ends, 2, -1) == -1)
			continue;
		if (ends[1].revents != 0) {
			from_client = false;
			if (!pass(server, client))
				break;
		} else if (ends[0].revents != 0) {
			relay->turns += !from_client;
			from_client = true;
			if (!pass(client, server))
				break;
		}
	}
	close(client);
	close(server);
	return NULL;
}

static void
start(struct relay *relay, int port, char url[64])
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(any);
	pthread_t thread;

	relay->server = any;
	relay->server.sin_port = htons((uint16_t)port);
	relay->listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(relay->listener, (struct sockaddr *)&any, sizeof(any)) == -1 ||
	    listen(relay->listener, 1) == -1 ||
	    getsockname(relay->listener, (struct sockaddr *)&any, &len) == -1)
		err(1, "relay");
	snprintf(url, 64, "tcp://127.0.0.1:%d", ntohs(any.sin_port));
	pthread_create(&thread, NULL, run_relay, relay);
	pthread_detach(thread);
}

static int number;
static int failures;
static struct relay relay;

static void
expect(const char *name, bool succeeded, int before)
{
	int turns = relay.turns - before;
	bool good = succeeded && turns == 1;

	failures += !good;
	printf("%sok %d - %s: %d round trip%s%s\n", good ? "" : "not ", ++number, name, turns,
	    turns == 1 ? "" : "s", succeeded ? "" : ", and it failed");
}

#define EXPECT(name, condition) \
	do { \
		int before = relay.turns; \
		bool succeeded = (condition); \
\
		expect(name, succeeded, before); \
	} while (0)

int
main(int argc, char *argv[])
{
	static char data[4096];
	static char back[4096];
	struct rump_iovec iov[2] = {{back, 1000}, {back + 1000, 3096}};
	struct rump_stat status;
	char path[128];
	char url[64];
	int fd = -1;

	if (argc != 3)
		errx(2, "usage: round_trips port directory");
	start(&relay, atoi(argv[1]), url);
	setenv("RUMP_SERVER", url, 1);
	if (rumpclient_init() == -1)
		err(1, "rumpclient_init");
	snprintf(path, sizeof(path), "%s/round-trips", argv[2]);
	memset(data, 'd', sizeof(data));
	EXPECT("getpid", rump_sys_getpid() > 0);
	EXPECT("open", (fd = rump_sys_open(path, RUMP_O_RDWR | RUMP_O_CREAT, 0644)) >= 0);
	EXPECT("write of 4 KiB", rump_sys_write(fd, data, sizeof(data)) == sizeof(data));
	EXPECT("pread of 4 KiB", rump_sys_pread(fd, back, sizeof(back), 0) == sizeof(back));
	EXPECT("what was read", memcmp(data, back, sizeof(back)) == 0 && rump_sys_getpid() > 0);
	memset(back, 0, sizeof(back));
	EXPECT("preadv of 4 KiB", rump_sys_preadv(fd, iov, 2, 0) == sizeof(back));
	EXPECT("what was read", memcmp(data, back, sizeof(back)) == 0 && rump_sys_getpid() > 0);
	EXPECT("stat", rump_sys_stat(path, &status) == 0 && status.st_size == sizeof(data));
	EXPECT("fstat", rump_sys_fstat(fd, &status) == 0 && status.st_size == sizeof(data));
	EXPECT("stat of nothing", rump_sys_stat("/nothing", &status) == -1);
	EXPECT("close", rump_sys_close(fd) == 0);
	EXPECT("unlink", rump_sys_unlink(path) == 0);
	printf("1..%d\n", number);
	return failures != 0;
}
