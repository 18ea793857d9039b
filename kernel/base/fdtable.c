/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/fdtable.h"
#include <string.h>
#include "kernel/base/knote.h"
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"

#define WORDS (RUMPK_FD_CHUNK / 64)

static struct fdchunk *
chunk_of(struct fdtable *t, int fd)
{
	return atomic_load_explicit(&t->chunk[fd / RUMPK_FD_CHUNK], memory_order_acquire);
}

/* Neighbours lie in different cache lines: they belong to different threads more often than not. */
static _Atomic(struct file *) *
slot_of(struct fdchunk *c, int fd)
{
	unsigned i = (unsigned)fd % RUMPK_FD_CHUNK;

	return &c->slot[i % (RUMPK_FD_CHUNK / 8) * 8 + i / (RUMPK_FD_CHUNK / 8)];
}

static struct fdchunk *
chunk_create(void)
{
	void *mem;

	if (rumpuser_malloc(sizeof(struct fdchunk), _Alignof(struct fdchunk), &mem) != 0)
		return NULL;
	return memset(mem, 0, sizeof(struct fdchunk));
}

static uint64_t
bit_of(int fd)
{
	return UINT64_C(1) << (fd % 64);
}

static int
word_of(int fd)
{
	return fd % RUMPK_FD_CHUNK / 64;
}

struct fdtable *
rumpk_fdtable_create(void)
{
	struct fdtable *t = rumpk_zalloc(sizeof(*t));

	if (t == NULL)
		return NULL;
	rumpk_mutex_init(&t->lock);
	t->refs = 1;
	return t;
}

struct fdtable *
rumpk_fdtable_hold(struct fdtable *t)
{
	rumpk_lock(t->lock);
	t->refs++;
	rumpk_unlock(t->lock);
	return t;
}

static void
destroy(struct fdtable *t)
{
	for (int i = 0; i < RUMPK_FD_CHUNKS; i++)
		rumpk_free(atomic_load_explicit(&t->chunk[i], memory_order_relaxed), sizeof(struct fdchunk));
	rumpk_mutex_destroy(&t->lock);
	rumpk_free(t, sizeof(*t));
}

/* Calls f for every descriptor that has a file; f closes it, or not. */
static void
for_each(struct fdtable *t, struct proc *p, void (*f)(struct fdtable *, struct proc *, int))
{
	for (int i = 0; i < RUMPK_FD_CHUNKS; i++) {
		struct fdchunk *c = chunk_of(t, i * RUMPK_FD_CHUNK);

		for (int j = 0; c != NULL && j < RUMPK_FD_CHUNK; j++)
			if (atomic_load_explicit(slot_of(c, j), memory_order_relaxed) != NULL)
				f(t, p, i * RUMPK_FD_CHUNK + j);
	}
}

/* With the lock: a number is free again. */
static void
unmark(struct fdtable *t, struct fdchunk *c, int fd)
{
	int index = fd / RUMPK_FD_CHUNK;

	c->used[word_of(fd)] &= ~bit_of(fd);
	/* Written when need be only: lookups read what lies beside it. */
	if ((t->full[index / 64] & bit_of(index)) != 0)
		t->full[index / 64] &= ~bit_of(index);
}

/* With the lock: takes the file out of its slot and frees the number. NULL when there is none. */
static struct file *
take(struct fdtable *t, int fd)
{
	struct fdchunk *c = fd >= 0 && fd < RUMPK_FD_MAX ? chunk_of(t, fd) : NULL;
	struct file *fp = c != NULL ? atomic_load_explicit(slot_of(c, fd), memory_order_relaxed) : NULL;

	if (fp == NULL)
		return NULL;
	atomic_store_explicit(slot_of(c, fd), NULL, memory_order_release);
	c->cloexec[word_of(fd)] &= ~bit_of(fd);
	unmark(t, c, fd);
	return fp;
}

static void
close_one(struct fdtable *t, struct proc *p, int fd)
{
	struct file *fp;

	rumpk_lock(t->lock);
	fp = take(t, fd);
	rumpk_unlock(t->lock);
	if (fp != NULL)
		rumpk_fd_drop(t, p, fd, fp);
}

static void
close_if_exec(struct fdtable *t, struct proc *p, int fd)
{
	bool cloexec;

	if (rumpk_fd_getcloexec(t, fd, &cloexec) == 0 && cloexec)
		close_one(t, p, fd);
}

void
rumpk_fdtable_rele(struct fdtable *t, struct proc *p)
{
	bool last;

	rumpk_lock(t->lock);
	last = --t->refs == 0;
	rumpk_unlock(t->lock);
	if (!last)
		return;
	for_each(t, p, close_one);
	destroy(t);
}

void
rumpk_fdtable_exec(struct fdtable *t, struct proc *p)
{
	for_each(t, p, close_if_exec);
}

