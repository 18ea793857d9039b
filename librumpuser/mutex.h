/* SPDX-License-Identifier: BSD-2-Clause */
/* What condition variables need to know of mutexes. */
#ifndef LIBRUMPUSER_MUTEX_H
#define LIBRUMPUSER_MUTEX_H

#include <rump/rumpuser.h>

#include "librumpuser/host.h"

#pragma GCC visibility push(hidden)

/* One sleep on a condition variable; it lives on the sleeper's stack. */
struct cv_waiter;

struct rumpuser_mtx {
	_Atomic uint32_t
	    word; /* 0 free, else the holder's host_id(), with MUTEX_CONTENDED while others sleep */
	int flags;
	_Atomic(struct lwp *) owner;
	struct cv_waiter *resumed; /* to be woken at release; protected by the mutex itself */
};

#define MUTEX_CONTENDED 0x80000000u

/* Take and release without an upcall. */
void mutex_acquire(struct rumpuser_mtx *mtx);
void mutex_release(struct rumpuser_mtx *mtx);

static inline bool
mutex_held_by_caller(const struct rumpuser_mtx *mtx)
{
	return (atomic_load_explicit(&mtx->word, memory_order_relaxed) & ~MUTEX_CONTENDED) == host_id();
}

/* Wakes the list of waiters that a mutex had when it was released. Part of the condition variables. */
void cv_wake_resumed(struct cv_waiter *resumed);

#pragma GCC visibility pop

#endif
