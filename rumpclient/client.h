/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A context: one connection to one server, shared by the threads of a process.
 *
 * Theory of operation. A call claims a slot (slots.h), sends its frame (send.c), and waits (wait.c).
 * Of the threads that wait one holds the receiver's role: it blocks in the reception itself, hands
 * answers to the slots of others and wakes them, serves the server's requests (serve.c), and gives the role
 * up when its own answer has come. A thread that waits alone thus receives its own answer and nobody wakes
 * anybody.
 *
 * Signals are not masked on that way. A handler that makes a call of its own finds the thread's earlier
 * call interrupted at any instruction; so what describes the connection's state changes by single atomic
 * stores, and the handler's call takes over where the earlier one was: it inherits the role, finishes a
 * reception that the kernel has done but the thread has not noticed, and invalidates one that the thread is
 * about to start (receive.c). What cannot be done so, frames that are not short answers, is done with signals
 * blocked.
 *
 * Lost connections: whoever has the role notices, and marks all slots as lost; each of their owners
 * then calls rc_reconnect(), which the first of them does (reconnect.c).
 */
#ifndef RUMPCLIENT_CLIENT_H
#define RUMPCLIENT_CLIENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include <rump/rumpclient.h>

#include "rumpclient/host.h"
#include "rumpclient/slots.h"
#include "sp/cursor.h"
#include "sp/limits.h"
#include "sp/look.h"
#include "sp/turn.h"
#include "sp/url.h"
#include "sp/wire.h"

#define RC_RING_SIZE ((size_t)64 << 10)
#define RC_FRAME_MAX ((size_t)64 << 20) /* servers of version 0.4 copy out as much as a call asked for */
#define RC_FD_BASE 128                  /* where descriptors go, if the limit allows */

/* How a connection stands: RC_DOWN or not, and how often it was made. */
#define RC_DOWN 1u
#define RC_GENERATION 2u

/* What connecting finds out. */
struct rc_link {
	int fd;
	uint32_t capabilities; /* of both ends */
	pid_t server;          /* 0 when it is not known */
	int64_t patience;      /* milliseconds for each step until the handshake is done; 0: for ever */
};

struct rumpclient {
	/* The connection. */
	_Atomic int fd;
	_Atomic uint32_t state;
	uint32_t capabilities;
	bool tcp;
	ino_t inode; /* of the socket */
	struct sp_url url;
	_Atomic time_t retry;
	uint32_t *alive;                /* 0 in a child of fork */
	_Atomic uintptr_t reconnecting; /* by which thread */
	_Atomic uint32_t reconnected;   /* counts attempts; others wait on it */
	_Atomic uint32_t given_up;      /* of these, the ones that have failed for good */

	/* Sending: send.c. */
	_Atomic uint8_t sending[RC_TABLE_FIRST];
	_Atomic uint32_t exclusive;
	_Atomic uint32_t sent;
	_Atomic uintptr_t sole; /* a thread that alone may send, until further notice */
	_Atomic uint32_t outstanding;
	_Atomic bool careful;

	/* Receiving: receive.c. */
	_Atomic uintptr_t receiver; /* which thread has the role, 0: none */
	_Atomic uintptr_t wanted;   /* a thread that wants the role to itself */
	_Atomic uint32_t vacated;
	_Atomic uint64_t head;
	_Atomic uint64_t tail;
	struct rc_reception *_Atomic reception;
	struct sp_look look;
	struct sp_turn turn;
	uint32_t look_for; /* microseconds */
	uint8_t *ring;
	uint8_t *longer; /* a frame that is longer than the ring, as far as it has come; or NULL */
	size_t longer_len;
	size_t longer_have;
	_Atomic uint64_t sleepers; /* slots of the first table */
	_Atomic uint32_t sleepers_beyond;
	_Atomic uint32_t heirs;

	/* Submitted calls: async.c. */
	_Atomic uint32_t async_lock;
	uint32_t submitted;
	struct rumpclient_call *first;
	struct rumpclient_call *last;
	int epoll;
	int event;

	struct rumpclient_fork *made_by; /* a child of vfork's context: its parent's structure */
	void *environment;               /* of the program that rumpclient_exec() last tried */
	struct rc_slots slots;
};

