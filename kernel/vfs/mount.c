/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"
#include "kernel/base/print.h"
#include "kernel/base/sleep.h"
#include "kernel/vfs/mount.h"
#include "kernel/vfs/vcache.h"

struct vnode *rumpk_rootvnode;

/* Taken before any vnode's lock. */
static rumpk_mutex mount_list_lock;
static struct mount *mounts, **mounts_tail = &mounts;
/* Those who wait for the end of an unmount or of a visit. */
static struct rumpk_waitq changes;
static struct vfsops *types;
static uint32_t last_id;

void
mount_init(void)
{
	rumpk_mutex_init(&mount_list_lock);
}

int
rumpk_vfs_register(struct vfsops *ops)
{
	struct vfsops **where;
	int error = RUMP_EEXIST;

	rumpk_lock(mount_list_lock);
	for (where = &types; *where != NULL; where = &(*where)->vfs_next)
		if (strcmp((*where)->vfs_name, ops->vfs_name) == 0)
			goto out;
	ops->vfs_next = NULL;
	*where = ops;
	error = 0;
out:
	rumpk_unlock(mount_list_lock);
	return error;
}

struct vfsops *
mount_type(const char *name)
{
	struct vfsops *ops;

	rumpk_lock(mount_list_lock);
	for (ops = types; ops != NULL && strcmp(ops->vfs_name, name) != 0; ops = ops->vfs_next)
		;
	rumpk_unlock(mount_list_lock);
	return ops;
}

int
mount_create(const struct vfsops *ops, uint64_t flags, struct mount **mpp)
{
	void *raw = rumpk_zalloc(sizeof(struct mount) + _Alignof(struct mount));
	struct mount *mp;

	if (raw == NULL)
		return RUMP_ENOMEM;
	/* Its counters want cache lines of their own. */
	mp = (struct mount *)(((uintptr_t)raw + _Alignof(struct mount) - 1) &
			      ~(uintptr_t)(_Alignof(struct mount) - 1));
	mp->mnt_raw = raw;
	mp->mnt_ops = ops;
	mp->mnt_flag = flags;
	mp->mnt_id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	mp->mnt_owner = rumpk_proc_cred(rumpk_curproc())->euid;
	mp->mnt_namemax = RUMP_KERNEL_NAME_MAX;
	rumpk_mutex_init(&mp->mnt_rename);
	*mpp = mp;
	return 0;
}

static void
free_after_walks(struct rcu_head *head)
{
	struct mount *mp = (struct mount *)((char *)head - offsetof(struct mount, mnt_rcu));

	if (mp->mnt_data != NULL && mp->mnt_ops->vfs_free != NULL)
		mp->mnt_ops->vfs_free(mp);
	rumpk_mutex_destroy(&mp->mnt_rename);
	rumpk_free(mp->mnt_raw, sizeof(struct mount) + _Alignof(struct mount));
}

