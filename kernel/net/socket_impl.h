/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the parts of librumpnet. */
#ifndef KERNEL_NET_SOCKET_IMPL_H
#define KERNEL_NET_SOCKET_IMPL_H

#include "kernel/base/file.h"
#include "kernel/base/lwp.h"
#include "kernel/net/socket.h"

extern const struct fileops rumpk_socket_ops;

/* What whoever asked for SIGIO is told of. */
#define RUMPK_SO_SIGIO (RUMPK_NOTE_READABLE | RUMPK_NOTE_WRITABLE | RUMPK_NOTE_HANGUP)

/* domain.c: the protocol for socket(2)'s arguments, or an errno. */
int rumpk_protocol_find(int family, int type, int number, const struct rumpk_domain **domain,
    const struct rumpk_protocol **protocol);

/* socket.c */
struct socket *rumpk_so_alloc(const struct rumpk_domain *domain, const struct rumpk_protocol *protocol);
/* For one that has no pcb (any more). */
void rumpk_so_free(struct socket *so);
/* With a pcb. */
int rumpk_so_create(struct lwp *l, int family, int type, int number, struct socket **sop);
/* The error that is pending, taken. */
int rumpk_so_error(struct socket *so);

/* A wait for one direction: counts before an attempt, sleeps after it failed. */
struct rumpk_sowait {
	struct socket *so;
	bool sending;
	bool nonblocking;
	uint64_t seen;
	int64_t deadline;
};
void rumpk_sowait_init(struct rumpk_sowait *w, struct socket *so, bool sending, bool nonblocking);
/* Before an attempt. */
void rumpk_sowait_mark(struct rumpk_sowait *w);
/* After one that answered EWOULDBLOCK: 0 to try again, or EWOULDBLOCK, EINTR, EBADF. */
int rumpk_sowait_sleep(struct rumpk_sowait *w);

/* message.c: whole transfers, with their waiting. flags beyond MSG_*: nonblocking. */
int rumpk_so_send(struct socket *so, struct rumpk_somsg *msg, bool nonblocking);
int rumpk_so_receive(struct socket *so, struct rumpk_somsg *msg, bool nonblocking);

/* control.c: from the user's control buffer to files and the rest, and back. */
int rumpk_control_in(struct lwp *l, const uint8_t *control, size_t len, struct rumpk_somsg *msg);
void rumpk_control_rele(struct rumpk_somsg *msg);
/* Fills the buffer, with descriptors for the files; *len is its room, and then its length. */
void rumpk_control_out(struct lwp *l, struct rumpk_somsg *msg, uint8_t *control, size_t *len);

/* sockfile.c: the socket of a descriptor, with a reference on its file; EBADF or ENOTSOCK. */
int rumpk_so_get(struct lwp *l, int fd, struct file **fpp, struct socket **sop);
/* A file for the socket: as socket(2) returns it. flags are SOCK_CLOEXEC and kin. Takes so over only on
 * success. */
int rumpk_so_open(struct lwp *l, struct socket *so, int flags, int *fdp);

/* sockcalls.c: addresses from user memory and back; the latter does nothing for a null uaddr. */
int rumpk_sockaddr_in(struct lwp *l, rumpk_uaddr uaddr, uint32_t len, struct rumpk_sockaddr *addr);
int rumpk_sockaddr_out(struct lwp *l, const struct rumpk_sockaddr *addr, rumpk_uaddr uaddr, rumpk_uaddr ulen);

void rumpk_sockcalls_init(void);
void rumpk_sockopt_init(void);
void rumpk_msgcalls_init(void);

#endif
