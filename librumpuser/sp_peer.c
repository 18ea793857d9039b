/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "librumpuser/sp_peer.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int
identify_unix(struct sp_peer *peer, int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return -errno;
	peer->known = peer->local = true;
	peer->uid = cred.uid;
	peer->gid = cred.gid;
	peer->pid = cred.pid;
	return 0;
}

/* The addresses of a connection in the form that sock_diag wants, from the other end's point of view. */
static int
diag_id(struct inet_diag_sockid *id, uint8_t *family, bool *loopback, int fd)
{
	struct sockaddr_storage ours, theirs;
	socklen_t ours_len = sizeof(ours), theirs_len = sizeof(theirs);

	if (getsockname(fd, (struct sockaddr *)&ours, &ours_len) != 0 ||
	    getpeername(fd, (struct sockaddr *)&theirs, &theirs_len) != 0)
		return -errno;
	memset(id, 0, sizeof(*id));
	*family = (uint8_t)theirs.ss_family;
	if (theirs.ss_family == AF_INET) {
		struct sockaddr_in o, t;

		memcpy(&o, &ours, sizeof(o));
		memcpy(&t, &theirs, sizeof(t));
		id->idiag_sport = t.sin_port;
		id->idiag_dport = o.sin_port;
		id->idiag_src[0] = t.sin_addr.s_addr;
		id->idiag_dst[0] = o.sin_addr.s_addr;
		*loopback = ntohl(t.sin_addr.s_addr) >> 24 == 127;
	} else {
		struct sockaddr_in6 o, t;

		memcpy(&o, &ours, sizeof(o));
		memcpy(&t, &theirs, sizeof(t));
		id->idiag_sport = t.sin6_port;
		id->idiag_dport = o.sin6_port;
		memcpy(id->idiag_src, &t.sin6_addr, sizeof(t.sin6_addr));
		memcpy(id->idiag_dst, &o.sin6_addr, sizeof(o.sin6_addr));
		*loopback = IN6_IS_ADDR_LOOPBACK(&t.sin6_addr);
	}
	id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	return 0;
}

/* Asks the host who owns the socket. It answers at once, so this does not wait. */
static int
diag_ask(const struct inet_diag_sockid *id, uint8_t family, uid_t *uid)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 body;
	} request = {
	    .header = {.nlmsg_len = sizeof(request),
		.nlmsg_type = SOCK_DIAG_BY_FAMILY,
		.nlmsg_flags = NLM_F_REQUEST},
	    .body = {.sdiag_family = family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = UINT32_MAX,
		.id = *id},
	};
	_Alignas(struct nlmsghdr) uint8_t answer[1024];
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
	struct nlmsghdr header;
	struct inet_diag_msg msg;
	ssize_t n = -1;
	int error = 0;

	if (fd < 0)
		return -errno;
	if (send(fd, &request, sizeof(request), 0) == (ssize_t)sizeof(request))
		n = recv(fd, answer, sizeof(answer), 0);
	if (n < 0)
		error = -errno;
	close(fd);
	if (error != 0)
		return error;
	if ((size_t)n < sizeof(header) + sizeof(msg))
		return -ENOENT;
	memcpy(&header, answer, sizeof(header));
	memcpy(&msg, answer + NLMSG_HDRLEN, sizeof(msg));
	if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return -ENOENT;
	*uid = msg.idiag_uid;
	return 0;
}

static int
identify_tcp(struct sp_peer *peer, int fd)
{
	struct inet_diag_sockid id;
	uint8_t family = 0;
	int error = diag_id(&id, &family, &peer->local, fd);

	if (error != 0)
		return error;
	if (peer->local)
		peer->known = diag_ask(&id, family, &peer->uid) == 0;
	return 0;
}

int
sp_peer_identify(struct sp_peer *peer, enum sp_transport_kind kind, int fd)
{
	*peer = (struct sp_peer){.kind = kind};
	return kind == SP_UNIX ? identify_unix(peer, fd) : identify_tcp(peer, fd);
}

bool
sp_peer_admitted(const struct sp_peer *peer, const struct sp_config *config)
{
	if (!peer->local)
		return config->remote;
	if (!peer->known)
		return false;
	if (config->anyone || peer->uid == 0 || peer->uid == geteuid())
		return true;
	for (unsigned i = 0; i < config->uid_count; i++) {
		if (peer->uid == config->uids[i])
			return true;
	}
	for (unsigned i = 0; peer->kind == SP_UNIX && i < config->gid_count; i++) {
		if (peer->gid == config->gids[i])
			return true;
	}
	return false;
}

bool
sp_peer_same(const struct sp_peer *a, const struct sp_peer *b)
{
	if (a->known != b->known || a->local != b->local)
		return false;
	return !a->known || a->uid == b->uid;
}