/* Frees the mount once: when it is dead and its last user has gone. */
static void
free_if_unused(struct mount *mp)
{
	if (mount_busy(mp) || __atomic_exchange_n(&mp->mnt_freed, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	if (mp->mnt_vcache != NULL)
		vcache_destroy(mp);
	rumpk_rcu_free(&mp->mnt_rcu, free_after_walks);
}

void
mount_destroy(struct mount *mp)
{
	__atomic_store_n(&mp->mnt_dead, 1, __ATOMIC_SEQ_CST);
	if (mp->mnt_root != NULL && mp->mnt_ops->vfs_release != NULL)
		mp->mnt_ops->vfs_release(mp);
	__atomic_store_n(&mp->mnt_released, 1, __ATOMIC_SEQ_CST);
	free_if_unused(mp);
}

void
mount_user_comes(struct mount *mp)
{
	unsigned slot = rumpk_curlwp()->shard % MOUNT_SLOTS;

	__atomic_fetch_add(&mp->mnt_users[slot].comings, 1, __ATOMIC_SEQ_CST);
}

/* The mount may be gone as soon as the counter says so: it is the walk that keeps it for the second look. */
void
mount_user_goes(struct mount *mp)
{
	unsigned slot = rumpk_curlwp()->shard % MOUNT_SLOTS, token = rumpk_rcu_enter();

	__atomic_fetch_add(&mp->mnt_users[slot].goings, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&mp->mnt_released, __ATOMIC_SEQ_CST))
		free_if_unused(mp);
	rumpk_rcu_exit(token);
}

bool
mount_busy(const struct mount *mp)
{
	uint64_t comings = 0, goings = 0;

	for (unsigned i = 0; i < MOUNT_SLOTS; i++)
		goings += __atomic_load_n(&mp->mnt_users[i].goings, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < MOUNT_SLOTS; i++)
		comings += __atomic_load_n(&mp->mnt_users[i].comings, __ATOMIC_SEQ_CST);
	return comings != goings;
}

bool
mount_written(const struct mount *mp)
{
	uint64_t comings = 0, goings = 0;

	for (unsigned i = 0; i < MOUNT_SLOTS; i++)
		goings += __atomic_load_n(&mp->mnt_users[i].writers_goings, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < MOUNT_SLOTS; i++)
		comings += __atomic_load_n(&mp->mnt_users[i].writers_comings, __ATOMIC_SEQ_CST);
	return comings != goings;
}

/* [list lock, released meanwhile] */
static void
wait_for_change(void)
{
	(void)rumpk_waitq_sleep(&changes, mount_list_lock, RUMPK_SLEEP_UNINTERRUPTIBLE, RUMPK_FOREVER);
}

/* Covers the directory, under the lock that its removal takes too. */
static int
cover(struct mount *mp, struct vnode *covered)
{
	int error = 0;

	vnode_lock(covered);
	if (covered->v_nlink == 0 || mount_dead(covered->v_mount))
		error = RUMP_ENOENT;
	else if (covered->v_mounted != NULL)
		error = RUMP_EBUSY;
	else
		__atomic_store_n(&covered->v_mounted, mp, __ATOMIC_SEQ_CST);
	vnode_unlock(covered);
	return error;
}

/* Whether an unmount is under way of what lies on the directory, or of what that lies in. [list lock] */
static bool
undecided(const struct vnode *covered)
{
	const struct mount *mp = mounts;

	if (covered->v_mount->mnt_leaving)
		return true;
	while (mp != NULL && (!mp->mnt_leaving || mp->mnt_covered != covered))
		mp = mp->mnt_next;
	return mp != NULL;
}

int
mount_enter(struct mount *mp, struct vnode *covered)
{
	int error = 0;

	rumpk_lock(mount_list_lock);
	while (covered != NULL && undecided(covered))
		wait_for_change();
	mp->mnt_covered = covered;
	if (covered != NULL)
		error = cover(mp, covered);
	if (error == 0) {
		*mounts_tail = mp;
		mounts_tail = &mp->mnt_next;
	}
	rumpk_unlock(mount_list_lock);
	return error;
}

static void
unlist(struct mount *mp)
{
	struct mount **where;

	for (where = &mounts; *where != mp; where = &(*where)->mnt_next)
		;
	*where = mp->mnt_next;
	if (mounts_tail == &mp->mnt_next)
		mounts_tail = where;
}

/* Whether anything is mounted on a directory of mp. [mp leaving: then nothing will be, either] */
static bool
carries(const struct mount *mp)
{
	bool found = false;

	rumpk_lock(mount_list_lock);
	for (const struct mount *other = mounts; other != NULL && !found; other = other->mnt_next)
		found = other->mnt_covered != NULL && other->mnt_covered->v_mount == mp;
	rumpk_unlock(mount_list_lock);
	return found;
}

static void
kill_vnode(struct vnode *vp, void *arg)
{
	if (__atomic_load_n(&vp->v_vflag, __ATOMIC_ACQUIRE) & VV_DEAD)
		return;
	rumpk_vgone(vp);
	++*(unsigned *)arg;
}

/* What was under way may have brought in more: until there is nothing left to kill. */
static void
kill_vnodes(struct mount *mp)
{
	unsigned killed;

	do {
		killed = 0;
		rumpk_vcache_each(mp, kill_vnode, &killed);
	} while (killed != 0);
}

/* Nobody can be on the way in any more once walks have ended; who is in is counted. [mp leaving] */
static int
close_off(struct mount *mp, bool force)
{
	int error = 0;

	__atomic_store_n(&mp->mnt_closed, 1, __ATOMIC_SEQ_CST);
	rumpk_rcu_synchronize();
	if (mp->mnt_vcache != NULL)
		rumpk_vcache_flush(mp);
	if (mount_busy(mp) && !force)
		error = RUMP_EBUSY;
	else if (mp->mnt_ops->vfs_unmount != NULL)
		error = mp->mnt_ops->vfs_unmount(mp, force);
	if (error != 0 && !force) {
		__atomic_store_n(&mp->mnt_closed, 0, __ATOMIC_SEQ_CST);
		return error;
	}
	__atomic_store_n(&mp->mnt_covered->v_mounted, NULL, __ATOMIC_SEQ_CST);
	return 0;
}

/* Whether it can be left at all. [mp leaving] */
static int
may_leave(const struct mount *mp, bool force)
{
	if (mp->mnt_covered == NULL)
		return RUMP_EINVAL;
	/* Without a cache nothing but users keeps it busy: it need not be closed off to see that. */
	return carries(mp) || (!force && mp->mnt_vcache == NULL && mount_busy(mp)) ? RUMP_EBUSY : 0;
}

/* Marks it as leaving, unless somebody else has unmounted it. */
static bool
leave_begin(struct mount *mp)
{
	bool begun;

	rumpk_lock(mount_list_lock);
	while (mp->mnt_leaving)
		wait_for_change();
	begun = !mount_dead(mp);
	mp->mnt_leaving = begun;
	rumpk_unlock(mount_list_lock);
	return begun;
}

/* Takes the mark away, and without an error the mount out of the list, when nobody visits it any more. */
static void
leave_end(struct mount *mp, int error)
{
	rumpk_lock(mount_list_lock);
	if (error == 0) {
		__atomic_store_n(&mp->mnt_dead, 1, __ATOMIC_SEQ_CST);
		while (mp->mnt_visitors > 0)
			wait_for_change();
		unlist(mp);
	}
	mp->mnt_leaving = false;
	rumpk_waitq_wake(&changes);
	rumpk_unlock(mount_list_lock);
}

int
mount_leave(struct mount *mp, struct vnode *root, bool force)
{
	bool begun = leave_begin(mp);
	struct vnode *covered;
	int error;

	/* From here on the mark keeps it: the caller's own reference is not to make it busy. */
	rumpk_vrele(root);
	if (!begun)
		return RUMP_EINVAL;
	error = may_leave(mp, force);
	if (error == 0)
		error = close_off(mp, force);
	covered = mp->mnt_covered;
	leave_end(mp, error);
	if (error != 0)
		return error;
	__atomic_store_n(&mp->mnt_covered, NULL, __ATOMIC_SEQ_CST);
	if (mp->mnt_vcache != NULL)
		kill_vnodes(mp);
	mount_destroy(mp);
	/* Who unmounts may take the device away afterwards, or mount it otherwise: it is to be closed. */
	rumpk_rcu_drain();
	rumpk_vrele(covered);
	return 0;
}

/* Until what is mounted there has been left, or not. What covers vp is listed: it is not freed. */
static void
wait_until_open(const struct vnode *vp)
{
	const struct mount *mp;

	rumpk_lock(mount_list_lock);
	while ((mp = __atomic_load_n(&vp->v_mounted, __ATOMIC_SEQ_CST)) != NULL && mount_closed(mp))
		wait_for_change();
	rumpk_unlock(mount_list_lock);
}

struct vnode *
mount_cross_down(struct vnode *vp)
{
	struct vnode *root = NULL;
	struct mount *mp;
	unsigned token;
	bool closed;

	while (__atomic_load_n(&vp->v_mounted, __ATOMIC_RELAXED) != NULL) {
		token = rumpk_rcu_enter();
		mp = __atomic_load_n(&vp->v_mounted, __ATOMIC_SEQ_CST);
		closed = mp != NULL && mount_closed(mp);
		if (mp != NULL && !closed && rumpk_vref_try(mp->mnt_root))
			root = mp->mnt_root;
		rumpk_rcu_exit(token);
		if (!closed)
			break;
		wait_until_open(vp);
	}
	return root;
}

struct vnode *
mount_cross_up(struct vnode *vp)
{
	unsigned token = rumpk_rcu_enter();
	struct vnode *covered = __atomic_load_n(&vp->v_mount->mnt_covered, __ATOMIC_SEQ_CST);

	if (covered != NULL && !rumpk_vref_try(covered))
		covered = NULL;
	rumpk_rcu_exit(token);
	return covered;
}

/* Ends the visit to `last`, if any, and begins that of the mount after it. */
static struct mount *
next_mount(struct mount *last)
{
	struct mount *mp;

	rumpk_lock(mount_list_lock);
	mp = last != NULL ? last->mnt_next : mounts;
	while (mp != NULL && mount_dead(mp))
		mp = mp->mnt_next;
	if (mp != NULL)
		mp->mnt_visitors++;
	if (last != NULL && --last->mnt_visitors == 0)
		rumpk_waitq_wake(&changes);
	rumpk_unlock(mount_list_lock);
	return mp;
}

int
mount_each(int (*f)(struct mount *mp, void *arg), void *arg)
{
	struct mount *mp = NULL;
	int error = 0;

	while ((mp = next_mount(mp)) != NULL)
		if (error == 0)
			error = f(mp, arg);
	return error;
}

int
mount_statvfs(struct mount *mp, struct rump_statvfs *st)
{
	memset(st, 0, sizeof(*st));
	st->f_flag = __atomic_load_n(&mp->mnt_flag, __ATOMIC_RELAXED) & RUMP_MNT_VISFLAGMASK;
	st->f_bsize = st->f_frsize = st->f_iosize = RUMPK_PAGE_SIZE;
	st->f_fsidx[0] = mp->mnt_id;
	st->f_fsid = mp->mnt_id;
	st->f_namemax = mp->mnt_namemax;
	st->f_owner = mp->mnt_owner;
	rumpk_snprintf(st->f_fstypename, sizeof(st->f_fstypename), "%s", mp->mnt_ops->vfs_name);
	memcpy(st->f_mntonname, mp->mnt_on, sizeof(st->f_mntonname));
	memcpy(st->f_mntfromname, mp->mnt_from, sizeof(st->f_mntfromname));
	return mp->mnt_ops->vfs_statvfs != NULL ? mp->mnt_ops->vfs_statvfs(mp, st) : 0;
}

static int
sync_one(struct mount *mp, void *arg)
{
	if (mp->mnt_ops->vfs_sync != NULL && !mount_flag(mp, RUMP_MNT_RDONLY))
		(void)mp->mnt_ops->vfs_sync(mp, *(bool *)arg);
	return 0;
}

void
mount_sync_all(bool wait)
{
	(void)mount_each(sync_one, &wait);
}

/* The youngest mount that can be left, referenced through its root; NULL when only the root file system is
 * left. */
static struct mount *
youngest(struct vnode **rootp, uint32_t below)
{
	struct mount *mp, *best = NULL;

	rumpk_lock(mount_list_lock);
	for (mp = mounts; mp != NULL; mp = mp->mnt_next)
		if (mp->mnt_covered != NULL && mp->mnt_id < below)
			best = mp;
	if (best != NULL) {
		*rootp = best->mnt_root;
		rumpk_vref(*rootp);
	}
	rumpk_unlock(mount_list_lock);
	return best;
}

void
mount_unmount_all(void)
{
	uint32_t below = UINT32_MAX, id;
	struct vnode *root;
	struct mount *mp;

	while ((mp = youngest(&root, below)) != NULL) {
		id = mp->mnt_id;
		if (mount_leave(mp, root, true) != 0)
			below = id;
	}
}
