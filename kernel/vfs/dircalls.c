/* SPDX-License-Identifier: BSD-2-Clause */
/* A process's place in the tree. */
#include "kernel/base/mem.h"
#include "kernel/vfs/calls.h"
#include "kernel/vfs/cwd.h"
#include "kernel/vfs/mount.h"
#include "kernel/vfs/vnfile.h"
#include "kernel/vfs/where.h"

static int
may_enter(struct lwp *l, struct vnode *vp)
{
	if (vp->v_type != VDIR)
		return RUMP_ENOTDIR;
	return rumpk_vaccess(vp, RUMP_X_OK, rumpk_proc_cred(l->proc));
}

static int
directory_of_path(struct lwp *l, rumpk_uaddr upath, struct vnode **vpp)
{
	int error = rumpk_namei_user(l, RUMP_AT_FDCWD, upath, NAMEI_FOLLOW, vpp);

	if (error != 0)
		return error;
	error = may_enter(l, *vpp);
	if (error != 0)
		rumpk_vrele(*vpp);
	return error;
}

static int
directory_of_fd(struct lwp *l, int fd, bool within_root, struct vnode **vpp)
{
	struct vnode *root, *dir;
	struct file *fp;
	int error = vnfile_get(l, fd, &fp, vpp);

	if (error != 0)
		return error == RUMP_EINVAL ? RUMP_ENOTDIR : error;
	error = may_enter(l, *vpp);
	cwd_get(l->proc, &dir, &root);
	if (error == 0 && within_root && root != rumpk_rootvnode && !vnode_is_under(*vpp, root))
		error = RUMP_EPERM;
	rumpk_vrele(dir);
	rumpk_vrele(root);
	if (error == 0)
		rumpk_vref(*vpp);
	rumpk_file_rele(fp);
	return error;
}

int
sys_chdir(struct lwp *l, rumpk_args args, long *retval)
{
	struct vnode *vp;
	int error = directory_of_path(l, args[0], &vp);

	(void)retval;
	if (error == 0)
		cwd_set_dir(l->proc, vp);
	return error;
}

int
sys_fchdir(struct lwp *l, rumpk_args args, long *retval)
{
	struct vnode *vp;
	int error = directory_of_fd(l, rumpk_arg_int(args, 0), true, &vp);

	(void)retval;
	if (error == 0)
		cwd_set_dir(l->proc, vp);
	return error;
}

/* The new root; who stands outside of it is put there. */
static void
change_root(struct lwp *l, struct vnode *vp)
{
	struct vnode *dir, *root;

	cwd_get(l->proc, &dir, &root);
	if (!vnode_is_under(dir, vp)) {
		rumpk_vref(vp);
		cwd_set_dir(l->proc, vp);
	}
	cwd_set_root(l->proc, vp);
	rumpk_vrele(dir);
	rumpk_vrele(root);
}

int
sys_chroot(struct lwp *l, rumpk_args args, long *retval)
{
	struct vnode *vp;
	int error;

	(void)retval;
	if (!rumpk_cred_issuper(rumpk_proc_cred(l->proc)))
		return RUMP_EPERM;
	error = directory_of_path(l, args[0], &vp);
	if (error == 0)
		change_root(l, vp);
	return error;
}

int
sys_fchroot(struct lwp *l, rumpk_args args, long *retval)
{
	struct vnode *vp;
	int error;

	(void)retval;
	if (!rumpk_cred_issuper(rumpk_proc_cred(l->proc)))
		return RUMP_EPERM;
	error = directory_of_fd(l, rumpk_arg_int(args, 0), false, &vp);
	if (error == 0)
		change_root(l, vp);
	return error;
}

int
sys_getcwd(struct lwp *l, rumpk_args args, long *retval)
{
	size_t size = args[1] > RUMP_MAXPATHLEN * 4 ? RUMP_MAXPATHLEN * 4 : args[1], len;
	struct vnode *dir, *root;
	char *buf, *path;
	int error;

	if (size < 2)
		return RUMP_ERANGE;
	buf = rumpk_alloc(size);
	if (buf == NULL)
		return RUMP_ENOMEM;
	cwd_get(l->proc, &dir, &root);
	error = vnode_path(dir, root, rumpk_proc_cred(l->proc), buf, size, &path);
	rumpk_vrele(dir);
	rumpk_vrele(root);
	if (error == 0) {
		len = (size_t)(buf + size - path);
		error = rumpk_copyout(l, path, args[0], len);
		retval[0] = (long)len;
	}
	rumpk_free(buf, size);
	return error;
}
