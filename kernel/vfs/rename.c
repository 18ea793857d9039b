/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rename(2).
 *
 * Theory of operation: an entry that moves between directories, and a directory that moves at all, do so
 * under the mount's rename lock; so who lies under whom does not change meanwhile, and can be asked by
 * walking up. Of the two directories the one that lies above the other is locked first, else the lower
 * address; then source and target: directories before files, the lower address first. A target that lies
 * above the source is never locked: it cannot be empty. What source and target are is known only once their
 * directories are locked; whether that needed the rename lock too. If it did and it is not held, everything
 * is done again with it.
 */
#include "kernel/vfs/calls.h"
#include "kernel/vfs/mount.h"

struct renaming {
	struct parent from, to;
	struct vnode *fvp, *tvp; /* referenced, or NULL */
	const struct rumpk_cred *cred;
	bool retain;     /* POSIX: two names of one file both stay */
	bool serialized; /* the rename lock is held */
};

/*
 * Whether `above` is vp or lies above it. Walks up without holding locks: the rename lock keeps things in
 * place. In a broken image the way up may lead round in a circle, and then comes by the same file again.
 */
static bool
lies_under(struct vnode *vp, const struct vnode *above)
{
	static const struct name dotdot = {.text = "..", .len = 2};
	uint64_t seen = UINT64_MAX, steps = 0, turn = 1;
	struct vnode *parent;
	int error;

	rumpk_vref(vp);
	while (vp != above && !(vp->v_vflag & VV_ROOT) && vp->v_ino != seen) {
		if (++steps == turn) {
			seen = vp->v_ino;
			turn *= 2;
		}
		vnode_lock_shared(vp);
		error = vnode_ops(vp)->lookup(vp, &dotdot, &parent);
		vnode_unlock(vp);
		rumpk_vrele(vp);
		if (error != 0)
			return false;
		vp = parent;
	}
	rumpk_vrele(vp);
	return vp == above;
}

static void
lock_pair(struct vnode *first, struct vnode *second)
{
	vnode_lock(first);
	if (second != first)
		vnode_lock(second);
}

static void
lock_directories(struct vnode *fdvp, struct vnode *tdvp)
{
	if (fdvp == tdvp)
		vnode_lock(fdvp);
	else if (lies_under(tdvp, fdvp))
		lock_pair(fdvp, tdvp);
	else if (lies_under(fdvp, tdvp) || tdvp < fdvp)
		lock_pair(tdvp, fdvp);
	else
		lock_pair(fdvp, tdvp);
}

static void
unlock_directories(struct vnode *fdvp, struct vnode *tdvp)
{
	vnode_unlock(fdvp);
	if (tdvp != fdvp)
		vnode_unlock(tdvp);
}

static void
lock_files(struct vnode *fvp, struct vnode *tvp)
{
	if (tvp == NULL || tvp == fvp)
		vnode_lock(fvp);
	else if (tvp < fvp)
		lock_pair(tvp, fvp);
	else
		lock_pair(fvp, tvp);
}

static void
unlock_files(struct vnode *fvp, struct vnode *tvp)
{
	vnode_unlock(fvp);
	if (tvp != NULL && tvp != fvp)
		vnode_unlock(tvp);
}

static bool
same_entry(const struct renaming *r)
{
	return r->from.pa_dvp == r->to.pa_dvp && r->from.pa_name.len == r->to.pa_name.len &&
	       memcmp(r->from.pa_name.text, r->to.pa_name.text, r->from.pa_name.len) == 0;
}

/* What the directories say, and then the types of source and target. */
static int
types_fit(const struct renaming *r)
{
	int error = rumpk_vaccess(r->from.pa_dvp, RUMP_W_OK | RUMP_X_OK, r->cred);

	if (error == 0)
		error = rumpk_vaccess(r->to.pa_dvp, RUMP_W_OK | RUMP_X_OK, r->cred);
	if (error != 0)
		return error;
	if (r->from.pa_slash && r->fvp->v_type != VDIR)
		return RUMP_ENOTDIR;
	if (r->tvp == NULL)
		return r->to.pa_slash && r->fvp->v_type != VDIR ? RUMP_ENOENT : 0;
	if (r->to.pa_slash && r->tvp->v_type != VDIR)
		return RUMP_ENOTDIR;
	if (r->fvp->v_type == VDIR && r->tvp->v_type != VDIR)
		return RUMP_ENOTDIR;
	if (r->fvp->v_type != VDIR && r->tvp->v_type == VDIR)
		return RUMP_EISDIR;
	return 0;
}

