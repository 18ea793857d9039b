/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes away the user's objects that have no users. A process that was killed, or has executed another
 * program, leaves its own behind, and when that kernel is gone nobody will look for its name again.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "hijack/gate.h"
#include "hijack/shared_name.h"
#include "hijack/shared_object.h"

struct entry {
	uint64_t inode;
	int64_t offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

/* Who opens it now, and waits for the lock, sees that the name is another's or nobody's. */
static void
remove_unused(int directory, const char *name)
{
	struct stat open_one, named;
	long object = hijack_own(
	    SYS_openat, directory, (long)name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0, 0, 0);

	if (object < 0)
		return;
	if (hijack_own(SYS_flock, object, LOCK_EX | LOCK_NB, 0, 0, 0, 0) == 0 &&
	    hijack_own(SYS_fstat, object, (long)&open_one, 0, 0, 0, 0) == 0 &&
	    hijack_own(SYS_newfstatat, directory, (long)name, (long)&named, AT_SYMLINK_NOFOLLOW, 0, 0) == 0 &&
	    open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev)
		(void)hijack_own(SYS_unlinkat, directory, (long)name, 0, 0, 0, 0);
	(void)hijack_own(SYS_close, object, 0, 0, 0, 0, 0);
}

void
hijack_object_sweep(void)
{
	_Alignas(struct entry) char entries[4096];
	char mine[sizeof(HIJACK_SHARED_PREFIX) + 16];
	long directory = hijack_own(
		 SYS_open, (long)HIJACK_SHARED_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0, 0, 0),
	     n;

	if (directory < 0)
		return;
	snprintf(mine, sizeof(mine), HIJACK_SHARED_PREFIX "%u-",
	    (unsigned int)hijack_own(SYS_geteuid, 0, 0, 0, 0, 0, 0));
	while ((n = hijack_own(SYS_getdents64, directory, (long)entries, sizeof(entries), 0, 0, 0)) > 0) {
		for (long at = 0; at < n;) {
			const struct entry *entry = (const struct entry *)(entries + at);

			if (strncmp(entry->name, mine, strlen(mine)) == 0)
				remove_unused((int)directory, entry->name);
			at += entry->length;
		}
	}
	(void)hijack_own(SYS_close, directory, 0, 0, 0, 0, 0);
}
