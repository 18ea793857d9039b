/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which file the host is trusted to have in memory, from what reads of it came to. For one thread at a time.
 *
 * A file is trusted when many reads in a row were of what was in memory, until a stretch of plain reads takes
 * longer than such stretches do. Each read that was not of what was in memory doubles how many it takes.
 */
#ifndef LIBRUMPUSER_BIO_TRUST_H
#define LIBRUMPUSER_BIO_TRUST_H

#include "librumpuser/bio.h"

struct bio_trust {
	int fd;
	unsigned streak; /* reads of fd in a row that found all in memory */
	unsigned needed; /* so many make it trusted; 0: the least */
	int64_t usual;   /* nanoseconds that a unit takes without waiting, or 0: not known */
};

/* Reads one after the other, timed as one. */
struct bio_stretch {
	int64_t begin;  /* on the monotonic clock */
	unsigned units; /* of work, a constant one and one a page for each read */
	bool plain;     /* might have waited */
};

/* Tells of a read that was tried without waiting. */
void bio_trust_tried(struct bio_trust *trust, int fd, enum bio_outcome outcome);

/* Whether what is read of fd is most likely in memory. */
bool bio_trusted(const struct bio_trust *trust, int fd);

/* Tells that a plain read held others up for long, which counts as much. */
void bio_trust_betrayed(struct bio_trust *trust);

/* Stretches of reads: add one that has been made, and tell what they all took. */
void bio_stretch_begin(struct bio_stretch *stretch, bool plain);
void bio_stretch_add(struct bio_stretch *stretch, size_t len);
void bio_stretch_end(const struct bio_stretch *stretch, struct bio_trust *trust);

#endif
