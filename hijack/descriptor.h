/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The descriptor table: which of the host's descriptors are shadows, and of what.
 *
 * Theory of operation
 *
 * A rump descriptor has a shadow in the host's table, which holds its number: an eventfd, ready if it stands
 * for something that has a name. Whether that is a file, which is always ready, or a device is not asked when
 * it is opened, as that would cost another call, but when it matters. An entry is set after both exist and
 * cleared before the shadow's number is free again, each by one store; so a thread that uses a number while
 * another closes it finds one or the other, as it would on the host. Each number has a rump descriptor of its
 * own, also after dup: what belongs to the number (close-on-exec) and what belongs to the open file stay as
 * they should.
 *
 * The table hangs off the process's state: a child of vfork has a copy.
 */
#ifndef HIJACK_DESCRIPTOR_H
#define HIJACK_DESCRIPTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "hijack/gate.h"
#include "hijack/thread.h"

/*
 * FILE: something that has a name. PLAIN: such a one, and known to be none that calls may sleep in. DEVICE:
 * known to be one, a device or a FIFO. EPOLL: the host's all the same, with no rump descriptor; so the gate
 * hands over calls on it that make other numbers for it.
 */
enum hijack_kind {
	HIJACK_KIND_FILE,
	HIJACK_KIND_PLAIN,
	HIJACK_KIND_SOCKET,
	HIJACK_KIND_EPOLL,
	HIJACK_KIND_DEVICE
};
#define HIJACK_FD_KINDS 8 /* room for them in an entry */

#define HIJACK_FD_LOST (1 << 24) /* no kernel's: of one that is gone */

struct hijack_fds {
	uint32_t waited;           /* how many entries are waited for in the rump kernel */
	uint32_t unsettled;        /* and how many may turn out to be */
	uint32_t used;             /* no entry is set from here on */
	int32_t entry[HIJACK_FDS]; /* (rump descriptor + 1) * HIJACK_FD_KINDS + kind; 0: the host's */
	uint32_t changes;          /* how many entries were ever set */
};

/* The rump descriptor that a number stands for, -1: it is the host's. */
static inline int
hijack_fd(long fd)
{
	const struct hijack_fds *fds = __atomic_load_n(&hijack_process()->fds, __ATOMIC_ACQUIRE);

	if (fds == NULL || (unsigned long)(unsigned int)fd >= HIJACK_FDS)
		return -1;
	return __atomic_load_n(&fds->entry[(unsigned int)fd], __ATOMIC_ACQUIRE) / HIJACK_FD_KINDS - 1;
}

/* The number's entry, as it is in the table. */
static inline int32_t
hijack_fd_entry(long fd)
{
	const struct hijack_fds *fds = __atomic_load_n(&hijack_process()->fds, __ATOMIC_ACQUIRE);

	if (fds == NULL || (unsigned long)(unsigned int)fd >= HIJACK_FDS)
		return 0;
	return __atomic_load_n(&fds->entry[(unsigned int)fd], __ATOMIC_ACQUIRE);
}

/* Whether the number is known to be an epoll set. */
static inline bool
hijack_fd_is_epoll(long fd)
{
	return hijack_fd_entry(fd) == HIJACK_KIND_EPOLL;
}

/* Whether what has this kind is waited for in the rump kernel. */
static inline bool
hijack_kind_waits(enum hijack_kind kind)
{
	return kind == HIJACK_KIND_SOCKET || kind == HIJACK_KIND_DEVICE;
}

/* Whether the process has anything that is. */
static inline bool
hijack_waits(void)
{
	const struct hijack_fds *fds = __atomic_load_n(&hijack_process()->fds, __ATOMIC_ACQUIRE);

	return fds != NULL && __atomic_load_n(&fds->waited, __ATOMIC_RELAXED) > 0;
}

/* The same, or what may be. */
static inline bool
hijack_may_wait(void)
{
	const struct hijack_fds *fds = __atomic_load_n(&hijack_process()->fds, __ATOMIC_ACQUIRE);

	return fds != NULL && (__atomic_load_n(&fds->waited, __ATOMIC_RELAXED) > 0 ||
				  __atomic_load_n(&fds->unsettled, __ATOMIC_RELAXED) > 0);
}

enum hijack_kind hijack_fd_kind(long fd);

/* Gives a rump descriptor a number. On failure the rump descriptor is closed. Returns the number or -errno.
 */
long hijack_fd_install(int rump, enum hijack_kind kind, bool close_on_exec);

/* Makes an existing number of the host's stand for the rump descriptor. Returns 0 or -errno. */
int hijack_fd_set(long fd, int rump, enum hijack_kind kind);

/* Of a number that stands for something: FILE is told apart from the others, if the rump kernel answers. */
enum hijack_kind hijack_fd_settle(long fd);

/* The same, when the mode of the rump descriptor's file is known. */
void hijack_fd_is(long fd, int rump, uint32_t mode);

/* The number is the host's again; what it stood for is not closed. */
void hijack_fd_clear(long fd);

/* Makes a shadow with the lowest free number from minimum on. Returns it or -errno. */
long hijack_fd_shadow(enum hijack_kind kind, int minimum, bool close_on_exec);

#endif
