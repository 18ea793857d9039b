/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "hijack/gate.h"
#include "hijack/names.h"
#include "hijack/rump.h"

enum hijack_kind
hijack_fd_kind(long fd)
{
	return (enum hijack_kind)(hijack_process()->fds->entry[fd] % HIJACK_FD_KINDS);
}

static struct hijack_fds *
table(void)
{
	struct hijack_process *process = hijack_process();
	struct hijack_fds *fds = __atomic_load_n(&process->fds, __ATOMIC_ACQUIRE), *fresh;
	long map;

	if (fds != NULL)
		return fds;
	map =
	    hijack_own(SYS_mmap, 0, sizeof(*fds), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map < 0 && map > -4096)
		return NULL;
	fresh = (struct hijack_fds *)map;
	if (__atomic_compare_exchange_n(
		&process->fds, &fds, fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return fresh;
	(void)hijack_own(SYS_munmap, map, sizeof(*fds), 0, 0, 0, 0);
	return fds;
}

static int32_t
entry(int rump, enum hijack_kind kind)
{
	return (rump + 1) * HIJACK_FD_KINDS + (int32_t)kind;
}

/* One more of a kind, or one fewer. */
static void
count(struct hijack_fds *fds, enum hijack_kind kind, uint32_t change)
{
	if (hijack_kind_waits(kind))
		__atomic_fetch_add(&fds->waited, change, __ATOMIC_RELAXED);
	else if (kind == HIJACK_KIND_FILE)
		__atomic_fetch_add(&fds->unsettled, change, __ATOMIC_RELAXED);
}

int
hijack_fd_set(long fd, int rump, enum hijack_kind kind)
{
	struct hijack_fds *fds = table();
	uint32_t used;

	if (fds == NULL)
		return -ENOMEM;
	if (fd >= HIJACK_FDS)
		return -EMFILE;
	used = __atomic_load_n(&fds->used, __ATOMIC_RELAXED);
	while (used <= (uint32_t)fd && !__atomic_compare_exchange_n(&fds->used, &used, (uint32_t)fd + 1,
					   false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	hijack_name_forget(fd);
	__atomic_fetch_add(&fds->changes, 1, __ATOMIC_RELAXED);
	count(fds, kind, 1);
	__atomic_store_n(&fds->entry[fd], entry(rump, kind), __ATOMIC_RELEASE);
	return 0;
}

void
hijack_fd_is(long fd, int rump, uint32_t mode)
{
	bool sleeps = (mode & RUMP_S_IFMT) == RUMP_S_IFCHR || (mode & RUMP_S_IFMT) == RUMP_S_IFIFO;
	enum hijack_kind kind = sleeps ? HIJACK_KIND_DEVICE : HIJACK_KIND_PLAIN;
	struct hijack_fds *fds = hijack_process()->fds;
	int32_t was = entry(rump, HIJACK_KIND_FILE);

	if (!__atomic_compare_exchange_n(
		&fds->entry[fd], &was, entry(rump, kind), false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return;
	count(fds, kind, 1);
	count(fds, HIJACK_KIND_FILE, -1U);
}

enum hijack_kind
hijack_fd_settle(long fd)
{
	int rump = hijack_fd(fd);
	struct rump_stat st;

	if (hijack_fd_kind(fd) == HIJACK_KIND_FILE && rump >= 0 &&
	    HIJACK_RUMP(__fstat50, (uint64_t)rump, hijack_slot(&st)) == 0)
		hijack_fd_is(fd, rump, st.st_mode);
	return hijack_fd_kind(fd);
}

void
hijack_fd_clear(long fd)
{
	struct hijack_fds *fds = hijack_process()->fds;
	int32_t was = __atomic_exchange_n(&fds->entry[fd], 0, __ATOMIC_ACQ_REL);

	if (was != 0)
		count(fds, (enum hijack_kind)(was % HIJACK_FD_KINDS), -1U);
}

long
hijack_fd_shadow(enum hijack_kind kind, int minimum, bool close_on_exec)
{
	/* What is taken for a file is always ready. */
	int flags = EFD_NONBLOCK | (close_on_exec ? EFD_CLOEXEC : 0);
	long fd = hijack_own(SYS_eventfd2, hijack_kind_waits(kind) ? 0 : 1, flags, 0, 0, 0, 0);
	long moved;

	if (fd < 0 || fd >= minimum)
		return fd;
	moved = hijack_own(SYS_fcntl, fd, close_on_exec ? F_DUPFD_CLOEXEC : F_DUPFD, minimum, 0, 0, 0);
	(void)hijack_own(SYS_close, fd, 0, 0, 0, 0, 0);
	return moved;
}

long
hijack_fd_install(int rump, enum hijack_kind kind, bool close_on_exec)
{
	long fd = hijack_fd_shadow(kind, 0, close_on_exec);
	int error = fd >= 0 ? hijack_fd_set(fd, rump, kind) : (int)fd;

	if (error == 0)
		return fd;
	if (fd >= 0)
		(void)hijack_own(SYS_close, fd, 0, 0, 0, 0, 0);
	(void)HIJACK_RUMP(close, (uint64_t)rump);
	return error;
}
