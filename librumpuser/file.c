/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <rump/rumpdefs.h>
#include <rump/rumpuser.h>

#include "abi/errno.h"
#include "librumpuser/bio.h"
#include "librumpuser/hyp.h"

static_assert(sizeof(struct rumpuser_iovec) == sizeof(struct iovec), "iovec");
static_assert(offsetof(struct rumpuser_iovec, iov_base) == offsetof(struct iovec, iov_base), "iov_base");
static_assert(offsetof(struct rumpuser_iovec, iov_len) == offsetof(struct iovec, iov_len), "iov_len");

int
rumpuser_open(const char *name, int mode, int *fdp)
{
	/* No descriptor of the kernel's is for a program that its host process may start. */
	int flags = O_CLOEXEC | O_NOCTTY, fd, error, locks;

	switch (mode & RUMPUSER_OPEN_ACCMODE) {
	case RUMPUSER_OPEN_RDONLY:
		flags |= O_RDONLY;
		break;
	case RUMPUSER_OPEN_WRONLY:
		flags |= O_WRONLY;
		break;
	case RUMPUSER_OPEN_RDWR:
		flags |= O_RDWR;
		break;
	default:
		return RUMP_EINVAL;
	}
	if (mode & RUMPUSER_OPEN_CREATE)
		flags |= O_CREAT;
	if (mode & RUMPUSER_OPEN_EXCL)
		flags |= O_EXCL;

	locks = hyp_release_cpu(NULL);
	do
		fd = open(name, flags, 0644);
	while (fd == -1 && errno == EINTR);
	error = fd == -1 ? errno : 0;
	hyp_retake_cpu(locks, NULL);

	if (error == 0)
		*fdp = fd;
	return abi_errno_to_netbsd(error);
}

/* fsync or fdatasync, until no signal interrupts it. What cannot be synced needs none. Returns a host's
 * errno. */
static int
sync_whole(int fd, int (*sync)(int))
{
	int rv;

	do
		rv = sync(fd);
	while (rv == -1 && errno == EINTR);
	if (rv == 0 || errno == EINVAL || errno == EROFS)
		return 0;
	return errno;
}

int
rumpuser_close(int fd)
{
	int error, locks = hyp_release_cpu(NULL);

	/* Block I/O under way must not find another file under its number. */
	bio_drain(fd);
	error = sync_whole(fd, fsync);
	/* Linux has closed the descriptor even when it says EINTR. */
	if (close(fd) == -1 && errno != EINTR && error == 0)
		error = errno;
	hyp_retake_cpu(locks, NULL);
	return abi_errno_to_netbsd(error);
}

/* The size of a block device is its capacity. Returns a host's errno. */
static int
device_capacity(const char *name, uint64_t *size)
{
	int fd, error = 0;

	do
		fd = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	while (fd == -1 && errno == EINTR);
	if (fd == -1)
		return errno;
	if (ioctl(fd, BLKGETSIZE64, size) == -1)
		error = errno;
	close(fd);
	return error;
}

int
rumpuser_getfileinfo(const char *name, uint64_t *sizep, int *typep)
{
	uint64_t size;
	struct stat st;
	int type, error;

	if (stat(name, &st) == -1)
		return abi_errno_to_netbsd(errno);
	size = (uint64_t)st.st_size;
	switch (st.st_mode & S_IFMT) {
	case S_IFDIR:
		type = RUMPUSER_FT_DIR;
		break;
	case S_IFREG:
		type = RUMPUSER_FT_REG;
		break;
	case S_IFBLK:
		type = RUMPUSER_FT_BLK;
		break;
	case S_IFCHR:
		type = RUMPUSER_FT_CHR;
		break;
	default:
		type = RUMPUSER_FT_OTHER;
		break;
	}
	if (type == RUMPUSER_FT_BLK && sizep != NULL && (error = device_capacity(name, &size)) != 0)
		return abi_errno_to_netbsd(error);

	if (sizep != NULL)
		*sizep = size;
	if (typep != NULL)
		*typep = type;
	return 0;
}

/* One transfer to or from what has no positions, a pipe or a terminal: what it gives or takes is the answer.
 */
static ssize_t
transfer_stream(int fd, bool writing, const struct iovec *iov, int n)
{
	ssize_t rv;

	do
		rv = writing ? writev(fd, iov, n) : readv(fd, iov, n);
	while (rv == -1 && errno == EINTR);
	return rv;
}

