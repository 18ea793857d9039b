/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/vfs/etfs.h"
#include "kernel/vfs/mount.h"
#include "kernel/vfs/namei.h"

/* The component at *path, which is moved behind it and its slashes. */
static struct name
component(const char **path)
{
	const char *p = *path;
	struct name name = {.text = p};
	uint64_t hash = NAME_HASH_START;

	for (; *p != '/' && *p != '\0'; p++)
		hash = name_hash_add(hash, *p);
	name.hash = name_hash_end(hash);
	name.len = (uint32_t)(p - name.text);
	while (*p == '/')
		p++;
	*path = p;
	return name;
}

/* One step, or NULL. */
static struct vnode *
step(const struct rumpk_cred *cred, struct vnode *dvp, const struct name *name)
{
	const struct vnodeops *ops = vnode_ops(dvp);
	struct vnode *vp;
	struct mount *mp;

	if (dvp->v_type != VDIR || ops->lookup_fast == NULL || name->len > dvp->v_mount->mnt_namemax)
		return NULL;
	if (rumpk_vaccess(dvp, RUMP_X_OK, cred) != 0)
		return NULL;
	if (dvp == rumpk_rootvnode && etfs_any())
		return NULL;
	vp = ops->lookup_fast(dvp, name);
	while (vp != NULL && (mp = __atomic_load_n(&vp->v_mounted, __ATOMIC_ACQUIRE)) != NULL)
		vp = mount_closed(mp) ? NULL : mp->mnt_root;
	return vp;
}

bool
walk_fast(const struct rumpk_cred *cred, struct vnode *root, struct vnode *start, const char *path,
    unsigned flags, struct vnode **vpp)
{
	struct vnode *vp = *path == '/' ? root : start;

	while (*path == '/')
		path++;
	while (*path != '\0') {
		struct name name = component(&path);

		if (name_isdot(&name) && vp->v_type == VDIR && rumpk_vaccess(vp, RUMP_X_OK, cred) == 0)
			continue;
		if (name_isdotdot(&name) || (vp = step(cred, vp, &name)) == NULL)
			return false;
		/* More follows, be it a slash only: it has to be a directory, and a link would be followed.
		 */
		if (name.text[name.len] != '\0' ? vp->v_type != VDIR
						: vp->v_type == VLNK && (flags & NAMEI_FOLLOW))
			return false;
	}
	if (!rumpk_vref_try(vp))
		return false;
	*vpp = vp;
	return true;
}
