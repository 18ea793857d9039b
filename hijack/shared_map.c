/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * All processes of this machine that map one file of one rump kernel share one host object, in /dev/shm,
 * named after the user, the server, the device and the inode (see shared_name.c). Whoever uses it holds a
 * lock on it (flock, shared). Who finds it without users fills it from the file, under the exclusive lock;
 * who is last takes it away. So what a process that was killed left behind is neither found nor kept.
 *
 * A mapping's pages that may have changed are written to the file on msync and munmap, and when the process
 * ends or executes another program: as many bytes as the file is long, since a mapping does not make it
 * longer. A descriptor of the rump kernel's is kept for that, because a program may close its own.
 *
 * Mappings are known by their addresses. munmap of a part leaves the rest; one list is guarded by one lock,
 * with signals blocked.
 */
#include "hijack/shared_map.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hijack/descriptor.h"
#include "hijack/files.h"
#include "hijack/rump.h"
#include "hijack/shared_name.h"
#include "hijack/signal.h"
#include "rumpclient/client.h"

#define PAGE 4096UL

struct mapping {
	struct mapping *next;
	uintptr_t start;
	uintptr_t end;
	int64_t offset; /* in the file, of start */
	int rump;       /* a descriptor of the library's own, which writes */
	int object;     /* the host's, with the lock */
	bool writes;
	uint32_t kernel; /* whose the file is, see reconnect.c */
	char name[HIJACK_SHARED_NAME];
};

static struct mapping *mappings;
static uint32_t lock_word;

static void
lock(uint64_t *mask)
{
	const uint64_t all = ~HIJACK_SIGSYS_BIT;

	(void)hijack_own(SYS_rt_sigprocmask, SIG_BLOCK, (long)&all, (long)mask, HIJACK_SIGSET_SIZE, 0, 0);
	while (__atomic_exchange_n(&lock_word, 2, __ATOMIC_ACQUIRE) != 0)
		(void)hijack_own(SYS_futex, (long)&lock_word, FUTEX_WAIT_PRIVATE, 2, 0, 0, 0);
}

static void
unlock(const uint64_t *mask)
{
	__atomic_store_n(&lock_word, 0, __ATOMIC_RELEASE);
	(void)hijack_own(SYS_futex, (long)&lock_word, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
	(void)hijack_own(SYS_rt_sigprocmask, SIG_SETMASK, (long)mask, 0, HIJACK_SIGSET_SIZE, 0, 0);
}

static long
host_lock(int object, int how)
{
	long error;

	do
		error = hijack_own(SYS_flock, object, how, 0, 0, 0, 0);
	while (error == -EINTR);
	return error;
}

/* Whether the open object is still the one of that name. */
static bool
is_current(int object, const char *name)
{
	struct stat open_one, named;

	return hijack_own(SYS_fstat, object, (long)&open_one, 0, 0, 0, 0) == 0 &&
	       hijack_own(SYS_stat, (long)name, (long)&named, 0, 0, 0, 0) == 0 &&
	       open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev;
}

/* Others may have made the object, if they have seen its name, to read it and to write to it. */
static bool
is_mine_alone(int object)
{
	struct stat st;

	return hijack_own(SYS_fstat, object, (long)&st, 0, 0, 0, 0) == 0 && S_ISREG(st.st_mode) &&
	       st.st_uid == (uid_t)hijack_own(SYS_geteuid, 0, 0, 0, 0, 0, 0) && (st.st_mode & 077) == 0;
}

/* Fills the object from the file: nobody else uses it. */
static long
fill_object(int object, int rump, int64_t size)
{
	uint8_t *memory;
	long error = 0;

	if (ftruncate(object, 0) != 0 || ftruncate(object, size) != 0)
		return -errno;
	if (size == 0)
		return 0;
	memory = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);
	if (memory == MAP_FAILED)
		return -errno;
	error = hijack_map_fill(rump, memory, (size_t)size, 0);
	(void)munmap(memory, (size_t)size);
	return error;
}

/* The part of the file that came after the object was made: it is longer now. */
static long
extend_object(int object, int rump, int64_t size)
{
	uint8_t *memory;
	struct stat st;
	long error;
	int64_t from;

	error = hijack_own(SYS_fstat, object, (long)&st, 0, 0, 0, 0);
	if (error != 0 || st.st_size >= size)
		return error;
	from = st.st_size & -(int64_t)PAGE;
	if (ftruncate(object, size) != 0)
		return -errno;
	memory = mmap(NULL, (size_t)(size - from), PROT_READ | PROT_WRITE, MAP_SHARED, object, from);
	if (memory == MAP_FAILED)
		return -errno;
	error = hijack_map_fill(rump, memory + (st.st_size - from), (size_t)(size - st.st_size), st.st_size);
	(void)munmap(memory, (size_t)(size - from));
	return error;
}

