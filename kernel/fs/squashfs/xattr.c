/* SPDX-License-Identifier: BSD-2-Clause */
/* Extended attributes. */
#include <sqfs/error.h>
#include <sqfs/xattr.h>
#include <string.h>
#include "kernel/fs/names/attrname.h"
#include "kernel/fs/squashfs/squashfs.h"

#define NO_XATTR UINT32_MAX
/* Of one file: more is absurd. */
#define MOST_ATTRIBUTES 4096

/* Is given each attribute, under the image's name for it. A positive value ends the walk. */
typedef int (*visit_fn)(void *arg, const char *name, const sqfs_xattr_value_t *value);

/* [mount's lock] The whole name of the key, its space in front. */
static bool
name_of(const sqfs_xattr_entry_t *key, char name[ATTRNAME_ROOM])
{
	/* The library has put the prefix in front of it. */
	size_t len = strlen((const char *)key->key);

	if (len == 0 || len >= ATTRNAME_ROOM)
		return false;
	memcpy(name, key->key, len + 1);
	return true;
}

static int
visit_one(struct squash_mount *m, visit_fn visit, void *arg)
{
	sqfs_xattr_entry_t *key = NULL;
	sqfs_xattr_value_t *value = NULL;
	char name[ATTRNAME_ROOM];
	int error = sqfs_xattr_reader_read_key(m->xattrs, &key);

	if (error == 0)
		error = sqfs_xattr_reader_read_value(m->xattrs, key, &value);
	if (error == 0)
		error = name_of(key, name) ? visit(arg, name, value) : SQFS_ERROR_CORRUPTED;
	sqfs_free(value);
	sqfs_free(key);
	return error;
}

static int
visit_all(struct squash_mount *m, const struct squash_node *node, visit_fn visit, void *arg)
{
	sqfs_xattr_id_t descriptor;
	int error = 0;

	if (m->xattrs == NULL || node->xattr == NO_XATTR)
		return 0;
	rumpk_lock(m->lock);
	error = sqfs_xattr_reader_get_desc(m->xattrs, node->xattr, &descriptor);
	if (error == 0 && descriptor.count > MOST_ATTRIBUTES)
		error = SQFS_ERROR_CORRUPTED;
	if (error == 0)
		error = sqfs_xattr_reader_seek_kv(m->xattrs, &descriptor);
	for (uint32_t i = 0; error == 0 && i < descriptor.count; i++)
		error = visit_one(m, visit, arg);
	rumpk_unlock(m->lock);
	return error > 0 ? 0 : squash_error(m, error);
}

struct search {
	const char *name;
	void *buf;
	size_t room, len;
	bool found;
};

static int
compare(void *arg, const char *name, const sqfs_xattr_value_t *value)
{
	struct search *search = arg;

	if (strcmp(name, search->name) != 0)
		return 0;
	search->found = true;
	search->len = value->size;
	if (search->buf != NULL && search->len <= search->room)
		memcpy(search->buf, value->value, search->len);
	return 1;
}

int
squash_getextattr(struct vnode *vp, int space, const char *name, void *buf, size_t *lenp)
{
	char wanted[ATTRNAME_ROOM];
	struct search search = {.name = wanted, .buf = buf, .room = *lenp};
	int error = attrname_of_image(space, name, wanted);

	if (error == 0)
		error = visit_all(squash_mount_of(vp->v_mount), squash_node_of(vp), compare, &search);
	if (error != 0)
		return error;
	if (!search.found)
		return RUMP_ENOATTR;
	*lenp = search.len;
	return buf != NULL && search.len > search.room ? RUMP_ERANGE : 0;
}

struct listing {
	int space;
	unsigned char *buf;
	size_t room, len;
};

static int
list_one(void *arg, const char *name, const sqfs_xattr_value_t *value)
{
	struct listing *listing = arg;
	size_t len = strlen(name);

	(void)value;
	if (len > 255 || !attrname_in_space(listing->space, name))
		return 0;
	if (listing->buf != NULL && listing->room >= listing->len &&
	    listing->room - listing->len >= len + 1) {
		listing->buf[listing->len] = (unsigned char)len;
		memcpy(listing->buf + listing->len + 1, name, len);
	}
	listing->len += len + 1;
	return 0;
}

int
squash_listextattr(struct vnode *vp, int space, void *buf, size_t *lenp)
{
	struct listing listing = {.space = space, .buf = buf, .room = *lenp};
	int error = visit_all(squash_mount_of(vp->v_mount), squash_node_of(vp), list_one, &listing);

	if (error == 0 && buf != NULL && listing.len > listing.room)
		error = RUMP_ERANGE;
	*lenp = listing.len;
	return error;
}
