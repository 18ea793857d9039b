/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/mem.h"
#include "kernel/base/sleep.h"
#include "kernel/vfs/mount.h"
#include "kernel/vfs/vcache.h"

#define BUCKETS 256

/* A vnode of the cache. busy: being loaded or reclaimed. */
struct cached {
	struct vnode vn;
	struct cached *next;
	struct cached *newer, *older; /* of the unused */
	bool busy, unused;
};

struct vcache {
	rumpk_mutex lock;
	struct rumpk_waitq changed; /* a busy one is no longer, or has gone */
	int (*load)(struct mount *mp, uint64_t ino, struct vnode *vp);
	unsigned max_unused, nunused;
	struct cached *newest, *oldest;
	struct cached *buckets[BUCKETS];
};

int
rumpk_vcache_create(
    struct mount *mp, int (*load)(struct mount *mp, uint64_t ino, struct vnode *vp), unsigned unused)
{
	struct vcache *vc = rumpk_zalloc(sizeof(*vc));

	if (vc == NULL)
		return RUMP_ENOMEM;
	rumpk_mutex_init(&vc->lock);
	vc->load = load;
	vc->max_unused = unused;
	mp->mnt_vcache = vc;
	return 0;
}

void
vcache_destroy(struct mount *mp)
{
	struct vcache *vc = mp->mnt_vcache;

	rumpk_vcache_flush(mp);
	rumpk_mutex_destroy(&vc->lock);
	rumpk_free(vc, sizeof(*vc));
}

static struct cached **
bucket(struct vcache *vc, uint64_t ino)
{
	return &vc->buckets[(ino * UINT64_C(0x9e3779b97f4a7c15)) >> 56];
}

static struct cached *
find(struct vcache *vc, uint64_t ino)
{
	struct cached *c;

	for (c = *bucket(vc, ino); c != NULL && c->vn.v_ino != ino; c = c->next)
		;
	return c;
}

static void
unused_remove(struct vcache *vc, struct cached *c)
{
	*(c->newer != NULL ? &c->newer->older : &vc->newest) = c->older;
	*(c->older != NULL ? &c->older->newer : &vc->oldest) = c->newer;
	c->newer = c->older = NULL;
	c->unused = false;
	vc->nunused--;
}

static void
unused_add(struct vcache *vc, struct cached *c)
{
	c->older = vc->newest;
	*(vc->newest != NULL ? &vc->newest->newer : &vc->oldest) = c;
	vc->newest = c;
	c->unused = true;
	vc->nunused++;
}

static void
unhash(struct vcache *vc, struct cached *c)
{
	struct cached **where;

	for (where = bucket(vc, c->vn.v_ino); *where != c; where = &(*where)->next)
		;
	*where = c->next;
}

static void
cached_free(struct vnode *vp)
{
	rumpk_vnode_dtor(vp);
	rumpk_free(vp, sizeof(struct cached));
}

/* Reclaims a vnode without users. Entered and left with the lock, released meanwhile. */
static void
reclaim(struct vcache *vc, struct cached *c)
{
	if (c->unused)
		unused_remove(vc, c);
	c->busy = true;
	rumpk_unlock(vc->lock);
	if (vnode_ops(&c->vn)->reclaim != NULL)
		vnode_ops(&c->vn)->reclaim(&c->vn);
	rumpk_lock(vc->lock);
	unhash(vc, c);
	rumpk_waitq_wake(&vc->changed);
	vnode_free_later(&c->vn);
}