/* Opens the object, with its content in place and a shared lock held. Returns its descriptor or -errno. */
static long
open_object(const char *name, int rump, int64_t size)
{
	for (;;) {
		long object = hijack_own(
		    SYS_open, (long)name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600, 0, 0, 0);
		long error;

		if (object < 0)
			return object;
		object = rc_fd_up((int)object);
		if (!is_mine_alone((int)object))
			error = -EACCES;
		else if (host_lock((int)object, LOCK_EX | LOCK_NB) == 0)
			error = is_current((int)object, name) ? fill_object((int)object, rump, size) : 1;
		else
			error = host_lock((int)object, LOCK_SH) != 0 || !is_current((int)object, name);
		if (error == 0)
			error = host_lock((int)object, LOCK_SH);
		if (error == 0)
			error = extend_object((int)object, rump, size);
		if (error == 0)
			return object;
		(void)close((int)object);
		if (error < 0)
			return error;
	}
}

/* The file is one of the present kernel's, and rump its descriptor there. */
static bool
is_present(const struct mapping *mapping)
{
	return mapping->kernel == __atomic_load_n(&hijack_process()->kernels, __ATOMIC_ACQUIRE);
}

static void
release(struct mapping *mapping)
{
	/* The last one takes it away. */
	if (host_lock(mapping->object, LOCK_EX | LOCK_NB) == 0 && is_current(mapping->object, mapping->name))
		(void)hijack_own(SYS_unlink, (long)mapping->name, 0, 0, 0, 0, 0);
	(void)close(mapping->object);
	if (is_present(mapping))
		(void)HIJACK_RUMP(close, (uint64_t)mapping->rump);
	free(mapping);
}

/* Writes what lies in the range back to the file, as far as that goes. */
static long
write_back(const struct mapping *mapping, uintptr_t start, uintptr_t end)
{
	struct rump_stat st;
	long error = is_present(mapping) ? HIJACK_RUMP(__fstat50, (uint64_t)mapping->rump, hijack_slot(&st))
					 : -ENOTCONN;
	int64_t offset = mapping->offset + (int64_t)(start - mapping->start);

	if (error != 0 || !mapping->writes)
		return error;
	if (offset >= st.st_size)
		return 0;
	if (offset + (int64_t)(end - start) > st.st_size)
		end = start + (uintptr_t)(st.st_size - offset);
	while (start < end && is_present(mapping)) {
		long n =
		    HIJACK_RUMP(pwrite, (uint64_t)mapping->rump, start, end - start, 0, (uint64_t)offset);

		if (n <= 0)
			return n < 0 ? n : -EIO;
		start += (uintptr_t)n;
		offset += n;
	}
	return 0;
}

long
hijack_map_shared(const struct hijack_call *call, int rump, const struct rump_stat *st)
{
	struct mapping *mapping = calloc(1, sizeof(*mapping));
	uint32_t kernel = __atomic_load_n(&hijack_process()->kernels, __ATOMIC_ACQUIRE);
	uint64_t mask;
	long memory, object;

	if (mapping == NULL)
		return -ENOMEM;
	mapping->rump = (int)HIJACK_RUMP(fcntl, (uint64_t)rump, RUMP_F_DUPFD_CLOEXEC, 0);
	hijack_shared_name(mapping->name, st->st_dev, st->st_ino);
	object = mapping->rump >= 0 ? open_object(mapping->name, mapping->rump, st->st_size) : mapping->rump;
	if (object < 0) {
		if (mapping->rump >= 0)
			(void)HIJACK_RUMP(close, (uint64_t)mapping->rump);
		free(mapping);
		return object;
	}
	mapping->object = (int)object;
	memory = hijack_raw(
	    SYS_mmap, call->arg[0], call->arg[1], call->arg[2], call->arg[3], object, call->arg[5]);
	if (memory < 0 && memory > -4096) {
		release(mapping);
		return memory;
	}
	mapping->start = (uintptr_t)memory;
	mapping->end = (mapping->start + (uintptr_t)call->arg[1] + PAGE - 1) & -PAGE;
	mapping->offset = call->arg[5];
	mapping->writes = true;
	mapping->kernel = kernel;
	lock(&mask);
	mapping->next = mappings;
	__atomic_store_n(&mappings, mapping, __ATOMIC_RELEASE);
	unlock(&mask);
	return memory;
}

/* A child of vfork leaves its parent's alone. */
bool
hijack_mapped(void)
{
	return hijack_thread.process == NULL && __atomic_load_n(&mappings, __ATOMIC_ACQUIRE) != NULL;
}

/* Calls fn for what the range and each mapping have in common. */
static long
each_overlap(uintptr_t start, size_t size, long (*fn)(const struct mapping *, uintptr_t, uintptr_t))
{
	uintptr_t end = (start + size + PAGE - 1) & -PAGE;
	uint64_t mask;
	long error = 0;

	lock(&mask);
	for (const struct mapping *mapping = mappings; mapping != NULL; mapping = mapping->next) {
		uintptr_t first = start > mapping->start ? start : mapping->start;
		uintptr_t last = end < mapping->end ? end : mapping->end;

		if (first < last && error == 0)
			error = fn(mapping, first, last);
	}
	unlock(&mask);
	return error;
}

