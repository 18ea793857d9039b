/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation: a regular file's host descriptors are opened with its first opens, one for reading and
 * one for writing, since the host may allow one only; they stay until the vnode goes. There is no cache: what
 * the host does to the file is seen at once. Directories make a new vnode for each lookup; two of them never
 * know of each other.
 */
#include "kernel/base/file.h"
#include "kernel/base/mem.h"
#include "kernel/vfs/etfs_node.h"
#include "kernel/vfs/mount.h"

struct etfs_node {
	struct vnode vn;
	char *hostpath; /* NULL for devices */
	uint64_t begin;
	uint64_t size; /* of the window; UINT64_MAX: no end */
	bool subdirs;
	int readfd, writefd; /* -1: not open */
};

static uint64_t last_ino;

static struct etfs_node *
node_of(struct vnode *vp)
{
	return (struct etfs_node *)vp;
}

static void
etfs_free(struct vnode *vp)
{
	rumpk_vnode_dtor(vp);
	rumpk_free(vp, sizeof(struct etfs_node));
}

static void
etfs_reclaim(struct vnode *vp)
{
	struct etfs_node *node = node_of(vp);

	if (node->readfd != -1)
		rumpuser_close(node->readfd);
	if (node->writefd != -1)
		rumpuser_close(node->writefd);
	node->readfd = node->writefd = -1;
	if (node->hostpath != NULL)
		rumpk_free(node->hostpath, strlen(node->hostpath) + 1);
	node->hostpath = NULL;
}

static int
node_create(struct mount *mp, enum vtype type, const struct vnodeops *ops, const char *hostpath,
    struct etfs_node **nodep)
{
	struct etfs_node *node = rumpk_zalloc(sizeof(*node));

	if (node == NULL)
		return RUMP_ENOMEM;
	if (hostpath != NULL && (node->hostpath = rumpk_strdup(hostpath)) == NULL) {
		rumpk_free(node, sizeof(*node));
		return RUMP_ENOMEM;
	}
	rumpk_vnode_ctor(&node->vn);
	rumpk_vnode_init(&node->vn, mp, ops, type, etfs_free);
	node->readfd = node->writefd = -1;
	node->vn.v_mode = 0755;
	node->vn.v_nlink = type == VDIR ? 2 : 1;
	node->vn.v_ino = 1 + __atomic_add_fetch(&last_ino, 1, __ATOMIC_RELAXED);
	*nodep = node;
	return 0;
}

/* Regular files */

static int
reg_open(struct vnode *vp, int flags)
{
	struct etfs_node *node = node_of(vp);
	int error = 0;

	if ((flags & (int)RUMPK_FREAD) && node->readfd == -1)
		error = rumpuser_open(node->hostpath, RUMPUSER_OPEN_RDONLY, &node->readfd);
	if (error == 0 && (flags & (int)RUMPK_FWRITE) && node->writefd == -1)
		error = rumpuser_open(node->hostpath, RUMPUSER_OPEN_WRONLY, &node->writefd);
	return error;
}

/* The host's file may have grown or shrunk. */
static int
reg_getattr(struct vnode *vp)
{
	struct etfs_node *node = node_of(vp);
	uint64_t size, left;
	int error = rumpuser_getfileinfo(node->hostpath, &size, NULL);

	if (error != 0)
		return 0;
	left = size > node->begin ? size - node->begin : 0;
	__atomic_store_n(&vp->v_size, (int64_t)(left < node->size ? left : node->size), __ATOMIC_RELAXED);
	__atomic_store_n(&vp->v_blocks, (vp->v_size + 511) / 512, __ATOMIC_RELAXED);
	return 0;
}

/* One transfer of a contiguous piece; *done is what the host has moved. */
static int
reg_piece(struct etfs_node *node, struct rumpk_uio *uio, size_t *done)
{
	struct rumpuser_iovec iov;
	int64_t offset = uio->offset + (int64_t)node->begin;
	int error;

	iov.iov_base = rumpk_uiopiece(uio, &iov.iov_len);
	if (node->size != UINT64_MAX && iov.iov_len > node->size - (uint64_t)uio->offset)
		iov.iov_len = node->size - (uint64_t)uio->offset;
	if (uio->rw == RUMPK_READ)
		error = rumpuser_iovread(node->readfd, &iov, 1, offset, done);
	else
		error = rumpuser_iovwrite(node->writefd, &iov, 1, offset, done);
	if (error == 0)
		rumpk_uioskip(uio, *done);
	return error;
}

static int
reg_read(struct vnode *vp, struct rumpk_uio *uio, int ioflag)
{
	struct etfs_node *node = node_of(vp);
	size_t done = 1;
	int error = 0;

	(void)ioflag;
	if (node->readfd == -1)
		return RUMP_EBADF;
	while (error == 0 && done > 0 && uio->resid > 0 && (uint64_t)uio->offset < node->size)
		error = reg_piece(node, uio, &done);
	return error;
}

