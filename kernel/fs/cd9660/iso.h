/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ISO 9660 images (ECMA-119), with Rock Ridge (IEEE P1282) and Joliet.
 *
 * Theory of operation: this is the reader alone; it knows nothing of vnodes and keeps no state but the
 * volume's. Everything that comes from the image is taken as hostile: lengths are checked before they are
 * used, chains (continuation areas, extents of one file) are bounded, and what makes no sense is RUMP_EIO.
 * Numbers that the standard records in both byte orders are read from the little-endian half.
 */
#ifndef KERNEL_FS_CD9660_ISO_H
#define KERNEL_FS_CD9660_ISO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <rump/rumpdefs.h>

#define ISO_SECTOR 2048
#define ISO_NAME_MAX 255
#define ISO_LINK_MAX 1023
#define ISO_EXTENTS_MAX 64

/* Reads len bytes at offset, all of them: 0 or a RUMP_E*. */
typedef int (*iso_read_fn)(void *device, uint64_t offset, void *buf, size_t len);

/* What not to use although it is there. */
enum {
	ISO_NO_ROCK_RIDGE = 0x1,
	ISO_NO_JOLIET = 0x2,
	ISO_KEEP_VERSIONS = 0x4, /* leave ";1" on plain names */
	ISO_KEEP_CASE = 0x8,     /* leave plain names in capitals */
};

/* A run of blocks, in bytes. */
struct iso_extent {
	uint64_t offset;
	uint64_t length;
};

struct iso_volume {
	iso_read_fn read;
	void *device;
	uint64_t device_size;
	uint32_t block_size;
	uint32_t flags; /* ISO_* as given */
	bool joliet;
	bool rock_ridge;
	uint8_t susp_skip; /* bytes before the system use entries of each record */
	uint64_t space;    /* bytes that the volume says it has */
	struct iso_extent root;
	char label[33];
};

/* A file, as its directory record and its Rock Ridge entries describe it. */
struct iso_node {
	uint64_t ino;  /* where its record, or its directory, lies: unique in the image */
	uint32_t mode; /* RUMP_S_IF* and permissions */
	uint32_t uid;
	uint32_t gid;
	uint32_t nlink;
	uint64_t rdev;
	uint64_t size;
	struct rump_timespec atime;
	struct rump_timespec mtime;
	struct rump_timespec ctime;
	struct rump_timespec birthtime;
	uint32_t nextents;
	struct iso_extent extents[ISO_EXTENTS_MAX];
	uint16_t linklen;
	char link[ISO_LINK_MAX + 1]; /* text of a symbolic link */
};

struct iso_entry {
	struct iso_node node;
	uint16_t namelen;
	char name[ISO_NAME_MAX + 1];
	bool hidden;     /* a directory that was moved here, and is seen where it belongs */
	uint64_t parent; /* of "..": where the true parent lies, 0 when the record says it */
};

/*
 * Reads the volume descriptors, and finds out which extensions there are. 0; RUMP_EINVAL when this is no
 * ISO 9660 image; RUMP_EIO when it is a broken one.
 */
int iso_volume_open(
    struct iso_volume *volume, iso_read_fn read, void *device, uint64_t device_size, uint32_t flags);

/* The root directory. */
int iso_root(const struct iso_volume *volume, struct iso_node *root);

/*
 * The entry of directory dir that begins at *position (0: the first), and where the next one begins. "." and
 * ".." come first. 0, RUMP_ENOENT behind the last one, or RUMP_EIO.
 */
int iso_readdir(
    const struct iso_volume *volume, const struct iso_node *dir, uint64_t *position, struct iso_entry *entry);

/*
 * The file of number ino, as iso_readdir gave it: what lies there is read again. Numbers that come from
 * nowhere are RUMP_EIO, or another file.
 */
int iso_node_at(const struct iso_volume *volume, uint64_t ino, struct iso_node *node);

/* The directory that begins at byte offset `where`, from its own record. */
int iso_directory_at(const struct iso_volume *volume, uint64_t where, struct iso_node *node);

/* Reads up to len bytes of the file at offset; *done is 0 behind its end. */
int iso_read(const struct iso_volume *volume, const struct iso_node *node, uint64_t offset, void *buf,
    size_t len, size_t *done);

/*
 * Within the reader. A directory record as it lies in a sector: `room` bytes are left in the sector, of which
 * record[0] (checked) belong to it.
 */
struct iso_record {
	const uint8_t *bytes;
	size_t length;
	uint64_t where; /* its offset in the image */
};

static inline uint16_t
iso_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t
iso_le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The extent of a record or a location, checked to lie in the device. */
int iso_extent_of(
    const struct iso_volume *volume, uint32_t block, uint64_t length, struct iso_extent *extent);
/* Parses Rock Ridge's entries of a record into entry. */
int iso_rockridge(const struct iso_volume *volume, const struct iso_record *record, size_t system_use,
    struct iso_entry *entry);
/* Whether the root's first record announces Rock Ridge; sets susp_skip. */
int iso_rockridge_probe(struct iso_volume *volume);
/* The name of a record without Rock Ridge. */
void iso_name(const struct iso_volume *volume, const uint8_t *text, size_t len, struct iso_entry *entry);
/* Seven bytes of a recording date; 17 characters of one. */
void iso_short_date(const uint8_t date[7], struct rump_timespec *time);
void iso_long_date(const uint8_t date[17], struct rump_timespec *time);

#endif
