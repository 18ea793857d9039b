/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls on what a descriptor stands for, but for reading and writing. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "hijack/abi/flags.h"
#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/files.h"
#include "hijack/names.h"
#include "hijack/owner.h"
#include "hijack/rump.h"
#include "hijack/terminal.h"

#define DIRECTORY_BUFFER 16384
#define DIRECTORY_BLOCK 512

static long
status(long fd, struct rump_stat *st)
{
	int rump = hijack_fd(fd);
	long error = HIJACK_RUMP(__fstat50, (uint64_t)rump, hijack_slot(st));

	if (error == 0)
		hijack_fd_is(fd, rump, st->st_mode);
	return error;
}

long
hijack_status_fd(long fd, uint64_t to)
{
	struct hijack_identity identity = hijack_identity();
	struct rump_stat from;
	struct stat st;
	long error = status(fd, &from);

	if (error != 0)
		return error;
	hijack_abi_stat(&st, &from, &identity);
	return hijack_copyout(to, &st, sizeof(st));
}

long
hijack_status_fd_extended(long fd, uint64_t to)
{
	struct hijack_identity identity = hijack_identity();
	struct rump_stat from;
	struct statx st;
	long error = status(fd, &from);

	if (error != 0)
		return error;
	hijack_abi_statx(&st, &from, &identity);
	return hijack_copyout(to, &st, sizeof(st));
}

long
hijack_inside_fstat(const struct hijack_call *call)
{
	return hijack_status_fd(call->shadow, (uint64_t)call->arg[1]);
}

long
hijack_inside_fstatfs(const struct hijack_call *call)
{
	struct rump_statvfs from;
	struct statfs to;
	long error = HIJACK_RUMP(fstatvfs1, (uint64_t)call->arg[0], hijack_slot(&from), RUMP_ST_WAIT);

	if (error != 0)
		return error;
	hijack_abi_statfs(&to, &from);
	return hijack_copyout((uint64_t)call->arg[1], &to, sizeof(to));
}

/* Where the next entries are, and how many of them to leave out: the rump kernel keeps what the program
 * sought last, as any number, for all that share the descriptor. */
static struct hijack_position
directory_position(int rump)
{
	long offset = HIJACK_RUMP(lseek, (uint64_t)rump, 0, 0, RUMP_SEEK_CUR);
	struct hijack_position position = hijack_abi_position_back(offset > 0 ? offset : 0);

	if (position.base != offset && offset > 0)
		(void)HIJACK_RUMP(lseek, (uint64_t)rump, 0, (uint64_t)position.base, RUMP_SEEK_SET);
	return position;
}

/*
 * Linux's entries are up to half as large again as NetBSD's, so the rump kernel is asked for two thirds of
 * what there is room for, in the units that its file systems have.
 */
long
hijack_inside_getdents64(const struct hijack_call *call)
{
	uint64_t from[DIRECTORY_BUFFER / 8], to[DIRECTORY_BUFFER * 3 / 2 / 8];
	size_t room = (size_t)call->arg[2] * 2 / 3 & -(size_t)DIRECTORY_BLOCK;
	struct hijack_position position = {0};
	int rump = (int)call->arg[0];
	struct rump_stat st;
	long n;

	if (room == 0)
		return -EINVAL;
	if (room > sizeof(from))
		room = sizeof(from);
	do {
		unsigned int leave_out = position.entries;

		position = directory_position(rump);
		position.entries += leave_out;
		n = HIJACK_RUMP(__getdents30, (uint64_t)rump, hijack_slot(from), room);
		if (n == -EINVAL && status(rump, &st) == 0 && (st.st_mode & RUMP_S_IFMT) != RUMP_S_IFDIR)
			return -ENOTDIR;
		if (n <= 0)
			return n;
		/* Such positions are those behind all of them. */
		if (position.base > HIJACK_POSITION_BASE_MAX)
			position.base = HIJACK_RUMP(lseek, (uint64_t)rump, 0, 0, RUMP_SEEK_CUR);
		n = hijack_abi_dirents(to, from, (size_t)n, &position);
		/* None: all of them had been removed, or were to be left out. */
	} while (n == 0);
	if (n < 0)
		return n;
	return hijack_copyout((uint64_t)call->arg[1], to, (size_t)n) == 0 ? n : -EFAULT;
}

long
hijack_inside_fchmod(const struct hijack_call *call)
{
	return HIJACK_RUMP(fchmod, (uint64_t)call->arg[0], (uint64_t)call->arg[1] & 07777);
}

