/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * All processes of this machine that map one file of one rump kernel share one host object, in /dev/shm,
 * named after the user, the server, the device and the inode (see shared_name.c), which knows what was stored
 * in it (see shared_object.c). That is written to the file on msync and munmap, when the process ends or
 * executes another program, and before a process that maps the file reads it or has it written out: only
 * what it reads, and only as far as the file is long, since a mapping does not make it longer. What such a
 * process writes to the file goes to the object too, under the object's lock, so that no older contents are
 * written after it. Processes that do not map the file know nothing of this; what they write is seen in the
 * object when somebody maps the file anew or asks for it (MS_INVALIDATE).
 *
 * A descriptor of the rump kernel's is kept for each mapping, because a program may close its own. Mappings
 * are known by their addresses. munmap of a part leaves the rest; one list is guarded by one lock, with
 * signals blocked, which is taken before an object's.
 */
#include "hijack/shared_map.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hijack/descriptor.h"
#include "hijack/files.h"
#include "hijack/rump.h"
#include "hijack/shared_list.h"
#include "hijack/shared_name.h"
#include "hijack/shared_object.h"
#include "hijack/signal.h"

#define PAGE 4096UL

struct mapping *hijack_mappings;
uint32_t hijack_mappings_made = 1;
static uint32_t lock_word;

void
hijack_mappings_lock(uint64_t *mask)
{
	const uint64_t all = ~HIJACK_SIGSYS_BIT;

	(void)hijack_own(SYS_rt_sigprocmask, SIG_BLOCK, (long)&all, (long)mask, HIJACK_SIGSET_SIZE, 0, 0);
	while (__atomic_exchange_n(&lock_word, 2, __ATOMIC_ACQUIRE) != 0)
		(void)hijack_own(SYS_futex, (long)&lock_word, FUTEX_WAIT_PRIVATE, 2, 0, 0, 0);
}

void
hijack_mappings_unlock(const uint64_t *mask)
{
	__atomic_store_n(&lock_word, 0, __ATOMIC_RELEASE);
	(void)hijack_own(SYS_futex, (long)&lock_word, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
	(void)hijack_own(SYS_rt_sigprocmask, SIG_SETMASK, (long)mask, 0, HIJACK_SIGSET_SIZE, 0, 0);
}

static void
release(struct mapping *mapping)
{
	hijack_object_close(mapping->object.host, mapping->name);
	if (hijack_mapping_is_present(mapping))
		(void)HIJACK_RUMP(close, (uint64_t)mapping->object.rump);
	free(mapping);
}

/* Calls fn for the part of the file that lies in the range, which is the mapping's. */
static long
with_object(const struct mapping *mapping, uintptr_t start, uintptr_t end,
    long (*fn)(const struct hijack_object *, int64_t, int64_t))
{
	int64_t from = mapping->offset + (int64_t)(start - mapping->start);
	long error;

	if (!hijack_mapping_is_present(mapping))
		return -ENOTCONN;
	hijack_object_lock(mapping->object.host);
	error = fn(&mapping->object, from, from + (int64_t)(end - start));
	hijack_object_unlock(mapping->object.host);
	return error;
}

/* What cannot write to the file cannot store in the mapping either: it is given what says so. */
static long
map_object(const struct hijack_call *call, const struct hijack_object *object)
{
	char path[32];
	long host = object->host, memory;

	if (!object->writes) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", object->host);
		host = hijack_own(SYS_open, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0, 0);
		if (host < 0)
			return host;
	}
	memory = hijack_raw(SYS_mmap, call->arg[0], call->arg[1], call->arg[2], call->arg[3], host,
	    call->arg[5] + HIJACK_OBJECT_PAGES);
	if (!object->writes)
		(void)hijack_own(SYS_close, host, 0, 0, 0, 0, 0);
	return memory;
}

/* Has the file's part that is to be mapped in the object. */
static long
open_object(struct mapping *mapping, int rump, int64_t from, int64_t to)
{
	long host;

	mapping->object.rump = (int)HIJACK_RUMP(fcntl, (uint64_t)rump, RUMP_F_DUPFD_CLOEXEC, 0);
	if (mapping->object.rump < 0)
		return mapping->object.rump;
	host = hijack_object_open(mapping->name);
	if (host < 0) {
		(void)HIJACK_RUMP(close, (uint64_t)mapping->object.rump);
		return host;
	}
	mapping->object.host = (int)host;
	hijack_object_lock((int)host);
	host = hijack_object_cover(&mapping->object, from, to);
	hijack_object_unlock(mapping->object.host);
	return host;
}

long
hijack_map_shared(const struct hijack_call *call, int rump, const struct rump_stat *st, int flags)
{
	struct mapping *mapping;
	int64_t size = (int64_t)(((size_t)call->arg[1] + PAGE - 1) & -PAGE), end;
	uint64_t mask;
	long memory;

	if (size <= 0 || __builtin_add_overflow(call->arg[5], size, &end) || end >= HIJACK_OBJECT_PAGES)
		return -EOVERFLOW;
	mapping = calloc(1, sizeof(*mapping));
	if (mapping == NULL)
		return -ENOMEM;
	mapping->offset = call->arg[5];
	mapping->device = st->st_dev;
	mapping->inode = st->st_ino;
	mapping->kernel = __atomic_load_n(&hijack_process()->kernels, __ATOMIC_ACQUIRE);
	mapping->object.writes = (flags & RUMP_O_ACCMODE) == RUMP_O_RDWR;
	mapping->object.appends = (flags & RUMP_O_APPEND) != 0;
	hijack_shared_name(mapping->name, st->st_dev, st->st_ino);
	hijack_mappings_lock(&mask);
	memory = open_object(mapping, rump, call->arg[5], end);
	if (memory == 0)
		memory = map_object(call, &mapping->object);
	if (memory < 0 && memory > -4096) {
		if (mapping->object.host != 0)
			release(mapping);
		else
			free(mapping);
		hijack_mappings_unlock(&mask);
		return memory;
	}
	mapping->start = (uintptr_t)memory;
	mapping->end = mapping->start + (uintptr_t)size;
	mapping->next = hijack_mappings;
	__atomic_fetch_add(&hijack_mappings_made, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&hijack_mappings, mapping, __ATOMIC_RELEASE);
	hijack_mappings_unlock(&mask);
	return memory;
}

