/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "rump_server/drive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rump_server/partition.h"

static int
bad_host(const struct drive *drive, struct complaint *complaint, int error)
{
	return complain(complaint, "%s: hostpath=%s: %s", drive->given, drive->hostpath, strerror(error));
}

/* Locks belong to the open file, so that they outlive the fork that detaches the server. */
static int
lock_file(const struct drive *drive, bool writable, struct complaint *complaint)
{
	struct flock lock = {.l_type = writable ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};

	/* Drives of one file that do not overlap get along: each locks its own part. */
	lock.l_start = (off_t)drive->offset;
	lock.l_len = drive->size == DRIVE_TO_THE_END ? 0 : (off_t)drive->size;
	if (fcntl(drive->fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return complain(
		    complaint, "%s: hostpath=%s is in use by another server", drive->given, drive->hostpath);
	/* A file system without locks (some network ones) is no reason to refuse. */
	return errno == ENOLCK || errno == EOPNOTSUPP || errno == EINVAL ? 0
									 : bad_host(drive, complaint, errno);
}

static int
host_size(const struct drive *drive, struct stat *status, uint64_t *size, struct complaint *complaint)
{
	if (fstat(drive->fd, status) == -1)
		return bad_host(drive, complaint, errno);
	if (S_ISDIR(status->st_mode))
		return bad_host(drive, complaint, EISDIR);
	/* Nothing else has an extent to map; as a file without one it does no harm. */
	if (!S_ISREG(status->st_mode) && !S_ISBLK(status->st_mode) &&
	    (drive->type != DRIVE_REG || drive->size_given))
		return complain(complaint, "%s: hostpath=%s is neither a file nor a block device",
		    drive->given, drive->hostpath);
	*size = (uint64_t)status->st_size;
	if (S_ISBLK(status->st_mode) && ioctl(drive->fd, BLKGETSIZE64, size) == -1)
		return bad_host(drive, complaint, errno);
	return 0;
}

static int
find_partition(struct drive *drive, uint64_t size, struct complaint *complaint)
{
	struct disk disk = {.fd = drive->fd, .size = size};
	struct extent extent;
	const char *why;
	int error;

	if (drive->label != 0) {
		error = disklabel_find(&disk, drive->label, &extent, &why);
		if (error != 0)
			return complain(complaint, "%s: disklabel=%c in %s: %s", drive->given, drive->label,
			    drive->hostpath, why);
	} else {
		error = partition_find(&disk, drive->partition, &extent, &why);
		if (error != 0)
			return complain(complaint, "%s: partition=%u in %s: %s", drive->given,
			    drive->partition, drive->hostpath, why);
	}
	drive->offset = extent.offset;
	drive->size = extent.size;
	return 0;
}

/* Works out the extent, and makes a regular file long enough for one that was given in bytes. */
static int
fit(struct drive *drive, bool writable, struct complaint *complaint)
{
	struct stat status;
	uint64_t size, end = drive->offset + drive->size;

	if (host_size(drive, &status, &size, complaint) != 0)
		return -1;
	if (drive->label != 0 || drive->partition != 0)
		return find_partition(drive, size, complaint);
	if (drive->size_host) {
		if (size == 0)
			return complain(
			    complaint, "%s: size=host: %s has no size", drive->given, drive->hostpath);
		drive->size = size;
		return 0;
	}
	if (!drive->size_given) {
		drive->size = DRIVE_TO_THE_END;
		return 0;
	}
	if (size >= end)
		return 0;
	if (!S_ISREG(status.st_mode) || !writable)
		return complain(
		    complaint, "%s: %s is shorter than offset and size", drive->given, drive->hostpath);
	return 1;
}

static int
open_host(struct drive *drive, bool *writable, struct complaint *complaint)
{
	int create = drive->size_given ? O_CREAT : 0;

	*writable = true;
	drive->fd = open(drive->hostpath, O_RDWR | O_CLOEXEC | O_NONBLOCK | create, 0644);
	if (drive->fd == -1 && (errno == EACCES || errno == EROFS || errno == EPERM)) {
		int error = errno;

		*writable = false;
		drive->fd = open(drive->hostpath, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (drive->fd == -1)
			errno = error;
	}
	return drive->fd == -1 ? bad_host(drive, complaint, errno) : 0;
}

/* Uses the descriptor of an earlier drive of the same file, whose lock it would run into otherwise. */
static int
share_earlier(struct drive *drives, size_t index, struct complaint *complaint)
{
	struct drive *drive = &drives[index];
	struct stat own, earlier;

	if (fstat(drive->fd, &own) == -1)
		return bad_host(drive, complaint, errno);
	for (size_t i = 0; i < index; i++) {
		if (fstat(drives[i].fd, &earlier) == -1 || own.st_dev != earlier.st_dev ||
		    own.st_ino != earlier.st_ino)
			continue;
		close(drive->fd);
		drive->fd = fcntl(drives[i].fd, F_DUPFD_CLOEXEC, 0);
		return drive->fd == -1 ? bad_host(drive, complaint, errno) : 0;
	}
	return 0;
}

int
drive_open(struct drive *drives, size_t index, struct complaint *complaint)
{
	struct drive *drive = &drives[index];
	bool writable;
	int extend;

	if (open_host(drive, &writable, complaint) != 0 || share_earlier(drives, index, complaint) != 0)
		return -1;
	extend = fit(drive, writable, complaint);
	if (extend == -1 || lock_file(drive, writable, complaint) != 0)
		return -1;
	if (extend == 1 && ftruncate(drive->fd, (off_t)(drive->offset + drive->size)) == -1)
		return bad_host(drive, complaint, errno);
	/* The kernel opens the file by its path, by then perhaps from another directory. */
	drive->path = realpath(drive->hostpath, NULL);
	return drive->path == NULL ? bad_host(drive, complaint, errno) : 0;
}

void
drive_free(struct drive *drive)
{
	if (drive->fd != -1)
		close(drive->fd);
	free(drive->given);
	free(drive->fields);
	free(drive->path);
	drive->given = drive->fields = drive->path = NULL;
	drive->fd = -1;
}
