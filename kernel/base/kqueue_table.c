/* SPDX-License-Identifier: BSD-2-Clause */
/* Which knotes there are: by number and filter, and by file. */
#include "kernel/base/fdtable.h"
#include "kernel/base/knote.h"
#include "kernel/base/kqueue_impl.h"
#include "kernel/base/kqueue_parts.h"
#include "kernel/base/mem.h"

#define INITIAL_BUCKETS 16

static rumpk_mutex file_lock;

void
rumpk_kq_table_init(void)
{
	rumpk_mutex_init(&file_lock);
}

struct kqueue *
rumpk_kqueue_create(void)
{
	struct kqueue *kq = rumpk_zalloc(sizeof(*kq));

	if (kq == NULL)
		return NULL;
	kq->refs = 1;
	rumpk_mutex_init(&kq->table);
	rumpk_mutex_init(&kq->lock);
	return kq;
}

static uint32_t
hash(const struct kqueue *kq, uint64_t ident, uint32_t filter)
{
	return (uint32_t)((ident * UINT64_C(0x9e3779b97f4a7c15) >> 32) + filter) & (kq->nbuckets - 1);
}

struct rumpk_knote *
rumpk_kq_find(struct kqueue *kq, uint64_t ident, uint32_t filter, const struct fdtable *t)
{
	struct rumpk_knote *kn;

	if (kq->nbuckets == 0)
		return NULL;
	kn = kq->buckets[hash(kq, ident, filter)];
	while (kn != NULL && (kn->ident != ident || kn->filter != filter || kn->fdtable != t))
		kn = kn->hash_next;
	return kn;
}

static int
grow(struct kqueue *kq)
{
	struct rumpk_knote **old = kq->buckets, **made, *kn;
	uint32_t nold = kq->nbuckets, n = nold == 0 ? INITIAL_BUCKETS : nold * 2;

	if (kq->nknotes < nold)
		return 0;
	made = rumpk_zalloc(n * sizeof(struct rumpk_knote *));
	if (made == NULL)
		return RUMP_ENOMEM;
	kq->buckets = made;
	kq->nbuckets = n;
	for (uint32_t i = 0; i < nold; i++) {
		while ((kn = old[i]) != NULL) {
			struct rumpk_knote **bucket = &made[hash(kq, kn->ident, kn->filter)];

			old[i] = kn->hash_next;
			kn->hash_next = *bucket;
			*bucket = kn;
		}
	}
	rumpk_free(old, nold * sizeof(struct rumpk_knote *));
	return 0;
}

static void
list_on_file(struct rumpk_knote *kn)
{
	struct rumpk_knote *first;

	rumpk_lock(file_lock);
	first = atomic_load_explicit(&kn->fp->knotes, memory_order_relaxed);
	kn->file_prev = NULL;
	kn->file_next = first;
	if (first != NULL)
		first->file_prev = kn;
	atomic_store_explicit(&kn->fp->knotes, kn, memory_order_release);
	rumpk_unlock(file_lock);
}

int
rumpk_kq_insert(struct kqueue *kq, struct rumpk_knote *kn)
{
	struct rumpk_knote **bucket;
	int error = grow(kq);

	if (error != 0)
		return error;
	bucket = &kq->buckets[hash(kq, kn->ident, kn->filter)];
	kn->hash_next = *bucket;
	*bucket = kn;
	kq->nknotes++;
	if (kn->fp != NULL)
		list_on_file(kn);
	return 0;
}

static void
unlist_from_file(struct rumpk_knote *kn)
{
	rumpk_lock(file_lock);
	if (kn->file_prev != NULL)
		kn->file_prev->file_next = kn->file_next;
	else
		atomic_store_explicit(&kn->fp->knotes, kn->file_next, memory_order_relaxed);
	if (kn->file_next != NULL)
		kn->file_next->file_prev = kn->file_prev;
	rumpk_unlock(file_lock);
}

void
rumpk_kq_remove(struct kqueue *kq, struct rumpk_knote *kn)
{
	struct rumpk_knote **pp = &kq->buckets[hash(kq, kn->ident, kn->filter)];

	if (kn->list != NULL)
		rumpk_watch_remove(kn->list, &kn->watch);
	rumpk_lock(kq->lock);
	kn->state |= KN_DISABLED;
	rumpk_kq_wait_idle(kq, kn);
	rumpk_unlock(kq->lock);
	if (kn->ops != NULL && kn->ops->detach != NULL)
		kn->ops->detach(kn);
	rumpk_lock(kq->lock);
	if ((kn->state & KN_QUEUED) != 0)
		rumpk_kq_dequeue(kq, kn);
	rumpk_unlock(kq->lock);
	if (kn->fp != NULL)
		unlist_from_file(kn);
	while (*pp != kn)
		pp = &(*pp)->hash_next;
	*pp = kn->hash_next;
	kq->nknotes--;
	rumpk_free(kn, sizeof(*kn));
}

void
rumpk_kq_rele(struct kqueue *kq)
{
	bool last;

	rumpk_lock(file_lock);
	last = --kq->refs == 0;
	rumpk_unlock(file_lock);
	if (!last)
		return;
	rumpk_free(kq->buckets, kq->nbuckets * sizeof(struct rumpk_knote *));
	rumpk_notelist_fini(&kq->notes);
	rumpk_mutex_destroy(&kq->lock);
	rumpk_mutex_destroy(&kq->table);
	rumpk_free(kq, sizeof(*kq));
}

/* A kqueue, held, that has a knote on this descriptor; NULL when there is none. */
static struct kqueue *
kqueue_on(struct fdtable *t, int fd, struct file *fp)
{
	struct rumpk_knote *kn;
	struct kqueue *kq = NULL;

	rumpk_lock(file_lock);
	for (kn = atomic_load_explicit(&fp->knotes, memory_order_relaxed); kn != NULL; kn = kn->file_next) {
		if (kn->fdtable == t && kn->ident == (uint64_t)fd) {
			kq = kn->kq;
			kq->refs++;
			break;
		}
	}
	rumpk_unlock(file_lock);
	return kq;
}

void
rumpk_knotes_fdclose_slow(struct fdtable *t, int fd, struct file *fp)
{
	static const uint32_t filters[] = {RUMP_EVFILT_READ, RUMP_EVFILT_WRITE, RUMP_EVFILT_VNODE};
	struct kqueue *kq;

	while ((kq = kqueue_on(t, fd, fp)) != NULL) {
		rumpk_lock(kq->table);
		for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
			struct rumpk_knote *kn = rumpk_kq_find(kq, (uint64_t)fd, filters[i], t);

			if (kn != NULL && kn->fp == fp)
				rumpk_kq_remove(kq, kn);
		}
		rumpk_unlock(kq->table);
		rumpk_kq_rele(kq);
	}
}
