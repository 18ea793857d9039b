/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes.
 *
 * Theory of operation: the library finds the descriptor of a file's set; the keys and values of it are read
 * here, from a metadata reader of our own, for the library trusts the sizes in them when it asks for memory.
 */
#include <endian.h>
#include <sqfs/error.h>
#include <sqfs/xattr.h>
#include <string.h>
#include "kernel/base/mem.h"
#include "kernel/fs/names/attrname.h"
#include "kernel/fs/squashfs/squashfs.h"

#define NO_XATTR UINT32_MAX
/* Of one file: more is absurd. */
#define MOST_ATTRIBUTES 4096

/* As Linux bounds them. */
#define LONGEST_VALUE 65536

/* Is given each attribute, under the image's name for it. A positive value ends the walk. */
typedef int (*visit_fn)(void *arg, const char *name, const uint8_t *value, size_t len);

/* All of what follows is called under the mount's lock, and returns an error of the library's. */

static int
seek(struct squash_mount *m, uint64_t reference)
{
	return sqfs_meta_reader_seek(m->pairs, m->pairs_start + (reference >> 16), reference & 0xffff);
}

/* The whole name of the key, its space in front. */
static int
read_name(struct squash_mount *m, sqfs_xattr_entry_t *key, char name[ATTRNAME_ROOM])
{
	const char *prefix;
	size_t len;
	int error = sqfs_meta_reader_read(m->pairs, key, sizeof(*key));

	if (error != 0)
		return error;
	key->type = le16toh(key->type);
	key->size = le16toh(key->size);
	prefix = sqfs_get_xattr_prefix((SQFS_XATTR_TYPE)(key->type & SQFS_XATTR_PREFIX_MASK));
	if (prefix == NULL)
		return SQFS_ERROR_UNSUPPORTED;
	len = strlen(prefix);
	if (key->size == 0 || len + key->size >= ATTRNAME_ROOM)
		return SQFS_ERROR_CORRUPTED;
	memcpy(name, prefix, len);
	name[len + key->size] = '\0';
	error = sqfs_meta_reader_read(m->pairs, name + len, key->size);
	return error == 0 && strlen(name) != len + key->size ? SQFS_ERROR_CORRUPTED : error;
}

static int
read_value(struct squash_mount *m, uint8_t **value, uint32_t *size)
{
	int error = sqfs_meta_reader_read(m->pairs, size, sizeof(*size));

	*size = le32toh(*size);
	if (error == 0 && *size > LONGEST_VALUE)
		error = SQFS_ERROR_CORRUPTED;
	if (error != 0)
		return error;
	*value = rumpk_alloc(*size + 1);
	if (*value == NULL)
		return SQFS_ERROR_ALLOC;
	error = sqfs_meta_reader_read(m->pairs, *value, *size);
	if (error != 0)
		rumpk_free(*value, *size + 1);
	return error;
}

/* A value that several have lies elsewhere: in place of it is a reference. */
static int
read_shared_value(struct squash_mount *m, uint8_t **value, uint32_t *size)
{
	uint64_t reference, block;
	uint32_t reference_size;
	size_t offset;
	int error = sqfs_meta_reader_read(m->pairs, &reference_size, sizeof(reference_size));

	if (error == 0 && le32toh(reference_size) != sizeof(reference))
		error = SQFS_ERROR_CORRUPTED;
	if (error == 0)
		error = sqfs_meta_reader_read(m->pairs, &reference, sizeof(reference));
	if (error != 0)
		return error;
	sqfs_meta_reader_get_position(m->pairs, &block, &offset);
	error = seek(m, le64toh(reference));
	if (error != 0)
		return error;
	error = read_value(m, value, size);
	if (error == 0 && (error = sqfs_meta_reader_seek(m->pairs, block, offset)) != 0)
		rumpk_free(*value, *size + 1);
	return error;
}

static int
visit_one(struct squash_mount *m, visit_fn visit, void *arg)
{
	char name[ATTRNAME_ROOM];
	sqfs_xattr_entry_t key;
	uint8_t *value;
	uint32_t size;
	int error = read_name(m, &key, name);

	if (error != 0)
		return error;
	if ((key.type & SQFS_XATTR_FLAG_OOL) != 0)
		error = read_shared_value(m, &value, &size);
	else
		error = read_value(m, &value, &size);
	if (error != 0)
		return error;
	error = visit(arg, name, value, size);
	rumpk_free(value, size + 1);
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
		error = seek(m, descriptor.xattr);
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
compare(void *arg, const char *name, const uint8_t *value, size_t len)
{
	struct search *search = arg;

	if (strcmp(name, search->name) != 0)
		return 0;
	search->found = true;
	search->len = len;
	if (search->buf != NULL && search->len <= search->room)
		memcpy(search->buf, value, len);
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
list_one(void *arg, const char *name, const uint8_t *value, size_t value_len)
{
	struct listing *listing = arg;
	size_t len = strlen(name);

	(void)value;
	(void)value_len;
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