static int
reg_write(struct vnode *vp, struct rumpk_uio *uio, int ioflag)
{
	struct etfs_node *node = node_of(vp);
	size_t done = 1;
	int error = 0;

	if (node->writefd == -1)
		return RUMP_EBADF;
	while (error == 0 && done > 0 && uio->resid > 0) {
		if ((uint64_t)uio->offset >= node->size)
			error = RUMP_ENOSPC;
		else
			error = reg_piece(node, uio, &done);
		if (uio->offset > vp->v_size)
			__atomic_store_n(&vp->v_size, uio->offset, __ATOMIC_RELAXED);
	}
	if (error == 0 && (ioflag & IO_SYNC))
		error = rumpuser_syncfd(node->writefd, RUMPUSER_SYNCFD_WRITE | RUMPUSER_SYNCFD_SYNC, 0, 0);
	return error;
}

static int
reg_fsync(struct vnode *vp, int flags, int64_t offset, int64_t len)
{
	struct etfs_node *node = node_of(vp);

	(void)flags, (void)offset, (void)len;
	if (node->writefd == -1)
		return 0;
	return rumpuser_syncfd(node->writefd, RUMPUSER_SYNCFD_WRITE | RUMPUSER_SYNCFD_SYNC, 0, 0);
}

static int
any_setattr(struct vnode *vp, const struct vattr *va)
{
	if (va->va_set & VA_SIZE)
		return RUMP_EOPNOTSUPP;
	rumpk_vnode_setattr(vp, va);
	return 0;
}

static const struct vnodeops reg_ops = {
    .getattr = reg_getattr,
    .setattr = any_setattr,
    .open = reg_open,
    .read = reg_read,
    .write = reg_write,
    .fsync = reg_fsync,
    .reclaim = etfs_reclaim,
};

int
etfs_reg_create(struct mount *mp, const char *hostpath, uint64_t begin, uint64_t size, struct vnode **vpp)
{
	struct etfs_node *node;
	int error = node_create(mp, VREG, &reg_ops, hostpath, &node);

	if (error != 0)
		return error;
	node->begin = begin;
	node->size = size;
	(void)reg_getattr(&node->vn);
	*vpp = &node->vn;
	return 0;
}

/* Devices */

static const struct vnodeops dev_ops = {
    .setattr = any_setattr,
    .reclaim = etfs_reclaim,
};

int
etfs_dev_create(struct mount *mp, enum vtype type, uint64_t dev, uint64_t size, struct vnode **vpp)
{
	struct etfs_node *node;
	int error = node_create(mp, type, &dev_ops, NULL, &node);

	if (error != 0)
		return error;
	node->vn.v_rdev = dev;
	node->vn.v_size = (int64_t)size;
	*vpp = &node->vn;
	return 0;
}

/* Directories */

static int
join(const char *dir, const struct name *name, char **pathp)
{
	size_t dirlen = strlen(dir);
	char *path = rumpk_alloc(dirlen + 1 + name->len + 1);

	if (path == NULL)
		return RUMP_ENOMEM;
	memcpy(path, dir, dirlen);
	path[dirlen] = '/';
	memcpy(path + dirlen + 1, name->text, name->len);
	path[dirlen + 1 + name->len] = '\0';
	*pathp = path;
	return 0;
}

static int
dir_lookup(struct vnode *dvp, const struct name *name, struct vnode **vpp)
{
	struct etfs_node *dnode = node_of(dvp);
	char *path;
	int type, error;

	if (name->len == 2 && memcmp(name->text, "..", 2) == 0)
		return RUMP_EOPNOTSUPP;
	error = join(dnode->hostpath, name, &path);
	if (error != 0)
		return error;
	error = rumpuser_getfileinfo(path, NULL, &type);
	if (error == 0 && type == RUMPUSER_FT_REG)
		error = etfs_reg_create(dvp->v_mount, path, 0, UINT64_MAX, vpp);
	else if (error == 0 && type == RUMPUSER_FT_DIR && dnode->subdirs)
		error = etfs_dir_create(dvp->v_mount, path, true, vpp);
	else if (error == 0)
		error = RUMP_ENOENT;
	rumpk_free(path, strlen(path) + 1);
	if (error == 0) {
		/* The caller's reference is the only one: the one that it was made with goes. */
		rumpk_vref(*vpp);
		rumpk_vunhold(*vpp);
	}
	return error;
}

/* The host is not asked for its directories' entries: nothing in the hypercalls could. */
static int
dir_readdir(struct vnode *vp, struct dirsink *sink, int64_t *offset)
{
	if (*offset == 0 && rumpk_dirsink_emit(sink, vp->v_ino, RUMP_DT_DIR, ".", 1))
		*offset = 1;
	if (*offset == 1 && rumpk_dirsink_emit(sink, vp->v_ino, RUMP_DT_DIR, "..", 2))
		*offset = 2;
	return 0;
}

static const struct vnodeops dir_ops = {
    .lookup = dir_lookup,
    .readdir = dir_readdir,
    .setattr = any_setattr,
    .reclaim = etfs_reclaim,
};

int
etfs_dir_create(struct mount *mp, const char *hostpath, bool subdirs, struct vnode **vpp)
{
	struct etfs_node *node;
	int error = node_create(mp, VDIR, &dir_ops, hostpath, &node);

	if (error != 0)
		return error;
	node->subdirs = subdirs;
	*vpp = &node->vn;
	return 0;
}