/* With from's lock; the chunk is new and nobody's yet. */
static void
copy_chunk(struct fdchunk *to, struct fdchunk *from)
{
	for (int j = 0; j < RUMPK_FD_CHUNK; j++) {
		struct file *fp = atomic_load_explicit(slot_of(from, j), memory_order_relaxed);

		if (fp == NULL || fp->ops->type == RUMPK_FT_KQUEUE)
			continue;
		rumpk_file_hold(fp);
		atomic_store_explicit(slot_of(to, j), fp, memory_order_relaxed);
		to->used[j / 64] |= bit_of(j);
		to->cloexec[j / 64] |= from->cloexec[j / 64] & bit_of(j);
	}
}

static bool
is_full(const struct fdchunk *c)
{
	uint64_t all = ~UINT64_C(0);

	for (int w = 0; w < WORDS; w++)
		all &= c->used[w];
	return all == ~UINT64_C(0);
}

struct fdtable *
rumpk_fdtable_copy(struct fdtable *from)
{
	struct fdtable *t = rumpk_fdtable_create();
	bool complete = t != NULL;

	if (t == NULL)
		return NULL;
	rumpk_lock(from->lock);
	for (int i = 0; complete && i < RUMPK_FD_CHUNKS; i++) {
		struct fdchunk *c = chunk_of(from, i * RUMPK_FD_CHUNK), *copy;

		if (c == NULL)
			continue;
		copy = chunk_create();
		complete = copy != NULL;
		if (!complete)
			break;
		copy_chunk(copy, c);
		if (is_full(copy))
			t->full[i / 64] |= bit_of(i);
		atomic_store_explicit(&t->chunk[i], copy, memory_order_relaxed);
	}
	rumpk_unlock(from->lock);
	if (complete)
		return t;
	rumpk_fdtable_rele(t, rumpk_curproc());
	return NULL;
}

/* With the lock: the lowest free number of the chunk from min on, -1 when there is none. */
static int
free_in_chunk(const struct fdchunk *c, int min)
{
	for (int w = min / 64; w < WORDS; w++) {
		uint64_t unused = ~c->used[w];

		if (w == min / 64)
			unused &= ~UINT64_C(0) << (min % 64);
		if (unused != 0)
			return w * 64 + __builtin_ctzll(unused);
	}
	return -1;
}

/* With the lock: the chunk, made if there is none; NULL without memory. */
static struct fdchunk *
need_chunk(struct fdtable *t, int index)
{
	struct fdchunk *c = chunk_of(t, index * RUMPK_FD_CHUNK);

	if (c == NULL) {
		c = chunk_create();
		if (c != NULL)
			atomic_store_explicit(&t->chunk[index], c, memory_order_release);
	}
	return c;
}

/* With the lock. */
static void
mark(struct fdtable *t, struct fdchunk *c, int fd)
{
	c->used[word_of(fd)] |= bit_of(fd);
	if (is_full(c))
		t->full[fd / RUMPK_FD_CHUNK / 64] |= bit_of(fd / RUMPK_FD_CHUNK);
}

/* With the lock. */
static int
reserve(struct fdtable *t, int min, int limit, int *fdp)
{
	for (int i = min / RUMPK_FD_CHUNK; i < RUMPK_FD_CHUNKS; i++) {
		struct fdchunk *c;
		int fd;

		if ((t->full[i / 64] & bit_of(i)) != 0)
			continue;
		c = need_chunk(t, i);
		if (c == NULL)
			return RUMP_ENOMEM;
		fd = free_in_chunk(c, i == min / RUMPK_FD_CHUNK ? min % RUMPK_FD_CHUNK : 0);
		if (fd < 0)
			continue;
		fd += i * RUMPK_FD_CHUNK;
		if (fd >= limit)
			return RUMP_EMFILE;
		mark(t, c, fd);
		*fdp = fd;
		return 0;
	}
	return RUMP_EMFILE;
}

int
rumpk_fd_reserve(struct fdtable *t, int min, int limit, int *fdp)
{
	int error;

	rumpk_lock(t->lock);
	error = reserve(t, min, limit, fdp);
	rumpk_unlock(t->lock);
	return error;
}

void
rumpk_fd_unreserve(struct fdtable *t, int fd)
{
	rumpk_lock(t->lock);
	unmark(t, chunk_of(t, fd), fd);
	rumpk_unlock(t->lock);
}

/* With the lock. */
static void
put_slot(struct fdchunk *c, int fd, struct file *fp, bool cloexec)
{
	if (cloexec)
		c->cloexec[word_of(fd)] |= bit_of(fd);
	else
		c->cloexec[word_of(fd)] &= ~bit_of(fd);
	atomic_store_explicit(slot_of(c, fd), fp, memory_order_release);
}

