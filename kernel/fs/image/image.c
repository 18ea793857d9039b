/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include "kernel/base/lwp.h"
#include "kernel/base/print.h"
#include "kernel/fs/image/image.h"
#include "kernel/vfs/vcache.h"

int
image_open(struct mount *mp, const char *fspec, bool rdonly, struct rumpk_special *device)
{
	char path[RUMP_MAXPATHLEN];
	int error = rumpk_special_open(rumpk_curlwp(), (rumpk_uaddr)(uintptr_t)fspec, rdonly, path, device);

	if (error != 0)
		return error;
	memcpy(mp->mnt_from, path, sizeof(mp->mnt_from));
	mp->mnt_from[sizeof(mp->mnt_from) - 1] = '\0';
	__atomic_fetch_or(&mp->mnt_flag, RUMP_MNT_LOCAL, __ATOMIC_RELAXED);
	return 0;
}

int
image_find_root(struct mount *mp, int (*load)(struct mount *mp, uint64_t ino, struct vnode *vp),
    unsigned unused, uint64_t ino)
{
	struct vnode *root;
	int error = rumpk_vcache_create(mp, load, unused);

	if (error == 0)
		error = rumpk_vcache_get(mp, ino, &root);
	if (error != 0)
		return error;
	if (root->v_type == VDIR) {
		rumpk_vhold(root);
		mp->mnt_root = root;
	} else {
		rumpk_warn("%s: %s: its root is no directory\n", mp->mnt_ops->vfs_name, mp->mnt_from);
		error = RUMP_EIO;
	}
	rumpk_vrele(root);
	/* It would be reclaimed when what its file system knows of it has gone. */
	if (error != 0)
		rumpk_vcache_flush(mp);
	return error;
}

void
image_release(struct mount *mp)
{
	rumpk_vunhold(mp->mnt_root);
	rumpk_vcache_flush(mp);
}
