/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/clock.h"
#include "kernel/base/mem.h"
#include "kernel/net/socket_impl.h"

struct socket *
rumpk_so_alloc(const struct rumpk_domain *domain, const struct rumpk_protocol *protocol)
{
	struct socket *so = rumpk_zalloc(sizeof(*so));

	if (so == NULL)
		return NULL;
	so->domain = domain;
	so->protocol = protocol;
	rumpk_mutex_init(&so->lock);
	rumpk_notelist_init(&so->notes);
	atomic_store_explicit(&so->opts.sndbuf, (int32_t)protocol->sndbuf, memory_order_relaxed);
	atomic_store_explicit(&so->opts.rcvbuf, (int32_t)protocol->rcvbuf, memory_order_relaxed);
	atomic_store_explicit(&so->opts.sndlowat, 2048, memory_order_relaxed);
	atomic_store_explicit(&so->opts.rcvlowat, 1, memory_order_relaxed);
	atomic_store_explicit(&so->opts.linger, -1, memory_order_relaxed);
	return so;
}

void
rumpk_so_free(struct socket *so)
{
	rumpk_sigio_fini(&so->sigio, &so->notes);
	rumpk_notelist_fini(&so->notes);
	rumpk_mutex_destroy(&so->lock);
	rumpk_free(so, sizeof(*so));
}

int
rumpk_so_create(struct lwp *l, int family, int type, int number, struct socket **sop)
{
	const struct rumpk_domain *domain;
	const struct rumpk_protocol *protocol;
	struct socket *so;
	int error;

	error = rumpk_protocol_find(family, type, number, &domain, &protocol);
	if (error != 0)
		return error;
	so = rumpk_so_alloc(domain, protocol);
	if (so == NULL)
		return RUMP_ENOBUFS;
	error = protocol->ops->attach(so, rumpk_proc_cred(l->proc));
	if (error != 0) {
		rumpk_so_free(so);
		return error;
	}
	*sop = so;
	return 0;
}

int
rumpk_so_error(struct socket *so)
{
	int error;

	rumpk_lock(so->lock);
	error = so->error;
	so->error = 0;
	rumpk_unlock(so->lock);
	return error;
}

void
rumpk_so_notify(struct socket *so, uint32_t what)
{
	rumpk_lock(so->lock);
	if ((what & (RUMPK_NOTE_READABLE | RUMPK_NOTE_HANGUP)) != 0) {
		so->rx_changes++;
		rumpk_waitq_wake(&so->rx_wait);
	}
	if ((what & (RUMPK_NOTE_WRITABLE | RUMPK_NOTE_HANGUP)) != 0) {
		so->tx_changes++;
		rumpk_waitq_wake(&so->tx_wait);
	}
	/* Under the lock, for whoever closes the socket in answer waits for it. */
	rumpk_notify(&so->notes, what);
	rumpk_unlock(so->lock);
}

void
rumpk_so_connected(struct socket *so)
{
	rumpk_lock(so->lock);
	atomic_fetch_and_explicit(&so->state, ~(uint32_t)RUMPK_SO_CONNECTING, memory_order_relaxed);
	atomic_fetch_or_explicit(&so->state, RUMPK_SO_CONNECTED, memory_order_release);
	rumpk_unlock(so->lock);
	rumpk_so_notify(so, RUMPK_NOTE_WRITABLE);
}

void
rumpk_so_failed(struct socket *so, int error)
{
	rumpk_lock(so->lock);
	atomic_fetch_and_explicit(&so->state, ~(uint32_t)RUMPK_SO_CONNECTING, memory_order_relaxed);
	so->error = error;
	rumpk_unlock(so->lock);
	rumpk_so_notify(so, RUMPK_NOTE_READABLE | RUMPK_NOTE_WRITABLE | RUMPK_NOTE_HANGUP);
}

void
rumpk_so_disconnected(struct socket *so)
{
	atomic_fetch_and_explicit(
	    &so->state, ~(uint32_t)(RUMPK_SO_CONNECTING | RUMPK_SO_CONNECTED), memory_order_relaxed);
	rumpk_so_notify(so, RUMPK_NOTE_READABLE | RUMPK_NOTE_WRITABLE | RUMPK_NOTE_HANGUP);
}

void
rumpk_sowait_init(struct rumpk_sowait *w, struct socket *so, bool sending, bool nonblocking)
{
	int64_t limit =
	    atomic_load_explicit(sending ? &so->opts.sndtimeo : &so->opts.rcvtimeo, memory_order_relaxed);

	w->so = so;
	w->sending = sending;
	w->nonblocking = nonblocking;
	w->deadline = limit > 0 ? rumpk_deadline(limit) : RUMPK_FOREVER;
}

void
rumpk_sowait_mark(struct rumpk_sowait *w)
{
	rumpk_lock(w->so->lock);
	w->seen = w->sending ? w->so->tx_changes : w->so->rx_changes;
	rumpk_unlock(w->so->lock);
}

int
rumpk_sowait_sleep(struct rumpk_sowait *w)
{
	struct socket *so = w->so;
	const uint64_t *changes = w->sending ? &so->tx_changes : &so->rx_changes;
	int error = 0;

	if (w->nonblocking)
		return RUMP_EWOULDBLOCK;
	rumpk_lock(so->lock);
	while (*changes == w->seen && error == 0)
		error = rumpk_fd_gone(so) ? RUMP_EBADF
					  : rumpk_waitq_sleep(w->sending ? &so->tx_wait : &so->rx_wait,
						so->lock, 0, w->deadline);
	rumpk_unlock(so->lock);
	return error;
}
