/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deferred freeing for walks without locks.
 *
 * Theory of operation
 *
 * A reader announces itself in one of a few counters (chosen by its lwp, so that two readers rarely share a
 * cache line) under the present phase, and withdraws when done. What was made unreachable may be freed once
 * every counter of both phases has been seen at zero after it, a phase flip before each: that is one grace
 * period. Nobody waits for it: what is to be freed gathers in lists, one a counter, and whoever fills one
 * looks whether the period is over. rumpk_rcu_synchronize is for the few who must wait.
 */
#ifndef KERNEL_VFS_RCU_H
#define KERNEL_VFS_RCU_H

#include <stdint.h>

struct rcu_head {
	struct rcu_head *rh_next;
	void (*rh_free)(struct rcu_head *);
};

/* Between these nothing that rumpk_rcu_free has been called for since is freed. Not to sleep in. The token
 * goes to exit. */
RUMPK_EXPORT unsigned rumpk_rcu_enter(void);
RUMPK_EXPORT void rumpk_rcu_exit(unsigned token);

/* Calls f(head) after a grace period, in any thread, perhaps with locks held: f only frees. */
RUMPK_EXPORT void rumpk_rcu_free(struct rcu_head *head, void (*f)(struct rcu_head *));
/* Returns when all walks under way have ended. Holds no lock that a walk's owner may wait for. */
RUMPK_EXPORT void rumpk_rcu_synchronize(void);
/*
 * The same, and all that rumpk_rcu_free has been called for before has then been freed. Not from such a
 * callback, nor under a lock that one may want.
 */
RUMPK_EXPORT void rumpk_rcu_drain(void);

void rcu_init(void);

#endif
