/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for sets, and looking at what their members are ready for. */
#ifndef HIJACK_EPOLL_WATCH_H
#define HIJACK_EPOLL_WATCH_H

#include "hijack/epoll_set.h"
#include "hijack/wait.h"

/* Has the members of the sets that fds are about asked. 0, and asked->fds is to be freed; so it is on
 * failure, -errno. */
long hijack_epoll_look(const struct pollfd *fds, size_t count, struct asked *asked);

/* Takes the answers for the bells of these sets. Under the lock. */
void hijack_epoll_tell(const struct pollfd *fds, size_t count, struct asked *asked);

/*
 * Waits for fds, for members of the sets that they are about, and for changes of these since the look that
 * said when they had changed last. Returns as hijack_wait(), also when it was not fds that something came to.
 */
long hijack_epoll_sleep(struct pollfd *fds, size_t count, uint64_t changed, enum asking what,
    const struct hijack_deadline *deadline, const uint64_t *signals);

/* hijack_wait() on numbers that may be sets. */
long hijack_epoll_poll(
    struct pollfd *fds, size_t count, const struct hijack_deadline *deadline, const uint64_t *signals);

#endif
