/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receiving, by the one thread that has the role.
 *
 * Theory of operation. Bytes go into a ring; `head` counts those that were handled, `tail` those that came.
 * The kernel may have received something while the thread that asked it to has been interrupted before it
 * could note so. So the reception is described by memory that the kernel itself completes: recvmmsg(2) stores
 * how much it received in msg_len. While ctx->reception points at one, the tail is its base plus its msg_len.
 *
 * A signal handler's call takes over (rc_receive_take_over): it accounts for what the interrupted reception
 * got, and spoils the reception's message header, whose pieces the kernel then refuses to count. So if the
 * interrupted thread had not yet entered the system call, or the system call is restarted, it returns at
 * once instead of stealing bytes or waiting for an answer that the handler's call has taken.
 * Accounting is a compare-and-swap of `tail` from the reception's base, which succeeds once.
 *
 * Before it waits, a reception may look for a while (sp/look.h) or give up the CPU once (sp/turn.h), and then
 * receive without waiting, which no signal would end. So signals are blocked meanwhile, and what came is seen
 * to afterwards: a handler without SA_RESTART ends the call, as it would have ended the waiting.
 *
 * Short answers are copied out first, and then claimed by moving `head`, again by compare-and-swap: when it
 * fails, a handler's call has handled the frame. All other frames are handled with signals blocked.
 */
#include "config.h"

#include "rumpclient/client.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "rumpclient/annotate.h"
#include "sp/frame.h"
#include "sp/vm.h"

/* More pieces than the kernel takes. */
#define SPOILT ((size_t)IOV_MAX + 1)

/* More than the host has: a wait for it ends at once. */
#define NO_DESCRIPTOR INT_MAX

/* msg_len is the kernel's to write, msg_iovlen may be spoilt at any time. */
static uint32_t
received(const struct rc_reception *r)
{
	return *(const volatile unsigned int *)&r->message.msg_len;
}

static void
account(struct rumpclient *ctx, const struct rc_reception *r)
{
	uint64_t base = r->base;

	atomic_compare_exchange_strong(&ctx->tail, &base, r->base + received(r));
}

/* Has the reception return at once if it has not yet entered the system call, or enters it again. */
static void
spoil(struct rc_reception *r)
{
	*(volatile int *)&r->wait.fd = NO_DESCRIPTOR;
	*(volatile size_t *)&r->message.msg_hdr.msg_iovlen = SPOILT;
}

void
rc_receive_take_over(struct rumpclient *ctx)
{
	struct rc_reception *r = atomic_load(&ctx->reception);

	if (r == NULL)
		return;
	account(ctx, r);
	spoil(r);
	atomic_store(&ctx->reception, NULL);
}

void
rc_receive_elsewhere(struct rumpclient *ctx)
{
	struct rc_reception *r = atomic_load(&ctx->reception);

	if (r != NULL)
		spoil(r);
}

/*
 * Whether to wait by ppoll(2) before the reception. The host wakes who waits in a reception on a unix socket
 * also when the peer has read what was sent before, and only for it to sleep again; ppoll is spared that. But
 * ppoll ends with EINTR whether or not a handler has SA_RESTART, so it is not for calls that this would end.
 */
static bool
polls_first(const struct rumpclient *ctx)
{
#ifdef __SANITIZE_THREAD__
	/* ThreadSanitizer delivers signals in calls that it knows to block. */
	return true;
#endif
	return !ctx->tcp && (ctx->capabilities & SP_CAP_INTERRUPT) == 0;
}

/*
 * Returns 0 when the reception is due, -EINTR, or -EAGAIN when deferred signals have waited long enough. What
 * else goes wrong, as where a program may have no descriptors, the reception will tell.
 */
static long
wait_first(struct rc_reception *r)
{
	struct timespec time = {.tv_sec = RC_DEFER_SECONDS};
	bool limited = rc_deferred.any;
#ifdef __SANITIZE_THREAD__
	long n = poll(&r->wait, 1, limited ? RC_DEFER_SECONDS * 1000 : -1);

	n = n == -1 ? -errno : n;
#else
	long n = rc_hostcall(
	    SYS_ppoll, (long)(uintptr_t)&r->wait, 1, limited ? (long)(uintptr_t)&time : 0, 0, 0, 0);
#endif

	if (n == 0 && limited) {
		rc_deliver_now();
		return -EAGAIN;
	}
	return n == -EINTR ? n : 0;
}

/* valgrind believes that the kernel looks at what a spoilt message says. */
static long
receive_message(int fd, struct rc_reception *r, int flags)
{
	long n;

#ifdef HAVE_VALGRIND
	VALGRIND_DISABLE_ERROR_REPORTING;
#endif
	n = rc_hostcall(SYS_recvmmsg, fd, (long)(uintptr_t)&r->message, 1, flags, 0, 0);
#ifdef HAVE_VALGRIND
	VALGRIND_ENABLE_ERROR_REPORTING;
#endif
	return n;
}

