/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include "kernel/base/mem.h"
#include "kernel/net/local/local.h"

/* A queue has room for so many records at most for each of these bytes: they cost memory even when empty. */
#define RECORD_COST 64
/* Small writes to a stream share records of this size. */
#define SHARED 2048

static size_t
option(const _Atomic(int32_t) *value)
{
	return (size_t)atomic_load_explicit(value, memory_order_relaxed);
}

static size_t
room(const struct local_queue *queue, size_t limit)
{
	if (queue->bytes >= limit || queue->records > limit / RECORD_COST)
		return 0;
	return limit - queue->bytes;
}

/* What of resid goes now: all or, of a stream, some; 0 for EWOULDBLOCK. With the receiver's lock. */
static int
admit(struct socket *so, struct local_pcb *to, size_t resid, size_t *n)
{
	bool datagram = local_is_datagram(to), atomic = (so->protocol->flags & RUMPK_PR_ATOMIC) != 0;
	size_t limit = option(&so->opts.sndbuf), space;

	if ((to->flags & PCB_DEAF) != 0)
		return datagram ? RUMP_ECONNREFUSED : RUMP_EPIPE;
	if (atomic && resid > limit)
		return RUMP_EMSGSIZE;
	if (datagram && to->so != NULL)
		limit = option(&to->so->opts.rcvbuf);
	space = room(&to->queue, limit);
	/* An empty queue takes any packet that may be sent. */
	if (atomic && to->queue.first == NULL)
		space = resid > 0 ? resid : 1;
	if (space == 0 || (atomic && space < resid)) {
		if (datagram)
			return RUMP_ENOBUFS;
		to->flags |= PCB_BLOCKED;
		return RUMP_EWOULDBLOCK;
	}
	*n = resid < space ? resid : space;
	return 0;
}

/* Gives the record what goes with the data. With the receiver's lock, and the domain's when there are files.
 */
static int
add_extras(struct local_pcb *to, struct local_record *record, struct rumpk_somsg *msg)
{
	int error;

	if (msg->nfiles > 0) {
		record->files = rumpk_alloc(RUMPK_FILES_MAX * sizeof(*record->files));
		if (record->files == NULL)
			return RUMP_ENOBUFS;
		memcpy(record->files, msg->files, msg->nfiles * sizeof(*record->files));
		record->nfiles = (uint32_t)msg->nfiles;
		error = local_files_sent(record);
		if (error != 0) {
			record->nfiles = 0;
			return error;
		}
		msg->nfiles = 0;
	}
	if ((to->flags & PCB_CREDS) != 0 && msg->cred != NULL) {
		record->cred = msg->cred;
		record->pid = msg->pid;
		/* Once in the life of a connection. */
		if (!local_is_datagram(to))
			to->flags &= ~(uint32_t)PCB_CREDS;
	}
	return 0;
}

/* Puts n bytes into the receiver's queue. With its lock. */
static int
put(struct local_pcb *to, struct rumpk_somsg *msg, const struct rumpk_sockaddr *from, size_t n)
{
	struct local_record *last = to->queue.last, *record;
	bool plain = msg->nfiles == 0 && (to->flags & PCB_CREDS) == 0;
	size_t size = n + from->len;
	int error;

	if (to->type == RUMP_SOCK_STREAM && plain) {
		if (last != NULL && last->room - last->len >= n) {
			rumpk_uiomove(last->data + last->len, n, msg->uio);
			last->len += n;
			to->queue.bytes += n;
			return 0;
		}
		size = size < SHARED ? SHARED : size;
	}
	record = local_record_alloc(size);
	if (record == NULL)
		return RUMP_ENOBUFS;
	error = add_extras(to, record, msg);
	if (error != 0) {
		local_record_free(record);
		return error;
	}
	rumpk_uiomove(record->data, n, msg->uio);
	record->len = n;
	record->fromlen = from->len;
	memcpy(record->data + n, from->data, from->len);
	local_queue_append(&to->queue, record);
	return 0;
}

