/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading, writing and positions. Buffers are the program's: the rump kernel copies to and from them. */
#include <assert.h>
#include <errno.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi/errno.h"
#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/files.h"
#include "hijack/rump.h"

static_assert(
    LOCK_SH == RUMP_LOCK_SH && LOCK_EX == RUMP_LOCK_EX && LOCK_NB == RUMP_LOCK_NB && LOCK_UN == RUMP_LOCK_UN,
    "flock's operations");

/* NetBSD's calls with Linux's arguments, struct iovec included, and how many; and those that differ in an
 * offset. */
static const struct same {
	uint16_t number, netbsd, slots;
} same[] = {
    {SYS_read, HIJACK_RUMP_read, 3},
    {SYS_write, HIJACK_RUMP_write, 3},
    {SYS_readv, HIJACK_RUMP_readv, 3},
    {SYS_writev, HIJACK_RUMP_writev, 3},
    {SYS_listen, HIJACK_RUMP_listen, 2},
    {SYS_shutdown, HIJACK_RUMP_shutdown, 2},
    {SYS_flock, HIJACK_RUMP_flock, 2},
    {SYS_pread64, HIJACK_RUMP_pread, 3},
    {SYS_pwrite64, HIJACK_RUMP_pwrite, 3},
    {SYS_preadv, HIJACK_RUMP_preadv, 3},
    {SYS_pwritev, HIJACK_RUMP_pwritev, 3},
};

/* Reading and writing of a file is not interrupted by signals; of anything else it is. */
static bool
is_file(const struct hijack_call *call)
{
	struct rump_stat st;

	return hijack_fd_kind(call->shadow) != HIJACK_KIND_SOCKET &&
	       HIJACK_RUMP(__fstat50, (uint64_t)call->arg[0], hijack_slot(&st)) == 0 &&
	       (st.st_mode & RUMP_S_IFMT) == RUMP_S_IFREG;
}

/* Makes the call with its first arguments, and behind them what else it has. */
static long
make_same(long number, const struct hijack_call *call, const uint64_t *more, size_t count)
{
	uint64_t slots[6];
	size_t n = 0;
	long result;

	while (same[n].number != number)
		n++;
	for (size_t i = 0; i < same[n].slots; i++)
		slots[i] = (uint64_t)call->arg[i];
	for (size_t i = 0; i < count; i++)
		slots[same[n].slots + i] = more[i];
	do
		result = hijack_rump_call(same[n].netbsd, slots, same[n].slots + count, NULL);
	while (result == -EINTR && number != SYS_flock && is_file(call));
	return result;
}

long
hijack_inside_same(const struct hijack_call *call)
{
	return make_same(call->number, call, NULL, 0);
}

/* NetBSD pads before an offset. */
static long
at_offset(long number, const struct hijack_call *call)
{
	if (call->arg[3] < 0)
		return -EINVAL;
	return make_same(number, call, (const uint64_t[]){0, (uint64_t)call->arg[3]}, 2);
}

long
hijack_inside_at_offset(const struct hijack_call *call)
{
	return at_offset(call->number, call);
}

/* The offset -1 means the descriptor's position; flags there are none for. */
long
hijack_inside_preadv2(const struct hijack_call *call)
{
	if (call->arg[5] != 0)
		return -EOPNOTSUPP;
	return call->arg[3] == -1 ? make_same(SYS_readv, call, NULL, 0) : at_offset(SYS_preadv, call);
}

long
hijack_inside_pwritev2(const struct hijack_call *call)
{
	if (call->arg[5] != 0)
		return -EOPNOTSUPP;
	return call->arg[3] == -1 ? make_same(SYS_writev, call, NULL, 0) : at_offset(SYS_pwritev, call);
}

long
hijack_inside_lseek(const struct hijack_call *call)
{
	/* Holes cannot be asked for; programs take this as a file system that does not know. */
	if (call->arg[2] < SEEK_SET || call->arg[2] > SEEK_END)
		return -EINVAL;
	return HIJACK_RUMP(lseek, (uint64_t)call->arg[0], 0, (uint64_t)call->arg[1], (uint64_t)call->arg[2]);
}

long
hijack_inside_ftruncate(const struct hijack_call *call)
{
	return HIJACK_RUMP(ftruncate, (uint64_t)call->arg[0], 0, (uint64_t)call->arg[1]);
}

/* NetBSD writes out only through descriptors that may write; Linux's programs do it through any. */
static long
write_out(long error)
{
	return error == -EBADF ? HIJACK_RUMP(sync, 0) : error;
}

long
hijack_inside_fsync(const struct hijack_call *call)
{
	return write_out(HIJACK_RUMP(fsync, (uint64_t)call->arg[0]));
}

long
hijack_inside_fdatasync(const struct hijack_call *call)
{
	return write_out(HIJACK_RUMP(fdatasync, (uint64_t)call->arg[0]));
}

long
hijack_inside_fallocate(const struct hijack_call *call)
{
	long error;

	if (call->arg[1] != 0)
		return -EOPNOTSUPP;
	error = HIJACK_RUMP(
	    posix_fallocate, (uint64_t)call->arg[0], 0, (uint64_t)call->arg[2], (uint64_t)call->arg[3]);
	/* NetBSD's call returns its errors as values. */
	return error > 0 ? -abi_errno_to_host((int)error) : error;
}

/* Advice. */
long
hijack_inside_nothing(const struct hijack_call *call)
{
	(void)call;
	return 0;
}
