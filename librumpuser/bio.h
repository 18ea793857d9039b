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
#define BIO_BATCH 32

/* What a request comes to. */
struct bio_result {
	rump_biodone_fn done;
	void *arg;
	size_t moved; /* bytes transferred so far */
	int error;    /* NetBSD's numbering */
};

/* How far the host did without waiting. */
enum bio_outcome { BIO_UNTRIED, BIO_FINISHED, BIO_WOULD_WAIT };

struct bio_request {
	struct bio_request *next;  /* in a list: waiting, finished, or free */
	struct bio_request *known; /* the next one ever made */
	uint64_t turn;             /* order of submission; 0: free, or through with the host */
	int fd;
	int op;
	char *data;
	size_t len;
	off_t off;
	enum bio_outcome outcome; /* of bio_try() */
	struct bio_result result;
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
/* The first one of a list that is not empty, taken out. */
struct bio_request *bio_list_take(struct bio_list *list);
/* Moves up to count requests from the head of one list to the end of another. */
void bio_list_move(struct bio_list *to, struct bio_list *from, unsigned count);
/* Puts all of a list before another's head. */
void bio_list_put_back(struct bio_list *to, struct bio_list *from);

/* One request and the host (bio_transfer.c). */
/*
 * Does as much of the request as the host does without waiting for a device: a read of what is cached, a
 * write into the cache. Once: whoever tries again is told the outcome.
 */
enum bio_outcome bio_try(struct bio_request *request);
/* The same for a read of something, by a call that may wait for a device. */
void bio_try_plainly(struct bio_request *request);
/* Does the rest, however long it takes. */
void bio_wait(struct bio_request *request);
/* Accounts for the result of one system call, bytes or -errno of the host. */
enum bio_outcome bio_account(struct bio_request *request, ssize_t result);

/* Threads (bio_pool.c). */
enum bio_wake { BIO_WAKE_NOBODY, BIO_WAKE_SLEEPER, BIO_WAKE_RING, BIO_WAKE_NEW };
/* The main function of a thread of a pool; the pool counts it as running. */
void *bio_worker(void *pool);
/* Sleeps until there is work. Called, and returns, with bio_lock held. */
void bio_pool_idle(struct bio_pool *pool);
/* Whether the submitter should try the request itself before it queues it. Called with bio_lock held. */
bool bio_pool_wants_help(const struct bio_pool *pool, const struct bio_request *request);
/* Queues a request and chooses who is to be woken for it. Called with bio_lock held. */
enum bio_wake bio_pool_add(struct bio_pool *pool, struct bio_request *request);
/*
 * Wakes whom bio_pool_add() chose. Called without a lock. False: there is nobody, nobody can be started, and
 * the request is not in the queue any more.
 */
bool bio_pool_wake(struct bio_pool *pool, enum bio_wake choice, struct bio_request *request);

/* Reading (bio_reader.c). */
/* The main function of the thread that reads with io_uring, or is bio_worker() where that is not to be had.
 */
void *bio_reader_main(void *pool);
/* Ends that thread's sleep in the ring. */
void bio_reader_wake(void);

/* Reporting to the kernel (bio_report.c). */
/* Reports all requests of the list to the kernel, and empties the list. Upcalls: no lock may be held. */
void bio_report(struct bio_list *finished);
/* Whether so many have finished that the kernel should hear of them before there are more. */
bool bio_report_due(const struct bio_list *finished);
/* Called by those who submit, without a CPU of the kernel's: see there. */
void bio_let_report_end(void);

/* Requests (bio.c). */
/* Makes the calling thread one of the kernel's. Called once, by each thread of ours. */
void bio_thread_begin(void);
/* Takes up to max results, and frees their requests. Returns how many there were. */
unsigned bio_release(struct bio_list *finished, struct bio_result *results, unsigned max);

/* Waits until no request on fd that has been submitted so far is any business of the host's. */
void bio_drain(int fd);

#endif
