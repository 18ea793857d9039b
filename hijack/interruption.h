/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals during a call that takes several steps, each of which may be the one that they come in. */
#ifndef HIJACK_INTERRUPTION_H
#define HIJACK_INTERRUPTION_H

#include <stdbool.h>
#include <stdint.h>

struct hijack_interruption {
	bool holds;       /* false: there is no handler that a signal could run */
	uint64_t before;  /* the thread's mask */
	uint64_t blocked; /* the mask while signals are held */
	int signals;      /* a signalfd, -1: none yet */
};

/* Holds up signals that have handlers. Others do what they do, to the process or to nobody. */
void hijack_interruption_begin(struct hijack_interruption *held);

/*
 * A descriptor that is readable when a signal is held, for who has to tell handlers with SA_RESTART from
 * others; -1 when there is none to be had.
 */
int hijack_interruption_signals(struct hijack_interruption *held);

/* The mask with which to wait so that a handler ends it; NULL: as it is. */
const uint64_t *hijack_interruption_mask(const struct hijack_interruption *held);

/* Lets the held signals through, and holds the next. Returns -EINTR when a handler without SA_RESTART ran, or
 * 0. */
int hijack_interruption_let(const struct hijack_interruption *held);

/* Lets all through. To end it twice is fine. */
void hijack_interruption_end(struct hijack_interruption *held);

#endif
