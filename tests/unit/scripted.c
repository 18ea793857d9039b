/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/unit/unit.h"

#include "tests/unit/scripted.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <rump/rumpdefs.h>

#include "sp/capability.h"
#include "sp/frame.h"

#define CALL_GETPID 20
#define CALL_READ 3
#define CALL_WRITE 4
#define HELD_MAX 1024

static bool
read_all(int fd, void *buf, size_t len)
{
	for (size_t have = 0; have < len;) {
		ssize_t n = recv(fd, (char *)buf + have, len - have, 0);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		have += (size_t)n;
	}
	return true;
}

static void *
serve_connection(void *arg)
{
	struct scripted_connection *c = arg;
	scripted_fn *fn = atomic_load(&c->server->fn);

	fn(c, c->server->arg);
	shutdown(c->fd, SHUT_RDWR);
	return NULL;
}

static void
add_connection(struct scripted *s, int fd)
{
	struct scripted_connection *c;

	pthread_mutex_lock(&s->adding);
	c = &s->connection[s->count];
	if (s->count == SCRIPTED_CONNECTIONS) {
		close(fd);
	} else {
		memset(c, 0, sizeof(*c));
		c->server = s;
		c->fd = fd;
		c->number = s->count;
		pthread_mutex_init(&c->sending, NULL);
		s->count++;
		pthread_create(&c->thread, NULL, serve_connection, c);
	}
	pthread_mutex_unlock(&s->adding);
}

static void *
accept_connections(void *arg)
{
	struct scripted *s = arg;

	for (;;) {
		int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd == -1)
			return NULL;
		add_connection(s, fd);
	}
}

static void
listen_unix(struct scripted *s)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	snprintf(un.sun_path, sizeof(un.sun_path), "%s/s", s->directory);
	snprintf(s->url, sizeof(s->url), "unix://%s", un.sun_path);
	unlink(un.sun_path);
	s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&un, sizeof(un)), 0);
}

static void
listen_tcp(struct scripted *s)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);

	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&in, &len), 0);
	snprintf(s->url, sizeof(s->url), "tcp://127.0.0.1:%d", ntohs(in.sin_port));
}