long
hijack_inside_fchown(const struct hijack_call *call)
{
	return HIJACK_RUMP(fchown, (uint64_t)call->arg[0], hijack_inner_uid((uint32_t)call->arg[1]),
	    hijack_inner_gid((uint32_t)call->arg[2]));
}

static long
owner_by_ioctl(const struct hijack_call *call)
{
	bool set = call->arg[1] == FIOSETOWN || call->arg[1] == SIOCSPGRP;
	int process = 0;
	long result;

	if (set && hijack_copyin(&process, (uint64_t)call->arg[2], sizeof(process)) != 0)
		return -EFAULT;
	if (set)
		return hijack_owner_set((int)call->arg[0], process);
	result = hijack_owner_get((int)call->arg[0]);
	process = (int)result;
	return result < 0 ? result : hijack_copyout((uint64_t)call->arg[2], &process, sizeof(process));
}

/* Linux keeps a letter for requests of each kind. */
static long
by_letter(const struct hijack_call *call)
{
	switch (_IOC_TYPE((unsigned int)call->arg[1])) {
	case 'T':
		if (call->arg[1] == SIOCOUTQ && hijack_fd_kind(call->shadow) == HIJACK_KIND_SOCKET)
			return HIJACK_RUMP(
			    ioctl, (uint64_t)call->arg[0], RUMP_FIONWRITE, (uint64_t)call->arg[2]);
		return hijack_inside_terminal(call);
	case _IOC_TYPE(SIOCGIFNAME):
		return hijack_inside_interface(call);
	case _IOC_TYPE(BLKGETSIZE64):
		return hijack_inside_disk(call);
	case _IOC_TYPE(FS_IOC_GETFLAGS):
		return hijack_inside_file_flags(call);
	default:
		return -ENOTTY;
	}
}

long
hijack_inside_ioctl(const struct hijack_call *call)
{
	switch ((unsigned int)call->arg[1]) {
	case FIONREAD:
		return HIJACK_RUMP(ioctl, (uint64_t)call->arg[0], RUMP_FIONREAD, (uint64_t)call->arg[2]);
	case FIONBIO:
		return HIJACK_RUMP(ioctl, (uint64_t)call->arg[0], RUMP_FIONBIO, (uint64_t)call->arg[2]);
	case FIOASYNC:
		return HIJACK_RUMP(ioctl, (uint64_t)call->arg[0], RUMP_FIOASYNC, (uint64_t)call->arg[2]);
	case SIOCATMARK:
		return HIJACK_RUMP(ioctl, (uint64_t)call->arg[0], RUMP_SIOCATMARK, (uint64_t)call->arg[2]);
	case FIOSETOWN:
	case SIOCSPGRP:
	case FIOGETOWN:
	case SIOCGPGRP:
		return owner_by_ioctl(call);
	case FIOCLEX:
	case FIONCLEX:
		(void)HIJACK_RUMP(
		    fcntl, (uint64_t)call->arg[0], RUMP_F_SETFD, call->arg[1] == FIOCLEX ? FD_CLOEXEC : 0);
		return hijack_raw(SYS_ioctl, call->shadow, call->arg[1], 0, 0, 0, 0);
	case FICLONE:
	case FICLONERANGE:
	case FIDEDUPERANGE:
		return -EOPNOTSUPP;
	default:
		return by_letter(call);
	}
}

long
hijack_inside_no_call(const struct hijack_call *call)
{
	(void)call;
	return -ENOSYS;
}

long
hijack_beyond_fchdir(const struct hijack_call *call)
{
	long error = HIJACK_RUMP(fchdir, (uint64_t)hijack_fd(call->arg[0]));

	if (error != 0)
		return error;
	hijack_process()->cwd_inside = true;
	hijack_names_moved_fd(call->arg[0]);
	return 0;
}

long
hijack_beyond_getcwd(const struct hijack_call *call)
{
	char path[PATH_MAX];
	long length = hijack_path_current(path, sizeof(path));

	if (length < 0)
		return length;
	if ((size_t)length + 1 > (size_t)call->arg[1])
		return -ERANGE;
	if (hijack_copyout((uint64_t)call->arg[0], path, (size_t)length + 1) != 0)
		return -EFAULT;
	return length + 1;
}

long
hijack_beyond_umask(const struct hijack_call *call)
{
	(void)HIJACK_RUMP(umask, (uint64_t)call->arg[0] & 0777);
	return hijack_pass(call);
}