/* A child of vfork leaves its parent's alone. */
bool
hijack_mapped(void)
{
	return hijack_thread.process == NULL && __atomic_load_n(&hijack_mappings, __ATOMIC_ACQUIRE) != NULL;
}

/* Calls fn for what the range and each mapping have in common. */
static long
each_overlap(uintptr_t start, size_t size, long (*fn)(const struct mapping *, uintptr_t, uintptr_t))
{
	uintptr_t end = (start + size + PAGE - 1) & -PAGE;
	uint64_t mask;
	long error = 0;

	hijack_mappings_lock(&mask);
	for (const struct mapping *mapping = hijack_mappings; mapping != NULL; mapping = mapping->next) {
		uintptr_t first = start > mapping->start ? start : mapping->start;
		uintptr_t last = end < mapping->end ? end : mapping->end;

		if (first < last && error == 0)
			error = fn(mapping, first, last);
	}
	hijack_mappings_unlock(&mask);
	return error;
}

static long
write_back(const struct mapping *mapping, uintptr_t start, uintptr_t end)
{
	return with_object(mapping, start, end, hijack_object_write_back);
}

/* What others have written to the file. */
static long
look_again(const struct mapping *mapping, uintptr_t start, uintptr_t end)
{
	return with_object(mapping, start, end, hijack_object_refresh);
}

/* The disk has it. */
static long
write_out(const struct mapping *mapping, uintptr_t start, uintptr_t end)
{
	(void)start;
	(void)end;
	return mapping->object.writes ? HIJACK_RUMP(fdatasync, (uint64_t)mapping->object.rump) : 0;
}

long
hijack_beyond_msync(const struct hijack_call *call)
{
	uintptr_t start = (uintptr_t)call->arg[0];
	size_t size = (size_t)call->arg[1];
	long error = hijack_pass(call);

	if (error == 0)
		error = each_overlap(start, size, write_back);
	if (error == 0 && call->arg[2] & MS_INVALIDATE)
		error = each_overlap(start, size, look_again);
	if (error == 0 && call->arg[2] & MS_SYNC)
		error = each_overlap(start, size, write_out);
	return error;
}

/* Takes the range out of the list; what is gone as a whole is released. */
static void
cut(uintptr_t start, uintptr_t end)
{
	struct mapping **place = &hijack_mappings;

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
	hijack_mappings_lock(&mask);
	cut(start, end);
	hijack_mappings_unlock(&mask);
	return 0;
}

/* More of the file is going to be mapped. */
static long
cover(const struct mapping *mapping, size_t size)
{
	return with_object(mapping, mapping->start, mapping->start + size, hijack_object_cover);
}

/* The first mapping that has anything in common with the range. */
static struct mapping *
find(uintptr_t start, uintptr_t end)
{
	struct mapping *mapping = hijack_mappings;

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
	hijack_mappings_lock(&mask);
	mapping = find(start, end > start ? end : start + 1);
	if (result == 0 && mapping != NULL &&
	    (mapping->start != start || mapping->end != end || call->arg[3] & MREMAP_DONTUNMAP))
		result = -EINVAL;
	if (result == 0 && mapping != NULL && start + size > end)
		result = cover(mapping, size);
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
	hijack_mappings_unlock(&mask);
	return result;
}

void
hijack_map_write_back(void)
{
	uint64_t mask;

	if (!hijack_mapped())
		return;
	hijack_mappings_lock(&mask);
	for (const struct mapping *mapping = hijack_mappings; mapping != NULL; mapping = mapping->next)
		(void)write_back(mapping, mapping->start, mapping->end);
	hijack_mappings_unlock(&mask);
}

void
hijack_map_end(void)
{
	if (!hijack_mapped())
		return;
	hijack_map_write_back();
	while (hijack_mappings != NULL) {
		struct mapping *mapping = hijack_mappings;

		hijack_mappings = mapping->next;
		release(mapping);
	}
}

void
hijack_map_forked(void)
{
	lock_word = 0;
	for (struct mapping *mapping = hijack_mappings; mapping != NULL; mapping = mapping->next)
		mapping->object.host = hijack_object_forked(mapping->object.host);
}

bool
hijack_map_owns(int fd)
{
	for (const struct mapping *mapping = hijack_mappings; mapping != NULL; mapping = mapping->next) {
		if (mapping->object.host == fd)
			return true;
	}
	return false;
}

static long
resize(const struct mapping *mapping, uintptr_t start, uintptr_t end)
{
	(void)start;
	(void)end;
	hijack_object_lock(mapping->object.host);
	(void)hijack_object_resize(&mapping->object);
	hijack_object_unlock(mapping->object.host);
	return 0;
}

void
hijack_shared_resized(void)
{
	if (hijack_mapped())
		(void)each_overlap(0, SIZE_MAX - PAGE, resize);
}
