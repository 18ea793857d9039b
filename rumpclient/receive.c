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

/* What else goes wrong with it, as where a program may have no descriptors, the reception will tell. */
static long
wait_first(struct rc_reception *r)
{
#ifdef __SANITIZE_THREAD__
	long n = poll(&r->wait, 1, -1) == -1 ? -errno : 0;
#else
	long n = rc_hostcall(SYS_ppoll, (long)(uintptr_t)&r->wait, 1, 0, 0, 0, 0);
#endif

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
	    atomic_load(&ctx->fd) == fd) {
		n = try_first(ctx, fd, r);
		if (n == -EAGAIN) {
			n = polls_first(ctx) ? wait_first(r) : 0;
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

/* The slot of a request that waits for an answer, NULL when there is none: all it says is then there to be
 * read. */
static struct rc_slot *
awaited(struct rumpclient *ctx, uint64_t reqno)
{
	struct rc_slot *slot = rc_slot_find(&ctx->slots, reqno);
	uint32_t word = slot != NULL ? atomic_load_explicit(&slot->word, memory_order_acquire) : RC_IDLE;

	return word == RC_PENDING || word == RC_NUDGED ? slot : NULL;
}

/* Fills in the answer. A second one to the same request finds it done. */
static void
deliver(struct rumpclient *ctx, struct rc_slot *slot, const struct sp_header *header, const uint8_t *body,
    size_t len)
{
	uint32_t word = atomic_load(&slot->word);

	if (word != RC_PENDING && word != RC_NUDGED)
		return;
	slot->class = header->class;
	slot->type = header->type;
	slot->u = header->u;
	slot->lost = false;
	slot->body_len = (uint8_t)len;
	memcpy(slot->body, body, len);
	if (atomic_load(&slot->sleeping) != 0) {
		slot->heir = true;
		atomic_fetch_add(&ctx->heirs, 1);
	}
	(void)atomic_exchange(&slot->word, RC_DONE);
	if (atomic_load(&slot->sleeping) != 0)
		rc_futex_wake(&slot->word, 1);
}

/* Puts the results of a CALL where they belong, which is where the kernel was told to. */
static int
apply_results(struct sp_cursor body)
{
	struct sp_result result;

	if (sp_take_bytes(&body, sizeof(struct sp_syscall_response)) == NULL)
		return -EBADMSG;
	while (sp_take(&body, &result, sizeof(result))) {
		const uint8_t *bytes = sp_take_bytes(&body, result.len);

		if (bytes == NULL || !sp_take_padding(&body, result.len))
			return -EBADMSG;
		/* What has gone meanwhile is the program's own doing. */
		if (sp_vm_write(getpid(), result.addr, bytes, result.len) == 0)
			rc_annotate_written(result.addr, result.len);
	}
	return body.left == 0 ? 0 : -EBADMSG;
}

/* Any frame, with signals blocked. */
static int
handle(struct rumpclient *ctx, const struct sp_header *header, struct sp_cursor body)
{
	struct rc_slot *slot;
	int error = 0;

	if (header->class == SP_REQUEST)
		return rc_serve(ctx, header, body);
	if (header->class != SP_RESPONSE && header->class != SP_ERROR)
		return -EBADMSG;
	slot = awaited(ctx, header->reqno);
	if (slot == NULL)
		return 0;
	if (header->class == SP_RESPONSE && header->type == SP_CALL)
		error = apply_results(body);
	if (error != 0)
		return error;
	deliver(ctx, slot, header, body.at, body.left < sizeof(slot->body) ? body.left : sizeof(slot->body));
	if (slot->call != NULL && atomic_load(&slot->word) == RC_DONE)
		rc_async_answer(ctx, slot);
	return 0;
}

static void
drop_long(struct rumpclient *ctx)
{
	if (ctx->longer != NULL)
		(void)munmap(ctx->longer, ctx->longer_len);
	ctx->longer = NULL;
}

/* A frame that is longer than the ring, whose beginning is in it, is collected in memory of its own. */
static int
begin_long(struct rumpclient *ctx, const struct sp_header *header, uint64_t head)
{
	size_t have = (size_t)(atomic_load(&ctx->tail) - head);
	void *frame = mmap(NULL, header->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (frame == MAP_FAILED)
		return -ENOMEM;
	memcpy(frame, ctx->ring + head % RC_RING_SIZE, have);
	ctx->longer = frame;
	ctx->longer_len = header->len;
	ctx->longer_have = have;
	atomic_store(&ctx->head, head + have);
	return 0;
}

static int
continue_long(struct rumpclient *ctx, bool wait)
{
	struct sp_header header;
	int error;

	while (ctx->longer_have < ctx->longer_len) {
		int fd = atomic_load(&ctx->fd);
		long n = rc_hostcall(SYS_recvfrom, fd, (long)(uintptr_t)(ctx->longer + ctx->longer_have),
		    (long)(ctx->longer_len - ctx->longer_have), MSG_DONTWAIT, 0, 0);

		if (n == -EAGAIN && !wait)
			return 0;
		if (n == -EAGAIN)
			rc_wait_deadly(fd, POLLIN);
		else if (n <= 0)
			return n == 0 ? -ENOTCONN : (int)n;
		else
			ctx->longer_have += (size_t)n;
	}
	memcpy(&header, ctx->longer, sizeof(header));
	error =
	    handle(ctx, &header, sp_cursor(ctx->longer + sizeof(header), ctx->longer_len - sizeof(header)));
	drop_long(ctx);
	return error != 0 ? error : 1;
}

/* A frame that is not a short answer. */
static int
handle_blocked(struct rumpclient *ctx, const struct sp_header *header, uint64_t head, size_t have, bool wait)
{
	rc_sigmask mask;
	int result = 1;
	int error = 0;

	rc_block_signals(&mask);
	if (atomic_load(&ctx->head) != head) {
		/* A handler's call has done it. */
	} else if (header->len <= have) {
		error = handle(ctx, header,
		    sp_cursor(
			ctx->ring + head % RC_RING_SIZE + sizeof(*header), header->len - sizeof(*header)));
		atomic_store(&ctx->head, head + header->len);
	} else if (header->len <= RC_RING_SIZE) {
		result = 0;
	} else {
		error = begin_long(ctx, header, head);
		if (error == 0)
			result = continue_long(ctx, wait);
	}
	rc_restore_signals(&mask);
	return error != 0 ? error : result;
}

static int
more_of_long(struct rumpclient *ctx, bool wait)
{
	rc_sigmask mask;
	int result = 1;

	rc_block_signals(&mask);
	if (ctx->longer != NULL)
		result = continue_long(ctx, wait);
	rc_restore_signals(&mask);
	return result;
}

int
rc_receive_frame(struct rumpclient *ctx, bool wait)
{
	uint64_t head = atomic_load(&ctx->head);
	size_t have = (size_t)(atomic_load(&ctx->tail) - head);
	uint8_t body[sizeof(struct sp_syscall_response)];
	struct sp_header header;
	struct rc_slot *slot;
	size_t len;

	if (__builtin_expect(ctx->longer != NULL, 0))
		return more_of_long(ctx, wait);
	if (have < sizeof(header))
		return 0;
	memcpy(&header, ctx->ring + head % RC_RING_SIZE, sizeof(header));
	len = header.len - sizeof(header);
	if (header.len < sizeof(header) || header.len > RC_FRAME_MAX)
		return atomic_load(&ctx->head) == head ? -EBADMSG : 1;
	if ((header.class != SP_RESPONSE && header.class != SP_ERROR) || len > sizeof(body))
		return handle_blocked(ctx, &header, head, have, wait);
	slot = awaited(ctx, header.reqno);
	if (slot != NULL && slot->call != NULL)
		return handle_blocked(ctx, &header, head, have, wait);
	if (have < header.len)
		return 0;
	memcpy(body, ctx->ring + head % RC_RING_SIZE + sizeof(header), len);
	if (atomic_compare_exchange_strong(&ctx->head, &head, head + header.len) && slot != NULL)
		deliver(ctx, slot, &header, body, len);
	return 1;
}

static void
lose(struct rc_slot *slot, void *arg)
{
	struct rumpclient *ctx = arg;
	uint32_t word = atomic_load(&slot->word);

	if (word != RC_PENDING && word != RC_NUDGED)
		return;
	slot->lost = true;
	(void)atomic_exchange(&slot->word, RC_DONE);
	if (atomic_load(&slot->sleeping) != 0)
		rc_futex_wake(&slot->word, 1);
	if (slot->call != NULL)
		rc_async_answer(ctx, slot);
}

void
rc_lost(struct rumpclient *ctx)
{
	rc_sigmask mask;

	rc_block_signals(&mask);
	(void)shutdown(atomic_load(&ctx->fd), SHUT_RDWR);
	atomic_fetch_or(&ctx->state, RC_DOWN);
	rc_async_unwatch(ctx);
	drop_long(ctx);
	atomic_store(&ctx->head, atomic_load(&ctx->tail));
	rc_slots_each(&ctx->slots, lose, ctx);
	rc_restore_signals(&mask);
}
