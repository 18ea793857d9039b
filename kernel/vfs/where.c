/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/mem.h"
#include "kernel/vfs/mount.h"
#include "kernel/vfs/where.h"

/* What vp covers, as long as it is the root of a mount, with a reference. */
static int
leave_mounts(struct vnode *vp, struct vnode **vpp)
{
	struct vnode *covered;

	rumpk_vref(vp);
	while (vp != rumpk_rootvnode && (vp->v_vflag & VV_ROOT)) {
		covered = mount_cross_up(vp);
		rumpk_vrele(vp);
		if (covered == NULL)
			return RUMP_ENOENT;
		vp = covered;
	}
	*vpp = vp;
	return 0;
}

/* *vpp becomes what is covered, *abovep its parent; both referenced. */
static int
above_of(struct vnode *vp, struct vnode **vpp, struct vnode **abovep)
{
	static const struct name dotdot = {.text = "..", .len = 2};
	int error = leave_mounts(vp, vpp);

	if (error != 0)
		return error;
	vp = *vpp;
	if (vp == rumpk_rootvnode) {
		error = RUMP_ENOENT;
	} else {
		vnode_lock_shared(vp);
		error =
		    vnode_ops(vp)->lookup == NULL ? RUMP_ENOENT : vnode_ops(vp)->lookup(vp, &dotdot, abovep);
		vnode_unlock(vp);
	}
	if (error != 0)
		rumpk_vrele(vp);
	return error;
}

int
vnode_above(struct vnode *vp, struct vnode **abovep)
{
	struct vnode *below;
	int error = above_of(vp, &below, abovep);

	if (error == 0)
		rumpk_vrele(below);
	return error;
}

bool
vnode_is_under(struct vnode *vp, const struct vnode *above)
{
	const struct mount *mp = NULL;
	uint64_t ino = 0, steps = 0, turn = 1;
	struct vnode *next;

	/* In a broken image the way up may lead round in a circle, and then comes by the same directory
	 * again. */
	rumpk_vref(vp);
	while (vp != above && !(vp->v_mount == mp && vp->v_ino == ino)) {
		int error;

		if (++steps == turn) {
			mp = vp->v_mount;
			ino = vp->v_ino;
			turn *= 2;
		}
		error = vnode_above(vp, &next);
		rumpk_vrele(vp);
		if (error != 0)
			return false;
		vp = next;
	}
	rumpk_vrele(vp);
	return vp == above;
}

#define ENTRIES 4096

/* The entry of number ino among those that the sink holds. */
static const struct rump_dirent *
entry_of(const struct dirsink *sink, uint64_t ino)
{
	const struct rump_dirent *entry;

	for (size_t at = 0; at < sink->ds_used; at += entry->d_reclen) {
		entry = (const void *)(sink->ds_buf + at);
		if (entry->d_fileno == ino && strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			return entry;
	}
	return NULL;
}

/* Puts the name of vp in dvp, and a slash, in front of *pathp. */
static int
prepend_name(struct vnode *dvp, const struct vnode *vp, char *buf, char **pathp)
{
	struct dirsink sink = {.ds_buf = rumpk_alloc(ENTRIES), .ds_size = ENTRIES};
	const struct rump_dirent *entry = NULL;
	int64_t offset = 0;
	int error = 0;

	if (sink.ds_buf == NULL)
		return RUMP_ENOMEM;
	do {
		sink.ds_used = 0;
		vnode_lock_shared(dvp);
		error = vnode_ops(dvp)->readdir == NULL ? RUMP_ENOENT
							: vnode_ops(dvp)->readdir(dvp, &sink, &offset);
		vnode_unlock(dvp);
		if (error == 0)
			entry = entry_of(&sink, vp->v_ino);
	} while (error == 0 && entry == NULL && sink.ds_used > 0);
	if (error == 0 && entry == NULL)
		error = RUMP_ENOENT;
	else if (error == 0 && (size_t)(*pathp - buf) < (size_t)entry->d_namlen + 1)
		error = RUMP_ERANGE;
	if (error == 0) {
		*pathp -= entry->d_namlen;
		memcpy(*pathp, entry->d_name, entry->d_namlen);
		*--*pathp = '/';
	}
	rumpk_free(sink.ds_buf, ENTRIES);
	return error;
}

int
vnode_path(struct vnode *vp, const struct vnode *root, const struct rumpk_cred *cred, char *buf, size_t size,
    char **pathp)
{
	char *end = buf + size - 1;
	struct vnode *below, *above;
	unsigned want = RUMP_X_OK; /* and of those above what finding a name in them takes */
	int error = 0;

	*end = '\0';
	*pathp = end;
	rumpk_vref(vp);
	while (error == 0 && vp != root) {
		if (cred != NULL)
			error = rumpk_vaccess(vp, want, cred);
		want = RUMP_X_OK | RUMP_R_OK;
		if (error == 0)
			error = above_of(vp, &below, &above);
		if (error != 0)
			break;
		error = prepend_name(above, below, buf, pathp);
		rumpk_vrele(below);
		rumpk_vrele(vp);
		vp = above;
	}
	rumpk_vrele(vp);
	if (error == 0 && *pathp == end) {
		if (size < 2)
			return RUMP_ERANGE;
		*--*pathp = '/';
	}
	return error;
}
