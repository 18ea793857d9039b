/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying between descriptors: sendfile, copy_file_range and splice, by reading and writing. What each of
 * them refuses on Linux is refused here, since programs know by that what to do instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/files.h"
#include "hijack/rump.h"
#include "hijack/shared_map.h"

#define PIECE 65536
#define PIPE_PAGE 4096

/* One side of a copy: the host's descriptor or the rump kernel's. */
struct side {
	long fd;
	int rump;          /* -1: the host's */
	uint64_t position; /* where the program keeps it; 0: it is the descriptor's */
	int64_t offset;
};

static int
side_open(struct side *side, long fd, long position)
{
	*side = (struct side){.fd = (int)fd, .rump = hijack_fd(fd), .position = (uint64_t)position};
	if (position == 0)
		return 0;
	if (hijack_copyin(&side->offset, side->position, sizeof(side->offset)) != 0)
		return -EFAULT;
	return side->offset < 0 ? -EINVAL : 0;
}

static int
side_close(const struct side *side)
{
	return side->position != 0 ? hijack_copyout(side->position, &side->offset, sizeof(side->offset)) : 0;
}

static long
side_read(const struct side *side, void *data, size_t size)
{
	if (side->rump < 0 && side->position == 0)
		return hijack_raw(SYS_read, side->fd, (long)data, (long)size, 0, 0, 0);
	if (side->rump < 0)
		return hijack_raw(SYS_pread64, side->fd, (long)data, (long)size, side->offset, 0, 0);
	if (side->position == 0)
		return hijack_inside_same(
		    &(const struct hijack_call){SYS_read, {side->rump, (long)data, (long)size}, side->fd});
	if (hijack_mapped())
		hijack_shared_before_read(side->rump, side->offset, size);
	return HIJACK_RUMP(pread, (uint64_t)side->rump, hijack_slot(data), size, 0, (uint64_t)side->offset);
}

static long
side_write(const struct side *side, const void *data, size_t size)
{
	struct hijack_shared_write state;
	bool mapped = side->rump >= 0 && hijack_mapped();
	long result;

	if (side->rump < 0 && side->position == 0)
		return hijack_raw(SYS_write, side->fd, (long)data, (long)size, 0, 0, 0);
	if (side->rump < 0)
		return hijack_raw(SYS_pwrite64, side->fd, (long)data, (long)size, side->offset, 0, 0);
	if (side->position == 0)
		return hijack_inside_same(
		    &(const struct hijack_call){SYS_write, {side->rump, (long)data, (long)size}, side->fd});
	if (mapped)
		hijack_shared_before_write(&state, side->rump, side->offset);
	result =
	    HIJACK_RUMP(pwrite, (uint64_t)side->rump, hijack_slot(data), size, 0, (uint64_t)side->offset);
	if (mapped)
		hijack_shared_after_write(&state, result);
	return result;
}

/* A descriptor's position goes back by what was read in vain. */
static void
give_back(const struct side *side, size_t unused)
{
	if (unused == 0 || side->position != 0)
		return;
	if (side->rump >= 0)
		(void)HIJACK_RUMP(lseek, (uint64_t)side->rump, 0, (uint64_t) - (int64_t)unused, SEEK_CUR);
	else
		(void)hijack_raw(SYS_lseek, side->fd, -(long)unused, SEEK_CUR, 0, 0, 0);
}

/* Copies at most size bytes, once. Returns how many were written, 0 at the end, or -errno. */
static long
copy_piece(struct side *to, struct side *from, uint8_t *buffer, size_t size)
{
	long n = side_read(from, buffer, size), done = 0, written = 0;

	if (n <= 0)
		return n;
	while (done < n) {
		written = side_write(to, buffer + done, (size_t)(n - done));
		if (written <= 0)
			break;
		to->offset += written;
		done += written;
	}
	give_back(from, (size_t)(n - done));
	from->offset += done;
	return done > 0 ? done : written;
}

/* Copies up to size bytes; an error counts only when it was the first thing that happened. */
static long
copy_all(struct side *to, struct side *from, size_t size)
{
	uint8_t *buffer = malloc(PIECE);
	size_t total = 0;
	long n = 0;

	if (buffer == NULL)
		return -ENOMEM;
	while (total < size) {
		n = copy_piece(to, from, buffer, size - total < PIECE ? size - total : PIECE);
		if (n <= 0)
			break;
		total += (size_t)n;
	}
	free(buffer);
	if (side_close(from) != 0 || side_close(to) != 0)
		return -EFAULT;
	return total > 0 ? (long)total : n;
}

/* The host's sendfile reads only what has a position. Sockets and pipes might have nothing to read for long.
 */
