/* SPDX-License-Identifier: BSD-2-Clause */
/* Names and contents. */
#include <sqfs/dir.h>
#include <sqfs/error.h>
#include <string.h>
#include "kernel/fs/squashfs/squashfs.h"
#include "kernel/vfs/vcache.h"

#define LONGEST_NAME 255

static enum vtype
entry_type(unsigned type)
{
	static const enum vtype types[] = {VNON, VDIR, VREG, VLNK, VBLK, VCHR, VFIFO, VSOCK};

	return type < sizeof(types) / sizeof(types[0]) ? types[type] : VNON;
}

static bool
name_is_sane(const char *text, size_t len)
{
	return len <= LONGEST_NAME && memchr(text, '/', len) == NULL && memchr(text, '\0', len) == NULL &&
	       !(len == 1 && text[0] == '.') && !(len == 2 && text[0] == '.' && text[1] == '.');
}

/* [mount's lock] An error of the library's. */
static int
read_names(struct squash_mount *m, const struct squash_node *node, struct names *names)
{
	sqfs_readdir_state_t state;
	int error = sqfs_readdir_state_init(&state, &m->super, node->inode);

	while (error == 0) {
		sqfs_dir_entry_t *entry = NULL;
		sqfs_u64 reference = 0;

		/* Positive at the end. */
		error = sqfs_meta_reader_readdir(m->directories, &state, &entry, NULL, &reference);
		if (error != 0)
			break;
		if (entry_type(entry->type) == VNON || reference >= UINT64_C(1) << 48 ||
		    !name_is_sane((const char *)entry->name, (size_t)entry->size + 1))
			error = SQFS_ERROR_CORRUPTED;
		else if (names_add(names, (const char *)entry->name, (uint16_t)(entry->size + 1),
			     SQUASH_INO(reference), entry_type(entry->type)) != 0)
			error = SQFS_ERROR_ALLOC;
		sqfs_free(entry);
	}
	return error > 0 ? 0 : error;
}

static int
list_names(const struct vnode *dvp, struct names **namesp)
{
	struct squash_mount *m = squash_mount_of(dvp->v_mount);
	uint64_t parent =
	    (dvp->v_vflag & VV_ROOT) != 0 ? dvp->v_ino : squash_parents_of(&m->parents, dvp->v_ino);
	struct names *names = names_create(dvp->v_ino, parent, false);
	int error;

	if (names == NULL)
		return RUMP_ENOMEM;
	rumpk_lock(m->lock);
	error = read_names(m, squash_node_of(dvp), names);
	rumpk_unlock(m->lock);
	error = squash_error(m, error);
	if (error == 0)
		error = names_finish(names);
	if (error != 0)
		names_free(names);
	else
		*namesp = names;
	return error;
}

static int
squash_lookup(struct vnode *dvp, const struct name *name, struct vnode **vpp)
{
	struct squash_mount *m = squash_mount_of(dvp->v_mount);
	struct names *names;
	uint64_t ino;
	int error = names_get(&squash_node_of(dvp)->names, dvp, list_names, &names);

	if (error == 0)
		error = names_find(names, name, &ino);
	if (error != 0)
		return error;
	/* Whoever finds the vnode from now on finds its parent noted. */
	if (!(name->len == 2 && memcmp(name->text, "..", 2) == 0))
		error = squash_parents_note(&m->parents, ino, dvp->v_ino);
	return error != 0 ? error : rumpk_vcache_get(dvp->v_mount, ino, vpp);
}

static int
squash_readdir(struct vnode *vp, struct dirsink *sink, int64_t *offset)
{
	struct names *names;
	int error = names_get(&squash_node_of(vp)->names, vp, list_names, &names);

	return error != 0 ? error : names_readdir(names, sink, offset);
}

static int
squash_readlink(struct vnode *vp, char *buf, size_t *lenp)
{
	if (*lenp > (size_t)vp->v_size)
		*lenp = (size_t)vp->v_size;
	memcpy(buf, squash_node_of(vp)->link, *lenp);
	return 0;
}

static int
squash_read(struct vnode *vp, struct rumpk_uio *uio, int ioflag)
{
	struct squash_mount *m = squash_mount_of(vp->v_mount);
	uint64_t size = (uint64_t)vp->v_size;

	(void)ioflag;
	while (uio->resid > 0 && (uint64_t)uio->offset < size) {
		uint64_t at = (uint64_t)uio->offset, index = at / m->super.block_size;
		uint64_t begin = index * m->super.block_size;
		struct squash_block *block;
		uint64_t end;
		int error = squash_block_get(vp, index, &block);

		if (error != 0)
			return error;
		end = size - begin < block->size ? size : begin + block->size;
		if (end > at)
			rumpk_uiomove(block->data + (at - begin),
			    end - at < uio->resid ? (size_t)(end - at) : uio->resid, uio);
		squash_block_put(m, block);
		/* Less than the file's size promises. */
		if (end <= at)
			return squash_error(m, SQFS_ERROR_CORRUPTED);
	}
	return 0;
}

const struct vnodeops squash_vnodeops = {
    .lookup = squash_lookup,
    .readdir = squash_readdir,
    .readlink = squash_readlink,
    .read = squash_read,
    .getextattr = squash_getextattr,
    .listextattr = squash_listextattr,
    .reclaim = squash_reclaim,
};
