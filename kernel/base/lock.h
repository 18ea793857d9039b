/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks. The hypercalls' own, under shorter names; there is no kernel-wide lock, and these may
 * be taken by any host thread. Order, outermost first:
 *
 *   file offset lock -> vnode/pipe/socket (an object's own lock) -> notelist -> kqueue -> poller
 *   process list -> process -> sleeper
 *   descriptor table (a leaf: nothing but a pool's lock is taken under it)
 *
 * Nothing that may wait for a client (rumpk_copyin and kin) is called with a lock held.
 */
#ifndef KERNEL_BASE_LOCK_H
#define KERNEL_BASE_LOCK_H

#include <rump/rumpuser.h>

typedef struct rumpuser_mtx *rumpk_mutex;

static inline void
rumpk_mutex_init(rumpk_mutex *mtx)
{
	rumpuser_mutex_init(mtx, 0);
}

static inline void
rumpk_mutex_destroy(rumpk_mutex *mtx)
{
	rumpuser_mutex_destroy(*mtx);
	*mtx = NULL;
}

static inline void
rumpk_lock(rumpk_mutex mtx)
{
	rumpuser_mutex_enter_nowrap(mtx);
}

static inline void
rumpk_unlock(rumpk_mutex mtx)
{
	rumpuser_mutex_exit(mtx);
}

#endif
