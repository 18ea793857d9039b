/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drives: host files that appear inside the kernel (-d). A specification is first parsed, then opened, which
 * makes, checks and locks the file, all before the kernel boots; the boot only registers the result.
 */
#ifndef RUMP_SERVER_DRIVE_H
#define RUMP_SERVER_DRIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rump_server/complaint.h"

/* The kinds of node, numbered as rump_pub_etfs_register() has them. */
enum drive_type { DRIVE_REG = 0, DRIVE_BLK = 1, DRIVE_CHR = 2 };

#define DRIVE_TO_THE_END UINT64_MAX

struct drive {
	char *given;  /* "-d key=...", for messages */
	char *fields; /* a copy that the strings below point into */
	const char *key, *hostpath;
	enum drive_type type;
	bool size_given, size_host, offset_given;
	char label;         /* disklabel partition, or 0 */
	unsigned partition; /* GPT or MBR partition, from 1, or 0 */
	uint64_t offset, size;

	/* After drive_open(). */
	char *path; /* of the host file, absolute */
	int fd;     /* keeps the lock; -1 before */
};

/*
 * Parses "key=/dev/x,hostpath=f,..."; option is "-d", or how else the user called it. Returns 0, or -1 with a
 * complaint. drive_free() in any case.
 */
int drive_parse(struct drive *drive, const char *option, const char *spec, struct complaint *complaint);

/*
 * Opens the host file of drives[index], making it (sparse) or extending it to the size given, locks it
 * against other servers, and works out offset and size. A file that cannot be written is opened for reading,
 * with a lock that other readers share. The drives before it, open already, may use the same file: the lock
 * is this server's. Returns 0, or -1 with a complaint.
 */
int drive_open(struct drive *drives, size_t index, struct complaint *complaint);

void drive_free(struct drive *drive);

#endif
