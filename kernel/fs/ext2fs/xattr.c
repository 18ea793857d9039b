/* SPDX-License-Identifier: BSD-2-Clause */
/* Extended attributes. */
#include <string.h>
#include "kernel/base/mem.h"
#include "kernel/fs/ext2fs/ext2fs.h"
#include "kernel/fs/names/attrname.h"

/* [mount's lock] */
static int
open_xattrs(struct ext2_mount *m, struct ext2_node *node, struct ext2_xattr_handle **handle)
{
	errcode_t error = ext2fs_xattrs_open(m->fs, node->ino, handle);

	if (error == 0 && (error = ext2fs_xattrs_read(*handle)) != 0)
		(void)ext2fs_xattrs_close(handle);
	return ext2_error(m, error);
}

int
ext2_getextattr(struct vnode *vp, int space, const char *name, void *buf, size_t *lenp)
{
	struct ext2_mount *m = ext2_mount_of(vp->v_mount);
	struct ext2_xattr_handle *handle;
	char key[ATTRNAME_ROOM];
	void *value;
	size_t len;
	int error = attrname_of_image(space, name, key);

	if (error != 0)
		return error;
	rumpk_lock(m->lock);
	error = open_xattrs(m, ext2_node_of(vp), &handle);
	if (error == 0) {
		error = ext2_error(m, ext2fs_xattr_get(handle, key, &value, &len));
		(void)ext2fs_xattrs_close(&handle);
	}
	rumpk_unlock(m->lock);
	if (error != 0)
		return error;
	if (buf != NULL && len > *lenp)
		error = RUMP_ERANGE;
	else if (buf != NULL)
		memcpy(buf, value, len);
	*lenp = len;
	(void)ext2fs_free_mem(&value);
	return error;
}

int
ext2_setextattr(struct vnode *vp, int space, const char *name, const void *data, size_t len)
{
	struct ext2_mount *m = ext2_mount_of(vp->v_mount);
	struct ext2_node *node = ext2_node_of(vp);
	struct ext2_xattr_handle *handle;
	char key[ATTRNAME_ROOM];
	int error = attrname_of_image(space, name, key);

	if (error != 0)
		return error;
	rumpk_lock(m->lock);
	/* The library reads the inode from the disk, and writes it. */
	error = ext2_write_inode(m, node);
	if (error == 0)
		error = open_xattrs(m, node, &handle);
	if (error == 0) {
		error = ext2_error(m, data != NULL ? ext2fs_xattr_set(handle, key, data, len)
						   : ext2fs_xattr_remove(handle, key));
		(void)ext2fs_xattrs_close(&handle);
	}
	if (error == 0)
		error = ext2_reread_inode(m, node);
	if (error == 0) {
		rumpk_vnode_changed(vp);
		error = ext2_write_inode(m, node);
	}
	rumpk_unlock(m->lock);
	return error;
}

struct listing {
	int space;
	unsigned char *buf;
	size_t room, len;
};

static int
list_one(char *name, char *value, size_t value_len, void *arg)
{
	struct listing *listing = arg;
	size_t len = strlen(name);

	(void)value;
	(void)value_len;
	if (len > 255 || !attrname_in_space(listing->space, name))
		return 0;
	if (listing->buf != NULL && listing->room - listing->len >= len + 1 &&
	    listing->room >= listing->len) {
		listing->buf[listing->len] = (unsigned char)len;
		memcpy(listing->buf + listing->len + 1, name, len);
	}
	listing->len += len + 1;
	return 0;
}

int
ext2_listextattr(struct vnode *vp, int space, void *buf, size_t *lenp)
{
	struct ext2_mount *m = ext2_mount_of(vp->v_mount);
	struct listing listing = {.space = space, .buf = buf, .room = *lenp};
	struct ext2_xattr_handle *handle;
	int error;

	rumpk_lock(m->lock);
	error = open_xattrs(m, ext2_node_of(vp), &handle);
	if (error == 0) {
		error = ext2_error(m, ext2fs_xattrs_iterate(handle, list_one, &listing));
		(void)ext2fs_xattrs_close(&handle);
	}
	rumpk_unlock(m->lock);
	*lenp = listing.len;
	if (error == 0 && buf != NULL && listing.len > listing.room)
		error = RUMP_ERANGE;
	return error;
}
