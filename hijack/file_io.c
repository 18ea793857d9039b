/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading, writing and positions. Buffers are the program's: the rump kernel copies to and from them. */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "abi/errno.h"
#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/files.h"
#include "hijack/rump.h"
#include "hijack/shared_map.h"
#include "hijack/sleep.h"
#include "hijack/sockets.h"

static_assert(
    LOCK_SH == RUMP_LOCK_SH && LOCK_EX == RUMP_LOCK_EX && LOCK_NB == RUMP_LOCK_NB && LOCK_UN == RUMP_LOCK_UN,
    "flock's operations");

/* NetBSD's calls with Linux's arguments, struct iovec included, and how many; and those that differ in an
 * offset. */
enum moves { NOTHING, READS, READS_VECTOR, WRITES };
static const struct same {
	uint16_t number, netbsd, slots;
	enum moves moves;
} same[] = {
    {SYS_read, HIJACK_RUMP_read, 3, READS},
    {SYS_write, HIJACK_RUMP_write, 3, WRITES},
    {SYS_readv, HIJACK_RUMP_readv, 3, READS_VECTOR},
    {SYS_writev, HIJACK_RUMP_writev, 3, WRITES},
    {SYS_listen, HIJACK_RUMP_listen, 2, NOTHING},
    {SYS_shutdown, HIJACK_RUMP_shutdown, 2, NOTHING},
    {SYS_flock, HIJACK_RUMP_flock, 2, NOTHING},
    {SYS_pread64, HIJACK_RUMP_pread, 3, READS},
    {SYS_pwrite64, HIJACK_RUMP_pwrite, 3, WRITES},
    {SYS_preadv, HIJACK_RUMP_preadv, 3, READS_VECTOR},
    {SYS_pwritev, HIJACK_RUMP_pwritev, 3, WRITES},
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

/* How much a call may read. */
static size_t
room(const struct hijack_call *call, enum moves moves)
{
	struct iovec part;
	size_t total = 0;

	if (moves == READS)
		return (size_t)call->arg[2];
	for (long i = 0; i < call->arg[2] && i < IOV_MAX; i++) {
		if (hijack_copyin(&part, (uint64_t)call->arg[1] + (uint64_t)i * sizeof(part), sizeof(part)) !=
		    0)
			break;
		total += part.iov_len;
	}
	return total;
}

/* read, readv, write and writev of a socket, where sleeping is not the rump kernel's. */
static long
as_message(long number, const struct hijack_call *call)
{
	bool reads = number == SYS_read || number == SYS_readv;
	struct hijack_call message = {.arg = {call->arg[0], call->arg[1], call->arg[2]}};
	struct msghdr header = {.msg_iov = (struct iovec *)call->arg[1], .msg_iovlen = (size_t)call->arg[2]};

	if (number == SYS_read || number == SYS_write)
		return reads ? hijack_inside_recvfrom(&message) : hijack_inside_sendto(&message);
	if (call->arg[2] < 0 || call->arg[2] > UIO_MAXIOV)
		return -EINVAL;
	return reads ? hijack_message_receive(call->arg[0], &header, 0)
		     : hijack_message_send(call->arg[0], &header, 0);
}

/* flock, which may have to wait for others. */
static long
lock_file(const uint64_t *slots)
{
	struct hijack_sleep sleep = hijack_sleep_begin((int)slots[0], 0);
	bool wait = sleep.outside && !(slots[1] & LOCK_NB);
	long result;

	do
		result = HIJACK_RUMP(flock, slots[0], slots[1] | (wait ? LOCK_NB : 0));
	while (wait && result == -EAGAIN && (result = hijack_sleep_a_while(&sleep)) == 0);
	return hijack_sleep_end(&sleep, result);
}

/* A call, in the rump kernel or with its sleep outside. */
static long
make_one(const struct hijack_call *call, const struct same *kind, const uint64_t *slots, size_t count)
{
	bool reads = kind->number == SYS_read || kind->number == SYS_readv;

	if (kind->number == SYS_flock)
		return lock_file(slots);
	if (!(reads || kind->number == SYS_write || kind->number == SYS_writev) || !hijack_sleeps_outside())
		return hijack_rump_call(kind->netbsd, slots, count, NULL);
	if (hijack_fd_kind(call->shadow) == HIJACK_KIND_SOCKET)
		return as_message(kind->number, call);
	return hijack_sleep_stream(call, kind->netbsd, slots, count, reads ? POLLIN : POLLOUT);
}

/* A call on a file that may be mapped. */
static long
make_mapped(const struct same *one, const struct hijack_call *call, const uint64_t *slots, size_t count)
{
	struct hijack_shared_write state;
	int64_t offset = count > 3 ? (int64_t)slots[4] : -1;
	long result;

	if (one->moves != WRITES) {
		hijack_shared_before_read((int)call->arg[0], offset, room(call, one->moves));
		return make_one(call, one, slots, count);
	}
	hijack_shared_before_write(&state, (int)call->arg[0], offset);
	result = make_one(call, one, slots, count);
	hijack_shared_after_write(&state, result);
	return result;
}

/* Makes the call with its first arguments, and behind them what else it has. */
static long
make_same(long number, const struct hijack_call *call, const uint64_t *more, size_t count)
{
	uint64_t slots[6];
	size_t n = 0;
	bool mapped;
	long result;

	while (same[n].number != number)
		n++;
	for (size_t i = 0; i < same[n].slots; i++)
		slots[i] = (uint64_t)call->arg[i];
	for (size_t i = 0; i < count; i++)
		slots[same[n].slots + i] = more[i];
	mapped =
	    hijack_mapped() && same[n].moves != NOTHING && hijack_fd_kind(call->shadow) != HIJACK_KIND_SOCKET;
	do
		result = mapped ? make_mapped(&same[n], call, slots, same[n].slots + count)
				: make_one(call, &same[n], slots, same[n].slots + count);
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
	long error = HIJACK_RUMP(ftruncate, (uint64_t)call->arg[0], 0, (uint64_t)call->arg[1]);

	hijack_shared_resized();
	return error;
}

/* What was stored in mappings of the file is part of it. */
static void
before_writing_out(const struct hijack_call *call)
{
	if (hijack_mapped())
		hijack_shared_before_read((int)call->arg[0], 0, INT64_MAX);
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
	before_writing_out(call);
	return write_out(HIJACK_RUMP(fsync, (uint64_t)call->arg[0]));
}

long
hijack_inside_fdatasync(const struct hijack_call *call)
{
	before_writing_out(call);
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
	hijack_shared_resized();
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
