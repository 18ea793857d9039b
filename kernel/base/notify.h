/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telling waiters that an object has changed.
 *
 * Theory of operation: every object that can be waited for (pipe, socket, vnode, kqueue, process)
 * has a notelist; poll, select and kqueue put watches on it. When the object's state changes, its
 * owner calls rumpk_notify() with what may have become true; the watches that asked for any of it
 * are called. They only mark and wake: whether the condition holds is always asked afresh, by the
 * waiter, through the file's poll operation or the knote's filter. So a notification may be
 * spurious, but none may be missing. An object without watches pays one load.
 *
 * Order that makes this safe: a waiter adds its watch first and looks at the state (under the
 * object's lock) after; the owner changes the state under the object's lock first and notifies
 * after, or under that lock.
 */
#ifndef KERNEL_BASE_NOTIFY_H
#define KERNEL_BASE_NOTIFY_H

#include <stdatomic.h>
#include <stdint.h>
#include <rump/rumpdefs.h>
#include "kernel/base/component.h"
#include "kernel/base/lock.h"

/* What changed: RUMP_NOTE_* of EVFILT_VNODE in the low bits, of EVFILT_PROC in the high ones, and these
 * between. */
#define RUMPK_NOTE_READABLE 0x10000u
#define RUMPK_NOTE_WRITABLE 0x20000u
#define RUMPK_NOTE_HANGUP 0x40000u

struct rumpk_watch {
	struct rumpk_watch *next, *prev;
	/* What it waits for: RUMPK_NOTE_* and RUMP_NOTE_*. */
	uint32_t interest;
	/* Called with the notelist's lock held: takes no lock of an object, and must not sleep. */
	void (*fire)(struct rumpk_watch *watch, uint32_t what);
};

/* Zeroed memory is an empty list. */
struct rumpk_notelist {
	_Atomic(struct rumpk_watch *) first;
	/* Made with the first watch. */
	_Atomic(rumpk_mutex) lock;
};

RUMPK_EXPORT void rumpk_notelist_init(struct rumpk_notelist *list);
/* There must be no watch left. */
RUMPK_EXPORT void rumpk_notelist_fini(struct rumpk_notelist *list);

RUMPK_EXPORT void rumpk_watch_add(struct rumpk_notelist *list, struct rumpk_watch *watch);
/* When it returns, fire is not running and will not be called again. */
RUMPK_EXPORT void rumpk_watch_remove(struct rumpk_notelist *list, struct rumpk_watch *watch);

RUMPK_EXPORT void rumpk_notify_slow(struct rumpk_notelist *list, uint32_t what);

static inline void
rumpk_notify(struct rumpk_notelist *list, uint32_t what)
{
	if (atomic_load_explicit(&list->first, memory_order_acquire) != NULL)
		rumpk_notify_slow(list, what);
}

#endif
