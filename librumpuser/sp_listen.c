/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "librumpuser/sp_listen.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "librumpuser/sp_config.h"
#include "librumpuser/sp_halfopen.h"
#include "librumpuser/sp_peer.h"
#include "sp/transport.h"

#define BACKLOG 4096
#define ACCEPT_AT_ONCE 64

static struct event *accept_event;
static enum sp_transport_kind accept_kind;
static int reserve_fd = -1; /* given up when there is no other descriptor to refuse a client with */
static struct sp_url bound;
static struct stat bound_stat;

/* Whether the path is a socket that nobody listens on. */
static bool
is_stale(const struct sp_url *url)
{
	struct stat st;
	bool stale;
	int fd;

	if (lstat(url->address.un.sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	stale = connect(fd, &url->address.any, url->address_len) != 0 && errno == ECONNREFUSED;
	close(fd);
	return stale;
}

static int
bind_unix(const struct sp_url *url, int fd, mode_t mode)
{
	const char *path = url->address.un.sun_path;

	if (is_stale(url))
		unlink(path);
	/* The mode of the unbound socket is what the path gets, less the umask: there is no moment at which
	 * it is open. */
	if (fchmod(fd, mode) != 0 || bind(fd, &url->address.any, url->address_len) != 0)
		return -errno;
	bound = *url;
	if (chmod(path, mode) != 0 || lstat(path, &bound_stat) != 0)
		return -errno;
	return 0;
}

static int
bind_tcp(const struct sp_url *url, int fd)
{
	int one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0)
		return -errno;
	if (url->kind == SP_TCP6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) != 0)
		return -errno;
	return bind(fd, &url->address.any, url->address_len) == 0 ? 0 : -errno;
}

int
listen_open(const struct sp_url *url, mode_t mode, char *error)
{
	int fd = socket(url->address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char text[200];
	int rv;

	if (fd < 0) {
		rv = -errno;
	} else {
		rv = url->kind == SP_UNIX ? bind_unix(url, fd, mode) : bind_tcp(url, fd);
		if (rv == 0 && listen(fd, BACKLOG) != 0)
			rv = -errno;
	}
	if (rv == 0)
		return fd;
	listen_unlink();
	if (fd >= 0)
		close(fd);
	sp_url_format(url, text, sizeof(text));
	snprintf(error, SP_URL_ERROR_MAX, "\"%s\": cannot listen there: %s", text, strerror(-rv));
	return rv;
}

void
listen_unlink(void)
{
	struct stat st;

	if (bound.address_len != 0 && lstat(bound.address.un.sun_path, &st) == 0 &&
	    st.st_dev == bound_stat.st_dev && st.st_ino == bound_stat.st_ino)
		unlink(bound.address.un.sun_path);
	bound.address_len = 0;
}

/* Out of descriptors: a client that waits would be reported for ever. */
static void
refuse_one(int listener)
{
	int fd;

	close(reserve_fd);
	fd = accept(listener, NULL, NULL);
	if (fd >= 0)
		close(fd);
	reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void
prepare_tcp(int fd)
{
	int one = 1;

	sp_tcp_prepare(fd);
	/* A failure costs patience and nothing else. */
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
}

static void
on_accept(evutil_socket_t listener, short what, void *arg)
{
	(void)what;
	(void)arg;
	for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		struct sp_peer peer;

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE)
				refuse_one(listener);
			return;
		}
		if (accept_kind != SP_UNIX)
			prepare_tcp(fd);
		if (sp_peer_identify(&peer, accept_kind, fd) != 0 || !sp_peer_admitted(&peer, &sp_config))
			close(fd);
		else
			halfopen_add(fd, &peer);
	}
}

bool
listen_begin(struct event_base *base, enum sp_transport_kind kind, int fd)
{
	reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	accept_kind = kind;
	accept_event = event_new(base, fd, EV_READ | EV_PERSIST, on_accept, NULL);
	return accept_event != NULL && event_add(accept_event, NULL) == 0;
}

void
listen_abandon(void)
{
	if (accept_event != NULL)
		event_free(accept_event);
	accept_event = NULL;
	if (reserve_fd >= 0)
		close(reserve_fd);
	reserve_fd = -1;
}

void
listen_end(void)
{
	int fd;

	if (accept_event == NULL)
		return;
	fd = event_get_fd(accept_event);
	listen_abandon();
	close(fd);
}