/* This thread's innermost request, of whatever context; NULL: none. */
extern _Thread_local struct rc_slot *rc_innermost __attribute__((tls_model("initial-exec")));

static inline uintptr_t
rc_self(void)
{
	return (uintptr_t)&rc_innermost;
}

/* context.c */
struct rumpclient *rc_context_new(void);
void rc_context_free(struct rumpclient *ctx);

/* Whether the context's memory is this process's own, not its forked parent's. */
static inline bool
rc_alive(const struct rumpclient *ctx)
{
	return *ctx->alive != 0;
}

/* connect.c: these return 0 or -errno; on failure nothing stays open. patience is as in struct rc_link. */
int rc_dial(const struct sp_url *url, int64_t patience, struct rc_link *link);
/* Over a connection that the server has made (rc_connect), whose descriptor is taken over. */
int rc_dial_connected(int fd, struct rc_link *link);
int rc_hello(struct rc_link *link, enum sp_handshake kind, uint64_t reqno);
int rc_redeem(struct rc_link *link, const struct sp_ticket *ticket, uint32_t capabilities);
void rc_adopt(struct rumpclient *ctx, const struct rc_link *link, uint64_t next);
int rc_fd_up(int fd);

/* Whether the descriptor is the connection yet: the program may have closed it without a word. */
bool rc_still_ours(const struct rumpclient *ctx);

/*
 * In a child, for its parent's context: closes the copy of the connection. If that has been closed already,
 * by a program that closes whatever it finds, the numbers of all the context's descriptors may be others'
 * now.
 */
void rc_disown(struct rumpclient *ctx);

/*
 * call.c: sends a request with field u and the body, and waits. Returns 0 with the answer's body in
 * answer[answer_len], or -errno; reconnects as the context says.
 */
struct rc_request {
	enum sp_type type;
	uint32_t u;
	const void *body;
	size_t body_len; /* at most SP_SLOTS_MAX slots */
};
int rc_request(struct rumpclient *ctx, const struct rc_request *request, void *answer, size_t answer_len);

/*
 * The same once, for an answer that a descriptor comes along with, or an error: *fd, which has to be -1. The
 * caller has the receiver's role and has blocked signals.
 */
int rc_request_descriptor(struct rumpclient *ctx, const struct rc_request *request, int *fd);

/* connected.c: waits for the slot's answer, and for what comes with it. */
void rc_wait_descriptor(struct rumpclient *ctx, struct rc_slot *slot, int *fd);

/*
 * Has the server make one more connection for this process or a child of it. Returns a descriptor, which is
 * kept in a list until rc_connect_done() says that it is somebody's or rc_connect_close() that it is
 * nobody's; or -errno: -EOPNOTSUPP when the server cannot do that. A child closes what is in the list but for
 * its own (-1: none). Of one that is in the list the program shall not know.
 */
int rc_connect(struct rumpclient *ctx);
void rc_connect_done(int fd);
void rc_connect_close(int fd);
void rc_connect_forked(int own);
bool rc_connect_owns(int fd);

/* As rumpclient_ctx_new(), over a connection that ctx's server makes. */
struct rumpclient *rc_context_beside(struct rumpclient *ctx);

/*
 * attach.c: makes the frame of a request with the memory that its arguments name, all but its number. Returns
 * 1, and the frame is to be freed with rc_attach_free(); 0 when there is nothing to send along; -errno.
 */
struct rc_attached {
	uint8_t *frame;
	size_t len;
	size_t size;
	uint8_t small[4096 + 512] __attribute__((aligned(8)));
};
int rc_attach(const struct rc_request *request, struct rc_attached *attached);
void rc_attach_free(struct rc_attached *attached);

/* send.c */

/* Sends a frame without blocking signals if it can. Returns 0 or -errno, after which the connection is lost.
 */
int rc_send(struct rumpclient *ctx, struct rc_slot *slot, const struct iovec *iov, int count, size_t len);

/* The same for a caller that has blocked signals. slot may be NULL. */
int rc_send_blocked(struct rumpclient *ctx, const struct rc_slot *slot, const struct iovec *iov, int count);

/*
 * Waits for the descriptor while signals are blocked, but lets those through that would end the program: a
 * server that has stopped in the middle of a frame must not make it immune to them.
 */
