/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's half of the driver: its sockets, in the kernel's terms.
 *
 * Everything here speaks NetBSD's numbers and structures; all return 0 or NetBSD's errno unless they say
 * otherwise. Sockets are the host's descriptors, and never wait: EWOULDBLOCK. Only what says so gives up
 * the kernel's CPU.
 */
#ifndef KERNEL_NET_SOCKIN_USER_H
#define KERNEL_NET_SOCKIN_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <rump/rumpdefs.h>

/* An address: *len is the room on entry where one is asked for. */
int sockin_user_socket(int family, int type, int protocol, int *fdp);
/* May wait for what SO_LINGER says. */
void sockin_user_close(int fd);
int sockin_user_bind(int fd, const void *addr, uint32_t len);
int sockin_user_listen(int fd, int backlog);
int sockin_user_accept(int fd, int *fdp, void *addr, uint32_t *len);
/* EINPROGRESS: sockin_user_connected() tells when it is over. */
int sockin_user_connect(int fd, const void *addr, uint32_t len);
/* 0, EINPROGRESS while there is no answer, or why there is no connection. */
int sockin_user_connected(int fd);
int sockin_user_shutdown(int fd, int how);
int sockin_user_sockname(int fd, void *addr, uint32_t *len);
int sockin_user_peername(int fd, void *addr, uint32_t *len);
/* The error that the host has pending, taken. */
int sockin_user_error(int fd);
/* SIOCATMARK. */
int sockin_user_atmark(int fd, int32_t *answer);

/* A request about one of the host's interfaces: those that change something are EPERM, others ENOTTY. */
int sockin_user_interface(int fd, uint32_t request, struct rump_ifreq *ifr);
/* All addresses of all interfaces, one interface after the other, the link-level one first. May wait for the
 * host. */
int sockin_user_addresses(void (*add)(void *arg, const struct rump_ifreq *entry), void *arg);

/* Options of SOL_SOCKET: what the host does not know is no error. SO_LINGER: seconds, or -1. */
int sockin_user_sockopt(int fd, int name, int64_t value);
/* Options of other levels, of a socket of the family: ENOPROTOOPT. *len is the room, then the length. */
int sockin_user_setopt(int fd, int level, int name, const void *buf, size_t len);
int sockin_user_getopt(int fd, int level, int name, void *buf, size_t *len);

/* A message. */
struct sockin_message {
	const struct rump_iovec *iov;
	int iovcnt;
	/* RUMP_MSG_*; receive says MSG_EOR, MSG_TRUNC, MSG_CTRUNC and MSG_OOB in it. */
	int flags;
	/* NULL: none. addrlen is the room, then the length. */
	void *addr;
	uint32_t addrlen;
	/* Control messages; controllen is their length (send). */
	const uint8_t *control;
	size_t controllen;
	/* receive calls this for each that has come, when it is not NULL. */
	void (*add_control)(void *arg, int level, int type, const void *data, size_t len);
	void *arg;
};
int sockin_user_send(int fd, const struct sockin_message *message, size_t *done);
int sockin_user_receive(int fd, struct sockin_message *message, size_t *done);

/* What could be done now. */
#define SOCKIN_IN 0x01
#define SOCKIN_OUT 0x02
#define SOCKIN_OOB 0x04
#define SOCKIN_EOF 0x08    /* the peer will send no more */
#define SOCKIN_HANGUP 0x10 /* in neither direction */
#define SOCKIN_ERROR 0x20
unsigned sockin_user_ready(int fd);
/* Bytes (connections, on a listening one) that have come; bytes that have not been sent yet. */
int64_t sockin_user_incoming(int fd, bool listening);
int64_t sockin_user_unsent(int fd);

/*
 * One queue of events for all sockets. watch tells of changes of what (SOCKIN_IN, SOCKIN_OUT), and of what
 * holds already, from now on, with the cookie; adding when it is the first time, changing else.
 */
struct sockin_event {
	void *cookie;
	unsigned what;
};
int sockin_user_queue(int *queuep);
int sockin_user_watch(int queue, int fd, bool add, unsigned what, void *cookie);
/* Not any more: when it returns, the queue does nothing with the socket. */
void sockin_user_unwatch(int queue, int fd);
/* Waits, without the kernel's CPU, for at least one. */
size_t sockin_user_wait(int queue, struct sockin_event *events, size_t room);

#endif
