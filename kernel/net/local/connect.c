/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is connected to whom. */
#include "kernel/base/lwp.h"
#include "kernel/net/local/local.h"

static void
set_peer(struct local_pcb *pcb, struct local_pcb *peer)
{
	rumpk_lock(pcb->lock);
	pcb->peer = peer;
	rumpk_unlock(pcb->lock);
	if (peer != NULL)
		local_pcb_hold(peer);
}

static void
add_referrer(struct local_pcb *to, struct local_pcb *pcb)
{
	pcb->referrer_next = to->referrers;
	to->referrers = pcb;
}

static void
remove_referrer(struct local_pcb *from, struct local_pcb *pcb)
{
	struct local_pcb **at = &from->referrers;

	while (*at != pcb)
		at = &(*at)->referrer_next;
	*at = pcb->referrer_next;
}

/* The other end of a stream has gone. */
static void
lose_peer(struct local_pcb *pcb)
{
	bool waiting;

	rumpk_lock(pcb->lock);
	pcb->peer = NULL;
	waiting = (pcb->flags & PCB_WAITING) != 0;
	pcb->flags &= ~(uint32_t)PCB_WAITING;
	pcb->flags |= PCB_EOF;
	if (pcb->so != NULL) {
		atomic_fetch_or_explicit(&pcb->so->state, RUMPK_SO_WRSHUT, memory_order_release);
		rumpk_so_disconnected(pcb->so);
		if (waiting)
			rumpk_so_failed(pcb->so, RUMP_ECONNABORTED);
	}
	rumpk_unlock(pcb->lock);
}

void
local_disconnect(struct local_pcb *pcb)
{
	struct local_pcb *peer = pcb->peer;

	if (peer == NULL)
		return;
	rumpk_lock(pcb->lock);
	pcb->peer = NULL;
	rumpk_unlock(pcb->lock);
	if (local_is_datagram(pcb)) {
		remove_referrer(peer, pcb);
	} else {
		lose_peer(peer);
		local_pcb_rele(pcb);
	}
	local_pcb_rele(peer);
}

static struct rump_unpcbid
identity(const struct rumpk_cred *cred)
{
	return (struct rump_unpcbid){
	    .unp_pid = rumpk_curproc()->pid, .unp_euid = cred->euid, .unp_egid = cred->egid};
}

int
local_listen(struct socket *so, int backlog)
{
	struct local_pcb *pcb = local_pcb(so);
	int error = 0;

	rumpk_lock(local_lock);
	rumpk_lock(pcb->lock);
	if (pcb->vnode == NULL) {
		error = RUMP_EINVAL;
	} else {
		pcb->flags |= PCB_LISTENS;
		pcb->backlog = (unsigned)backlog;
		pcb->peerid = identity(rumpk_proc_cred(rumpk_curproc()));
	}
	rumpk_unlock(pcb->lock);
	rumpk_unlock(local_lock);
	return error;
}

/* A connection has been accepted: whoever waits for that need not any more. */
static void
tell_connecting(struct local_pcb *pcb)
{
	rumpk_lock(pcb->lock);
	if ((pcb->flags & PCB_WAITING) != 0) {
		pcb->flags &= ~(uint32_t)PCB_WAITING;
		rumpk_so_connected(pcb->so);
	}
	rumpk_unlock(pcb->lock);
}

int
local_accept(struct socket *so, struct socket *newso, struct rumpk_sockaddr *addr)
{
	struct local_pcb *pcb = local_pcb(so), *one;

	rumpk_lock(local_lock);
	one = pcb->waiting;
	if (one == NULL) {
		rumpk_unlock(local_lock);
		return RUMP_EWOULDBLOCK;
	}
	pcb->waiting = one->waiting_next;
	pcb->nwaiting--;
	rumpk_lock(one->lock);
	one->so = newso;
	newso->pcb = one;
	rumpk_unlock(one->lock);
	local_name(one->peer, addr);
	if (one->peer != NULL) {
		tell_connecting(one->peer);
	} else {
		atomic_fetch_or_explicit(&newso->state, RUMPK_SO_WRSHUT, memory_order_relaxed);
		atomic_fetch_and_explicit(&newso->state, ~(uint32_t)RUMPK_SO_CONNECTED, memory_order_relaxed);
	}
	rumpk_unlock(local_lock);
	return 0;
}