/*
 * Transfers all of iov at off, in as many calls as it takes: the host may stop early for reasons of its own.
 * Less comes back only at the end of the file, or when an error stops it after some of it.
 */
static ssize_t
transfer_at(int fd, bool writing, const struct iovec *iov, size_t n, off_t off)
{
	size_t skip = 0, total = 0;

	while (n > 0) {
		/* The rest of a half-done piece goes alone, so that the caller's vector stays as it is. */
		struct iovec rest = {(char *)iov->iov_base + skip, iov->iov_len - skip};
		int count = skip > 0 ? 1 : (int)(n < IOV_MAX ? n : IOV_MAX);
		const struct iovec *piece = skip > 0 ? &rest : iov;
		ssize_t rv;

		rv = writing ? pwritev(fd, piece, count, off) : preadv(fd, piece, count, off);
		if (rv == -1 && errno == EINTR)
			continue;
		if (rv == -1)
			return total > 0 ? (ssize_t)total : -1;

		total += (size_t)rv;
		off += rv;
		skip += (size_t)rv;
		while (n > 0 && skip >= iov->iov_len) {
			skip -= iov->iov_len;
			iov++;
			n--;
		}
		if (rv == 0)
			break;
	}
	return (ssize_t)total;
}

static int
transfer(int fd, bool writing, const struct rumpuser_iovec *riov, size_t n, int64_t off, size_t *retv)
{
	const struct iovec *iov = (const struct iovec *)riov;
	int error, locks = hyp_release_cpu(NULL);
	ssize_t rv;

	if (off == RUMPUSER_IOV_NOSEEK)
		rv = transfer_stream(fd, writing, iov, n > INT_MAX ? INT_MAX : (int)n);
	else
		rv = transfer_at(fd, writing, iov, n, off);
	error = rv == -1 ? errno : 0;
	hyp_retake_cpu(locks, NULL);

	if (error == 0)
		*retv = (size_t)rv;
	return abi_errno_to_netbsd(error);
}

int
rumpuser_iovread(int fd, struct rumpuser_iovec *iov, size_t n, int64_t off, size_t *retv)
{
	return transfer(fd, false, iov, n, off, retv);
}

int
rumpuser_iovwrite(int fd, const struct rumpuser_iovec *iov, size_t n, int64_t off, size_t *retv)
{
	return transfer(fd, true, iov, n, off, retv);
}

/* Starts writing a range of the page cache back; len 0 means to the end. Returns a host's errno. */
static int
start_writeback(int fd, uint64_t start, uint64_t len)
{
	int rv;

	do
		rv = sync_file_range(fd, (off64_t)start, (off64_t)len, SYNC_FILE_RANGE_WRITE);
	while (rv == -1 && errno == EINTR);
	/* ESPIPE, EINVAL, ENOSYS: nothing of this descriptor's is cached, or only a whole sync is to be had.
	 */
	if (rv == 0 || errno == ESPIPE)
		return 0;
	return errno == EINVAL || errno == ENOSYS ? sync_whole(fd, fdatasync) : errno;
}

int
rumpuser_syncfd(int fd, int flags, uint64_t start, uint64_t len)
{
	uint64_t end;
	int error = 0, locks;

	if ((flags & (RUMPUSER_SYNCFD_READ | RUMPUSER_SYNCFD_WRITE)) == 0)
		return RUMP_EINVAL;
	if (__builtin_add_overflow(start, len, &end) || end > INT64_MAX)
		return RUMP_EINVAL;

	locks = hyp_release_cpu(NULL);
	if (fcntl(fd, F_GETFD) == -1)
		error = errno;
	if (flags & RUMPUSER_SYNCFD_BARRIER)
		bio_drain(fd);
	/*
	 * Reads see what others wrote without our doing: Linux has one page cache. Whoever waits for stable
	 * storage, or wants order, gets the whole file synced: no call for a range also flushes metadata and
	 * the device's cache.
	 */
	if (error == 0 && (flags & RUMPUSER_SYNCFD_WRITE) != 0) {
		if (flags & (RUMPUSER_SYNCFD_SYNC | RUMPUSER_SYNCFD_BARRIER))
			error = sync_whole(fd, fdatasync);
		else
			error = start_writeback(fd, start, len);
	}
	hyp_retake_cpu(locks, NULL);
	return abi_errno_to_netbsd(error);
}