void
rumpk_fd_set(struct fdtable *t, int fd, struct file *fp, bool cloexec)
{
	struct fdchunk *c = chunk_of(t, fd);

	if (!cloexec) {
		/* The bit of a reserved number is clear: nothing else to write than the slot. */
		atomic_store_explicit(slot_of(c, fd), fp, memory_order_release);
		return;
	}
	rumpk_lock(t->lock);
	put_slot(c, fd, fp, true);
	rumpk_unlock(t->lock);
}

int
rumpk_fd_replace(struct fdtable *t, int fd, struct file *fp, bool cloexec, struct file **oldp)
{
	struct fdchunk *c;
	int error = 0;

	*oldp = NULL;
	rumpk_lock(t->lock);
	c = need_chunk(t, fd / RUMPK_FD_CHUNK);
	if (c == NULL) {
		error = RUMP_ENOMEM;
		goto out;
	}
	*oldp = atomic_load_explicit(slot_of(c, fd), memory_order_relaxed);
	if (*oldp == NULL && (c->used[word_of(fd)] & bit_of(fd)) != 0) {
		error = RUMP_EBUSY;
		goto out;
	}
	mark(t, c, fd);
	put_slot(c, fd, fp, cloexec);
out:
	rumpk_unlock(t->lock);
	return error;
}

int
rumpk_fd_getcloexec(struct fdtable *t, int fd, bool *cloexec)
{
	struct fdchunk *c = fd >= 0 && fd < RUMPK_FD_MAX ? chunk_of(t, fd) : NULL;
	int error = RUMP_EBADF;

	if (c == NULL)
		return error;
	rumpk_lock(t->lock);
	if (atomic_load_explicit(slot_of(c, fd), memory_order_relaxed) != NULL) {
		*cloexec = (c->cloexec[word_of(fd)] & bit_of(fd)) != 0;
		error = 0;
	}
	rumpk_unlock(t->lock);
	return error;
}

int
rumpk_fd_setcloexec(struct fdtable *t, int fd, bool cloexec)
{
	struct fdchunk *c = fd >= 0 && fd < RUMPK_FD_MAX ? chunk_of(t, fd) : NULL;
	struct file *fp;

	if (c == NULL)
		return RUMP_EBADF;
	rumpk_lock(t->lock);
	fp = atomic_load_explicit(slot_of(c, fd), memory_order_relaxed);
	if (fp != NULL)
		put_slot(c, fd, fp, cloexec);
	rumpk_unlock(t->lock);
	return fp != NULL ? 0 : RUMP_EBADF;
}

int
rumpk_fd_last(struct fdtable *t)
{
	int last = -1;

	rumpk_lock(t->lock);
	for (int i = RUMPK_FD_CHUNKS - 1; i >= 0 && last < 0; i--) {
		struct fdchunk *c = chunk_of(t, i * RUMPK_FD_CHUNK);

		for (int w = WORDS - 1; c != NULL && w >= 0 && last < 0; w--)
			if (c->used[w] != 0)
				last = i * RUMPK_FD_CHUNK + w * 64 + 63 - __builtin_clzll(c->used[w]);
	}
	rumpk_unlock(t->lock);
	return last;
}

int
rumpk_fd_drop(struct fdtable *t, struct proc *p, int fd, struct file *fp)
{
	rumpk_knotes_fdclose(t, fd, fp);
	if (fp->ops->fdclose != NULL)
		fp->ops->fdclose(fp, p);
	return rumpk_file_rele(fp);
}

int
rumpk_fd_close(struct lwp *l, int fd)
{
	struct fdtable *t = l->proc->fdtable;
	struct file *fp;

	rumpk_lock(t->lock);
	fp = take(t, fd);
	rumpk_unlock(t->lock);
	return fp != NULL ? rumpk_fd_drop(t, l->proc, fd, fp) : RUMP_EBADF;
}

bool
rumpk_fd_is(struct fdtable *t, int fd, const struct file *fp)
{
	return atomic_load_explicit(slot_of(chunk_of(t, fd), fd), memory_order_acquire) == fp;
}

struct file *
rumpk_fdtable_get(struct fdtable *t, int fd)
{
	struct fdchunk *c = (unsigned)fd < RUMPK_FD_MAX ? chunk_of(t, fd) : NULL;
	_Atomic(struct file *) *slot;
	struct file *fp;

	if (c == NULL)
		return NULL;
	slot = slot_of(c, fd);
	while ((fp = atomic_load_explicit(slot, memory_order_acquire)) != NULL) {
		if (!rumpk_file_tryhold(fp))
			continue;
		if (__builtin_expect(atomic_load_explicit(slot, memory_order_acquire) == fp, 1))
			return fp;
		rumpk_file_rele(fp);
	}
	return NULL;
}
