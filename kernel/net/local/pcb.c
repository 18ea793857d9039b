/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/mem.h"
#include "kernel/net/local/local.h"

rumpk_mutex local_lock;

struct local_pcb *
local_pcb_alloc(int type)
{
	struct local_pcb *pcb = rumpk_zalloc(sizeof(*pcb));

	if (pcb == NULL)
		return NULL;
	rumpk_mutex_init(&pcb->lock);
	atomic_store_explicit(&pcb->refs, 1, memory_order_relaxed);
	pcb->type = type;
	return pcb;
}

void
local_pcb_hold(struct local_pcb *pcb)
{
	atomic_fetch_add_explicit(&pcb->refs, 1, memory_order_relaxed);
}

void
local_pcb_rele(struct local_pcb *pcb)
{
	if (pcb == NULL || atomic_fetch_sub_explicit(&pcb->refs, 1, memory_order_acq_rel) != 1)
		return;
	rumpk_mutex_destroy(&pcb->lock);
	rumpk_free(pcb, sizeof(*pcb));
}

struct local_pcb *
local_peer(struct local_pcb *pcb)
{
	struct local_pcb *peer;

	rumpk_lock(pcb->lock);
	peer = pcb->peer;
	if (peer != NULL)
		local_pcb_hold(peer);
	rumpk_unlock(pcb->lock);
	return peer;
}

void
local_notify(struct local_pcb *pcb, uint32_t what)
{
	rumpk_lock(pcb->lock);
	if (pcb->so != NULL)
		rumpk_so_notify(pcb->so, what);
	rumpk_unlock(pcb->lock);
}

/* What waits to be accepted is not going to be. */
static void
refuse_waiting(struct local_pcb *pcb)
{
	for (;;) {
		struct local_pcb *one;

		rumpk_lock(local_lock);
		one = pcb->waiting;
		if (one != NULL)
			pcb->waiting = one->waiting_next;
		rumpk_unlock(local_lock);
		if (one == NULL)
			return;
		local_pcb_close(one);
	}
}

/* Those that send to it by connect, and are not it. */
static void
drop_referrers(struct local_pcb *pcb)
{
	while (pcb->referrers != NULL) {
		struct local_pcb *one = pcb->referrers;

		local_disconnect(one);
		rumpk_lock(one->lock);
		if (one->so != NULL) {
			rumpk_so_disconnected(one->so);
			rumpk_so_failed(one->so, RUMP_ECONNRESET);
		}
		rumpk_unlock(one->lock);
	}
}

void
local_pcb_close(struct local_pcb *pcb)
{
	struct vnode *vnode;

	rumpk_lock(local_lock);
	rumpk_lock(pcb->lock);
	pcb->so = NULL;
	pcb->flags &= ~(uint32_t)PCB_LISTENS;
	pcb->flags |= PCB_DEAF;
	rumpk_unlock(pcb->lock);
	vnode = local_unname(pcb);
	local_disconnect(pcb);
	drop_referrers(pcb);
	rumpk_lock(pcb->lock);
	local_condemn(&pcb->queue);
	rumpk_unlock(pcb->lock);
	local_collect();
	rumpk_unlock(local_lock);
	refuse_waiting(pcb);
	local_bury();
	if (vnode != NULL)
		rumpk_vrele(vnode);
	local_pcb_rele(pcb);
}