/* one is the end that will be accepted from. With the domain's lock. */
static int
join(struct local_pcb *pcb, struct local_pcb *listening, struct local_pcb *one, const struct rumpk_cred *cred)
{
	bool wait;

	if ((listening->flags & PCB_LISTENS) == 0 || listening->nwaiting > listening->backlog * 3 / 2)
		return RUMP_ECONNREFUSED;
	if (pcb->peer != NULL)
		return RUMP_EISCONN;
	one->addr = listening->addr;
	one->peerid = identity(cred);
	one->flags = (listening->flags & (PCB_CREDS | PCB_CONNWAIT)) | PCB_PEERID;
	set_peer(one, pcb);
	set_peer(pcb, one);
	rumpk_lock(pcb->lock);
	wait = ((pcb->flags | one->flags) & PCB_CONNWAIT) != 0;
	pcb->peerid = listening->peerid;
	pcb->flags |= PCB_PEERID | (wait ? PCB_WAITING : 0);
	rumpk_unlock(pcb->lock);
	one->waiting_next = NULL;
	if (listening->waiting != NULL)
		listening->waiting_last->waiting_next = one;
	else
		listening->waiting = one;
	listening->waiting_last = one;
	listening->nwaiting++;
	return wait ? RUMP_EINPROGRESS : 0;
}

static int
connect_stream(struct local_pcb *pcb, struct local_pcb *listening, const struct rumpk_cred *cred)
{
	struct local_pcb *one = local_pcb_alloc(pcb->type);
	int error;

	if (one == NULL)
		return RUMP_ENOBUFS;
	rumpk_lock(local_lock);
	error = join(pcb, listening, one, cred);
	rumpk_unlock(local_lock);
	if (error == 0 || error == RUMP_EINPROGRESS)
		local_notify(listening, RUMPK_NOTE_READABLE);
	else
		local_pcb_rele(one);
	return error;
}

/* peer NULL: to nobody. */
static void
associate(struct local_pcb *pcb, struct local_pcb *peer)
{
	rumpk_lock(local_lock);
	local_disconnect(pcb);
	if (peer != NULL) {
		set_peer(pcb, peer);
		add_referrer(peer, pcb);
	}
	rumpk_unlock(local_lock);
}

int
local_connect(struct socket *so, const struct rumpk_sockaddr *addr, const struct rumpk_cred *cred)
{
	struct local_pcb *pcb = local_pcb(so), *other;
	int error;

	if (local_is_datagram(pcb) && addr->len >= 2 && rumpk_sockaddr_family(addr) == RUMP_AF_UNSPEC) {
		associate(pcb, NULL);
		return 0;
	}
	error = local_find(addr, cred, pcb->type, &other);
	if (error != 0)
		return error;
	if (local_is_datagram(pcb))
		associate(pcb, other);
	else
		error = connect_stream(pcb, other, cred);
	local_pcb_rele(other);
	return error;
}

int
local_connect2(struct socket *so, struct socket *other)
{
	struct local_pcb *a = local_pcb(so), *b = local_pcb(other);

	rumpk_lock(local_lock);
	/* Nobody else knows them yet. */
	a->peerid = b->peerid = identity(rumpk_proc_cred(rumpk_curproc()));
	a->flags |= PCB_PEERID;
	b->flags |= PCB_PEERID;
	set_peer(a, b);
	set_peer(b, a);
	if (local_is_datagram(a)) {
		add_referrer(a, b);
		add_referrer(b, a);
	}
	rumpk_unlock(local_lock);
	rumpk_so_connected(so);
	rumpk_so_connected(other);
	return 0;
}

int
local_shutdown(struct socket *so, int how)
{
	struct local_pcb *pcb = local_pcb(so), *peer;

	rumpk_lock(local_lock);
	peer = pcb->peer;
	if (how != RUMP_SHUT_WR) {
		rumpk_lock(pcb->lock);
		pcb->flags |= PCB_DEAF;
		local_condemn(&pcb->queue);
		rumpk_unlock(pcb->lock);
		if (peer != NULL)
			local_notify(peer, RUMPK_NOTE_WRITABLE);
	}
	if (how != RUMP_SHUT_RD && peer != NULL && !local_is_datagram(pcb)) {
		rumpk_lock(peer->lock);
		peer->flags |= PCB_EOF;
		rumpk_unlock(peer->lock);
		local_notify(peer, RUMPK_NOTE_READABLE | RUMPK_NOTE_HANGUP);
	}
	rumpk_unlock(local_lock);
	local_bury();
	return 0;
}
