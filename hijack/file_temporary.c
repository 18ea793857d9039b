/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files without a name, as O_TMPFILE makes them: the rump kernel has to give them one, which is removed at
 * once. Nothing gives them another later; so they are for programs that say with O_EXCL that they want none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "hijack/abi/flags.h"
#include "hijack/descriptor.h"
#include "hijack/files.h"
#include "hijack/names.h"
#include "hijack/rump.h"

#define TRIES 100
#define NAME_SIZE 32

/* Makes a file with a name of its own at the place, which is a directory. A descriptor of it or -errno. */
static long
make(struct hijack_place *place, int flags, uint64_t mode)
{
	size_t length = strlen(place->path);
	long rump = -EEXIST;

	if (length + NAME_SIZE > sizeof(place->path))
		return -ENAMETOOLONG;
	for (int i = 0; i < TRIES && rump == -EEXIST; i++) {
		uint64_t number = (uint64_t)i;

		(void)getrandom(&number, sizeof(number), GRND_NONBLOCK);
		snprintf(place->path + length, NAME_SIZE, "/.rumptmp%016lx", number);
		rump = HIJACK_RUMP(openat, (uint64_t)place->directory, hijack_slot(place->path),
		    (uint64_t)hijack_abi_open_flags(flags), mode);
	}
	return rump;
}

long
hijack_open_temporary(const struct hijack_place *directory, int flags, uint64_t mode)
{
	struct hijack_place place = *directory;
	int access = flags & (O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_CLOEXEC);
	long rump, error;

	if ((flags & O_ACCMODE) == O_RDONLY)
		return -EINVAL;
	if (!(flags & O_EXCL))
		return -EOPNOTSUPP;
	rump = make(&place, access | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
	if (rump < 0)
		return rump;
	error = HIJACK_RUMP(unlinkat, (uint64_t)place.directory, hijack_slot(place.path), 0);
	if (error != 0) {
		(void)HIJACK_RUMP(close, (uint64_t)rump);
		return error;
	}
	rump = hijack_fd_install((int)rump, HIJACK_KIND_FILE, (flags & O_CLOEXEC) != 0);
	if (rump >= 0)
		hijack_name_set(rump, &place);
	return rump;
}
