/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an object has to know of kqueue: filters and knotes.
 *
 * An object's fileops.kqfilter looks at kn->filter (RUMP_EVFILT_READ, _WRITE, _VNODE), sets
 * kn->ops (and kn->hook, if it likes) and calls rumpk_knote_watch() with its notelist and what
 * concerns the filter. From then on rumpk_notify() puts the knote forward for a look, and
 * ops->event decides.
 */
#ifndef KERNEL_BASE_KQUEUE_H
#define KERNEL_BASE_KQUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/base/component.h"
#include "kernel/base/notify.h"

struct file;
struct fdtable;
struct kqueue;
struct rumpk_knote;

struct rumpk_filterops {
	/*
	 * Whether the event holds now; fills kn->data, and EV_EOF in kn->flags. Called with no lock
	 * held; takes those of the object. For EVFILT_VNODE: rumpk_knote_vnode_event().
	 */
	bool (*event)(struct rumpk_knote *kn);
	/* Optional: the knote goes; its watch has been removed. */
	void (*detach)(struct rumpk_knote *kn);
	/* Optional: EV_ADD on an existing knote has set new sfflags and sdata. Returns an errno. */
	int (*touch)(struct rumpk_knote *kn);
};

struct rumpk_knote {
	/* As kevent(2) has them: what was asked (s...), and what is to be reported. */
	uint64_t ident;
	uint32_t filter;
	uint32_t flags;
	uint32_t sfflags;
	int64_t sdata;
	uint32_t fflags;
	int64_t data;
	int64_t udata;

	/* Set by the object. */
	const struct rumpk_filterops *ops;
	void *hook;

	/* The file, for filters on descriptors. */
	struct file *fp;

	/* kqueue's own. */
	struct kqueue *kq;
	struct fdtable *fdtable;
	struct rumpk_watch watch;
	struct rumpk_notelist *list;
	struct rumpk_knote *hash_next;
	struct rumpk_knote *file_next, **file_prev;
	struct rumpk_knote *queue_next, *queue_prev;
	/* What the notelist said since the last look; guarded by kq's lock. */
	uint32_t pending;
	uint32_t state;
};

/* From kqfilter: watch the list for any of what. */
RUMPK_EXPORT void rumpk_knote_watch(struct rumpk_knote *kn, struct rumpk_notelist *list, uint32_t what);

/* The event operation of EVFILT_VNODE: holds when any NOTE_* that was asked for has been notified. */
RUMPK_EXPORT bool rumpk_knote_vnode_event(struct rumpk_knote *kn);
RUMPK_EXPORT extern const struct rumpk_filterops rumpk_vnode_filterops;

#endif
