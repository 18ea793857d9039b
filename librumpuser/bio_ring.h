/* SPDX-License-Identifier: BSD-2-Clause */
/* An io_uring of one thread, which alone makes, fills and empties it. */
#ifndef LIBRUMPUSER_BIO_RING_H
#define LIBRUMPUSER_BIO_RING_H

#include "librumpuser/bio.h"

#ifdef HAVE_IO_URING

#include <liburing.h>

struct bio_ring {
	struct io_uring ring;
	int bell;             /* eventfd */
	uint64_t rings;       /* what is read from it */
	bool listening;       /* a read of it is in the ring */
	unsigned in_flight;   /* requests in the ring */
	unsigned unsubmitted; /* entries that the host has not taken yet */
};

/* False when there are none to be had, or the user wants none. */
bool bio_ring_open(struct bio_ring *engine);

/* Prepares what is left of a read. */
void bio_ring_put(struct bio_ring *engine, struct bio_request *request);
/* Prepares that bio_ring_wake() ends the next sleep in the ring. */
void bio_ring_listen(struct bio_ring *engine);
/* Gives the host what has been prepared, and sleeps until something is done if wait. */
void bio_ring_submit(struct bio_ring *engine, bool wait);
/* Adds to the list what is done. */
void bio_ring_reap(struct bio_ring *engine, struct bio_list *finished);

/* Ends the sleep of the thread whose ring it is; for others to call, once for each sleep. */
void bio_ring_wake(struct bio_ring *engine);

#endif

#endif