static void
begin(struct scripted *s)
{
	sigset_t all;
	sigset_t before;

	assert_int_equal(listen(s->listener, 64), 0);
	/* The program's signals are the clients'. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	assert_int_equal(pthread_create(&s->thread, NULL, accept_connections, s), 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void
scripted_start(struct scripted *s, bool tcp, uint32_t capabilities, scripted_fn *fn, void *arg)
{
	memset(s, 0, sizeof(*s));
	s->capabilities = capabilities;
	s->fn = fn;
	s->arg = arg;
	pthread_mutex_init(&s->adding, NULL);
	snprintf(s->directory, sizeof(s->directory), "/tmp/scripted.XXXXXX");
	assert_non_null(mkdtemp(s->directory));
	if (tcp)
		listen_tcp(s);
	else
		listen_unix(s);
	begin(s);
}

void
scripted_stop(struct scripted *s)
{
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listener);
	for (int i = 0; i < s->count; i++) {
		shutdown(s->connection[i].fd, SHUT_RDWR);
		pthread_join(s->connection[i].thread, NULL);
		close(s->connection[i].fd);
	}
	s->count = 0;
}

void
scripted_remove(struct scripted *s)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/s", s->directory);
	unlink(path);
	rmdir(s->directory);
}

void
scripted_restart(struct scripted *s)
{
	listen_unix(s);
	begin(s);
}

bool
scripted_receive(struct scripted_connection *c, struct sp_header *header, void *body, size_t size)
{
	if (!read_all(c->fd, header, sizeof(*header)))
		return false;
	if (header->len < sizeof(*header) || header->len - sizeof(*header) > size)
		return false;
	return read_all(c->fd, body, header->len - sizeof(*header));
}

void
scripted_send(struct scripted_connection *c, struct sp_header header, const void *body)
{
	size_t len = header.len - sizeof(header);
	uint8_t *frame = malloc(sizeof(header) + len);
	size_t sent = 0;

	memcpy(frame, &header, sizeof(header));
	if (len != 0)
		memcpy(frame + sizeof(header), body, len);
	pthread_mutex_lock(&c->sending);
	while (sent < sizeof(header) + len) {
		ssize_t n = send(c->fd, frame + sent, sizeof(header) + len - sent, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		sent += (size_t)n;
	}
	pthread_mutex_unlock(&c->sending);
	free(frame);
}

int
scripted_greet(struct scripted_connection *c)
{
	struct sp_handshake_response response = {0};
	uint8_t body[SP_HELLO_MAX];
	struct sp_header header;
	const char *comm;
	char banner[96];

	if (c->server->capabilities != 0)
		snprintf(
		    banner, sizeof(banner), "RUMPSP-0.4-Test-1.0/amd64 caps=%x\n", c->server->capabilities);
	else
		snprintf(banner, sizeof(banner), "RUMPSP-0.4-Test-1.0/amd64\n");
	send(c->fd, banner, strlen(banner), MSG_NOSIGNAL);
	if (!scripted_receive(c, &header, body, sizeof(body)) || header.type != SP_HANDSHAKE)
		return -1;
	if (header.u != SP_FORK)
		sp_hello_parse(sp_cursor(body, header.len - sizeof(header)), &comm, &c->capabilities);
	scripted_send(c, sp_header(SP_RESPONSE, SP_HANDSHAKE, 0, header.reqno, sizeof(response)), &response);
	return (int)header.u;
}

void
scripted_answer(struct scripted_connection *c, uint64_t reqno, int error, int64_t first, int64_t second)
{
	struct sp_syscall_response response = {.error = error, .retval = {first, second}};

	scripted_send(c, sp_header(SP_RESPONSE, SP_SYSCALL, 0, reqno, sizeof(response)), &response);
}

int
scripted_copyin(
    struct scripted_connection *c, bool string, sp_addr_t addr, uint64_t want, void *body, size_t *len)
{
	struct sp_copy copy = {want, addr};
	struct sp_header header;

	scripted_send(c, sp_header(SP_REQUEST, string ? SP_COPYINSTR : SP_COPYIN, 0, 7, sizeof(copy)), &copy);
	if (!scripted_receive(c, &header, body, *len) || header.reqno != 7)
		return -1;
	*len = header.len - sizeof(header);
	return header.class;
}

void
scripted_copyout(struct scripted_connection *c, sp_addr_t addr, const void *bytes, size_t len)
{
	struct sp_copy copy = {len, addr};
	uint8_t *body = malloc(sizeof(copy) + len);

	memcpy(body, &copy, sizeof(copy));
	memcpy(body + sizeof(copy), bytes, len);
	scripted_send(c, sp_header(SP_REQUEST, SP_COPYOUT, 0, 8, sizeof(copy) + len), body);
	free(body);
}

struct kernel {
	uint64_t held[HELD_MAX];
	int count;
	uint32_t ticket;
};

static void
release(struct scripted_connection *c, struct kernel *k, uint64_t only, int error)
{
	for (int i = 0; i < k->count; i++) {
		if (only != 0 && k->held[i] != only)
			continue;
		scripted_answer(c, k->held[i], error, i, 0);
		k->held[i--] = k->held[--k->count];
	}
}

static void
fill(struct scripted_connection *c, sp_addr_t addr, size_t len)
{
	char *bytes = malloc(len);

	memset(bytes, 'r', len);
	scripted_copyout(c, addr, bytes, len);
	free(bytes);
}

static void
system_call(
    struct scripted_connection *c, struct kernel *k, const struct sp_header *header, const int64_t *slot)
{
	struct sp_header raise = sp_header(SP_REQUEST, SP_RAISE, (uint32_t)slot[0], 99, 0);
	struct sp_copy copy = {(uint64_t)slot[2], (sp_addr_t)slot[1]};

	switch (header->u) {
	case CALL_GETPID:
		scripted_answer(c, header->reqno, 0, 42, c->number);
		break;
	case CALL_READ:
		fill(c, (sp_addr_t)slot[1], (size_t)slot[2]);
		scripted_answer(c, header->reqno, 0, slot[2], 0);
		break;
	case CALL_WRITE:
		/* The answer is the call's: other requests may come before it. */
		scripted_send(c, sp_header(SP_REQUEST, SP_COPYIN, 0, header->reqno, sizeof(copy)), &copy);
		break;
	case KERNEL_ECHO:
		scripted_answer(c, header->reqno, 0, slot[0], slot[1]);
		break;
	case KERNEL_HOLD:
		k->held[k->count++ % HELD_MAX] = header->reqno;
		break;
	case KERNEL_RELEASE:
		release(c, k, 0, 0);
		scripted_answer(c, header->reqno, 0, 0, 0);
		break;
	case KERNEL_FAIL:
		scripted_answer(c, header->reqno, (int)slot[0], -1, 0);
		break;
	case KERNEL_RAISE:
		scripted_send(c, raise, NULL);
		scripted_answer(c, header->reqno, 0, 0, 0);
		break;
	default:
		scripted_answer(c, header->reqno, RUMP_ENOSYS, -1, 0);
		break;
	}
}

