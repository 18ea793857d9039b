/* SPDX-License-Identifier: BSD-2-Clause */
/* Nodes: their making and end, and the operations on names. */
#include "kernel/base/lwp.h"
#include "kernel/fs/memfs/memfs.h"

#define LINK_MAX_BYTES RUMP_MAXPATHLEN

static int
node_ctor(void *object)
{
	rumpk_vnode_ctor(&((struct memfs_node *)object)->vn);
	return 0;
}

static struct rumpk_pool nodes = RUMPK_POOL_INIT("memfs nodes", struct memfs_node, pool_link, node_ctor);

void
memfs_init(void)
{
	rumpk_pool_init(&nodes);
}

void
memfs_used(const struct memfs *fs, uint64_t *bytes, uint64_t *nodes_used)
{
	*bytes = *nodes_used = 0;
	for (unsigned i = 0; i < MEMFS_SLOTS; i++) {
		*bytes += __atomic_load_n(&fs->used[i].bytes, __ATOMIC_RELAXED);
		*nodes_used += __atomic_load_n(&fs->used[i].nodes, __ATOMIC_RELAXED);
	}
}

static unsigned
slot(void)
{
	return rumpk_curlwp()->shard % MEMFS_SLOTS;
}

static void
count(struct memfs *fs, uint64_t bytes, uint64_t nodes_more)
{
	unsigned s = slot();

	__atomic_fetch_add(&fs->used[s].bytes, bytes, __ATOMIC_RELAXED);
	if (nodes_more != 0)
		__atomic_fetch_add(&fs->used[s].nodes, nodes_more, __ATOMIC_RELAXED);
}

/* Counts what is about to be used, if the limits allow. */
static bool
charge(struct memfs *fs, uint64_t bytes, uint64_t nodes_more)
{
	uint64_t max_bytes = __atomic_load_n(&fs->max_bytes, __ATOMIC_RELAXED);
	uint64_t max_nodes = __atomic_load_n(&fs->max_nodes, __ATOMIC_RELAXED);
	uint64_t bytes_used, nodes_used;
	bool fits;

	if (fs->max_memory != UINT64_MAX && rumpk_mem_used() + bytes > fs->max_memory)
		return false;
	if (max_bytes == 0 && (max_nodes == 0 || nodes_more == 0)) {
		count(fs, bytes, nodes_more);
		return true;
	}
	rumpk_lock(fs->limits);
	memfs_used(fs, &bytes_used, &nodes_used);
	fits = (max_bytes == 0 || bytes_used + bytes <= max_bytes) &&
	       (max_nodes == 0 || nodes_used + nodes_more <= max_nodes);
	if (fits)
		count(fs, bytes, nodes_more);
	rumpk_unlock(fs->limits);
	return fits;
}

bool
memfs_charge(struct memfs *fs, uint64_t bytes)
{
	return charge(fs, bytes, 0);
}

void
memfs_uncharge(struct memfs *fs, uint64_t bytes)
{
	count(fs, -bytes, 0);
}

static bool
charge_node(struct memfs *fs)
{
	return charge(fs, sizeof(struct memfs_node), 1);
}

static void
uncharge_node(struct memfs *fs)
{
	count(fs, -(uint64_t)sizeof(struct memfs_node), -(uint64_t)1);
}

/* Numbers are given out slot by slot, from 3 on: 2 is the root's. */
static uint64_t
new_ino(struct memfs *fs)
{
	unsigned s = slot();

	return 3 + s + MEMFS_SLOTS * (__atomic_add_fetch(&fs->used[s].last_ino, 1, __ATOMIC_RELAXED) - 1);
}

static void
node_free(struct vnode *vp)
{
	rumpk_pool_put(&nodes, vp);
}

static int
set_target(struct memfs_node *node, const char *target)
{
	node->link.len = strlen(target);
	node->link.text = rumpk_strdup(target);
	node->vn.v_size = (int64_t)node->link.len;
	return node->link.text != NULL ? 0 : RUMP_ENOSPC;
}

