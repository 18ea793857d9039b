/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/notify.h"

void
rumpk_notelist_init(struct rumpk_notelist *list)
{
	atomic_init(&list->first, NULL);
	atomic_init(&list->lock, NULL);
}

void
rumpk_notelist_fini(struct rumpk_notelist *list)
{
	rumpk_mutex lock = atomic_load_explicit(&list->lock, memory_order_acquire);

	if (lock != NULL)
		rumpk_mutex_destroy(&lock);
	atomic_store_explicit(&list->lock, NULL, memory_order_relaxed);
}

/* The list's lock, made by whoever needs it first. */
static rumpk_mutex
lock_of(struct rumpk_notelist *list)
{
	rumpk_mutex lock = atomic_load_explicit(&list->lock, memory_order_acquire), made;

	if (lock != NULL)
		return lock;
	rumpk_mutex_init(&made);
	if (atomic_compare_exchange_strong_explicit(
		&list->lock, &lock, made, memory_order_acq_rel, memory_order_acquire))
		return made;
	rumpk_mutex_destroy(&made);
	return lock;
}

void
rumpk_watch_add(struct rumpk_notelist *list, struct rumpk_watch *watch)
{
	rumpk_mutex lock = lock_of(list);
	struct rumpk_watch *first;

	rumpk_lock(lock);
	first = atomic_load_explicit(&list->first, memory_order_relaxed);
	watch->next = first;
	watch->prev = NULL;
	if (first != NULL)
		first->prev = watch;
	atomic_store_explicit(&list->first, watch, memory_order_release);
	rumpk_unlock(lock);
}

void
rumpk_watch_remove(struct rumpk_notelist *list, struct rumpk_watch *watch)
{
	rumpk_mutex lock = lock_of(list);

	rumpk_lock(lock);
	if (watch->prev != NULL)
		watch->prev->next = watch->next;
	else
		atomic_store_explicit(&list->first, watch->next, memory_order_relaxed);
	if (watch->next != NULL)
		watch->next->prev = watch->prev;
	rumpk_unlock(lock);
}

void
rumpk_notify_slow(struct rumpk_notelist *list, uint32_t what)
{
	rumpk_mutex lock = lock_of(list);

	rumpk_lock(lock);
	for (struct rumpk_watch *w = atomic_load_explicit(&list->first, memory_order_relaxed); w != NULL;
	     w = w->next)
		if ((w->interest & what) != 0)
			w->fire(w, what);
	rumpk_unlock(lock);
}
