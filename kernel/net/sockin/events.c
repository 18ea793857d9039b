/* SPDX-License-Identifier: BSD-2-Clause */
/* What the sockets could do, and news of that. */
#include "kernel/base/lwp.h"
#include "kernel/net/sockin/sockin.h"
#include "kernel/net/sockin/user.h"

#define BATCH 64

/* The queue and its thread are made when the first socket needs them: -1 until then. */
static rumpk_mutex queue_lock;
static _Atomic(int) queue = -1;

/* The end of an attempt to connect, if it has one. */
static void
settle(struct sockin_pcb *pcb)
{
	int error = sockin_user_connected(pcb->fd);

	if (error == RUMP_EINPROGRESS)
		return;
	pcb->connecting = false;
	if (error == 0)
		rumpk_so_connected(pcb->so);
	else
		rumpk_so_failed(pcb->so, error);
}

static void
dispatch(struct sockin_pcb *pcb, unsigned what)
{
	uint32_t note = 0;

	rumpk_lock(pcb->lock);
	if (pcb->so != NULL && pcb->connecting)
		settle(pcb);
	if (pcb->so != NULL && !pcb->connecting) {
		if ((what & SOCKIN_ERROR) != 0) {
			int error = sockin_user_error(pcb->fd);

			if (error != 0)
				rumpk_so_failed(pcb->so, error);
		}
		if ((what & (SOCKIN_IN | SOCKIN_OOB | SOCKIN_EOF | SOCKIN_ERROR)) != 0)
			note |= RUMPK_NOTE_READABLE;
		if ((what & (SOCKIN_OUT | SOCKIN_ERROR)) != 0)
			note |= RUMPK_NOTE_WRITABLE;
		if ((what & (SOCKIN_EOF | SOCKIN_HANGUP)) != 0)
			note |= RUMPK_NOTE_HANGUP;
		if ((what & SOCKIN_OOB) != 0)
			rumpk_sigio_urgent(&pcb->so->sigio);
		rumpk_so_notify(pcb->so, note);
	}
	rumpk_unlock(pcb->lock);
}

static void
loop(void *arg)
{
	int fd = atomic_load_explicit(&queue, memory_order_acquire);

	(void)arg;
	for (;;) {
		struct sockin_event events[BATCH];
		size_t n = sockin_user_wait(fd, events, BATCH);

		for (size_t i = 0; i < n; i++)
			dispatch(events[i].cookie, events[i].what);
	}
}

static int
get_queue(int *fdp)
{
	int error = 0, fd = atomic_load_explicit(&queue, memory_order_acquire);

	if (fd == -1) {
		rumpk_lock(queue_lock);
		fd = atomic_load_explicit(&queue, memory_order_relaxed);
		if (fd == -1)
			error = sockin_user_queue(&fd);
		if (error == 0 && atomic_load_explicit(&queue, memory_order_relaxed) == -1) {
			atomic_store_explicit(&queue, fd, memory_order_release);
			error = rumpk_kthread_create(loop, NULL, "sockin");
			if (error != 0) {
				atomic_store_explicit(&queue, -1, memory_order_relaxed);
				sockin_user_close(fd);
			}
		}
		rumpk_unlock(queue_lock);
	}
	*fdp = fd;
	return error;
}

int
sockin_watch_locked(struct sockin_pcb *pcb, unsigned what)
{
	unsigned watched = atomic_load_explicit(&pcb->watched, memory_order_relaxed);
	int error, fd;

	if ((watched & what) == what)
		return 0;
	error = get_queue(&fd);
	if (error == 0)
		error = sockin_user_watch(fd, pcb->fd, watched == 0, watched | what, pcb);
	if (error == 0)
		atomic_store_explicit(&pcb->watched, watched | what, memory_order_relaxed);
	return error;
}

int
sockin_watch(struct sockin_pcb *pcb, unsigned what)
{
	int error;

	if ((atomic_load_explicit(&pcb->watched, memory_order_relaxed) & what) == what)
		return 0;
	rumpk_lock(pcb->lock);
	error = sockin_watch_locked(pcb, what);
	rumpk_unlock(pcb->lock);
	return error;
}

void
sockin_unwatch(struct sockin_pcb *pcb)
{
	if (atomic_load_explicit(&pcb->watched, memory_order_relaxed) != 0)
		sockin_user_unwatch(atomic_load_explicit(&queue, memory_order_acquire), pcb->fd);
}

void
sockin_ready(struct socket *so, struct rumpk_soready *ready)
{
	const uint32_t has_peer = RUMPK_SO_CONNECTED | RUMPK_SO_LISTENING;
	uint32_t state = atomic_load_explicit(&so->state, memory_order_acquire);
	bool listening = (state & RUMPK_SO_LISTENING) != 0;
	struct sockin_pcb *pcb = sockin_pcb(so);
	unsigned what;

	/* The host calls a stream that has never been connected one whose end has come. */
	if ((so->protocol->flags & RUMPK_PR_CONNREQUIRED) != 0 && (state & has_peer) == 0)
		return;
	what = sockin_user_ready(pcb->fd);
	if (sockin_watch(pcb, (what & SOCKIN_OUT) != 0 || listening ? SOCKIN_IN : SOCKIN_IN | SOCKIN_OUT) !=
	    0)
		/* Nobody would be told: better too early than never. */
		what |= SOCKIN_IN | SOCKIN_OUT;
	ready->readable = (what & SOCKIN_IN) != 0;
	ready->writable = (what & SOCKIN_OUT) != 0;
	ready->oob = (what & SOCKIN_OOB) != 0;
	ready->read_eof = (what & (SOCKIN_EOF | SOCKIN_HANGUP)) != 0;
	ready->write_eof = (what & SOCKIN_HANGUP) != 0;
	if (ready->readable)
		ready->rx = sockin_user_incoming(pcb->fd, listening);
	if (ready->writable && !listening) {
		ready->tx = atomic_load_explicit(&so->opts.sndbuf, memory_order_relaxed);
		ready->tx -= sockin_user_unsent(pcb->fd);
		if (ready->tx < 1)
			ready->tx = 1;
	}
}

void
sockin_events_init(void)
{
	rumpk_mutex_init(&queue_lock);
}