int
memfs_node_create(struct mount *mp, const struct vattr *va, const char *target, struct memfs_node **nodep)
{
	struct memfs *fs = mp->mnt_data;
	struct memfs_node *node;
	struct vnode *vp;

	if (!charge_node(fs))
		return RUMP_ENOSPC;
	node = rumpk_pool_get(&nodes);
	if (node == NULL) {
		uncharge_node(fs);
		return RUMP_ENOSPC;
	}
	vp = &node->vn;
	rumpk_vnode_init(vp, mp, &memfs_ops, va->va_type, node_free);
	memset((char *)node + offsetof(struct memfs_node, dir), 0,
	    sizeof(*node) - offsetof(struct memfs_node, dir));
	node->xattrs = NULL;
	vp->v_mode = va->va_mode;
	vp->v_uid = va->va_uid;
	vp->v_gid = va->va_gid;
	vp->v_rdev = va->va_rdev;
	vp->v_nlink = va->va_type == VDIR ? 2 : 1;
	vp->v_ino = new_ino(fs);
	if (va->va_type == VLNK && set_target(node, target) != 0) {
		uncharge_node(fs);
		node_free(vp);
		return RUMP_ENOSPC;
	}
	*nodep = node;
	return 0;
}

static void
memfs_reclaim(struct vnode *vp)
{
	struct memfs_node *node = memfs_node(vp);
	struct memfs *fs = memfs_of(node);

	if (vp->v_type == VREG)
		pages_drop(fs, &node->pages, 0, UINT64_MAX);
	else if (vp->v_type == VDIR)
		dir_destroy(fs, &node->dir);
	else if (vp->v_type == VLNK)
		rumpk_free(node->link.text, node->link.len + 1);
	xattrs_free(node);
	uncharge_node(fs);
}

static int
memfs_lookup(struct vnode *dvp, const struct name *name, struct vnode **vpp)
{
	const struct memdir *dir = &memfs_node(dvp)->dir;
	struct dentry *de;
	struct vnode *vp;

	if (name->len == 2 && name->text[0] == '.' && name->text[1] == '.') {
		if (dvp->v_nlink == 0)
			return RUMP_ENOENT;
		vp = dir->parent != NULL ? &dir->parent->vn : dvp;
	} else {
		de = dir_find(dir, name);
		if (de == NULL)
			return RUMP_ENOENT;
		vp = &de->node->vn;
	}
	rumpk_vref(vp);
	*vpp = vp;
	return 0;
}

static struct vnode *
memfs_lookup_fast(struct vnode *dvp, const struct name *name)
{
	struct dentry *de = dir_find(&memfs_node(dvp)->dir, name);

	return de != NULL ? &__atomic_load_n(&de->node, __ATOMIC_ACQUIRE)->vn : NULL;
}

/* The directory's size, as NetBSD's tmpfs counts it: so much an entry. */
static void
resized(struct vnode *dvp)
{
	__atomic_store_n(
	    &dvp->v_size, (int64_t)(memfs_node(dvp)->dir.count * MEMFS_DIRENT_SIZE), __ATOMIC_RELAXED);
	rumpk_vnode_modified(dvp);
}

static int
memfs_create(struct vnode *dvp, const struct name *name, const struct vattr *va, const char *target,
    struct vnode **vpp)
{
	struct memfs_node *dnode = memfs_node(dvp), *node;
	struct dentry *de;
	int error;

	if (va->va_type == VDIR && dvp->v_nlink >= RUMP_LINK_MAX)
		return RUMP_EMLINK;
	error = dir_prepare(memfs_of(dnode), &dnode->dir, name, &de);
	if (error != 0)
		return error;
	error = memfs_node_create(dvp->v_mount, va, target, &node);
	if (error != 0) {
		dir_cancel(memfs_of(dnode), de);
		return error;
	}
	if (va->va_type == VDIR) {
		node->dir.parent = dnode;
		dvp->v_nlink++;
	}
	rumpk_vref(&node->vn);
	dir_enter(&dnode->dir, de, node);
	resized(dvp);
	*vpp = &node->vn;
	return 0;
}

static int
memfs_link(struct vnode *dvp, const struct name *name, struct vnode *vp)
{
	struct memfs_node *dnode = memfs_node(dvp);
	struct dentry *de;
	int error = dir_prepare(memfs_of(dnode), &dnode->dir, name, &de);

	if (error != 0)
		return error;
	rumpk_vhold(vp);
	vp->v_nlink++;
	rumpk_vnode_changed(vp);
	dir_enter(&dnode->dir, de, memfs_node(vp));
	resized(dvp);
	return 0;
}

static int
memfs_remove(struct vnode *dvp, const struct name *name, struct vnode *vp)
{
	struct memfs_node *dnode = memfs_node(dvp);

	dir_remove(memfs_of(dnode), &dnode->dir, dir_find(&dnode->dir, name));
	vp->v_nlink--;
	rumpk_vnode_changed(vp);
	resized(dvp);
	rumpk_vunhold(vp);
	return 0;
}