/* Whether a signal that was held up has a handler that ends system calls. */
static bool
interrupting(const rc_sigmask *mask)
{
	/* As the host has it: libc's own call may be forbidden to a program, or be the program's business. */
	struct {
		void *handler;
		unsigned long flags;
		void *restorer;
		rc_sigmask mask;
	} action;
	rc_sigmask pending;

	if (rc_hostcall(SYS_rt_sigpending, (long)(uintptr_t)&pending, sizeof(pending), 0, 0, 0, 0) != 0)
		return false;
	for (pending &= ~*mask; pending != 0; pending &= pending - 1) {
		if (rc_hostcall(SYS_rt_sigaction, __builtin_ctzll(pending) + 1, 0, (long)(uintptr_t)&action,
			sizeof(action.mask), 0, 0) == 0 &&
		    action.handler != (void *)SIG_DFL && action.handler != (void *)SIG_IGN &&
		    (action.flags & SA_RESTART) == 0)
			return true;
	}
	return false;
}

/* Gives up the CPU once. As receive_message(), with -EAGAIN when nothing has come. */
static long
take_turn(struct rumpclient *ctx, int fd, struct rc_reception *r)
{
	int64_t begun = rc_nanoseconds();
	long n;

	(void)rc_hostcall(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	n = receive_message(fd, r, MSG_DONTWAIT);
	begun = rc_nanoseconds() - begun;
	sp_turn_end(&ctx->turn, begun, n == 1 && begun > SP_TURN_SHORT_NS);
	return n;
}

/* Looks for a while whether something comes. As take_turn(). */
static long
look(struct rumpclient *ctx, int fd, struct rc_reception *r)
{
	struct sp_look_times times = sp_look_begin(rc_nanoseconds(), ctx->look_for);
	int64_t now;
	long n;

	do {
		n = receive_message(fd, r, MSG_DONTWAIT);
		now = rc_nanoseconds();
	} while (n == -EAGAIN && sp_look_again(&times, now));
	sp_look_end(&ctx->look, &times, now, n == 1);
	return n;
}

/*
 * What is to be tried before sleeping. As take_turn(), with -EINTR when a signal would have ended the sleep.
 */
static long
try_first(struct rumpclient *ctx, int fd, struct rc_reception *r)
{
	rc_sigmask mask;
	bool turn;
	long n;

	if (ctx->look_for == 0)
		return -EAGAIN;
	/* Among threads of one program a turn is long, and spares nothing: one receives for all. */
	turn = atomic_load_explicit(&ctx->outstanding, memory_order_relaxed) <= 1 &&
	       sp_turn_worth_it(&ctx->turn);
	if (!turn && !sp_look_worth_it(&ctx->look))
		return -EAGAIN;
	rc_block_signals(&mask);
	n = turn ? take_turn(ctx, fd, r) : look(ctx, fd, r);
	if (n == -EAGAIN && interrupting(&mask))
		n = -EINTR;
	rc_restore_signals(&mask);
	return n;
}

int
rc_receive(struct rumpclient *ctx, struct rc_slot *slot)
{
	struct rc_reception *r = &slot->reception;
	uint64_t tail = atomic_load(&ctx->tail);
	size_t room = RC_RING_SIZE - (size_t)(tail - atomic_load(&ctx->head));
	int fd = atomic_load(&ctx->fd);
	long n = -EAGAIN;

	r->wait = (struct pollfd){.fd = fd, .events = POLLIN};
	r->iov = (struct iovec){ctx->ring + tail % RC_RING_SIZE, room};
	r->message.msg_len = 0;
	r->message.msg_hdr.msg_iov = &r->iov;
	*(volatile size_t *)&r->message.msg_hdr.msg_iovlen = 1;
	r->base = tail;
	atomic_store(&ctx->reception, r);
	/* What a handler did before that store is seen here, what it does after it spoils the reception. */
	if (atomic_load(&ctx->tail) == tail &&
	    atomic_load_explicit(&slot->word, memory_order_acquire) != RC_DONE &&
	    atomic_load(&ctx->fd) == fd && !rc_raised) {
		n = try_first(ctx, fd, r);
		if (n == -EAGAIN) {
			n = rc_deferred.any || polls_first(ctx) ? wait_first(r) : 0;
			if (n == 0)
				n = receive_message(fd, r, 0);
		}
	}
	if (atomic_load(&ctx->reception) == r) {
		account(ctx, r);
		atomic_store(&ctx->reception, NULL);
	}
	if (n == 1)
		return received(r) != 0 ? 1 : 0;
	if (n != -EINTR && *(volatile size_t *)&r->message.msg_hdr.msg_iovlen == SPOILT)
		return -EAGAIN;
	/* The connection may have moved to another descriptor. */
	if ((n == -EBADF || n == -ENOTSOCK) && fd != atomic_load(&ctx->fd))
		return -EAGAIN;
	return (int)n;
}

int
rc_receive_now(struct rumpclient *ctx)
{
	uint64_t tail = atomic_load(&ctx->tail);
	size_t room = RC_RING_SIZE - (size_t)(tail - atomic_load(&ctx->head));
	long n = rc_hostcall(SYS_recvfrom, atomic_load(&ctx->fd),
	    (long)(uintptr_t)(ctx->ring + tail % RC_RING_SIZE), (long)room, MSG_DONTWAIT, 0, 0);

	if (n > 0)
		atomic_store(&ctx->tail, tail + (uint64_t)n);
	return n > 0 ? 1 : (int)n;
}
