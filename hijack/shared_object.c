/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * The object is a file in /dev/shm. Whoever uses it holds a lock on it (flock, shared). Who finds it without
 * users empties it, under the exclusive lock; who is last takes it away. So what a process that was killed
 * left behind is not found, and it is not kept for longer than until another one is made (shared_sweep.c).
 *
 * In it are, with room for the largest file between them:
 *	the extent, which part of the file has ever been mapped; in the first page
 *	a clean copy of that part: what the file is known to hold
 *	the pages, which programs map; the object ends where the file does
 * A byte of a page that differs from the clean copy was stored by a program. Only such bytes are written to
 * the file, and all others follow the file when it is looked at again. Both copies begin as zeros, which take
 * no memory.
 *
 * The copies are reached by reading and writing the object, since memory that is mapped may be cut off at any
 * time by others, or not be there when it is wanted.
 */
#include "hijack/shared_object.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rump/rumpdefs.h>

#include "hijack/gate.h"
#include "hijack/rump.h"
#include "rumpclient/client.h"

#define PAGE 4096
#define CLEAN ((int64_t)PAGE)
#define PIECE 65536

struct extent {
	int64_t from;
	int64_t to;
};

/* Three copies of a piece of the file. */
struct piece {
	const struct hijack_object *object;
	int64_t at;
	size_t size;
	uint8_t *page;
	uint8_t *clean;
	uint8_t *file;
};

static long
host_lock(int host, int how)
{
	long error;

	do
		error = hijack_own(SYS_flock, host, how, 0, 0, 0, 0);
	while (error == -EINTR);
	return error;
}

/* Whether the open object is still the one of that name. */
static bool
is_current(int host, const char *name)
{
	struct stat open_one, named;

	return hijack_own(SYS_fstat, host, (long)&open_one, 0, 0, 0, 0) == 0 &&
	       hijack_own(SYS_stat, (long)name, (long)&named, 0, 0, 0, 0) == 0 &&
	       open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev;
}

/* Others may have made the object, if they have seen its name, to read it and to write to it. */
static bool
is_mine_alone(int host)
{
	struct stat st;

	return hijack_own(SYS_fstat, host, (long)&st, 0, 0, 0, 0) == 0 && S_ISREG(st.st_mode) &&
	       st.st_uid == (uid_t)hijack_own(SYS_geteuid, 0, 0, 0, 0, 0, 0) && (st.st_mode & 077) == 0;
}

static long
set_length(int host, int64_t length)
{
	return hijack_own(SYS_ftruncate, host, length, 0, 0, 0, 0);
}

static long
make_empty(int host)
{
	long error = set_length(host, 0);

	hijack_object_sweep();
	return error != 0 ? error : set_length(host, HIJACK_OBJECT_PAGES);
}

/* A limit on the size of files would kill the program. */
static bool
is_limited(void)
{
	struct rlimit limit;

	return hijack_own(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, (long)&limit, 0, 0) == 0 &&
	       limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < (rlim_t)HIJACK_OBJECT_PAGES * 2;
}

long
hijack_object_open(const char *name)
{
	if (is_limited())
		return -EFBIG;
	for (;;) {
		long host = hijack_own(
		    SYS_open, (long)name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600, 0, 0, 0);
		long error = 0;

		if (host < 0)
			return host;
		host = rc_fd_up((int)host);
		if (!is_mine_alone((int)host))
			error = -EACCES;
		else if (host_lock((int)host, LOCK_EX | LOCK_NB) == 0 && is_current((int)host, name))
			error = make_empty((int)host);
		if (error == 0)
			error = host_lock((int)host, LOCK_SH);
		/* The lock is not kept while it becomes shared. */
		if (error == 0 && is_current((int)host, name))
			return host;
		(void)close((int)host);
		if (error < 0)
			return error;
	}
}

void
hijack_object_close(int host, const char *name)
{
	/* The last one takes it away. */
	if (host_lock(host, LOCK_EX | LOCK_NB) == 0 && is_current(host, name))
		(void)hijack_own(SYS_unlink, (long)name, 0, 0, 0, 0, 0);
	(void)close(host);
}

/* Locks belong to what was opened, which the parent has too: the child opens it for itself. */
int
hijack_object_forked(int host)
{
	char path[32];
	long own;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", host);
	own = hijack_own(SYS_open, (long)path, O_RDWR | O_CLOEXEC, 0, 0, 0, 0);
	if (own < 0)
		return host;
	(void)host_lock((int)own, LOCK_SH);
	(void)close(host);
	return rc_fd_up((int)own);
}

static void
set_lock(int host, short type)
{
	const struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_len = PAGE};
	long error;

	do
		error = hijack_own(SYS_fcntl, host, F_OFD_SETLKW, (long)&lock, 0, 0, 0);
	while (error == -EINTR);
}