long
hijack_beyond_msync(const struct hijack_call *call)
{
	long error = hijack_pass(call);

	return error != 0 ? error : each_overlap((uintptr_t)call->arg[0], (size_t)call->arg[1], write_back);
}

/* Takes the range out of the list; what is gone as a whole is released. */
static void
cut(uintptr_t start, uintptr_t end)
{
	struct mapping **place = &mappings;

	while (*place != NULL) {
		struct mapping *mapping = *place;

		if (start <= mapping->start && end >= mapping->end) {
			*place = mapping->next;
			release(mapping);
			continue;
		}
		if (start <= mapping->start && end > mapping->start) {
			mapping->offset += (int64_t)(end - mapping->start);
			mapping->start = end;
		} else if (start > mapping->start && start < mapping->end) {
			/* What lies behind a hole stays mapped, and is written back no more. */
			mapping->end = start;
		}
		place = &mapping->next;
	}
}

long
hijack_beyond_munmap(const struct hijack_call *call)
{
	uintptr_t start = (uintptr_t)call->arg[0], end = (start + (size_t)call->arg[1] + PAGE - 1) & -PAGE;
	uint64_t mask;
	long error;

	(void)each_overlap(start, (size_t)call->arg[1], write_back);
	error = hijack_pass(call);
	if (error != 0)
		return error;
	lock(&mask);
	cut(start, end);
	unlock(&mask);
	return 0;
}

/* Has the object be as long as the file is now. */
static long
catch_up(const struct mapping *mapping, uintptr_t start, uintptr_t end)
{
	struct rump_stat st;
	long error = is_present(mapping) ? HIJACK_RUMP(__fstat50, (uint64_t)mapping->rump, hijack_slot(&st))
					 : -ENOTCONN;

	(void)start;
	(void)end;
	return error != 0 ? error : extend_object(mapping->object, mapping->rump, st.st_size);
}

/* The first mapping that has anything in common with the range. */
static struct mapping *
find(uintptr_t start, uintptr_t end)
{
	struct mapping *mapping = mappings;

	while (mapping != NULL && (mapping->start >= end || mapping->end <= start))
		mapping = mapping->next;
	return mapping;
}

/* A mapping as a whole becomes longer or shorter, or moves. What touches one in another way is refused. */
long
hijack_beyond_mremap(const struct hijack_call *call)
{
	uintptr_t start = (uintptr_t)call->arg[0], end = (start + (size_t)call->arg[1] + PAGE - 1) & -PAGE;
	size_t size = ((size_t)call->arg[2] + PAGE - 1) & -PAGE;
	struct mapping *mapping;
	uint64_t mask;
	long result = 0;

	if (call->arg[3] & MREMAP_FIXED)
		(void)each_overlap((uintptr_t)call->arg[4], size, write_back);
	if (start + size < end)
		result = each_overlap(start + size, end - start - size, write_back);
	else if (start + size > end)
		result = each_overlap(start, end - start, catch_up);
	lock(&mask);
	mapping = find(start, end > start ? end : start + 1);
	if (result == 0 && mapping != NULL &&
	    (mapping->start != start || mapping->end != end || call->arg[3] & MREMAP_DONTUNMAP))
		result = -EINVAL;
	if (result == 0)
		result = hijack_pass(call);
	if (result >= 0 || result <= -4096) {
		if (mapping != NULL)
			mapping->start = mapping->end = 0;
		if (call->arg[3] & MREMAP_FIXED)
			cut((uintptr_t)call->arg[4], (uintptr_t)call->arg[4] + size);
		if (mapping != NULL) {
			mapping->start = (uintptr_t)result;
			mapping->end = (uintptr_t)result + size;
		}
	}
	unlock(&mask);
	return result;
}

void
hijack_map_write_back(void)
{
	uint64_t mask;

	if (!hijack_mapped())
		return;
	lock(&mask);
	for (const struct mapping *mapping = mappings; mapping != NULL; mapping = mapping->next)
		(void)write_back(mapping, mapping->start, mapping->end);
	unlock(&mask);
}

/* The end of the process, for all of its threads. */
long
hijack_beyond_exit(const struct hijack_call *call)
{
	hijack_map_write_back();
	while (mappings != NULL) {
		struct mapping *mapping = mappings;

		mappings = mapping->next;
		release(mapping);
	}
	return hijack_pass(call);
}

/* Locks belong to what was opened, which the parent has too: the child opens it for itself. */
void
hijack_map_forked(void)
{
	lock_word = 0;
	for (struct mapping *mapping = mappings; mapping != NULL; mapping = mapping->next) {
		char path[32];
		long object;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", mapping->object);
		object = hijack_own(SYS_open, (long)path, O_RDWR | O_CLOEXEC, 0, 0, 0, 0);
		if (object < 0)
			continue;
		(void)host_lock((int)object, LOCK_SH);
		(void)close(mapping->object);
		mapping->object = rc_fd_up((int)object);
	}
}

bool
hijack_map_owns(int fd)
{
	for (const struct mapping *mapping = mappings; mapping != NULL; mapping = mapping->next) {
		if (mapping->object == fd)
			return true;
	}
	return false;
}
