/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files under way.
 *
 * Theory of operation: of each local socket's file it is counted how often it lies in queues. When all of its
 * references do, no descriptor and no call refers to it, and only receiving could give it one: it is suspect.
 * Suspects that lie in a queue of a socket that is no suspect can be received, and so can what lies in
 * theirs; the others lie in each other's queues alone, and those are emptied. All of this stands still
 * meanwhile: files get into queues and out of them under the domain's lock only, and a suspect's
 * references cannot grow in any other way.
 *
 * Files are closed without a lock, as that may sleep, and not from within another close, as chains of them
 * may be long. But whoever empties a queue finds its files closed when the call returns: each thread buries
 * what it has condemned itself.
 */
#include "kernel/net/local/local.h"

/* In all queues. */
#define UNDER_WAY_MAX 65536
/* So many of them are looked at, on average, when a socket comes or goes. */
#define LOOKED_AT 16

static size_t under_way;
/* Sockets whose files are under way. */
static struct local_pcb *inflight;
static size_t ninflight;
/* How often a collection was asked for since the last. */
static size_t asked;
static __thread struct local_record *condemned;
static __thread bool burying;

/* The pcb of a local socket's file, or NULL. */
static struct local_pcb *
pcb_of(struct file *fp)
{
	struct socket *so = fp->data;

	return fp->ops->type == RUMPK_FT_SOCKET && so->domain == &local_domain ? local_pcb(so) : NULL;
}

static void
enlist(struct local_pcb *pcb, struct file *fp)
{
	pcb->file = fp;
	pcb->inflight_prev = NULL;
	pcb->inflight_next = inflight;
	if (inflight != NULL)
		inflight->inflight_prev = pcb;
	inflight = pcb;
	ninflight++;
}

static void
delist(struct local_pcb *pcb)
{
	if (pcb->inflight_prev != NULL)
		pcb->inflight_prev->inflight_next = pcb->inflight_next;
	else
		inflight = pcb->inflight_next;
	if (pcb->inflight_next != NULL)
		pcb->inflight_next->inflight_prev = pcb->inflight_prev;
	ninflight--;
}

int
local_files_sent(struct local_record *record)
{
	if (record->nfiles > UNDER_WAY_MAX - under_way)
		return RUMP_ETOOMANYREFS;
	under_way += record->nfiles;
	for (uint32_t i = 0; i < record->nfiles; i++) {
		struct local_pcb *pcb = pcb_of(record->files[i]);

		if (pcb != NULL && pcb->inflight++ == 0)
			enlist(pcb, record->files[i]);
	}
	return 0;
}

void
local_files_received(struct local_record *record)
{
	under_way -= record->nfiles;
	for (uint32_t i = 0; i < record->nfiles; i++) {
		struct local_pcb *pcb = pcb_of(record->files[i]);

		if (pcb != NULL && --pcb->inflight == 0)
			delist(pcb);
	}
}

void
local_condemn_record(struct local_record *record)
{
	local_files_received(record);
	record->next = condemned;
	condemned = record;
}

void
local_condemn(struct local_queue *queue)
{
	while (queue->first != NULL)
		local_condemn_record(local_queue_pop(queue));
}

void
local_bury(void)
{
	/* The closing of a file condemns what was in its queue: that is added to what is left here. */
	if (burying)
		return;
	burying = true;
	while (condemned != NULL) {
		struct local_record *record = condemned;

		condemned = record->next;
		local_record_free(record);
	}
	burying = false;
}

typedef void (*visit)(struct local_pcb *pcb, struct local_pcb **work);

/* Calls f for each suspect in the pcb's queue. */
static void
visit_queue(struct local_pcb *pcb, visit f, struct local_pcb **work)
{
	rumpk_lock(pcb->lock);
	for (struct local_record *record = pcb->queue.first; record != NULL; record = record->next)
		for (uint32_t i = 0; i < record->nfiles; i++) {
			struct local_pcb *child = pcb_of(record->files[i]);

			if (child != NULL && child->garbage)
				f(child, work);
		}
	rumpk_unlock(pcb->lock);
}

/* ... and in those of connections that wait to be accepted by it. */
static void
visit_queues(struct local_pcb *pcb, visit f, struct local_pcb **work)
{
	visit_queue(pcb, f, work);
	for (struct local_pcb *one = pcb->waiting; one != NULL; one = one->waiting_next)
		visit_queue(one, f, work);
}

static void
lies_inside(struct local_pcb *pcb, struct local_pcb **work)
{
	(void)work;
	pcb->outside--;
}

static void
can_be_received(struct local_pcb *pcb, struct local_pcb **work)
{
	pcb->garbage = false;
	pcb->work_next = *work;
	*work = pcb;
}

/* Marks as garbage what nobody can receive. */
static void
mark(void)
{
	struct local_pcb *pcb, *work = NULL;

	for (pcb = inflight; pcb != NULL; pcb = pcb->inflight_next) {
		unsigned refs = atomic_load_explicit(&pcb->file->refs, memory_order_acquire);

		pcb->outside = pcb->inflight;
		pcb->garbage = refs == pcb->inflight;
	}
	for (pcb = inflight; pcb != NULL; pcb = pcb->inflight_next)
		if (pcb->garbage)
			visit_queues(pcb, lies_inside, NULL);
	for (pcb = inflight; pcb != NULL; pcb = pcb->inflight_next)
		if (pcb->garbage && pcb->outside > 0)
			can_be_received(pcb, &work);
	while (work != NULL) {
		pcb = work;
		work = pcb->work_next;
		visit_queues(pcb, can_be_received, &work);
	}
}

static void
empty(struct local_pcb *pcb)
{
	rumpk_lock(pcb->lock);
	local_condemn(&pcb->queue);
	rumpk_unlock(pcb->lock);
}

void
local_collect(void)
{
	struct local_pcb *pcb, *garbage = NULL;

	/* The more there is to be looked at, the more seldom: what a socket pays has a bound. */
	if (inflight == NULL || ++asked < ninflight / LOOKED_AT)
		return;
	asked = 0;
	mark();
	/* Emptying queues changes the list. */
	for (pcb = inflight; pcb != NULL; pcb = pcb->inflight_next)
		if (pcb->garbage) {
			pcb->work_next = garbage;
			garbage = pcb;
		}
	for (pcb = garbage; pcb != NULL; pcb = pcb->work_next) {
		pcb->garbage = false;
		empty(pcb);
		for (struct local_pcb *one = pcb->waiting; one != NULL; one = one->waiting_next)
			empty(one);
	}
}
