/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds partitions on a disk image. Everything read from the image is checked: a partition that is returned
 * lies within the disk. All return 0; or -ENOENT (no such table, or no such partition), -EINVAL (damaged) or
 * what reading gave, with *why set to a constant text.
 */
#ifndef RUMP_SERVER_PARTITION_H
#define RUMP_SERVER_PARTITION_H

#include <stddef.h>
#include <stdint.h>

struct disk {
	int fd;
	uint64_t size; /* in bytes */
};

struct extent {
	uint64_t offset, size; /* in bytes */
};

/* A BSD disklabel's partition, by letter; of either byte order, also inside an MBR partition of NetBSD's. */
int disklabel_find(const struct disk *disk, char letter, struct extent *extent, const char **why);

/* A partition by number, from 1: of a GPT when the disk has one, else of an MBR (5 and more: logical ones).
 */
int partition_find(const struct disk *disk, unsigned number, struct extent *extent, const char **why);

int gpt_find(const struct disk *disk, unsigned number, struct extent *extent, const char **why);
int mbr_find(const struct disk *disk, unsigned number, struct extent *extent, const char **why);

/* The first MBR partition of that type. */
int mbr_find_type(const struct disk *disk, uint8_t type, struct extent *extent, const char **why);

/* Reads exactly length bytes. -EIO with *why when the disk is shorter than that. */
int disk_read(const struct disk *disk, uint64_t offset, void *buffer, size_t length, const char **why);

/* Turns sectors into bytes: an extent that is not empty and lies within the disk; else -EINVAL with *why. */
int disk_extent(const struct disk *disk, uint64_t start, uint64_t count, uint32_t sector,
    struct extent *extent, const char **why);

#endif
