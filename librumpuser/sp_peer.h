/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is at the other end of a connection, and whether to let them in. */
#ifndef LIBRUMPUSER_SP_PEER_H
#define LIBRUMPUSER_SP_PEER_H

#include <stdbool.h>
#include <sys/types.h>

#include "librumpuser/sp_config.h"
#include "sp/url.h"

struct sp_peer {
	enum sp_transport_kind kind;
	bool known;     /* uid holds; gid and pid do over unix sockets only */
	bool local;     /* on this machine */
	bool connected; /* by CONNECT: what is known is of who asked for the connection, and the pid is not */
	uid_t uid;
	gid_t gid;
	pid_t pid; /* 0: not known here */
};

/* Finds out who is connected to fd. Returns 0 or -errno. */
int sp_peer_identify(struct sp_peer *peer, enum sp_transport_kind kind, int fd);

/* The rule: the server's own user, root, those that the configuration names. */
bool sp_peer_admitted(const struct sp_peer *peer, const struct sp_config *config);

/* Whether the two are the same user, as far as can be told. */
bool sp_peer_same(const struct sp_peer *a, const struct sp_peer *b);

#endif