void
vcache_unhold(struct vnode *vp)
{
	struct vcache *vc = vp->v_mount->mnt_vcache;
	struct cached *c = (struct cached *)vp;
	uint32_t count = __atomic_load_n(&vp->v_usecount, __ATOMIC_RELAXED);

	while (count > 1)
		if (__atomic_compare_exchange_n(
			&vp->v_usecount, &count, count - 1, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return;
	rumpk_lock(vc->lock);
	if (__atomic_sub_fetch(&vp->v_usecount, 1, __ATOMIC_ACQ_REL) == 0 && !c->busy) {
		unused_add(vc, c);
		if (vp->v_nlink == 0 || (vp->v_vflag & VV_DEAD))
			reclaim(vc, c);
		else if (vc->nunused > vc->max_unused)
			reclaim(vc, vc->oldest);
	}
	rumpk_unlock(vc->lock);
}

/* Makes the vnode, which nobody else can take until it is loaded. Entered with the lock, left without. */
static int
load_new(struct mount *mp, uint64_t ino, struct vnode **vpp)
{
	struct vcache *vc = mp->mnt_vcache;
	struct cached *c = rumpk_zalloc(sizeof(*c));
	int error;

	if (c == NULL) {
		rumpk_unlock(vc->lock);
		return RUMP_ENOMEM;
	}
	rumpk_vnode_ctor(&c->vn);
	rumpk_vnode_init(&c->vn, mp, &dead_ops, VNON, cached_free);
	c->vn.v_ino = ino;
	c->busy = true;
	c->next = *bucket(vc, ino);
	*bucket(vc, ino) = c;
	rumpk_unlock(vc->lock);

	error = vc->load(mp, ino, &c->vn);

	rumpk_lock(vc->lock);
	c->busy = false;
	rumpk_waitq_wake(&vc->changed);
	if (error != 0)
		unhash(vc, c);
	rumpk_unlock(vc->lock);
	if (error != 0) {
		cached_free(&c->vn);
		return error;
	}
	mount_user_comes(mp);
	*vpp = &c->vn;
	return 0;
}

int
rumpk_vcache_get(struct mount *mp, uint64_t ino, struct vnode **vpp)
{
	struct vcache *vc = mp->mnt_vcache;
	struct cached *c;

	rumpk_lock(vc->lock);
	while ((c = find(vc, ino)) != NULL && c->busy)
		(void)rumpk_waitq_sleep(&vc->changed, vc->lock, RUMPK_SLEEP_UNINTERRUPTIBLE, RUMPK_FOREVER);
	if (c == NULL)
		return load_new(mp, ino, vpp);
	if (c->unused)
		unused_remove(vc, c);
	rumpk_vref(&c->vn);
	rumpk_unlock(vc->lock);
	*vpp = &c->vn;
	return 0;
}

void
rumpk_vcache_flush(struct mount *mp)
{
	struct vcache *vc = mp->mnt_vcache;

	rumpk_lock(vc->lock);
	while (vc->oldest != NULL)
		reclaim(vc, vc->oldest);
	rumpk_unlock(vc->lock);
}

/* The next vnode from bucket *i on that is not busy and comes after `after` there; referenced. */
static struct vnode *
next_cached(struct vcache *vc, unsigned *i, const struct cached *after)
{
	struct cached *c = NULL;

	rumpk_lock(vc->lock);
	for (; *i < BUCKETS; ++*i, after = NULL) {
		for (c = after != NULL ? after->next : vc->buckets[*i]; c != NULL && c->busy; c = c->next)
			;
		if (c != NULL)
			break;
	}
	if (c != NULL) {
		if (c->unused)
			unused_remove(vc, c);
		rumpk_vref(&c->vn);
	}
	rumpk_unlock(vc->lock);
	return c != NULL ? &c->vn : NULL;
}

void
rumpk_vcache_each(struct mount *mp, void (*f)(struct vnode *vp, void *arg), void *arg)
{
	struct vnode *vp, *last = NULL;
	unsigned i = 0;

	while ((vp = next_cached(mp->mnt_vcache, &i, (struct cached *)last)) != NULL) {
		f(vp, arg);
		if (last != NULL)
			rumpk_vrele(last);
		last = vp;
	}
	if (last != NULL)
		rumpk_vrele(last);
}
