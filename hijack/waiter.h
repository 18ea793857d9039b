/* SPDX-License-Identifier: BSD-2-Clause */
/* One wait's call into the rump kernel, under way while the host waits. */
#ifndef HIJACK_WAITER_H
#define HIJACK_WAITER_H

#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>
#include <time.h>

#include "hijack/thread.h"

struct hijack_waiter;

/*
 * An eventfd of the process's own: one that is kept, or a new one; or -errno. Giving it back, when nobody
 * writes to it any more, keeps it for the next time.
 */
int hijack_event_take(void);
void hijack_event_give(int fd);

/*
 * Starts a poll of count descriptors of the rump kernel's, for at most so many milliseconds, -1 for ever.
 * NULL: *error says why not.
 */
struct hijack_waiter *hijack_waiter_start(
    const struct rump_pollfd *fds, size_t count, int milliseconds, int *error);

/* What the host waits for meanwhile: something arrived; or another thread received this waiter's answer. */
int hijack_waiter_arrivals(const struct hijack_waiter *waiter);
int hijack_waiter_wakes(const struct hijack_waiter *waiter);

/*
 * What to wait for instead of arrivals while another thread receives: until then the host would say again and
 * again that there is something.
 */
int hijack_waiter_answers(const struct hijack_waiter *waiter);

/* After a look in vain: for how long at most to do so, 0 not at all. aside counts such looks in a row. */
struct timespec hijack_waiter_aside(const struct hijack_waiter *waiter, unsigned int *aside);

/* Takes note that the second is readable; to be followed by a look whether the waiter is done. */
void hijack_waiter_woken(const struct hijack_waiter *waiter);

/* Takes what arrived, for all waiters. True when the waiter's own call is done. */
bool hijack_waiter_done(struct hijack_waiter *waiter);

/* Ends the wait, also before the call is done, and frees the waiter. Returns the call's result; 0 when it was
 * not done. */
long hijack_waiter_finish(struct hijack_waiter *waiter, struct rump_pollfd *fds, size_t count);

/*
 * Makes, as far as possible, what a wait needs: before the process gives up the right to more descriptors.
 */
void hijack_waiter_prepare(void);

#endif
