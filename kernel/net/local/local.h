/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets of the local domain.
 *
 * Theory of operation
 *
 * What has been sent and not received lies in the receiver's queue, in records (queue.c). A pcb has a lock,
 * which guards its queue and its pointers; sending takes the receiver's, receiving one's own, never two at a
 * time. What changes who is connected to whom, which names are whose, and which files are under way, happens
 * under one lock for the domain, taken before a pcb's. Streams and packets that carry data alone never
 * take it.
 *
 * A pcb is referenced by its socket (or by the queue of the listening one that it waits in), and by its peer.
 * The socket goes first: so becomes NULL, under the pcb's lock, which is why notifying is done under it.
 *
 * Files under way (collect.c): a socket's file that is in some queue, and which no descriptor refers to any
 * more, may be in the queue of a socket that is itself in that state. When sockets come and go while
 * there are such, what can no longer be received by anybody is found, and released.
 * Files that are released with a queue are released one after the other by one thread, not each within the
 * closing of the one before: a chain of them may be long.
 */
#ifndef KERNEL_NET_LOCAL_LOCAL_H
#define KERNEL_NET_LOCAL_LOCAL_H

#include "kernel/base/file.h"
#include "kernel/net/socket.h"
#include "kernel/vfs/vnode.h"

/* A piece of what was sent; of a stream several may have become one, and one several reads. */
struct local_record {
	struct local_record *next;
	/* Sent by, of datagrams: an address of fromlen bytes lies behind the data. */
	uint32_t fromlen;
	/* SCM_RIGHTS: each with a reference. */
	uint32_t nfiles;
	struct file **files;
	/* SCM_CREDS, when it was asked for. */
	const struct rumpk_cred *cred;
	int32_t pid;
	/* Data: from offset to len, in room bytes of memory. */
	size_t offset, len, room;
	uint8_t data[];
};

struct local_queue {
	struct local_record *first, *last;
	/* Data in it, and how many records. */
	size_t bytes, records;
};

/* flags */
#define PCB_EOF 0x001     /* nothing will be put into the queue any more */
#define PCB_DEAF 0x002    /* its user will not receive any more */
#define PCB_BLOCKED 0x004 /* the peer waits for room in the queue */
#define PCB_LISTENS 0x008
#define PCB_CREDS 0x010    /* wants SCM_CREDS */
#define PCB_CONNWAIT 0x040 /* connecting waits for accept */
#define PCB_WAITING 0x080  /* does so now */
#define PCB_PEERID 0x100   /* peerid is valid */

struct local_pcb {
	_Atomic(unsigned) refs;
	rumpk_mutex lock;
	/* Both locks to change, one to read. */
	struct socket *so;
	struct local_pcb *peer;
	/* Guarded by lock. */
	uint32_t flags;
	struct local_queue queue;
	struct rump_unpcbid peerid;

	/* The rest is guarded by the domain's lock. */
	int type;
	/* Its name, and the node of it; len 0 without. The name: both locks to change, one to read. */
	struct rumpk_sockaddr addr;
	struct vnode *vnode;
	struct local_pcb *hash_next;
	/* Listening: connections that wait to be accepted. */
	struct local_pcb *waiting, *waiting_last, *waiting_next;
	unsigned nwaiting, backlog;
	/* Datagrams: those that have it as peer. */
	struct local_pcb *referrers, *referrer_next;
	/* How often its file is under way; then it is on a list, and this is the file. */
	unsigned inflight;
	struct file *file;
	struct local_pcb *inflight_next, *inflight_prev;
	/* For a collection: how many of them are in the queues of no suspects; whether it is one; what is
	 * still to be looked at. */
	unsigned outside;
	bool garbage;
	struct local_pcb *work_next;
};

extern rumpk_mutex local_lock;
extern struct rumpk_domain local_domain;

static inline struct local_pcb *
local_pcb(struct socket *so)
{
	return so->pcb;
}

static inline bool
local_is_datagram(const struct local_pcb *pcb)
{
	return pcb->type == RUMP_SOCK_DGRAM;
}

/* pcb.c */
struct local_pcb *local_pcb_alloc(int type);
void local_pcb_hold(struct local_pcb *pcb);
void local_pcb_rele(struct local_pcb *pcb);
/* The peer with a reference, or NULL. */
struct local_pcb *local_peer(struct local_pcb *pcb);
/* Tells the pcb's socket, if there is one. Takes its lock. */
void local_notify(struct local_pcb *pcb, uint32_t what);
/* Takes the pcb apart: its socket has gone, or never came. Takes over the socket's reference. */
void local_pcb_close(struct local_pcb *pcb);

/* connect.c */
int local_listen(struct socket *so, int backlog);
int local_accept(struct socket *so, struct socket *newso, struct rumpk_sockaddr *addr);
int local_connect(struct socket *so, const struct rumpk_sockaddr *addr, const struct rumpk_cred *cred);
int local_connect2(struct socket *so, struct socket *other);
int local_shutdown(struct socket *so, int how);
/* Ends what pcb has with its peer; with the domain's lock. */
void local_disconnect(struct local_pcb *pcb);

/* name.c */
int local_bind(struct socket *so, const struct rumpk_sockaddr *addr, const struct rumpk_cred *cred);
/* Who has that name, of that type, with a reference. */
int local_find(
    const struct rumpk_sockaddr *addr, const struct rumpk_cred *cred, int type, struct local_pcb **pcbp);
/* Takes the name from the pcb; the vnode is to be released by the caller without a lock. */
struct vnode *local_unname(struct local_pcb *pcb);
int local_sockname(struct socket *so, struct rumpk_sockaddr *addr);
int local_peername(struct socket *so, struct rumpk_sockaddr *addr);
/* The name of pcb, or that of one that has none; with either lock. */
void local_name(const struct local_pcb *pcb, struct rumpk_sockaddr *addr);

/* queue.c */
struct local_record *local_record_alloc(size_t room);
void local_record_free(struct local_record *record);
void local_queue_append(struct local_queue *queue, struct local_record *record);
/* The first record, taken out. */
struct local_record *local_queue_pop(struct local_queue *queue);
/* Whether a record is more than data, so that a stream's reads end before it. */
bool local_record_special(const struct local_record *record);

/* transfer.c */
int local_send(struct socket *so, struct rumpk_somsg *msg);
int local_receive(struct socket *so, struct rumpk_somsg *msg);
void local_ready(struct socket *so, struct rumpk_soready *ready);

/* collect.c; all with the domain's lock but the last. */
/* The files of a record go under way (RUMP_ETOOMANYREFS), or have arrived. */
int local_files_sent(struct local_record *record);
void local_files_received(struct local_record *record);
/* Hands a record, or all, over to be freed by local_bury(), files and all. */
void local_condemn_record(struct local_record *record);
void local_condemn(struct local_queue *queue);
/* Condemns what nobody can receive, at once or one of the next times. */
void local_collect(void);
/* Frees what the thread has condemned: without any lock. */
void local_bury(void);

/* option.c */
int local_getopt(struct socket *so, int level, int name, void *buf, size_t *len);
int local_setopt(
    struct socket *so, int level, int name, const void *buf, size_t len, const struct rumpk_cred *cred);
/* Adds the record's credentials to the message. */
void local_add_cred(struct rumpk_somsg *msg, const struct local_record *record);

#endif
