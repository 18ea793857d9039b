/* SPDX-License-Identifier: BSD-2-Clause */
/* Extended attributes: a list a node, as most nodes have none and the others few. Guarded by the vnode's
 * lock. */
#include "kernel/fs/memfs/memfs.h"

struct memfs_xattr {
	struct memfs_xattr *next;
	int space;
	size_t namelen, len;
	void *data;
	char name[];
};

static struct memfs_xattr **
find(struct memfs_node *node, int space, const char *name)
{
	struct memfs_xattr **where;

	for (where = &node->xattrs; *where != NULL; where = &(*where)->next)
		if ((*where)->space == space && strcmp((*where)->name, name) == 0)
			break;
	return where;
}

static uint64_t
cost(const struct memfs_xattr *xa)
{
	return sizeof(*xa) + xa->namelen + 1 + xa->len;
}

static void
drop(struct memfs_node *node, struct memfs_xattr **where)
{
	struct memfs_xattr *xa = *where;

	*where = xa->next;
	memfs_uncharge(memfs_of(node), cost(xa));
	rumpk_free(xa->data, xa->len);
	rumpk_free(xa, sizeof(*xa) + xa->namelen + 1);
}

void
xattrs_free(struct memfs_node *node)
{
	while (node->xattrs != NULL)
		drop(node, &node->xattrs);
}

int
memfs_getextattr(struct vnode *vp, int space, const char *name, void *buf, size_t *lenp)
{
	const struct memfs_xattr *xa = *find(memfs_node(vp), space, name);
	size_t room = *lenp;

	if (xa == NULL)
		return RUMP_ENOATTR;
	*lenp = xa->len;
	if (buf == NULL)
		return 0;
	if (room < xa->len)
		*lenp = room;
	memcpy(buf, xa->data, *lenp);
	return room < xa->len ? RUMP_ERANGE : 0;
}

static struct memfs_xattr *
make(int space, const char *name, const void *data, size_t len)
{
	size_t namelen = strlen(name);
	struct memfs_xattr *xa = rumpk_zalloc(sizeof(*xa) + namelen + 1);

	if (xa == NULL)
		return NULL;
	xa->space = space;
	xa->namelen = namelen;
	xa->len = len;
	memcpy(xa->name, name, namelen + 1);
	if (len == 0)
		return xa;
	xa->data = rumpk_alloc(len);
	if (xa->data == NULL) {
		rumpk_free(xa, sizeof(*xa) + namelen + 1);
		return NULL;
	}
	memcpy(xa->data, data, len);
	return xa;
}

int
memfs_setextattr(struct vnode *vp, int space, const char *name, const void *data, size_t len)
{
	struct memfs_node *node = memfs_node(vp);
	struct memfs_xattr **where = find(node, space, name), *xa;

	if (data == NULL) {
		if (*where == NULL)
			return RUMP_ENOATTR;
		drop(node, where);
		rumpk_vnode_changed(vp);
		return 0;
	}
	xa = make(space, name, data, len);
	if (xa == NULL)
		return RUMP_ENOSPC;
	if (!memfs_charge(memfs_of(node), cost(xa))) {
		rumpk_free(xa->data, xa->len);
		rumpk_free(xa, sizeof(*xa) + xa->namelen + 1);
		return RUMP_ENOSPC;
	}
	if (*where != NULL)
		drop(node, where);
	xa->next = *where;
	*where = xa;
	rumpk_vnode_changed(vp);
	return 0;
}

int
memfs_listextattr(struct vnode *vp, int space, void *buf, size_t *lenp)
{
	size_t room = *lenp, used = 0;

	for (const struct memfs_xattr *xa = memfs_node(vp)->xattrs; xa != NULL; xa = xa->next) {
		if (xa->space != space)
			continue;
		if (buf != NULL) {
			if (room - used < xa->namelen + 1)
				return RUMP_ERANGE;
			((unsigned char *)buf)[used] = (unsigned char)xa->namelen;
			memcpy((char *)buf + used + 1, xa->name, xa->namelen);
		}
		used += xa->namelen + 1;
	}
	*lenp = used;
	return 0;
}
