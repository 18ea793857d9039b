/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of an ISO 9660 image. */
#include <string.h>
#include "kernel/base/mem.h"
#include "kernel/fs/cd9660/cd9660.h"
#include "kernel/vfs/vcache.h"

static struct cd9660_node *
node_of(const struct vnode *vp)
{
	return vp->v_data;
}

/* The entries after "." and "..", which come first and say what the parent is. */
static int
list_names(const struct vnode *dvp, struct names **namesp)
{
	struct cd9660_mount *m = cd9660_mount_of(dvp->v_mount);
	const struct iso_node *file = &node_of(dvp)->file;
	struct iso_entry *entry = rumpk_alloc(sizeof(*entry));
	struct names *names = NULL;
	uint64_t position = 0, parent;
	int error = entry == NULL ? RUMP_ENOMEM : 0;

	if (error == 0)
		error = iso_readdir(&m->volume, file, &position, entry);
	if (error == 0)
		error = iso_readdir(&m->volume, file, &position, entry);
	if (error == 0) {
		parent = entry->parent != 0 ? entry->parent : entry->node.ino;
		/* Nothing is above the root, whatever its record says. */
		names = names_create(file->ino, (dvp->v_vflag & VV_ROOT) != 0 ? file->ino : parent, m->fold);
		if (names == NULL)
			error = RUMP_ENOMEM;
	} else if (error == RUMP_ENOENT) {
		error = RUMP_EIO;
	}
	while (error == 0 && (error = iso_readdir(&m->volume, file, &position, entry)) == 0)
		if (!entry->hidden)
			error = names_add(names, entry->name, entry->namelen, entry->node.ino,
			    rumpk_mode_vtype(entry->node.mode));
	if (error == RUMP_ENOENT)
		error = names_finish(names);
	if (error != 0)
		names_free(names);
	else
		*namesp = names;
	rumpk_free(entry, sizeof(*entry));
	return cd9660_complain(m, file->ino, error);
}

static int
cd9660_lookup(struct vnode *dvp, const struct name *name, struct vnode **vpp)
{
	struct names *names;
	uint64_t ino;
	int error = names_get(&node_of(dvp)->names, dvp, list_names, &names);

	if (error == 0)
		error = names_find(names, name, &ino);
	return error != 0 ? error : rumpk_vcache_get(dvp->v_mount, ino, vpp);
}

static int
cd9660_readdir(struct vnode *vp, struct dirsink *sink, int64_t *offset)
{
	struct names *names;
	int error = names_get(&node_of(vp)->names, vp, list_names, &names);

	return error != 0 ? error : names_readdir(names, sink, offset);
}

static int
cd9660_readlink(struct vnode *vp, char *buf, size_t *lenp)
{
	const struct iso_node *file = &node_of(vp)->file;

	if (*lenp > file->linklen)
		*lenp = file->linklen;
	memcpy(buf, file->link, *lenp);
	return 0;
}

static int
cd9660_read(struct vnode *vp, struct rumpk_uio *uio, int ioflag)
{
	struct cd9660_mount *m = cd9660_mount_of(vp->v_mount);

	(void)ioflag;
	while (uio->resid > 0 && uio->offset < vp->v_size) {
		size_t len, done;
		void *piece = rumpk_uiopiece(uio, &len);
		int error =
		    iso_read(&m->volume, &node_of(vp)->file, (uint64_t)uio->offset, piece, len, &done);

		if (error != 0)
			return cd9660_complain(m, vp->v_ino, error);
		rumpk_uioskip(uio, done);
		if (done < len)
			break;
	}
	return 0;
}

static void
cd9660_reclaim(struct vnode *vp)
{
	struct cd9660_node *node = node_of(vp);

	names_slot_fini(&node->names);
	rumpk_free(node, sizeof(*node));
	vp->v_data = NULL;
}

static const struct vnodeops cd9660_vnodeops = {
    .lookup = cd9660_lookup,
    .readdir = cd9660_readdir,
    .readlink = cd9660_readlink,
    .read = cd9660_read,
    .reclaim = cd9660_reclaim,
};

static void
take_attributes(const struct cd9660_mount *m, const struct iso_node *file, struct vnode *vp)
{
	vp->v_type = rumpk_mode_vtype(file->mode);
	vp->v_mode = file->mode & 07777;
	vp->v_uid = file->uid;
	vp->v_gid = file->gid;
	/* One without links would be taken for deleted. */
	vp->v_nlink = file->nlink != 0 ? file->nlink : 1;
	vp->v_rdev = file->rdev;
	vp->v_size = (int64_t)file->size;
	vp->v_blocks = (int64_t)((file->size + 511) / 512);
	vp->v_blksize = m->volume.block_size;
	vp->v_atime = file->atime;
	vp->v_mtime = file->mtime;
	vp->v_ctime = file->ctime;
	vp->v_birthtime = file->birthtime;
}

int
cd9660_load(struct mount *mp, uint64_t ino, struct vnode *vp)
{
	struct cd9660_mount *m = cd9660_mount_of(mp);
	struct cd9660_node *node = rumpk_zalloc(sizeof(*node));
	int error;

	if (node == NULL)
		return RUMP_ENOMEM;
	error = iso_node_at(&m->volume, ino, &node->file);
	if (error == 0) {
		take_attributes(m, &node->file, vp);
		if (vp->v_type == VNON)
			error = RUMP_EIO;
	}
	if (error != 0) {
		rumpk_free(node, sizeof(*node));
		return cd9660_complain(m, ino, error);
	}
	names_slot_init(&node->names);
	vp->v_op = &cd9660_vnodeops;
	vp->v_data = node;
	if (ino == m->volume.root.offset)
		vp->v_vflag |= VV_ROOT;
	return 0;
}