/* [X directories, X source and target] */
static int
permitted(const struct renaming *r)
{
	struct vnode *fdvp = r->from.pa_dvp, *tdvp = r->to.pa_dvp;
	int error;

	if ((r->fvp->v_vflag & VV_ROOT) || r->fvp->v_mounted != NULL)
		return RUMP_EBUSY;
	if (r->tvp != NULL && ((r->tvp->v_vflag & VV_ROOT) || r->tvp->v_mounted != NULL))
		return RUMP_EBUSY;
	error = vn_may_remove(fdvp, r->fvp, r->cred);
	if (error != 0)
		return error;
	if (r->tvp != NULL)
		error = vn_may_remove(tdvp, r->tvp, r->cred);
	else
		error = rumpk_vaccess(tdvp, RUMP_W_OK | RUMP_X_OK, r->cred);
	/* The directory's "..", which is its own, changes. */
	if (error == 0 && fdvp != tdvp && r->fvp->v_type == VDIR)
		error = rumpk_vaccess(r->fvp, RUMP_W_OK, r->cred);
	return error;
}

static void
tell(const struct renaming *r)
{
	uint32_t what = RUMP_NOTE_WRITE | (r->fvp->v_type == VDIR ? RUMP_NOTE_LINK : 0);

	rumpk_notify(&r->from.pa_dvp->v_notes, what);
	if (r->to.pa_dvp != r->from.pa_dvp)
		rumpk_notify(&r->to.pa_dvp->v_notes, what);
	rumpk_notify(&r->fvp->v_notes, RUMP_NOTE_RENAME);
	if (r->tvp != NULL)
		rumpk_notify(&r->tvp->v_notes, RUMP_NOTE_DELETE);
}

/* [X directories, X source and target] */
static int
rename_locked(struct renaming *r)
{
	struct vnode *fdvp = r->from.pa_dvp, *tdvp = r->to.pa_dvp;
	const struct vnodeops *ops = vnode_ops(fdvp);
	int error = permitted(r);

	if (error != 0)
		return error;
	if (ops->rename == NULL)
		return RUMP_EOPNOTSUPP;
	error = mount_write_begin(fdvp->v_mount);
	if (error != 0)
		return error;
	/* Two names of one file: NetBSD's rename removes the first. */
	if (r->fvp == r->tvp)
		error = ops->remove(fdvp, &r->from.pa_name, r->fvp);
	else
		error = ops->rename(fdvp, &r->from.pa_name, r->fvp, tdvp, &r->to.pa_name, r->tvp);
	mount_write_end(fdvp->v_mount);
	if (error == 0)
		tell(r);
	return error;
}

static int
find_both(struct renaming *r)
{
	int error = namei_last(&r->from, &r->fvp);

	if (error != 0) {
		r->fvp = NULL;
		return error;
	}
	error = namei_last(&r->to, &r->tvp);
	if (error == 0)
		return 0;
	r->tvp = NULL;
	if (error == RUMP_ENOENT && r->to.pa_dvp->v_nlink != 0 && !mount_dead(r->to.pa_dvp->v_mount))
		return 0;
	return error;
}

#define AGAIN (-1) /* the rename lock is needed */

/* [X directories] */
static int
with_directories(struct renaming *r)
{
	int error = find_both(r);

	if (error == 0)
		error = types_fit(r);
	if (error != 0)
		return error;
	if (r->fvp == r->tvp && (r->retain || same_entry(r)))
		return 0;
	/* These are locked already. */
	if (r->fvp == r->to.pa_dvp)
		return RUMP_EINVAL;
	if (r->tvp == r->from.pa_dvp)
		return RUMP_ENOTEMPTY;
	if (r->fvp->v_type == VDIR && !r->serialized)
		return AGAIN;
	lock_files(r->fvp, r->tvp);
	error = rename_locked(r);
	unlock_files(r->fvp, r->tvp);
	return error;
}

/*
 * Under the rename lock, between directories: neither may the source lie above the target's directory, nor
 * the target above the source's. It is asked before anything is locked, and stays true: a directory moves
 * only under the rename lock, and a new one lies above nothing that is known already.
 */
static int
check_ancestry(const struct renaming *r)
{
	struct vnode *fvp, *tvp;
	int error = 0;

	vnode_lock_shared(r->from.pa_dvp);
	error = namei_last(&r->from, &fvp);
	vnode_unlock(r->from.pa_dvp);
	if (error != 0)
		return error;
	if (fvp->v_type == VDIR && lies_under(r->to.pa_dvp, fvp))
		error = RUMP_EINVAL;
	if (error == 0) {
		vnode_lock_shared(r->to.pa_dvp);
		error = namei_last(&r->to, &tvp);
		vnode_unlock(r->to.pa_dvp);
		if (error == 0) {
			if (tvp->v_type == VDIR && lies_under(r->from.pa_dvp, tvp))
				error = fvp->v_type == VDIR ? RUMP_ENOTEMPTY : RUMP_EISDIR;
			rumpk_vrele(tvp);
		} else if (error == RUMP_ENOENT) {
			error = 0;
		}
	}
	rumpk_vrele(fvp);
	return error;
}