static int
deliver(struct socket *so, struct local_pcb *to, struct rumpk_somsg *msg)
{
	bool files = msg->nfiles > 0;
	struct rumpk_sockaddr from = {0};
	size_t n = 0;
	int error;

	if (local_is_datagram(to)) {
		rumpk_lock(local_pcb(so)->lock);
		local_name(local_pcb(so), &from);
		rumpk_unlock(local_pcb(so)->lock);
	}
	if (files)
		rumpk_lock(local_lock);
	rumpk_lock(to->lock);
	error = admit(so, to, msg->uio->resid, &n);
	if (error == 0)
		error = put(to, msg, &from, n);
	if (error == 0 && to->so != NULL)
		rumpk_so_notify(to->so, RUMPK_NOTE_READABLE);
	rumpk_unlock(to->lock);
	if (files)
		rumpk_unlock(local_lock);
	return error;
}

int
local_send(struct socket *so, struct rumpk_somsg *msg)
{
	bool connected = (atomic_load_explicit(&so->state, memory_order_acquire) & RUMPK_SO_CONNECTED) != 0;
	struct local_pcb *pcb = local_pcb(so), *to;
	int error = 0;

	if ((msg->flags & RUMP_MSG_OOB) != 0)
		return RUMP_EOPNOTSUPP;
	/* Nobody forges credentials. */
	if (msg->controllen > 0)
		return RUMP_EINVAL;
	if (local_is_datagram(pcb) && msg->addr.len > 0) {
		error = connected ? RUMP_EISCONN : local_find(&msg->addr, msg->cred, pcb->type, &to);
	} else {
		to = local_peer(pcb);
		if (to == NULL)
			error = local_is_datagram(pcb) ? RUMP_ENOTCONN : RUMP_EPIPE;
	}
	if (error != 0)
		return error;
	error = deliver(so, to, msg);
	local_pcb_rele(to);
	return error;
}

/* What comes with the record, and for a read, once. With both locks when there are files. */
static void
take_extras(struct local_record *record, struct rumpk_somsg *msg, bool peek)
{
	if (record->cred != NULL && msg->control != NULL)
		local_add_cred(msg, record);
	if (peek)
		return;
	record->cred = NULL;
	if (record->nfiles > 0 && msg->files != NULL && msg->nfiles + record->nfiles <= RUMPK_FILES_MAX) {
		local_files_received(record);
		memcpy(msg->files + msg->nfiles, record->files, record->nfiles * sizeof(*record->files));
		msg->nfiles += record->nfiles;
		record->nfiles = 0;
	}
}

/* Files that nobody wanted to have do not stay with what is left of the data. */
static void
drop_files(struct local_record *record)
{
	struct local_record *rest;

	if (record->nfiles == 0)
		return;
	rest = local_record_alloc(0);
	if (rest == NULL)
		return;
	rest->files = record->files;
	rest->nfiles = record->nfiles;
	record->files = NULL;
	record->nfiles = 0;
	local_condemn_record(rest);
}

/* A whole message. */
static void
receive_message(struct local_pcb *pcb, struct rumpk_somsg *msg, bool peek)
{
	struct local_record *record = pcb->queue.first;
	size_t n = record->len < msg->uio->resid ? record->len : msg->uio->resid;

	rumpk_uiomove(record->data, n, msg->uio);
	if (n < record->len)
		msg->flags |= RUMP_MSG_TRUNC;
	if (record->fromlen > 0) {
		msg->addr.len = record->fromlen;
		memcpy(msg->addr.data, record->data + record->len, record->fromlen);
	}
	take_extras(record, msg, peek);
	if (peek)
		return;
	record = local_queue_pop(&pcb->queue);
	if (record->nfiles > 0)
		local_condemn_record(record);
	else
		local_record_free(record);
}

/* Of a stream: up to what is asked for, or to something special. */
static void
receive_bytes(struct local_pcb *pcb, struct rumpk_somsg *msg, bool peek)
{
	struct local_record *record = pcb->queue.first;
	bool first = true;

	while (record != NULL && msg->uio->resid > 0 && (first || !local_record_special(record))) {
		size_t n = record->len - record->offset;

		if (n > msg->uio->resid)
			n = msg->uio->resid;
		take_extras(record, msg, peek);
		rumpk_uiomove(record->data + record->offset, n, msg->uio);
		first = false;
		if (peek) {
			record = record->next;
			continue;
		}
		drop_files(record);
		record->offset += n;
		pcb->queue.bytes -= n;
		if (record->offset < record->len)
			break;
		local_record_free(local_queue_pop(&pcb->queue));
		record = pcb->queue.first;
	}
}

