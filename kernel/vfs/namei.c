/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/file.h"
#include "kernel/vfs/cwd.h"
#include "kernel/vfs/etfs.h"
#include "kernel/vfs/mount.h"
#include "kernel/vfs/namei.h"

/* A walk with references. */
struct walk {
	const struct rumpk_cred *cred;
	struct vnode *root; /* the process's; referenced */
	unsigned links;     /* symbolic links followed so far */
	char path[RUMP_MAXPATHLEN];
	char *next; /* where in path the walk is */
};

bool
name_isdot(const struct name *name)
{
	return name->len == 1 && name->text[0] == '.';
}

bool
name_isdotdot(const struct name *name)
{
	return name->len == 2 && name->text[0] == '.' && name->text[1] == '.';
}

int
rumpk_copyinpath(struct lwp *l, rumpk_uaddr upath, char *buf)
{
	return rumpk_copyinstr(l, upath, buf, RUMP_MAXPATHLEN, NULL);
}

/* Where a path begins, referenced: at root when it is absolute. Even then the descriptor has to be one. */
static int
start_at(struct lwp *l, int atfd, struct vnode *dir, struct vnode *root, struct vnode **startp)
{
	struct file *fp;
	int error;

	if (atfd == RUMP_AT_FDCWD) {
		*startp = root != NULL ? root : dir;
		rumpk_vref(*startp);
		return 0;
	}
	fp = rumpk_fd_get_type(l, atfd, RUMPK_FT_VNODE, RUMP_ENOTDIR, &error);
	if (fp == NULL)
		return error;
	*startp = root != NULL ? root : fp->data;
	error = (*startp)->v_type == VDIR ? 0 : RUMP_ENOTDIR;
	if (error == 0)
		rumpk_vref(*startp);
	rumpk_file_rele(fp);
	return error;
}

/* ".." of dvp: stops at the roots, which need not be searchable for that, and leaves mounts. */
static int
lookup_parent(struct walk *w, struct vnode *dvp, struct vnode **vpp)
{
	static const struct name dotdot = {.text = "..", .len = 2};
	struct vnode *covered;
	int error;

	rumpk_vref(dvp);
	while (dvp != w->root && dvp != rumpk_rootvnode && (dvp->v_vflag & VV_ROOT)) {
		covered = mount_cross_up(dvp);
		rumpk_vrele(dvp);
		if (covered == NULL)
			return RUMP_ENOENT;
		dvp = covered;
	}
	if (dvp == w->root || dvp == rumpk_rootvnode) {
		*vpp = dvp;
		return 0;
	}
	error = rumpk_vaccess(dvp, RUMP_X_OK, w->cred);
	if (error == 0) {
		vnode_lock_shared(dvp);
		error = vnode_ops(dvp)->lookup(dvp, &dotdot, vpp);
		vnode_unlock(dvp);
	}
	rumpk_vrele(dvp);
	return error;
}

/* One component of dvp, mounts entered. */
static int
lookup_one(struct walk *w, struct vnode *dvp, const struct name *name, struct vnode **vpp)
{
	struct vnode *root;
	int error;

	if (dvp->v_type != VDIR)
		return RUMP_ENOTDIR;
	if (name->len > RUMP_KERNEL_NAME_MAX)
		return RUMP_ENAMETOOLONG;
	if (mount_dead(dvp->v_mount))
		return RUMP_ENOENT;
	if (name_isdotdot(name))
		return lookup_parent(w, dvp, vpp);
	error = rumpk_vaccess(dvp, RUMP_X_OK, w->cred);
	if (error != 0)
		return error;
	if (name_isdot(name)) {
		rumpk_vref(dvp);
		*vpp = dvp;
		return 0;
	}
	if (name->len > dvp->v_mount->mnt_namemax)
		return RUMP_ENAMETOOLONG;
	vnode_lock_shared(dvp);
	error = vnode_ops(dvp)->lookup(dvp, name, vpp);
	vnode_unlock(dvp);
	while (error == 0 && (root = mount_cross_down(*vpp)) != NULL) {
		rumpk_vrele(*vpp);
		*vpp = root;
	}
	return error;
}

/*
 * Puts the text of a link in front of what is left of the path; *dvp becomes the root if it is
 * absolute. slashes and more, from w->next on, are kept.
 */
