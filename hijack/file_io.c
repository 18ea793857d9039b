/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading, writing and positions. Buffers are the program's: the rump kernel copies to and from them. */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/files.h"
#include "hijack/rump.h"

/* A call whose arguments are as Linux's. */
static long
same(enum hijack_rump_number number, const struct hijack_call *call, size_t count)
{
	uint64_t slots[6];

	for (size_t i = 0; i < count; i++)
		slots[i] = (uint64_t)call->arg[i];
	return hijack_rump_call(number, slots, count, NULL);
}

long
hijack_inside_read(const struct hijack_call *call)
{
	return same(HIJACK_RUMP_read, call, 3);
}

long
hijack_inside_write(const struct hijack_call *call)
{
	return same(HIJACK_RUMP_write, call, 3);
}

/* struct iovec is the same. */
long
hijack_inside_readv(const struct hijack_call *call)
{
	return same(HIJACK_RUMP_readv, call, 3);
}

long
hijack_inside_writev(const struct hijack_call *call)
{
	return same(HIJACK_RUMP_writev, call, 3);
}

/* NetBSD pads before an offset. */
static long
positioned(enum hijack_rump_number number, const struct hijack_call *call)
{
	if (call->arg[3] < 0)
		return -EINVAL;
	return hijack_rump_call(number,
	    (const uint64_t[]){(uint64_t)call->arg[0], (uint64_t)call->arg[1], (uint64_t)call->arg[2], 0,
		(uint64_t)call->arg[3]},
	    5, NULL);
}

long
hijack_inside_pread(const struct hijack_call *call)
{
	return positioned(HIJACK_RUMP_pread, call);
}

long
hijack_inside_pwrite(const struct hijack_call *call)
{
	return positioned(HIJACK_RUMP_pwrite, call);
}

long
hijack_inside_preadv(const struct hijack_call *call)
{
	return positioned(HIJACK_RUMP_preadv, call);
}

long
hijack_inside_pwritev(const struct hijack_call *call)
{
	return positioned(HIJACK_RUMP_pwritev, call);
}

/* The offset -1 means the descriptor's position; flags there are none for. */
long
hijack_inside_preadv2(const struct hijack_call *call)
{
	if (call->arg[5] != 0)
		return -EOPNOTSUPP;
	return call->arg[3] == -1 ? hijack_inside_readv(call) : hijack_inside_preadv(call);
}

long
hijack_inside_pwritev2(const struct hijack_call *call)
{
	if (call->arg[5] != 0)
		return -EOPNOTSUPP;
	return call->arg[3] == -1 ? hijack_inside_writev(call) : hijack_inside_pwritev(call);
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
	if (call->arg[1] != 0)
		return -EOPNOTSUPP;
	return HIJACK_RUMP(
	    posix_fallocate, (uint64_t)call->arg[0], 0, (uint64_t)call->arg[2], (uint64_t)call->arg[3]);
}

/* Advice. */
long
hijack_inside_nothing(const struct hijack_call *call)
{
	(void)call;
	return 0;
}