static bool
has_position(const struct side *side)
{
	return (side->rump >= 0 ? HIJACK_RUMP(lseek, (uint64_t)side->rump, 0, 0, RUMP_SEEK_CUR)
				: hijack_raw(SYS_lseek, side->fd, 0, SEEK_CUR, 0, 0, 0)) >= 0;
}

long
hijack_beyond_sendfile(const struct hijack_call *call)
{
	struct side to, from;
	int error = side_open(&from, call->arg[1], call->arg[2]);

	if (error == 0)
		error = side_open(&to, call->arg[0], 0);
	if (error == 0 && from.position == 0 && !has_position(&from))
		error = -EINVAL;
	return error != 0 ? error : copy_all(&to, &from, (size_t)call->arg[3]);
}

/* What copy_file_range has to know of a file of the rump kernel's. */
static long
look_at(struct side *side, struct rump_stat *st, int64_t *start)
{
	long error = HIJACK_RUMP(__fstat50, (uint64_t)side->rump, hijack_slot(st));

	if (error != 0)
		return error;
	if ((st->st_mode & RUMP_S_IFMT) != RUMP_S_IFREG)
		return (st->st_mode & RUMP_S_IFMT) == RUMP_S_IFDIR ? -EISDIR : -EINVAL;
	*start = side->offset;
	if (side->position == 0)
		*start = HIJACK_RUMP(lseek, (uint64_t)side->rump, 0, 0, RUMP_SEEK_CUR);
	return *start < 0 ? *start : 0;
}

long
hijack_beyond_copy_file_range(const struct hijack_call *call)
{
	size_t size = (size_t)call->arg[4];
	struct side from, to;
	struct rump_stat source, target;
	int64_t start_from, start_to, distance;
	long error = call->arg[5] != 0 ? -EINVAL : side_open(&from, call->arg[0], call->arg[1]);

	if (error == 0)
		error = side_open(&to, call->arg[2], call->arg[3]);
	if (error != 0)
		return error;
	/* Within a file system only, as on the host. */
	if (from.rump < 0 || to.rump < 0)
		return -EXDEV;
	error = look_at(&from, &source, &start_from);
	if (error == 0)
		error = look_at(&to, &target, &start_to);
	if (error != 0)
		return error;
	if (source.st_dev != target.st_dev)
		return -EXDEV;
	distance = start_from < start_to ? start_to - start_from : start_from - start_to;
	if (source.st_ino == target.st_ino && (uint64_t)distance < size)
		return -EINVAL;
	return copy_all(&to, &from, size);
}

static bool
is_pipe(const struct side *side)
{
	struct stat st;

	return side->rump < 0 && hijack_raw(SYS_fstat, side->fd, (long)&st, 0, 0, 0, 0) == 0 &&
	       S_ISFIFO(st.st_mode);
}

/* How much a pipe takes at once; when it is full, what it takes after a wait. */
static size_t
pipe_room(long fd)
{
	long size = hijack_raw(SYS_fcntl, fd, F_GETPIPE_SZ, 0, 0, 0, 0);
	int queued = 0;

	(void)hijack_raw(SYS_ioctl, fd, FIONREAD, (long)&queued, 0, 0, 0);
	return size - queued > PIPE_PAGE ? (size_t)(size - queued) & -(size_t)PIPE_PAGE : PIPE_PAGE;
}

/* Between a file inside and a pipe of the host's. With sockets programs copy by themselves. */
long
hijack_beyond_splice(const struct hijack_call *call)
{
	size_t size = (size_t)call->arg[4] < PIECE ? (size_t)call->arg[4] : PIECE;
	struct side from, to, *pipe;
	struct pollfd ready;
	uint8_t *buffer;
	long n = side_open(&from, call->arg[0], call->arg[1]);

	if (n == 0)
		n = side_open(&to, call->arg[2], call->arg[3]);
	if (n != 0)
		return n;
	pipe = from.rump >= 0 ? &to : &from;
	if (!is_pipe(pipe) || hijack_fd_kind(from.rump >= 0 ? from.fd : to.fd) == HIJACK_KIND_SOCKET)
		return -EINVAL;
	if (pipe->position != 0)
		return -ESPIPE;
	ready = (struct pollfd){(int)pipe->fd, pipe == &to ? POLLOUT : POLLIN, 0};
	if (call->arg[5] & SPLICE_F_NONBLOCK && hijack_raw(SYS_poll, (long)&ready, 1, 0, 0, 0, 0) == 0)
		return -EAGAIN;
	if (pipe == &to && size > pipe_room(to.fd))
		size = pipe_room(to.fd);
	buffer = malloc(PIECE);
	if (buffer == NULL)
		return -ENOMEM;
	n = copy_piece(&to, &from, buffer, size);
	free(buffer);
	return side_close(&from) != 0 || side_close(&to) != 0 ? -EFAULT : n;
}