/* The response to a CONNECT, with as many descriptors. */
static void
send_descriptors(struct scripted_connection *c, uint64_t reqno, int fd, size_t count)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(2 * sizeof(int))] = {0};
	const struct sp_header header = sp_header(SP_RESPONSE, SP_CONNECT, 0, reqno, 0);
	const struct sp_header raise = sp_header(SP_REQUEST, SP_RAISE, 0, 99, 0);
	bool in_pieces = atomic_load(&c->server->connect) == SCRIPTED_GIVES_IN_PIECES;
	struct iovec iov[2] = {
	    {(void *)(uintptr_t)&raise, in_pieces ? sizeof(raise) : 0}, {(void *)(uintptr_t)&header, 1}};
	struct msghdr message = {.msg_iov = iov,
	    .msg_iovlen = 2,
	    .msg_control = count != 0 ? control : NULL,
	    .msg_controllen = count != 0 ? CMSG_SPACE(count * sizeof(int)) : 0};
	struct cmsghdr *descriptors = (struct cmsghdr *)(void *)control;
	const int fds[2] = {fd, fd};

	descriptors->cmsg_level = SOL_SOCKET;
	descriptors->cmsg_type = SCM_RIGHTS;
	descriptors->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(descriptors), fds, count * sizeof(int));
	pthread_mutex_lock(&c->sending);
	if (!in_pieces)
		iov[1].iov_len = sizeof(header);
	(void)sendmsg(c->fd, &message, MSG_NOSIGNAL);
	for (size_t i = 1; in_pieces && i < sizeof(header); i++)
		(void)send(c->fd, (const uint8_t *)&header + i, 1, MSG_NOSIGNAL);
	pthread_mutex_unlock(&c->sending);
}

static bool
connect_another(struct scripted_connection *c, uint64_t reqno)
{
	enum scripted_connect what = atomic_load(&c->server->connect);
	int ends[2];

	if (what == SCRIPTED_ENDS)
		return false;
	if (what == SCRIPTED_REFUSES || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
		scripted_send(c, sp_header(SP_ERROR, 0, SP_ERR_TRYAGAIN, reqno, 0), NULL);
		return true;
	}
	add_connection(c->server, ends[0]);
	send_descriptors(c, reqno, ends[1],
	    what == SCRIPTED_GIVES_NONE  ? 0
	    : what == SCRIPTED_GIVES_TWO ? 2
					 : 1);
	close(ends[1]);
	return true;
}

static bool
handle(struct scripted_connection *c, struct kernel *k, const struct sp_header *header, const int64_t *body)
{
	struct sp_ticket ticket = {{k->ticket, 1, 2, 3}};
	struct sp_handshake_response accepted = {0};
	size_t len = header->len - sizeof(*header);

	if (header->class == SP_RESPONSE)
		scripted_answer(c, header->reqno, 0, (int64_t)len, *(const uint8_t *)body);
	else if (header->class == SP_ERROR)
		scripted_answer(c, header->reqno, RUMP_EFAULT, -1, 0);
	else if (header->type == SP_SYSCALL && header->u == KERNEL_HANGUP)
		return false;
	else if (header->type == SP_CONNECT)
		return connect_another(c, header->reqno);
	else if (header->type == SP_SYSCALL)
		system_call(c, k, header, body);
	else if (header->type == SP_PREFORK)
		scripted_send(
		    c, sp_header(SP_RESPONSE, SP_PREFORK, 0, header->reqno, sizeof(ticket)), &ticket);
	else if (header->type == SP_HANDSHAKE)
		scripted_send(
		    c, sp_header(SP_RESPONSE, SP_HANDSHAKE, 0, header->reqno, sizeof(accepted)), &accepted);
	else if (header->type == SP_INTERRUPT)
		release(c, k, (uint64_t)body[0], RUMP_EINTR);
	else
		scripted_send(c, sp_header(SP_ERROR, 0, SP_ERR_MALFORMED, header->reqno, 0), NULL);
	return true;
}

void
scripted_kernel(struct scripted_connection *c, void *arg)
{
	struct kernel k = {.ticket = 77};
	/* Not of the heap: in a forked child, where this thread is not, it would be lost. */
	int64_t body[8192] = {0};
	struct sp_header header;

	(void)arg;
	if (scripted_greet(c) != -1)
		while (scripted_receive(c, &header, body, sizeof(body)) && handle(c, &k, &header, body))
			memset(body, 0, 64);
}
