/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "librumpuser/bio_trust.h"
#include "librumpuser/host.h"

#define NEEDED_LEAST 64
#define NEEDED_MOST 8192

#define UNIT_SIZE 4096

/* Less than a device takes, and more than an interruption that has nothing to do with it. */
#define SLACK_NS 30000

static unsigned
needed(const struct bio_trust *trust)
{
	return trust->needed != 0 ? trust->needed : NEEDED_LEAST;
}

void
bio_trust_betrayed(struct bio_trust *trust)
{
	trust->streak = 0;
	trust->needed = needed(trust) < NEEDED_MOST ? needed(trust) * 2 : NEEDED_MOST;
}

void
bio_trust_tried(struct bio_trust *trust, int fd, enum bio_outcome outcome)
{
	if (outcome != BIO_FINISHED) {
		bio_trust_betrayed(trust);
		return;
	}
	if (trust->fd != fd)
		trust->streak = 0;
	trust->fd = fd;
	if (trust->streak < NEEDED_MOST)
		trust->streak++;
}

bool
bio_trusted(const struct bio_trust *trust, int fd)
{
	return trust->fd == fd && trust->usual != 0 && trust->streak >= needed(trust);
}

void
bio_stretch_begin(struct bio_stretch *stretch, bool plain)
{
	stretch->begin = host_nanoseconds();
	stretch->units = 0;
	stretch->plain = plain;
}

void
bio_stretch_add(struct bio_stretch *stretch, size_t len)
{
	stretch->units += 1 + (unsigned)(len / UNIT_SIZE);
}

void
bio_stretch_end(const struct bio_stretch *stretch, struct bio_trust *trust)
{
	int64_t took = host_nanoseconds() - stretch->begin, each;

	if (stretch->units == 0)
		return;
	each = took / stretch->units;
	if (stretch->plain && took > 2 * trust->usual * stretch->units + SLACK_NS) {
		trust->streak = 0;
		return;
	}
	if (stretch->plain && trust->needed > NEEDED_LEAST)
		trust->needed--;
	/* What is usual goes up as slowly as it takes to tell from an interruption. */
	if (trust->usual == 0 || each < trust->usual)
		trust->usual = each > 0 ? each : 1;
	else
		trust->usual += (each - trust->usual) / 16;
}
