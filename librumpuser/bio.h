/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block I/O: what its files share, and what others want of it.
 */
#ifndef LIBRUMPUSER_BIO_H
#define LIBRUMPUSER_BIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <rump/rumpuser.h>

#include "librumpuser/host_lock.h"

/* How many requests a thread takes, and reports to the kernel, at a time. */
#define BIO_BATCH 16

struct bio_request {
	struct bio_request *next;  /* in a list: waiting, finished, or free */
	struct bio_request *known; /* the next one ever made */
	uint64_t turn;             /* order of submission; 0: free, or through with the host */
	int fd;
	int op;
	char *data;
	size_t len;
	off_t off;
	size_t moved; /* bytes transferred so far */
	int error;    /* NetBSD's numbering */
	rump_biodone_fn done;
	void *arg;
};

struct bio_list {
	struct bio_request *first;
	struct bio_request **end;
	unsigned count;
};

/* Threads that serve one queue. Everything in it is protected by bio_lock. */
struct bio_pool {
	struct bio_list queue;
	struct host_cond work;
	unsigned wakes;   /* given to idle threads that have not noticed yet */
	unsigned threads; /* all of them */
	unsigned idle;    /* asleep for want of work */
	unsigned running; /* neither asleep nor waiting for the host */
	bool in_ring;     /* the one thread sleeps in io_uring */
	const char *name;
	void *(*main)(void *pool);
};

extern struct host_lock bio_lock;
extern struct bio_pool bio_readers, bio_writers;

/* Lists. */
void bio_list_init(struct bio_list *list);
void bio_list_add(struct bio_list *list, struct bio_request *request);
/* Moves up to count requests from the head of one list to the end of another. */
void bio_list_move(struct bio_list *to, struct bio_list *from, unsigned count);
/* Puts all of a list before another's head. */
void bio_list_put_back(struct bio_list *to, struct bio_list *from);

/* One request and the host (bio_transfer.c). */
enum bio_outcome { BIO_FINISHED, BIO_WOULD_WAIT };
/*
 * Does as much of the request as the host does without waiting for a device: a read of what is cached, a
 * write into the cache.
 */
enum bio_outcome bio_try(struct bio_request *request);
/* Does the rest, however long it takes. */
void bio_wait(struct bio_request *request);
/* Accounts for the result of one system call, bytes or -errno of the host. */
enum bio_outcome bio_account(struct bio_request *request, ssize_t result);

/* Threads (bio_pool.c). */
/* The main function of a thread of a pool; the pool counts it as running. */
void *bio_worker(void *pool);
/* Sleeps until there is work. Called, and returns, with bio_lock held. */
void bio_pool_idle(struct bio_pool *pool);
/* Queues a request and sees to it that somebody takes it. False: there is nobody, and nobody can be started.
 */
bool bio_pool_submit(struct bio_pool *pool, struct bio_request *request);

/* The main function of the thread that reads with io_uring, or is bio_worker() where that is not to be had.
 */
void *bio_ring_main(void *pool);
/* Ends the ring's sleep. */
void bio_ring_wake(void);

/* Reporting to the kernel (bio.c). */
/* Makes the calling thread one of the kernel's. Called once, by each thread of ours. */
void bio_thread_begin(void);
/* Reports all requests of the list to the kernel, and empties the list. Upcalls: no lock may be held. */
void bio_report(struct bio_list *finished);

/* Waits until no request on fd that has been submitted so far is any business of the host's. */
void bio_drain(int fd);

#endif