static int
follow(struct walk *w, struct vnode *link, struct vnode **dvp)
{
	char text[RUMP_MAXPATHLEN];
	size_t len = sizeof(text) - 1, rest = strlen(w->next);
	int error;

	if (w->links++ >= RUMP_MAXSYMLINKS)
		return RUMP_ELOOP;
	vnode_lock_shared(link);
	if (vnode_ops(link)->readlink == NULL)
		error = RUMP_EINVAL;
	else
		error = vnode_ops(link)->readlink(link, text, &len);
	vnode_unlock(link);
	if (error != 0)
		return error;
	if (len == 0)
		return RUMP_ENOENT;
	if (len + rest + 1 >= sizeof(w->path))
		return RUMP_ENAMETOOLONG;
	memmove(w->path + len, w->next, rest + 1);
	memcpy(w->path, text, len);
	w->next = w->path;
	if (text[0] == '/') {
		rumpk_vref(w->root);
		rumpk_vrele(*dvp);
		*dvp = w->root;
		while (*w->next == '/')
			w->next++;
	}
	return 0;
}

/*
 * Walks w->next from dvp, whose reference it takes over. When pa is not NULL, it stops in front
 * of the last component, unless that is a link to be followed, and leaves it there.
 */
static int
walk(struct walk *w, struct vnode *dvp, unsigned flags, struct parent *pa, struct vnode **vpp)
{
	struct vnode *vp;
	struct name name;
	bool last, slash, etfs;
	char *end;
	int error;

	while (*w->next == '/')
		w->next++;
	while (*w->next != '\0') {
		name.text = w->next;
		name.len = (uint32_t)strcspn(w->next, "/");
		name.hash = name_hash(name.text, name.len);
		end = w->next + name.len;
		etfs = dvp == rumpk_rootvnode && etfs_any() && etfs_lookup(w->next, &end, &vp);
		slash = *end == '/';
		last = end[strspn(end, "/")] == '\0';
		error = etfs ? 0 : lookup_one(w, dvp, &name, &vp);
		if (error == RUMP_ENOENT && last && pa != NULL && !mount_dead(dvp->v_mount)) {
			vp = NULL;
		} else if (error != 0) {
			rumpk_vrele(dvp);
			return error;
		} else if (vp->v_type == VLNK && (!last || slash || (flags & NAMEI_FOLLOW))) {
			w->next = end;
			error = follow(w, vp, &dvp);
			rumpk_vrele(vp);
			if (error != 0) {
				rumpk_vrele(dvp);
				return error;
			}
			continue;
		}
		if (last && pa != NULL && !etfs) {
			if (vp != NULL)
				rumpk_vrele(vp);
			memcpy(pa->pa_path, name.text, name.len);
			pa->pa_path[name.len] = '\0';
			pa->pa_name = (struct name){.text = pa->pa_path, .len = name.len, .hash = name.hash};
			pa->pa_slash = slash;
			pa->pa_dvp = dvp;
			return 0;
		}
		rumpk_vrele(dvp);
		dvp = vp;
		if (slash && vp->v_type != VDIR) {
			rumpk_vrele(vp);
			return RUMP_ENOTDIR;
		}
		w->next = end + strspn(end, "/");
	}
	if (pa != NULL) {
		pa->pa_name = (struct name){.text = "", .len = 0};
		pa->pa_slash = false;
		pa->pa_dvp = dvp;
	} else {
		*vpp = dvp;
	}
	return 0;
}

int
namei_check_start(struct lwp *l, int atfd)
{
	struct file *fp;
	int error = 0;

	if (atfd == RUMP_AT_FDCWD)
		return 0;
	fp = rumpk_fd_get_type(l, atfd, RUMPK_FT_VNODE, RUMP_ENOTDIR, &error);
	if (fp != NULL)
		rumpk_file_rele(fp);
	return error;
}

static int
walk_from(struct lwp *l, const struct rumpk_cred *cred, int atfd, const char *path, unsigned flags,
    struct parent *pa, struct vnode **vpp)
{
	struct vnode *dir, *start = NULL;
	struct walk w = {.cred = cred};
	int error = 0;

	strcpy(w.path, path);
	w.next = w.path;
	cwd_get(l->proc, &dir, &w.root);
	error = start_at(l, atfd, dir, *path == '/' ? w.root : NULL, &start);
	/* A descriptor that is none is told first. */
	if (*path == '\0') {
		if (error == 0)
			rumpk_vrele(start);
		error = error == RUMP_EBADF ? error : RUMP_ENOENT;
	} else if (error == 0) {
		error = walk(&w, start, flags, pa, vpp);
	}
	rumpk_vrele(dir);
	rumpk_vrele(w.root);
	return error;
}

