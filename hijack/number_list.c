/* SPDX-License-Identifier: BSD-2-Clause */
/* What of a list of the process's descriptors is the program's. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "hijack/copy.h"
#include "hijack/numbers.h"
#include "hijack/rump.h"

/* Linux's struct linux_dirent64 before the name. */
#define LENGTH_AT 16
#define NAME_AT 19

static bool
is_own_list(long fd)
{
	char link[64], target[64], wanted[64];
	long n;

	snprintf(link, sizeof(link), "/proc/self/fd/%ld", fd);
	n = hijack_own(SYS_readlink, (long)link, (long)target, sizeof(target), 0, 0, 0);
	snprintf(wanted, sizeof(wanted), "/proc/%d/fd", hijack_process()->pid);
	return n == (long)strlen(wanted) && memcmp(target, wanted, (size_t)n) == 0;
}

/* Leaves out the library's own. Returns what is left. */
static size_t
filter(uint8_t *entries, size_t size)
{
	size_t kept = 0, length;

	for (size_t at = 0; at + NAME_AT < size; at += length) {
		const char *name = (const char *)entries + at + NAME_AT;

		length = (size_t)entries[at + LENGTH_AT] | (size_t)entries[at + LENGTH_AT + 1] << 8;
		if (length <= NAME_AT || length > size - at)
			break;
		if (*name >= '0' && *name <= '9' && hijack_rump_owns(atoi(name)))
			continue;
		memmove(entries + kept, entries + at, length);
		kept += length;
	}
	return kept;
}

long
hijack_beyond_numbers(const struct hijack_call *call)
{
	size_t kept = 0;
	long n;

	do {
		uint8_t *entries;

		n = hijack_pass(call);
		if (n <= 0 || !is_own_list(call->arg[0]))
			return n;
		entries = malloc((size_t)n);
		if (entries == NULL)
			return -ENOMEM;
		if (hijack_copyin(entries, (uint64_t)call->arg[1], (size_t)n) == 0)
			kept = filter(entries, (size_t)n);
		n = hijack_copyout((uint64_t)call->arg[1], entries, kept);
		free(entries);
		/* None: all of them were the library's. */
	} while (n == 0 && kept == 0);
	return n == 0 ? (long)kept : n;
}
