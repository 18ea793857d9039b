/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mapping what lies in the rump kernel. A private mapping is a copy, made at once. Shared mappings are in
 * shared_map.c; of one that only reads a copy does as well when there is no room for it there.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "hijack/descriptor.h"
#include "hijack/files.h"
#include "hijack/rump.h"
#include "hijack/shared_map.h"

static long
fill(int rump, uint8_t *memory, size_t size, int64_t offset)
{
	size_t done = 0;

	while (done < size) {
		long n = HIJACK_RUMP(pread, (uint64_t)rump, hijack_slot(memory + done), size - done, 0,
		    (uint64_t)offset + done);

		if (n < 0)
			return n;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return 0;
}

static long
map_copy(const struct hijack_call *call, int rump)
{
	size_t size = (size_t)call->arg[1];
	int protection = (int)call->arg[2], flags = (int)call->arg[3];
	long memory, error;

	flags = (flags & ~(MAP_SHARED | MAP_SHARED_VALIDATE)) | MAP_PRIVATE | MAP_ANONYMOUS;
	memory = hijack_raw(SYS_mmap, call->arg[0], (long)size, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (memory < 0 && memory > -4096)
		return memory;
	if (hijack_mapped())
		hijack_shared_before_read(rump, call->arg[5], size);
	error = fill(rump, (uint8_t *)memory, size, call->arg[5]);
	if (error == 0 && protection != (PROT_READ | PROT_WRITE))
		error = hijack_raw(SYS_mprotect, memory, (long)size, protection, 0, 0, 0);
	if (error == 0)
		return memory;
	(void)hijack_raw(SYS_munmap, memory, (long)size, 0, 0, 0, 0);
	return error;
}

long
hijack_beyond_mmap(const struct hijack_call *call)
{
	int rump = hijack_fd(call->arg[4]);
	struct rump_stat st;
	long error = HIJACK_RUMP(__fstat50, (uint64_t)rump, hijack_slot(&st)), mode, memory;
	bool writes;

	if (error != 0)
		return error;
	if ((st.st_mode & RUMP_S_IFMT) != RUMP_S_IFREG)
		return -ENODEV;
	if (call->arg[5] < 0 || call->arg[5] & 4095 || call->arg[1] <= 0)
		return -EINVAL;
	mode = HIJACK_RUMP(fcntl, (uint64_t)rump, RUMP_F_GETFL, 0);
	if (mode < 0)
		return mode;
	if ((mode & RUMP_O_ACCMODE) == RUMP_O_WRONLY)
		return -EACCES;
	if (call->arg[3] & MAP_PRIVATE && !(call->arg[3] & MAP_SHARED))
		return map_copy(call, rump);
	writes = (mode & RUMP_O_ACCMODE) == RUMP_O_RDWR;
	if (!writes && call->arg[2] & PROT_WRITE)
		return -EACCES;
	memory = hijack_map_shared(call, rump, &st, (int)mode);
	return memory < 0 && memory > -4096 && !writes ? map_copy(call, rump) : memory;
}