static int
attempt(struct renaming *r)
{
	int error = 0;

	r->fvp = r->tvp = NULL;
	if (r->from.pa_dvp != r->to.pa_dvp)
		error = check_ancestry(r);
	if (error == 0) {
		lock_directories(r->from.pa_dvp, r->to.pa_dvp);
		error = with_directories(r);
		unlock_directories(r->from.pa_dvp, r->to.pa_dvp);
	}
	if (r->fvp != NULL)
		rumpk_vrele(r->fvp);
	if (r->tvp != NULL)
		rumpk_vrele(r->tvp);
	return error;
}

/* Finds the directory of the target, and looks at what its name alone forbids. */
static int
find_target(struct lwp *l, int tofd, struct renaming *r)
{
	int error = namei_parent(l, tofd, 0, &r->to);

	if (error != 0)
		return error;
	if (r->to.pa_name.len == 0)
		error = RUMP_EBUSY;
	else if (name_isdotdot(&r->to.pa_name))
		error = RUMP_EINVAL;
	else if (name_isdot(&r->to.pa_name))
		error = RUMP_EISDIR;
	else if (r->from.pa_dvp->v_mount != r->to.pa_dvp->v_mount)
		error = RUMP_EXDEV;
	else if (mount_flag(r->from.pa_dvp->v_mount, RUMP_MNT_RDONLY))
		error = RUMP_EROFS;
	if (error != 0)
		rumpk_vrele(r->to.pa_dvp);
	return error;
}

/* What there is to say about the source alone, once the target is known to be wrong: it comes first. */
static int
source_error(const struct renaming *r)
{
	struct vnode *fvp;
	int error;

	vnode_lock_shared(r->from.pa_dvp);
	error = namei_last(&r->from, &fvp);
	vnode_unlock(r->from.pa_dvp);
	if (error != 0)
		return error;
	error = rumpk_vaccess(r->from.pa_dvp, RUMP_W_OK | RUMP_X_OK, r->cred);
	if (error == 0 && r->from.pa_slash && fvp->v_type != VDIR)
		error = RUMP_ENOTDIR;
	rumpk_vrele(fvp);
	return error;
}

static int
with_names(struct renaming *r)
{
	struct mount *mp = r->from.pa_dvp->v_mount;
	int error;

	r->serialized = false;
	if (r->from.pa_dvp == r->to.pa_dvp) {
		error = attempt(r);
		if (error != AGAIN)
			return error;
	}
	r->serialized = true;
	rumpk_lock(mp->mnt_rename);
	error = attempt(r);
	rumpk_unlock(mp->mnt_rename);
	return error;
}

static int
do_rename(struct lwp *l, int fromfd, rumpk_uaddr ufrom, int tofd, rumpk_uaddr uto, bool retain)
{
	struct renaming r = {.cred = rumpk_proc_cred(l->proc), .retain = retain};
	int error = rumpk_copyinpath(l, ufrom, r.from.pa_path), first = 0;

	if (error == 0)
		error = rumpk_copyinpath(l, uto, r.to.pa_path);
	if (error == 0)
		error = namei_parent(l, fromfd, 0, &r.from);
	if (error != 0)
		return error;
	if (r.from.pa_name.len == 0)
		first = RUMP_EBUSY;
	else if (name_isdot(&r.from.pa_name) || name_isdotdot(&r.from.pa_name))
		first = RUMP_EINVAL;
	if (first == 0 && (error = find_target(l, tofd, &r)) == 0) {
		error = with_names(&r);
		rumpk_vrele(r.to.pa_dvp);
	} else if (first == 0) {
		first = source_error(&r);
	}
	rumpk_vrele(r.from.pa_dvp);
	return first != 0 ? first : error;
}

int
sys_rename(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return do_rename(l, RUMP_AT_FDCWD, args[0], RUMP_AT_FDCWD, args[1], false);
}

int
sys_posix_rename(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return do_rename(l, RUMP_AT_FDCWD, args[0], RUMP_AT_FDCWD, args[1], true);
}

int
sys_renameat(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return do_rename(l, rumpk_arg_int(args, 0), args[1], rumpk_arg_int(args, 2), args[3], true);
}
