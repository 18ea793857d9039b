/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request and the host's system calls.
 *
 * A request ends in one of these ways, which are those of a disk:
 * - all of it is transferred, and with RUMPUSER_BIO_SYNC is on stable storage;
 * - the host reports an error: what was transferred before it counts, and a write with RUMPUSER_BIO_SYNC
 *   whose sync fails has transferred nothing;
 * - a read meets the end of the file, which has shrunk under the kernel: what was there counts, the rest of
 *   the buffer is zeroes, and the error is RUMP_EIO, since a file system would take the buffer for whole;
 * - a write to what was opened for reading only is RUMP_EROFS.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <rump/rumpdefs.h>

#include "abi/errno.h"
#include "librumpuser/bio.h"

static enum bio_outcome
fail(struct bio_request *request, int error)
{
	request->result.error = error;
	return BIO_FINISHED;
}

/* Linux says EBADF both for what is not open and for what is open for reading only. */
static int
write_error(int fd, int error)
{
	int flags;

	if (error == EBADF && (flags = fcntl(fd, F_GETFL)) != -1 && (flags & O_ACCMODE) == O_RDONLY)
		return RUMP_EROFS;
	return abi_errno_to_netbsd(error);
}

enum bio_outcome
bio_account(struct bio_request *request, ssize_t result)
{
	bool reading = (request->op & RUMPUSER_BIO_READ) != 0;

	if (result == -EINTR)
		return BIO_WOULD_WAIT;
	if (result < 0 && reading)
		return fail(request, abi_errno_to_netbsd((int)-result));
	if (result < 0)
		return fail(request, write_error(request->fd, (int)-result));
	request->result.moved += (size_t)result;
	if (request->result.moved == request->len)
		return BIO_FINISHED;
	if (result > 0)
		return BIO_WOULD_WAIT;
	if (reading)
		memset(request->data + request->result.moved, 0, request->len - request->result.moved);
	return fail(request, RUMP_EIO);
}

/*
 * One call; the result is bytes or -errno. Reads do without pread() and preadv2(), which are made
 * cancellation points at a cost, in threads that nobody cancels.
 */
static ssize_t
transfer(const struct bio_request *request, int flags)
{
	struct iovec piece = {request->data + request->result.moved, request->len - request->result.moved};
	off_t off = request->off + (off_t)request->result.moved;
	ssize_t rv;

	if (request->op & RUMPUSER_BIO_WRITE)
		rv = pwrite(request->fd, piece.iov_base, piece.iov_len, off);
	else if (flags == 0)
		rv = syscall(SYS_pread64, request->fd, piece.iov_base, piece.iov_len, off);
	else
		rv = syscall(SYS_preadv2, request->fd, &piece, 1, off, 0, flags);
	return rv == -1 ? -errno : rv;
}

static enum bio_outcome
try_read(struct bio_request *request)
{
	enum bio_outcome outcome;
	ssize_t result;

	do {
		result = transfer(request, RWF_NOWAIT);
		/* Not all file systems can tell whether they would wait. */
		if (result == -EAGAIN || result == -EOPNOTSUPP || result == -ENOSYS)
			return BIO_WOULD_WAIT;
		outcome = bio_account(request, result);
	} while (outcome == BIO_WOULD_WAIT);
	return outcome;
}

/* Writes all of the request into the host's cache. */
static enum bio_outcome
write_all(struct bio_request *request)
{
	while (request->result.moved < request->len)
		if (bio_account(request, transfer(request, 0)) == BIO_FINISHED)
			break;
	return request->result.error == 0 && (request->op & RUMPUSER_BIO_SYNC) ? BIO_WOULD_WAIT
									       : BIO_FINISHED;
}

static enum bio_outcome
try(struct bio_request *request)
{
	switch (request->op) {
	case RUMPUSER_BIO_READ:
	case RUMPUSER_BIO_READ | RUMPUSER_BIO_SYNC:
		return request->len == 0 ? BIO_FINISHED : try_read(request);
	case RUMPUSER_BIO_WRITE:
	case RUMPUSER_BIO_WRITE | RUMPUSER_BIO_SYNC:
		return write_all(request);
	case RUMPUSER_BIO_SYNC:
		return BIO_WOULD_WAIT;
	default:
		return fail(request, RUMP_EINVAL);
	}
}

enum bio_outcome
bio_try(struct bio_request *request)
{
	if (request->outcome == BIO_UNTRIED)
		request->outcome = try(request);
	return request->outcome;
}

void
bio_try_plainly(struct bio_request *request)
{
	request->outcome = bio_account(request, transfer(request, 0));
}

static void
sync_request(struct bio_request *request)
{
	int rv;

	do
		rv = fdatasync(request->fd);
	while (rv == -1 && errno == EINTR);
	/* What has no storage has nothing to sync. */
	if (rv == -1 && errno != EINVAL && errno != EROFS) {
		request->result.moved = 0;
		request->result.error = abi_errno_to_netbsd(errno);
	}
}

void
bio_wait(struct bio_request *request)
{
	if (request->op & RUMPUSER_BIO_READ)
		while (bio_account(request, transfer(request, 0)) == BIO_WOULD_WAIT)
			continue;
	else
		sync_request(request);
}