void rc_wait_deadly(int fd, short events);

/* Keeps all others from sending; signals are blocked. Does nothing in the thread that ctx->sole names. */
void rc_send_lock(struct rumpclient *ctx);
void rc_send_unlock(struct rumpclient *ctx);

/*
 * Gives up what this thread's interrupted requests hold while a signal handler's request runs, and
 * takes it back. The value is for resuming.
 */
uint64_t rc_send_suspend(struct rumpclient *ctx, struct rc_slot *innermost);
void rc_send_resume(struct rumpclient *ctx, struct rc_slot *innermost, uint64_t suspended);

/* receive.c */

/* Takes what a request of this thread that was interrupted in a reception has received or not. */
void rc_receive_take_over(struct rumpclient *ctx);

/* The connection has another descriptor: a reception that has not begun yet is not to use the old one. */
void rc_receive_elsewhere(struct rumpclient *ctx);

/*
 * Receives more, waiting for it, on behalf of the slot's owner, who has the role. Returns 1; 0 at the end of
 * the stream; -EAGAIN when it may be that nothing came; -EINTR; -errno when the connection is lost.
 */
int rc_receive(struct rumpclient *ctx, struct rc_slot *slot);

/* The same with signals blocked and without waiting; -EAGAIN when nothing is there. */
int rc_receive_now(struct rumpclient *ctx);

/*
 * Handles one frame. Returns 1; 0 when there is no whole one; -errno when the peer broke the protocol.
 * wait: for the rest of a frame that is longer than what is received at once.
 */
int rc_receive_frame(struct rumpclient *ctx, bool wait);

/* The connection is gone: tells all who wait. Called with the role. */
void rc_lost(struct rumpclient *ctx);

/* wait.c */

/* Waits until the slot is answered or lost. */
void rc_wait(struct rumpclient *ctx, struct rc_slot *slot);

/* Takes the role if it is free. The second gives it up and lets another thread have it. */
bool rc_role_try(struct rumpclient *ctx, bool *inherited);
void rc_role_leave(struct rumpclient *ctx);

/*
 * Takes the role from whoever has it, who is then in no system call for it any more, and keeps it until
 * rc_role_release(). 0; -EBUSY when a thread is at that already; -ENOTCONN.
 */
int rc_role_seize(struct rumpclient *ctx, bool *inherited);
void rc_role_release(struct rumpclient *ctx, bool inherited);

/* Asks the server to end the slot's system call; once. */
void rc_interrupt(struct rumpclient *ctx, struct rc_slot *slot);

/* serve.c: a request of the server's. deny: do not touch memory. Returns 0 or -errno. */
int rc_serve(struct rumpclient *ctx, const struct sp_header *header, struct sp_cursor body);

/* async.c: takes the answer to a submitted call. Signals are blocked. */
void rc_async_answer(struct rumpclient *ctx, struct rc_slot *slot);
void rc_async_unwatch(struct rumpclient *ctx);
void rc_async_watch(struct rumpclient *ctx);

/* reconnect.c: when the state is still the one given, connects again. Returns 0 or -errno. */
int rc_reconnect(struct rumpclient *ctx, uint32_t state);

/* classic.c: whether a vfork has returned in the parent unnoticed; then its own context is in place again. */
bool rc_vfork_returned(void);

/* Set when this thread's call is to be ended for a signal. */
extern _Thread_local volatile bool rc_raised __attribute__((tls_model("initial-exec")));

/* defer.c: signals that wait for this thread's call to end. */
struct rc_deferred {
	bool any;
	bool impatient;  /* the next will not */
	rc_sigmask mask; /* afterwards */
};
extern _Thread_local struct rc_deferred rc_deferred __attribute__((tls_model("initial-exec")));

#define RC_DEFER_SECONDS 1

/*
 * In a signal handler: whether the signal is to wait for the end of the call that this thread is in. If so,
 * the call is being ended, and the caller is to make the signal pending again and to return with
 * *mask, which was the interrupted mask and has the handled signals added to it.
 */
bool rc_defer(uint64_t handled, rc_sigmask *mask);

/* Lets the deferred signals through in the middle of the call; and after it. */
void rc_deliver_now(void);
void rc_deliver(void);

#endif