int
rumpk_namei(
    struct lwp *l, const struct rumpk_cred *cred, int atfd, char *path, unsigned flags, struct vnode **vpp)
{
	struct vfs_cwd *cw = l->proc->cwd;
	unsigned token;
	bool found;

	if (*path != '\0' && atfd == RUMP_AT_FDCWD) {
		token = rumpk_rcu_enter();
		found = walk_fast(cred, __atomic_load_n(&cw->cw_root, __ATOMIC_ACQUIRE),
		    __atomic_load_n(&cw->cw_dir, __ATOMIC_ACQUIRE), path, flags, vpp);
		rumpk_rcu_exit(token);
		if (found)
			return 0;
	}
	return walk_from(l, cred, atfd, path, flags, NULL, vpp);
}

int
rumpk_namei_user(struct lwp *l, int atfd, rumpk_uaddr upath, unsigned flags, struct vnode **vpp)
{
	char path[RUMP_MAXPATHLEN];
	int error = rumpk_copyinpath(l, upath, path);

	return error != 0 ? error : rumpk_namei(l, rumpk_proc_cred(l->proc), atfd, path, flags, vpp);
}

/*
 * The directory found without locks, when the last component need not be looked at on the way:
 * no slashes behind it, not to be followed, nothing special.
 */
static bool
parent_fast(struct lwp *l, const struct rumpk_cred *cred, struct parent *pa)
{
	const char *slash = strrchr(pa->pa_path, '/');
	size_t dirlen = slash != NULL ? (size_t)(slash - pa->pa_path) + 1 : 0;
	struct vfs_cwd *cw = l->proc->cwd;
	char dir[RUMP_MAXPATHLEN];
	struct name name = {.text = pa->pa_path + dirlen};
	struct vnode *dvp;
	unsigned token;
	bool found;

	name.len = (uint32_t)strlen(name.text);
	if (name.len == 0 || name_isdot(&name) || name_isdotdot(&name))
		return false;
	memcpy(dir, pa->pa_path, dirlen);
	dir[dirlen] = '\0';
	token = rumpk_rcu_enter();
	found = walk_fast(cred, __atomic_load_n(&cw->cw_root, __ATOMIC_ACQUIRE),
	    __atomic_load_n(&cw->cw_dir, __ATOMIC_ACQUIRE), dir, NAMEI_FOLLOW, &dvp);
	rumpk_rcu_exit(token);
	if (!found)
		return false;
	if (dvp->v_type != VDIR || mount_dead(dvp->v_mount) || (dvp == rumpk_rootvnode && etfs_any()) ||
	    name.len > dvp->v_mount->mnt_namemax || rumpk_vaccess(dvp, RUMP_X_OK, cred) != 0) {
		rumpk_vrele(dvp);
		return false;
	}
	memmove(pa->pa_path, name.text, name.len + 1);
	pa->pa_name =
	    (struct name){.text = pa->pa_path, .len = name.len, .hash = name_hash(pa->pa_path, name.len)};
	pa->pa_slash = false;
	pa->pa_dvp = dvp;
	return true;
}

int
namei_parent(struct lwp *l, int atfd, unsigned flags, struct parent *pa)
{
	const struct rumpk_cred *cred = rumpk_proc_cred(l->proc);

	if (atfd == RUMP_AT_FDCWD && !(flags & NAMEI_FOLLOW) && parent_fast(l, cred, pa))
		return 0;
	return walk_from(l, cred, atfd, pa->pa_path, flags, pa, NULL);
}

int
namei_parent_user(struct lwp *l, int atfd, rumpk_uaddr upath, unsigned flags, struct parent *pa)
{
	int error = rumpk_copyinpath(l, upath, pa->pa_path);

	return error != 0 ? error : namei_parent(l, atfd, flags, pa);
}

int
namei_last(const struct parent *pa, struct vnode **vpp)
{
	struct vnode *dvp = pa->pa_dvp;

	if (name_isdot(&pa->pa_name)) {
		rumpk_vref(dvp);
		*vpp = dvp;
		return 0;
	}
	if (mount_dead(dvp->v_mount))
		return RUMP_ENOENT;
	return vnode_ops(dvp)->lookup(dvp, &pa->pa_name, vpp);
}
