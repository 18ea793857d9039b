/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/vfs/bind.h"
#include "kernel/vfs/calls.h"

static int
make_locked(struct lwp *l, const struct parent *pa, struct vnode **vpp)
{
	uint32_t umask = atomic_load_explicit(&l->proc->umask, memory_order_relaxed);
	struct vattr va = {.va_type = VSOCK, .va_mode = 0777 & ~umask};
	int error = namei_last(pa, vpp);

	if (error == 0) {
		rumpk_vrele(*vpp);
		return RUMP_EADDRINUSE;
	}
	if (error != RUMP_ENOENT || pa->pa_slash)
		return error;
	return vn_create_locked(l, pa, &va, NULL, vpp);
}

int
rumpk_vfs_bind(struct lwp *l, const char *path, struct vnode **vpp)
{
	size_t len = strlen(path);
	struct parent pa;
	int error;

	if (len >= sizeof(pa.pa_path))
		return RUMP_ENAMETOOLONG;
	memcpy(pa.pa_path, path, len + 1);
	error = namei_parent(l, RUMP_AT_FDCWD, 0, &pa);
	if (error != 0)
		return error;
	if (pa.pa_name.len == 0 || name_isdotdot(&pa.pa_name)) {
		error = RUMP_EADDRINUSE;
	} else {
		vnode_lock(pa.pa_dvp);
		error = make_locked(l, &pa, vpp);
		vnode_unlock(pa.pa_dvp);
	}
	rumpk_vrele(pa.pa_dvp);
	return error;
}
