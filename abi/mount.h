/* SPDX-License-Identifier: BSD-2-Clause */
/* What mount(2) is given for each type of file system, made from words as mount(8) takes them. */
#ifndef ABI_MOUNT_H
#define ABI_MOUNT_H

#include <stdbool.h>
#include <stddef.h>

#include <rump/rumpdefs.h>

struct abi_mount {
	int flags;   /* RUMP_MNT_* */
	size_t size; /* of the arguments; 0 when the type takes none */
	union {
		struct rump_ufs_args device; /* ext2fs, ffs and the many others with nothing but a device */
		struct rump_efs_args efs;
		struct rump_v7fs_args v7fs;
		struct rump_nilfs_args nilfs;
		struct rump_iso_args cd9660;
		struct rump_msdosfs_args msdos;
		struct rump_ntfs_args ntfs;
		struct rump_udf_args udf;
		struct rump_tmpfs_args tmpfs;
		struct rump_ptyfs_args ptyfs;
		struct rump_layer_args layer; /* null, overlay */
		struct rump_union_args union_;
	} args;
};

/*
 * Fills in mount for a file system of a type: special is what is mounted (a device, or a directory), options
 * a list like "ro,noatime,size=1m", or NULL. Numbers in options may have the suffixes k, m and g. Strings are
 * not copied: special has to outlive the call of mount(2).
 * Returns 0; -ENODEV when the type is unknown; -EINVAL when an option is, with *bad pointing to its text in
 * options, which ends at a comma or at the end.
 */
int abi_mount_prepare(
    struct abi_mount *mount, const char *type, const char *special, const char *options, const char **bad);

/* Whether a file system of the type is made of something: a device, or a directory. False of unknown types.
 */
bool abi_mount_special(const char *type);

/* Writes the types that are known, with ", " between them; cut at size. */
void abi_mount_types(char *text, size_t size);

/*
 * Writes the flags of a mounted file system as words: "read-only, noatime". Returns what snprintf() does, 0
 * when there is nothing to say.
 */
int abi_mount_describe(unsigned long flags, char *text, size_t size);

#endif