void
hijack_object_lock(int host)
{
	set_lock(host, F_WRLCK);
}

void
hijack_object_unlock(int host)
{
	set_lock(host, F_UNLCK);
}

/* What lies behind the end is zeros. */
static long
read_host(int host, void *data, size_t size, int64_t at)
{
	size_t done = 0;

	while (done < size) {
		long n = hijack_own(SYS_pread64, host, (long)data + (long)done, (long)(size - done),
		    at + (int64_t)done, 0, 0);

		if (n < 0)
			return n;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	memset((uint8_t *)data + done, 0, size - done);
	return 0;
}

static long
write_host(int host, const void *data, size_t size, int64_t at)
{
	size_t done = 0;

	while (done < size) {
		long n = hijack_own(SYS_pwrite64, host, (long)data + (long)done, (long)(size - done),
		    at + (int64_t)done, 0, 0);

		if (n <= 0)
			return n < 0 ? n : -EIO;
		done += (size_t)n;
	}
	return 0;
}

/* Reads the file; a piece becomes shorter where it ends. */
static long
read_file(const struct piece *piece, size_t from, size_t *to)
{
	while (from < *to) {
		long n = HIJACK_RUMP(pread, (uint64_t)piece->object->rump, hijack_slot(piece->file + from),
		    *to - from, 0, (uint64_t)piece->at + from);

		if (n < 0)
			return n;
		if (n == 0)
			*to = from;
		from += (size_t)n;
	}
	return 0;
}

static long
write_in_place(const struct piece *piece, size_t from, size_t to)
{
	while (from < to) {
		long n = HIJACK_RUMP(pwrite, (uint64_t)piece->object->rump, hijack_slot(piece->file + from),
		    to - from, 0, (uint64_t)piece->at + from);

		if (n <= 0)
			return n < 0 ? n : -EIO;
		from += (size_t)n;
	}
	return 0;
}

/* Where a descriptor appends, pwrite does too: it does not meanwhile. */
static long
write_file(const struct piece *piece, size_t from, size_t to)
{
	uint64_t rump = (uint64_t)piece->object->rump;
	long flags, error;

	if (!piece->object->appends)
		return write_in_place(piece, from, to);
	flags = HIJACK_RUMP(fcntl, rump, RUMP_F_GETFL, 0);
	if (flags >= 0)
		(void)HIJACK_RUMP(fcntl, rump, RUMP_F_SETFL, (uint64_t)(flags & ~RUMP_O_APPEND));
	error = write_in_place(piece, from, to);
	if (flags >= 0)
		(void)HIJACK_RUMP(fcntl, rump, RUMP_F_SETFL, (uint64_t)flags);
	return error;
}

static long
read_pages(const struct piece *piece)
{
	long error =
	    read_host(piece->object->host, piece->page, piece->size, HIJACK_OBJECT_PAGES + piece->at);

	return error != 0 ? error
			  : read_host(piece->object->host, piece->clean, piece->size, CLEAN + piece->at);
}

static long
write_pages(const struct piece *piece, const uint8_t *data, size_t from, size_t to)
{
	return write_host(
	    piece->object->host, data + from, to - from, HIJACK_OBJECT_PAGES + piece->at + (int64_t)from);
}

static long
write_clean(const struct piece *piece, const uint8_t *data, size_t from, size_t to)
{
	return write_host(piece->object->host, data + from, to - from, CLEAN + piece->at + (int64_t)from);
}

/* Between the first and the last byte that was stored there may be others, which may have changed in the
 * file.
 */
static long
write_back(struct piece *piece)
{
	size_t first = 0, last = piece->size;
	long error = read_pages(piece);

	if (error != 0 || memcmp(piece->page, piece->clean, piece->size) == 0)
		return error;
	while (piece->page[first] == piece->clean[first])
		first++;
	while (piece->page[last - 1] == piece->clean[last - 1])
		last--;
	error = read_file(piece, first, &last);
	for (size_t i = first; i < last; i++) {
		if (piece->page[i] != piece->clean[i])
			piece->file[i] = piece->page[i];
	}
	if (error == 0)
		error = write_file(piece, first, last);
	return error != 0 ? error : write_clean(piece, piece->page, first, last);
}

static long
refresh(struct piece *piece)
{
	long error = read_file(piece, 0, &piece->size);
	size_t start, i = 0;

	if (error == 0)
		error = read_pages(piece);
	if (error != 0 || memcmp(piece->file, piece->clean, piece->size) == 0)
		return error;
	while (i < piece->size && error == 0) {
		for (start = i; i < piece->size && piece->file[i] != piece->clean[i] &&
				piece->page[i] == piece->clean[i];)
			i++;
		if (i > start)
			error = write_pages(piece, piece->file, start, i);
		else
			i++;
	}
	return error != 0 ? error : write_clean(piece, piece->file, 0, piece->size);
}

static long
take(struct piece *piece)
{
	long error = read_file(piece, 0, &piece->size);

	if (error == 0)
		error = write_pages(piece, piece->file, 0, piece->size);
	return error != 0 ? error : write_clean(piece, piece->file, 0, piece->size);
}

static bool
is_zero(const uint8_t *data, size_t size)
{
	return data[0] == 0 && memcmp(data, data + 1, size - 1) == 0;
}

/* What has never been mapped is zeros in the object. */
static long
fill(struct piece *piece)
{
	long error = read_file(piece, 0, &piece->size);

	if (error != 0 || piece->size == 0 || is_zero(piece->file, piece->size))
		return error;
	error = write_pages(piece, piece->file, 0, piece->size);
	return error != 0 ? error : write_clean(piece, piece->file, 0, piece->size);
}

static long
each_piece(const struct hijack_object *object, int64_t from, int64_t to, long (*fn)(struct piece *))
{
	struct piece piece = {.object = object, .at = from};
	size_t size = from < to && to - from < PIECE ? (size_t)(to - from) : PIECE;
	long error = 0;

	if (from >= to)
		return 0;
	piece.page = malloc(3 * size);
	if (piece.page == NULL)
		return -ENOMEM;
	piece.clean = piece.page + size;
	piece.file = piece.clean + size;
	for (; piece.at < to && error == 0; piece.at += (int64_t)size) {
		piece.size = to - piece.at < (int64_t)size ? (size_t)(to - piece.at) : size;
		error = fn(&piece);
	}
	free(piece.page);
	return error;
}

static int64_t
larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t
smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static struct extent
extent_of(const struct hijack_object *object)
{
	struct extent extent;

	return read_host(object->host, &extent, sizeof(extent), 0) == 0 ? extent : (struct extent){0, 0};
}

static int64_t
length_of(const struct hijack_object *object)
{
	struct stat st;

	return hijack_own(SYS_fstat, object->host, (long)&st, 0, 0, 0, 0) == 0
		   ? st.st_size - HIJACK_OBJECT_PAGES
		   : 0;
}

/* The part of the range that is in the object at all. */
static long
each_covered(const struct hijack_object *object, int64_t from, int64_t to, long (*fn)(struct piece *))
{
	struct extent extent = extent_of(object);

	to = smaller(smaller(to, extent.to), length_of(object));
	return each_piece(object, larger(from, extent.from), to, fn);
}

long
hijack_object_write_back(const struct hijack_object *object, int64_t from, int64_t to)
{
	return object->writes ? each_covered(object, from, to, write_back) : 0;
}

long
hijack_object_refresh(const struct hijack_object *object, int64_t from, int64_t to)
{
	return each_covered(object, from, to, refresh);
}

long
hijack_object_take(const struct hijack_object *object, int64_t from, int64_t to)
{
	return each_covered(object, from, to, take);
}

long
hijack_object_resize(const struct hijack_object *object)
{
	struct rump_stat st;
	int64_t before = length_of(object);
	long error = HIJACK_RUMP(__fstat50, (uint64_t)object->rump, hijack_slot(&st));

	if (error != 0 || st.st_size == before)
		return error;
	if (st.st_size >= HIJACK_OBJECT_PAGES - CLEAN)
		return -EFBIG;
	error = set_length(object->host, HIJACK_OBJECT_PAGES + st.st_size);
	if (error == 0 && st.st_size < before)
		return hijack_own(SYS_fallocate, object->host, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		    CLEAN + st.st_size, before - st.st_size, 0, 0);
	return error != 0 ? error : hijack_object_take(object, before, st.st_size);
}

/* Memory is taken at once, since a program that finds none when it stores gets SIGBUS. */
long
hijack_object_cover(const struct hijack_object *object, int64_t from, int64_t to)
{
	long error = hijack_object_resize(object);
	struct extent extent = extent_of(object);
	int64_t end = smaller(to, length_of(object));

	if (extent.from == extent.to)
		extent = (struct extent){from, from};
	if (error == 0 && from < end)
		error =
		    hijack_own(SYS_fallocate, object->host, 0, HIJACK_OBJECT_PAGES + from, end - from, 0, 0);
	if (error == 0)
		error = each_piece(object, from, smaller(end, extent.from), fill);
	if (error == 0)
		error = each_piece(object, larger(from, extent.to), end, fill);
	if (error == 0)
		error = hijack_object_refresh(object, larger(from, extent.from), smaller(end, extent.to));
	if (error != 0)
		return error;
	extent = (struct extent){smaller(from, extent.from), larger(to, extent.to)};
	return write_host(object->host, &extent, sizeof(extent), 0);
}