/* With the pcb's lock, and the domain's when the first record has files. */
static int
receive_locked(struct socket *so, struct local_pcb *pcb, struct rumpk_somsg *msg)
{
	bool peek = (msg->flags & RUMP_MSG_PEEK) != 0;

	if (pcb->queue.first == NULL) {
		if ((pcb->flags & PCB_EOF) != 0)
			return 0;
		if (pcb->peer == NULL && (so->protocol->flags & RUMPK_PR_CONNREQUIRED) != 0)
			return RUMP_ENOTCONN;
		return RUMP_EWOULDBLOCK;
	}
	if ((so->protocol->flags & RUMPK_PR_ATOMIC) != 0)
		receive_message(pcb, msg, peek);
	else
		receive_bytes(pcb, msg, peek);
	return 0;
}

int
local_receive(struct socket *so, struct rumpk_somsg *msg)
{
	struct local_pcb *pcb = local_pcb(so), *peer = NULL;
	bool files = false;
	int error;

	if ((msg->flags & RUMP_MSG_OOB) != 0)
		return RUMP_EOPNOTSUPP;
	rumpk_lock(pcb->lock);
	if (pcb->queue.first != NULL && pcb->queue.first->nfiles > 0) {
		/* The domain's lock comes first; what is first may be something else then. */
		rumpk_unlock(pcb->lock);
		files = true;
		rumpk_lock(local_lock);
		rumpk_lock(pcb->lock);
	}
	error = receive_locked(so, pcb, msg);
	if ((pcb->flags & PCB_BLOCKED) != 0 && error == 0) {
		pcb->flags &= ~(uint32_t)PCB_BLOCKED;
		peer = pcb->peer;
		if (peer != NULL)
			local_pcb_hold(peer);
	}
	rumpk_unlock(pcb->lock);
	if (files) {
		rumpk_unlock(local_lock);
		local_bury();
	}
	if (peer != NULL) {
		local_notify(peer, RUMPK_NOTE_WRITABLE);
		local_pcb_rele(peer);
	}
	return error;
}

/* Whether there is room at the other end of a stream, and how much. */
static void
ready_to_send(struct socket *so, struct local_pcb *pcb, struct rumpk_soready *ready)
{
	size_t limit = option(&so->opts.sndbuf), lowat = option(&so->opts.sndlowat);
	struct local_pcb *peer = local_peer(pcb);

	if (peer == NULL)
		return;
	if (lowat > limit / 2)
		lowat = limit / 2;
	rumpk_lock(peer->lock);
	ready->tx = (int64_t)room(&peer->queue, limit);
	ready->writable = (size_t)ready->tx >= lowat || (peer->flags & PCB_DEAF) != 0;
	if (!ready->writable)
		peer->flags |= PCB_BLOCKED;
	rumpk_unlock(peer->lock);
	local_pcb_rele(peer);
}

void
local_ready(struct socket *so, struct rumpk_soready *ready)
{
	struct local_pcb *pcb = local_pcb(so);

	if ((atomic_load_explicit(&so->state, memory_order_acquire) & RUMPK_SO_LISTENING) != 0) {
		rumpk_lock(local_lock);
		ready->rx = pcb->nwaiting;
		rumpk_unlock(local_lock);
		ready->readable = ready->rx > 0;
		return;
	}
	rumpk_lock(pcb->lock);
	ready->readable = pcb->queue.first != NULL;
	ready->rx = (int64_t)pcb->queue.bytes;
	ready->read_eof = (pcb->flags & PCB_EOF) != 0;
	ready->write_eof = ready->read_eof && pcb->peer == NULL;
	rumpk_unlock(pcb->lock);
	if (local_is_datagram(pcb)) {
		ready->writable = true;
		ready->tx = (int64_t)option(&so->opts.sndbuf);
	} else {
		ready_to_send(so, pcb, ready);
	}
}
