/* SPDX-License-Identifier: BSD-2-Clause */
/* Setting times of files in the rump kernel. */
#include <errno.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "hijack/abi/flags.h"
#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/files.h"
#include "hijack/rump.h"

/* UTIME_NOW and UTIME_OMIT are other numbers. */
static void
translate_times(const struct timespec *from, struct rump_timespec *to)
{
	for (int i = 0; i < 2; i++) {
		to[i] = (struct rump_timespec){from[i].tv_sec, from[i].tv_nsec};
		if (from[i].tv_nsec == UTIME_NOW)
			to[i].tv_nsec = RUMP_UTIME_NOW;
		else if (from[i].tv_nsec == UTIME_OMIT)
			to[i].tv_nsec = RUMP_UTIME_OMIT;
	}
}

/* Reads the program's two times. */
static int
read_times(uint64_t address, struct rump_timespec *to)
{
	struct timespec from[2];

	if (address == 0)
		return 0;
	if (hijack_copyin(from, address, sizeof(from)) != 0)
		return -EFAULT;
	translate_times(from, to);
	return 0;
}

long
hijack_times_fd(int rump, uint64_t from)
{
	struct rump_timespec to[2];

	if (read_times(from, to) != 0)
		return -EFAULT;
	return HIJACK_RUMP(futimens, (uint64_t)rump, from != 0 ? hijack_slot(to) : 0);
}

long
hijack_beyond_futimens(const struct hijack_call *call)
{
	return hijack_times_fd(hijack_fd(call->arg[0]), (uint64_t)call->arg[2]);
}

long
hijack_inside_utimensat(const struct hijack_place *place, const long *rest)
{
	struct rump_timespec to[2];

	if (read_times((uint64_t)rest[0], to) != 0)
		return -EFAULT;
	return HIJACK_RUMP(utimensat, (uint64_t)place->directory, hijack_slot(place->path),
	    rest[0] != 0 ? hijack_slot(to) : 0, (uint64_t)hijack_abi_at_flags((int)rest[1]));
}

long
hijack_inside_utime(const struct hijack_place *place, const long *rest)
{
	int64_t from[2];
	struct rump_timespec to[2] = {{0}};

	if (rest[0] != 0 && hijack_copyin(from, (uint64_t)rest[0], sizeof(from)) != 0)
		return -EFAULT;
	for (int i = 0; rest[0] != 0 && i < 2; i++)
		to[i].tv_sec = from[i];
	return HIJACK_RUMP(utimensat, (uint64_t)place->directory, hijack_slot(place->path),
	    rest[0] != 0 ? hijack_slot(to) : 0, 0);
}

long
hijack_inside_utimes(const struct hijack_place *place, const long *rest)
{
	struct timeval from[2];
	struct rump_timespec to[2];

	if (rest[0] != 0 && hijack_copyin(from, (uint64_t)rest[0], sizeof(from)) != 0)
		return -EFAULT;
	for (int i = 0; rest[0] != 0 && i < 2; i++)
		to[i] = (struct rump_timespec){from[i].tv_sec, from[i].tv_usec * 1000};
	return HIJACK_RUMP(utimensat, (uint64_t)place->directory, hijack_slot(place->path),
	    rest[0] != 0 ? hijack_slot(to) : 0, 0);
}
