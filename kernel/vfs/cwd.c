/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/mem.h"
#include "kernel/base/print.h"
#include "kernel/vfs/cwd.h"

void
cwd_get(struct proc *p, struct vnode **dirp, struct vnode **rootp)
{
	struct vfs_cwd *cw = p->cwd;

	rumpk_lock(cw->cw_lock);
	rumpk_vref(cw->cw_dir);
	*dirp = cw->cw_dir;
	rumpk_vref(cw->cw_root);
	*rootp = cw->cw_root;
	rumpk_unlock(cw->cw_lock);
}

static void
replace(struct vfs_cwd *cw, struct vnode **where, struct vnode *vp)
{
	struct vnode *old;

	rumpk_lock(cw->cw_lock);
	old = __atomic_exchange_n(where, vp, __ATOMIC_ACQ_REL);
	rumpk_unlock(cw->cw_lock);
	rumpk_vrele(old);
}

void
cwd_set_dir(struct proc *p, struct vnode *vp)
{
	replace(p->cwd, &p->cwd->cw_dir, vp);
}

void
cwd_set_root(struct proc *p, struct vnode *vp)
{
	replace(p->cwd, &p->cwd->cw_root, vp);
}

static int
cwd_create(struct proc *p, struct vnode *dir, struct vnode *root)
{
	struct vfs_cwd *cw = rumpk_zalloc(sizeof(*cw));

	if (cw == NULL)
		return RUMP_ENOMEM;
	rumpk_mutex_init(&cw->cw_lock);
	cw->cw_dir = dir;
	cw->cw_root = root;
	p->cwd = cw;
	return 0;
}

static int
cwd_fork(struct proc *parent, struct proc *child)
{
	struct vnode *dir, *root;
	int error;

	cwd_get(parent, &dir, &root);
	error = cwd_create(child, dir, root);
	if (error != 0) {
		rumpk_vrele(dir);
		rumpk_vrele(root);
	}
	return error;
}

/* Runs before the descriptors are closed, which does not need it. */
static void
cwd_exit(struct proc *p)
{
	struct vfs_cwd *cw = p->cwd;

	if (cw == NULL)
		return;
	p->cwd = NULL;
	rumpk_vrele(cw->cw_dir);
	rumpk_vrele(cw->cw_root);
	rumpk_mutex_destroy(&cw->cw_lock);
	rumpk_free(cw, sizeof(*cw));
}

static struct rumpk_proc_hooks hooks = {.fork = cwd_fork, .exit = cwd_exit};

void
cwd_init(struct vnode *root)
{
	struct proc *const first[] = {rumpk_proc0, rumpk_proc1};

	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		rumpk_vref(root);
		rumpk_vref(root);
		if (cwd_create(first[i], root, root) != 0)
			rumpk_panic("no memory for the first processes' directories");
	}
	rumpk_proc_hooks_register(&hooks);
}
