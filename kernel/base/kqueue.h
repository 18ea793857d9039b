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
	 * held; takes those of the object. For EVFILT_VNODE: rumpk_vnode_filterops.
	 */
	bool (*event)(struct rumpk_knote *kn);
	/* Optional: the knote goes; its watch has been removed. */
	void (*detach)(struct rumpk_knote *kn);
	/* Optional: EV_ADD on an existing knote brings new fflags and data. NULL: they become sfflags and
	 * sdata. */
	void (*touch)(struct rumpk_knote *kn, uint32_t fflags, int64_t data);
	/* Optional: it has been reported, and EV_CLEAR or EV_DISPATCH asks for a new start. */
	void (*clear)(struct rumpk_knote *kn);
};

/* Guarded by the kqueue: between event and touch nothing else looks at the members above the line. */
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
	/* For event: what rumpk_notify() has said since the last look. */
	uint32_t noted;

	/* Set by the object. */
	const struct rumpk_filterops *ops;
	void *hook;

	/* The file, for filters on descriptors. */
	struct file *fp;

	/* --- kqueue's own. */
	struct kqueue *kq;
	struct fdtable *fdtable;
	struct rumpk_watch watch;
	struct rumpk_notelist *list;
	struct rumpk_knote *hash_next;
	struct rumpk_knote *file_next, *file_prev;
	struct rumpk_knote *queue_next, *queue_prev;
	uint32_t pending;
	uint32_t state;
};

/* From kqfilter: watch the list for any of what. */
RUMPK_EXPORT void rumpk_knote_watch(struct rumpk_knote *kn, struct rumpk_notelist *list, uint32_t what);

/* What notifies for itself, rather than through a notelist: puts the knote forward for a look. */
RUMPK_EXPORT void rumpk_knote_activate(struct rumpk_knote *kn, uint32_t what);

/* For EVFILT_VNODE: the event holds when any NOTE_* that was asked for has been notified. */
RUMPK_EXPORT extern const struct rumpk_filterops rumpk_vnode_filterops;

#endif