/* A directory that has lost its name: nothing can be made in it any more. */
static void
orphan_directory(struct vnode *dvp, struct vnode *vp)
{
	vp->v_nlink = 0;
	memfs_node(vp)->dir.parent = NULL;
	dvp->v_nlink--;
	rumpk_vnode_changed(vp);
}

static int
memfs_rmdir(struct vnode *dvp, const struct name *name, struct vnode *vp)
{
	struct memfs_node *dnode = memfs_node(dvp);

	if (memfs_node(vp)->dir.count != 0)
		return RUMP_ENOTEMPTY;
	dir_remove(memfs_of(dnode), &dnode->dir, dir_find(&dnode->dir, name));
	orphan_directory(dvp, vp);
	resized(dvp);
	rumpk_vunhold(vp);
	return 0;
}

/* The target's entry gets the source's node, so that no walk ever finds the name missing. */
static void
replace(struct vnode *tdvp, struct dentry *tde, struct vnode *tvp, struct vnode *fvp)
{
	__atomic_store_n(&tde->node, memfs_node(fvp), __ATOMIC_RELEASE);
	if (tvp->v_type == VDIR) {
		orphan_directory(tdvp, tvp);
	} else {
		tvp->v_nlink--;
		rumpk_vnode_changed(tvp);
	}
	rumpk_vunhold(tvp);
}

static int
memfs_rename(struct vnode *fdvp, const struct name *fname, struct vnode *fvp, struct vnode *tdvp,
    const struct name *tname, struct vnode *tvp)
{
	struct memdir *fdir = &memfs_node(fdvp)->dir, *tdir = &memfs_node(tdvp)->dir;
	struct memfs *fs = memfs_of(memfs_node(fdvp));
	struct dentry *fde = dir_find(fdir, fname), *tde;
	int error;

	if (tvp != NULL) {
		if (tvp->v_type == VDIR && memfs_node(tvp)->dir.count != 0)
			return RUMP_ENOTEMPTY;
		replace(tdvp, dir_find(tdir, tname), tvp, fvp);
	} else {
		if (fvp->v_type == VDIR && fdvp != tdvp && tdvp->v_nlink >= RUMP_LINK_MAX)
			return RUMP_EMLINK;
		error = dir_prepare(fs, tdir, tname, &tde);
		if (error != 0)
			return error;
		dir_enter(tdir, tde, memfs_node(fvp));
	}
	dir_remove(fs, fdir, fde);
	if (fvp->v_type == VDIR) {
		memfs_node(fvp)->dir.parent = memfs_node(tdvp);
		fdvp->v_nlink--;
		tdvp->v_nlink++;
	}
	rumpk_vnode_changed(fvp);
	resized(fdvp);
	if (fdvp != tdvp)
		resized(tdvp);
	return 0;
}

static int
memfs_readdir(struct vnode *vp, struct dirsink *sink, int64_t *offset)
{
	if (vp->v_nlink == 0)
		return 0;
	return dir_read(memfs_node(vp), sink, offset);
}

static int
memfs_readlink(struct vnode *vp, char *buf, size_t *lenp)
{
	const struct memfs_node *node = memfs_node(vp);

	if (*lenp > node->link.len)
		*lenp = node->link.len;
	memcpy(buf, node->link.text, *lenp);
	return 0;
}

static int
memfs_setattr(struct vnode *vp, const struct vattr *va)
{
	int error = 0;

	if (va->va_set & VA_SIZE) {
		error = memfs_file_truncate(memfs_node(vp), va->va_size);
		if (error != 0)
			return error;
		rumpk_vnode_modified(vp);
	}
	if (va->va_set & ~(uint32_t)VA_SIZE)
		rumpk_vnode_setattr(vp, va);
	return 0;
}

const struct vnodeops memfs_ops = {
    .lookup = memfs_lookup,
    .lookup_fast = memfs_lookup_fast,
    .create = memfs_create,
    .link = memfs_link,
    .remove = memfs_remove,
    .rmdir = memfs_rmdir,
    .rename = memfs_rename,
    .readdir = memfs_readdir,
    .readlink = memfs_readlink,
    .setattr = memfs_setattr,
    .read = memfs_read,
    .write = memfs_write,
    .allocate = memfs_allocate,
    .discard = memfs_discard,
    .getextattr = memfs_getextattr,
    .setextattr = memfs_setextattr,
    .listextattr = memfs_listextattr,
    .reclaim = memfs_reclaim,
};
