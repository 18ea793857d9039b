/* SPDX-License-Identifier: BSD-2-Clause */
/* The image as a whole: its superblock, its tables, and the library's readers of them. */
#include <endian.h>
#include <sqfs/error.h>
#include <sqfs/xattr.h>
#include <string.h>
#include "kernel/base/print.h"
#include "kernel/fs/squashfs/squashfs.h"

#define NO_TABLE UINT64_MAX

static int
read_at(sqfs_file_t *file, sqfs_u64 offset, void *buffer, size_t size)
{
	struct squash_mount *m = (struct squash_mount *)(void *)file;

	if (offset > m->device.size || size > m->device.size - offset)
		return SQFS_ERROR_OUT_OF_BOUNDS;
	return rumpk_special_transfer(&m->device, RUMPK_READ, buffer, size, offset) == 0 ? 0 : SQFS_ERROR_IO;
}

static int
write_at(sqfs_file_t *file, sqfs_u64 offset, const void *buffer, size_t size)
{
	(void)file;
	(void)offset;
	(void)buffer;
	(void)size;
	return SQFS_ERROR_UNSUPPORTED;
}

static int
truncate_file(sqfs_file_t *file, sqfs_u64 size)
{
	(void)file;
	(void)size;
	return SQFS_ERROR_UNSUPPORTED;
}

static sqfs_u64
get_size(const sqfs_file_t *file)
{
	return ((const struct squash_mount *)(const void *)file)->device.size;
}

static bool
within(uint64_t table, uint64_t end)
{
	return table == NO_TABLE || table < end;
}

/* What the library takes as it is, and asks for memory by. */
static bool
super_is_sane(const struct squash_mount *m)
{
	const sqfs_super_t *super = &m->super;
	uint64_t end = super->bytes_used;

	return end <= m->device.size && super->inode_table_start < super->directory_table_start &&
	       super->directory_table_start < end && super->id_table_start < end &&
	       super->directory_table_start < super->id_table_start &&
	       within(super->fragment_table_start, end) && within(super->export_table_start, end) &&
	       within(super->xattr_id_table_start, end) && super->fragment_entry_count <= end &&
	       super->root_inode_ref < UINT64_C(1) << 48;
}

static int
create_compressor(const struct mount *mp, struct squash_mount *m)
{
	sqfs_compressor_config_t config;
	int error = sqfs_compressor_config_init(&config, (SQFS_COMPRESSOR)m->super.compression_id,
	    m->super.block_size, SQFS_COMP_FLAG_UNCOMPRESS);

	if (error == 0)
		error = sqfs_compressor_create(&config, &m->compressor);
	if (error == SQFS_ERROR_UNSUPPORTED || error == SQFS_ERROR_ARG_INVALID) {
		rumpk_warn("squashfs: %s: is packed in a way that is not supported\n", mp->mnt_from);
		return RUMP_EOPNOTSUPP;
	}
	if (error == 0 && (m->super.flags & SQFS_FLAG_COMPRESSOR_OPTIONS) != 0)
		error = m->compressor->read_options(m->compressor, &m->file);
	return squash_error(m, error);
}

/* The directories' table ends where the next one begins. */
static uint64_t
directories_end(const sqfs_super_t *super)
{
	uint64_t end = super->id_table_start;

	if (super->fragment_table_start < end && super->fragment_table_start > super->directory_table_start)
		end = super->fragment_table_start;
	if (super->export_table_start < end && super->export_table_start > super->directory_table_start)
		end = super->export_table_start;
	return end;
}

static int
create_xattr_readers(struct squash_mount *m)
{
	const sqfs_super_t *super = &m->super;
	sqfs_xattr_id_table_t table;
	int error = read_at(&m->file, super->xattr_id_table_start, &table, sizeof(table));

	if (error != 0)
		return error;
	m->pairs_start = le64toh(table.xattr_table_start);
	if (m->pairs_start >= super->xattr_id_table_start)
		return SQFS_ERROR_CORRUPTED;
	m->xattrs = sqfs_xattr_reader_create(0);
	m->pairs =
	    sqfs_meta_reader_create(&m->file, m->compressor, m->pairs_start, super->xattr_id_table_start);
	if (m->xattrs == NULL || m->pairs == NULL)
		return SQFS_ERROR_ALLOC;
	return sqfs_xattr_reader_load(m->xattrs, super, &m->file, m->compressor);
}

static int
create_readers(struct squash_mount *m)
{
	const sqfs_super_t *super = &m->super;
	int error;

	m->inodes = sqfs_meta_reader_create(
	    &m->file, m->compressor, super->inode_table_start, super->directory_table_start);
	m->directories = sqfs_meta_reader_create(
	    &m->file, m->compressor, super->directory_table_start, directories_end(super));
	m->data = sqfs_data_reader_create(&m->file, super->block_size, m->compressor, 0);
	m->ids = sqfs_id_table_create(0);
	if (m->inodes == NULL || m->directories == NULL || m->data == NULL || m->ids == NULL)
		return SQFS_ERROR_ALLOC;
	error = sqfs_data_reader_load_fragment_table(m->data, super);
	if (error == 0)
		error = sqfs_id_table_read(m->ids, &m->file, super, m->compressor);
	if (error != 0 || (super->flags & SQFS_FLAG_NO_XATTRS) != 0 ||
	    super->xattr_id_table_start == NO_TABLE)
		return error;
	return create_xattr_readers(m);
}

int
squash_open(const struct mount *mp, struct squash_mount *m)
{
	int error;

	m->file.read_at = read_at;
	m->file.write_at = write_at;
	m->file.get_size = get_size;
	m->file.truncate = truncate_file;
	error = sqfs_super_read(&m->super, &m->file);
	if (error != 0) {
		rumpk_warn("squashfs: %s: is no squashfs image of version 4\n", mp->mnt_from);
		return error == SQFS_ERROR_IO ? RUMP_EIO : RUMP_EINVAL;
	}
	if (!super_is_sane(m))
		return squash_error(m, SQFS_ERROR_CORRUPTED);
	error = create_compressor(mp, m);
	if (error == 0)
		error = squash_error(m, create_readers(m));
	if (error != 0)
		squash_close(m);
	return error;
}

static void
destroy(void *object)
{
	if (object != NULL)
		sqfs_destroy(object);
}

void
squash_close(struct squash_mount *m)
{
	destroy(m->pairs);
	destroy(m->xattrs);
	destroy(m->ids);
	destroy(m->data);
	destroy(m->directories);
	destroy(m->inodes);
	destroy(m->compressor);
}
