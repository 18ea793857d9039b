/* SPDX-License-Identifier: BSD-2-Clause */
/* Making device nodes, when a component is initialized. */
#include "kernel/base/lwp.h"
#include "kernel/dev/dev.h"
#include "kernel/vfs/calls.h"

/* By process 0's identity and from the root, whatever the caller's mask is. */
static int
make(const char *path, struct vattr *va)
{
	struct lwp *l = rumpk_curlwp();
	struct parent pa;
	struct vnode *vp;
	int error;

	if (strlen(path) >= sizeof(pa.pa_path))
		return RUMP_ENAMETOOLONG;
	strcpy(pa.pa_path, path);
	error = namei_parent(l, RUMP_AT_FDCWD, 0, &pa);
	if (error != 0)
		return error;
	vnode_lock(pa.pa_dvp);
	error = namei_last(&pa, &vp);
	if (error == RUMP_ENOENT)
		error = vn_create_locked(l, &pa, va, NULL, &vp);
	vnode_unlock(pa.pa_dvp);
	if (error == 0)
		rumpk_vrele(vp);
	rumpk_vrele(pa.pa_dvp);
	return error;
}

int
rumpk_dev_directory(const char *path, uint32_t mode)
{
	struct vattr va = {.va_type = VDIR, .va_mode = mode};

	return make(path, &va);
}

int
rumpk_dev_node(const char *path, enum vtype type, uint32_t mode, uint64_t dev)
{
	struct vattr va = {.va_type = type, .va_mode = mode, .va_rdev = dev};

	return make(path, &va);
}
