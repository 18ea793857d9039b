/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls on a path that lies in the rump kernel. */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "hijack/abi/flags.h"
#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/files.h"
#include "hijack/interface.h"
#include "hijack/names.h"
#include "hijack/rump.h"
#include "hijack/shared_map.h"

#define O_TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)

static uint64_t
directory(const struct hijack_place *place)
{
	return (uint64_t)place->directory;
}

/* What opening may have to wait for, and a signal may end. */
static bool
is_fifo(const struct hijack_place *place)
{
	struct rump_stat st;

	return HIJACK_RUMP(fstatat, directory(place), hijack_slot(place->path), hijack_slot(&st), 0) == 0 &&
	       (st.st_mode & RUMP_S_IFMT) == RUMP_S_IFIFO;
}

long
hijack_inside_openat(const struct hijack_place *place, const long *rest)
{
	int flags = (int)rest[0], netbsd;
	long rump;

	if (flags & O_TMPFILE_BIT)
		return hijack_open_temporary(place, flags, (uint64_t)rest[1] & 07777);
	netbsd = hijack_abi_open_flags(flags);
	/* O_PATH: nothing is read or written through it, and opening must not wait. */
	if (flags & O_PATH)
		netbsd =
		    hijack_abi_open_flags(flags & (O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) | RUMP_O_NONBLOCK;
	do
		rump = HIJACK_RUMP(openat, directory(place), hijack_slot(place->path), (uint64_t)netbsd,
		    (uint64_t)rest[1] & 07777);
	while (rump == -EINTR && !is_fifo(place));
	/* A link that is not to be followed has an errno of its own on NetBSD, which no other has. */
	if (rump == -EINVAL && flags & O_NOFOLLOW)
		return flags & O_PATH ? -EOPNOTSUPP : -ELOOP;
	if (rump < 0)
		return rump;
	if (flags & O_TRUNC)
		hijack_shared_resized();
	rump = hijack_fd_install((int)rump, HIJACK_KIND_FILE, (flags & O_CLOEXEC) != 0);
	if (rump >= 0)
		hijack_name_set(rump, place);
	return rump;
}

static long
status(const struct hijack_place *place, bool follow, struct rump_stat *st)
{
	return HIJACK_RUMP(fstatat, directory(place), hijack_slot(place->path), hijack_slot(st),
	    follow ? 0 : RUMP_AT_SYMLINK_NOFOLLOW);
}

static long
inside_newfstatat(const struct hijack_place *place, const long *rest)
{
	struct hijack_identity identity = hijack_identity();
	struct rump_stat from;
	struct stat to;
	long error = status(place, !(rest[1] & AT_SYMLINK_NOFOLLOW), &from);

	if (error != 0)
		return error;
	hijack_abi_stat(&to, &from, &identity);
	return hijack_copyout((uint64_t)rest[0], &to, sizeof(to));
}

static long
inside_statx(const struct hijack_place *place, const long *rest)
{
	struct hijack_identity identity = hijack_identity();
	struct rump_stat from;
	struct statx to;
	long error = status(place, !(rest[0] & AT_SYMLINK_NOFOLLOW), &from);

	if (error != 0)
		return error;
	hijack_abi_statx(&to, &from, &identity);
	return hijack_copyout((uint64_t)rest[2], &to, sizeof(to));
}

/* The modes to ask for are the same numbers. faccessat's kernel form has no flags. */
static long
inside_faccessat(const struct hijack_place *place, const long *rest)
{
	return HIJACK_RUMP(faccessat, directory(place), hijack_slot(place->path), (uint64_t)rest[0], 0);
}

static long
inside_faccessat2(const struct hijack_place *place, const long *rest)
{
	return HIJACK_RUMP(faccessat, directory(place), hijack_slot(place->path), (uint64_t)rest[0],
	    (uint64_t)hijack_abi_at_flags((int)rest[1]));
}

static long
inside_unlinkat(const struct hijack_place *place, const long *rest)
{
	struct rump_stat st;
	long error;

	if (rest[0] & ~AT_REMOVEDIR)
		return -EINVAL;
	/* It may be the current one, or above that. */
	if (rest[0] == AT_REMOVEDIR)
		hijack_names_ask();
	error = HIJACK_RUMP(unlinkat, directory(place), hijack_slot(place->path),
	    rest[0] & AT_REMOVEDIR ? RUMP_AT_REMOVEDIR : 0);
	/* A directory that is not to be removed: Linux says EISDIR, as few others do. What cannot be removed
	 * at all may be another thing. */
	if (error != -EPERM || rest[0] != 0 || status(place, false, &st) != 0)
		return error;
	return (st.st_mode & RUMP_S_IFMT) == RUMP_S_IFDIR ? -EISDIR : error;
}

static long
inside_mkdirat(const struct hijack_place *place, const long *rest)
{
	return HIJACK_RUMP(mkdirat, directory(place), hijack_slot(place->path), (uint64_t)rest[0] & 07777);
}

static long
inside_mknodat(const struct hijack_place *place, const long *rest)
{
	uint32_t mode = (uint32_t)rest[0];
	long fd;

	switch (mode & S_IFMT) {
	case S_IFIFO:
		return HIJACK_RUMP(mkfifoat, directory(place), hijack_slot(place->path), mode & 07777);
	case 0:
	case S_IFREG:
		fd = HIJACK_RUMP(openat, directory(place), hijack_slot(place->path),
		    RUMP_O_CREAT | RUMP_O_EXCL | RUMP_O_WRONLY, mode & 07777);
		return fd < 0 ? fd : HIJACK_RUMP(close, (uint64_t)fd);
	default:
		return HIJACK_RUMP(
		    mknodat, directory(place), hijack_slot(place->path), mode, 0, (uint64_t)rest[1]);
	}
}

static long
inside_readlinkat(const struct hijack_place *place, const long *rest)
{
	return HIJACK_RUMP(
	    readlinkat, directory(place), hijack_slot(place->path), (uint64_t)rest[0], (uint64_t)rest[1]);
}

static long
inside_fchmodat(const struct hijack_place *place, const long *rest)
{
	return HIJACK_RUMP(
	    fchmodat, directory(place), hijack_slot(place->path), (uint64_t)rest[0] & 07777, 0);
}

static long
inside_fchownat(const struct hijack_place *place, const long *rest)
{
	return HIJACK_RUMP(fchownat, directory(place), hijack_slot(place->path),
	    hijack_inner_uid((uint32_t)rest[0]), hijack_inner_gid((uint32_t)rest[1]),
	    (uint64_t)hijack_abi_at_flags((int)rest[2] & ~AT_REMOVEDIR));
}

static long
inside_truncate(const struct hijack_place *place, const long *rest)
{
	long error, fd;

	if (place->directory == RUMP_AT_FDCWD) {
		error = HIJACK_RUMP(truncate, hijack_slot(place->path), 0, (uint64_t)rest[0]);
		hijack_shared_resized();
		return error;
	}
	fd = HIJACK_RUMP(openat, directory(place), hijack_slot(place->path), RUMP_O_WRONLY, 0);
	if (fd < 0)
		return fd;
	error = HIJACK_RUMP(ftruncate, (uint64_t)fd, 0, (uint64_t)rest[0]);
	hijack_shared_resized();
	(void)HIJACK_RUMP(close, (uint64_t)fd);
	return error;
}

static long
inside_chdir(const struct hijack_place *place, const long *rest)
{
	long error = HIJACK_RUMP(chdir, hijack_slot(place->path));

	(void)rest;
	if (error != 0)
		return error;
	hijack_process()->cwd_inside = true;
	hijack_names_moved(place);
	return 0;
}

static long
inside_statfs(const struct hijack_place *place, const long *rest)
{
	struct rump_statvfs from;
	struct statfs to;
	long error = HIJACK_RUMP(statvfs1, hijack_slot(place->path), hijack_slot(&from), RUMP_ST_WAIT);

	if (error != 0)
		return error;
	hijack_abi_statfs(&to, &from);
	return hijack_copyout((uint64_t)rest[0], &to, sizeof(to));
}

static long
inside_not_supported(const struct hijack_place *place, const long *rest)
{
	(void)place;
	(void)rest;
	return -EOPNOTSUPP;
}

static long
inside_no_call(const struct hijack_place *place, const long *rest)
{
	(void)place;
	(void)rest;
	return -ENOSYS;
}

static hijack_inside_fn *
inside(long number)
{
	switch (number) {
#define CASE(name, entry) \
	case SYS_##name: \
		return entry
		CASE(openat, hijack_inside_openat);
		CASE(openat2, inside_no_call);
		CASE(newfstatat, inside_newfstatat);
		CASE(statx, inside_statx);
		CASE(faccessat, inside_faccessat);
		CASE(faccessat2, inside_faccessat2);
		CASE(unlinkat, inside_unlinkat);
		CASE(mkdirat, inside_mkdirat);
		CASE(mknodat, inside_mknodat);
		CASE(readlinkat, inside_readlinkat);
		CASE(fchmodat, inside_fchmodat);
		CASE(fchownat, inside_fchownat);
		CASE(utimensat, hijack_inside_utimensat);
		CASE(utime, hijack_inside_utime);
		CASE(utimes, hijack_inside_utimes);
		CASE(truncate, inside_truncate);
		CASE(chdir, inside_chdir);
		CASE(statfs, inside_statfs);
		CASE(umount2, hijack_inside_umount2);
		CASE(chroot, hijack_inside_chroot);
		CASE(open_tree, inside_no_call);
		CASE(mount_setattr, inside_no_call);
		CASE(getxattr, hijack_inside_getxattr);
		CASE(lgetxattr, hijack_inside_lgetxattr);
		CASE(setxattr, hijack_inside_setxattr);
		CASE(lsetxattr, hijack_inside_lsetxattr);
		CASE(listxattr, hijack_inside_listxattr);
		CASE(llistxattr, hijack_inside_llistxattr);
		CASE(removexattr, hijack_inside_removexattr);
		CASE(lremovexattr, hijack_inside_lremovexattr);
#undef CASE
	default:
		return inside_not_supported;
	}
}

/* Where the flags are, behind the path, that say whether a link at the end is followed. */
static bool
follows(const struct hijack_call *call)
{
	switch (call->number) {
	case SYS_openat:
		return !(call->arg[2] & O_NOFOLLOW) &&
		       (call->arg[2] & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
	case SYS_newfstatat:
	case SYS_faccessat2:
	case SYS_utimensat:
		return !(call->arg[3] & AT_SYMLINK_NOFOLLOW);
	case SYS_statx:
		return !(call->arg[2] & AT_SYMLINK_NOFOLLOW);
	case SYS_fchownat:
		return !(call->arg[4] & AT_SYMLINK_NOFOLLOW);
	case SYS_unlinkat:
	case SYS_mkdirat:
	case SYS_mknodat:
	case SYS_readlinkat:
	case SYS_lgetxattr:
	case SYS_lsetxattr:
	case SYS_llistxattr:
	case SYS_lremovexattr:
		return false;
	default:
		return true;
	}
}

/* An empty path that means the descriptor itself, or a NULL one. */
static bool
means_descriptor(const struct hijack_call *call)
{
	char nothing[1];
	long flags = 0;

	if (call->number == SYS_newfstatat)
		flags = call->arg[3];
	else if (call->number == SYS_statx)
		flags = call->arg[2];
	else if (call->number == SYS_fchownat)
		flags = call->arg[4];
	else if (call->number == SYS_faccessat2 || call->number == SYS_utimensat)
		flags = call->arg[3];
	return flags & AT_EMPTY_PATH && hijack_copyinstr(nothing, (uint64_t)call->arg[1], 1) == 0;
}

/* A call on a path, made on a descriptor instead. rest are its arguments behind the path. */
static long
on_descriptor(long number, long fd, const long *rest)
{
	int rump = hijack_fd(fd);
	struct hijack_call call = {.arg = {rump, rest[0], rest[1], rest[2], rest[3]}, .shadow = fd};

	switch (number) {
	case SYS_openat:
		return hijack_open_own_link(fd, (int)rest[0]);
	case SYS_newfstatat:
		return hijack_status_fd(fd, (uint64_t)rest[0]);
	case SYS_statx:
		return hijack_status_fd_extended(fd, (uint64_t)rest[2]);
	case SYS_fchmodat:
		return hijack_inside_fchmod(&call);
	case SYS_fchownat:
		return hijack_inside_fchown(&call);
	case SYS_truncate:
		return hijack_inside_ftruncate(&call);
	case SYS_statfs:
		return hijack_inside_fstatfs(&call);
	case SYS_faccessat:
	case SYS_faccessat2:
		return 0;
	case SYS_chdir:
		call.arg[0] = fd;
		return hijack_beyond_fchdir(&call);
	case SYS_utimensat:
		return hijack_times_fd(rump, (uint64_t)rest[0]);
	case SYS_chroot:
		return hijack_chroot_fd(rump);
	case SYS_getxattr:
		return hijack_inside_fgetxattr(&call);
	case SYS_setxattr:
		return hijack_inside_fsetxattr(&call);
	case SYS_listxattr:
		return hijack_inside_flistxattr(&call);
	case SYS_removexattr:
		return hijack_inside_fremovexattr(&call);
	default:
		return -EOPNOTSUPP;
	}
}

/*
 * A link inside may have a target that begins with the prefix: programs make such links by the names they
 * know. The rump kernel takes it for a name of its own, and finds nothing.
 */
static long
at_place(const struct hijack_call *call, struct hijack_place *place, const long *rest)
{
	hijack_inside_fn *entry = inside(call->number);
	long result;
	int found = 1;

	if (place->shadow >= 0)
		return on_descriptor(call->number, place->shadow, rest);
	result = entry(place, rest);
	/* From below a descriptor first to a name of the program's, then through that. */
	for (int i = 0; result == -ENOENT && found == 1 && i < 2; i++) {
		found = hijack_path_through_links(place, follows(call));
		if (found != 0)
			result = found < 0 ? found : entry(place, rest);
	}
	return result;
}

/* Whether a path is a link of the host's that is to be read as the rump kernel's. */
static bool
is_own_link(uint64_t path, struct hijack_own_name *own)
{
	char text[64];

	return hijack_copyinstr(text, path, sizeof(text)) > 0 && hijack_path_own(text, own) &&
	       *own->rest == '\0';
}

static bool
opens_interfaces(const struct hijack_call *call)
{
	char path[PATH_MAX];

	return call->number == SYS_openat && (call->arg[2] & O_ACCMODE) == O_RDONLY &&
	       hijack_copyinstr(path, (uint64_t)call->arg[1], sizeof(path)) >= 0 &&
	       hijack_path_lists_interfaces(path);
}

long
hijack_beyond_at(const struct hijack_call *call)
{
	struct hijack_place place;
	struct hijack_call changed = *call;
	struct hijack_own_name own;
	int error;

	if (call->number == SYS_readlinkat && is_own_link((uint64_t)call->arg[1], &own)) {
		error = (int)hijack_read_own_link(&own, (uint64_t)call->arg[2], call->arg[3]);
		return error == -ENOENT && own.kind != HIJACK_OWN_DIRECTORY ? hijack_pass(call) : error;
	}
	if (opens_interfaces(call)) {
		error = (int)hijack_interface_devices((call->arg[2] & O_CLOEXEC) != 0);
		if (error != -ENOTTY)
			return error;
	}
	if (means_descriptor(call))
		return hijack_fd(call->arg[0]) < 0 ? hijack_pass(call)
						   : on_descriptor(call->number, call->arg[0], &call->arg[2]);
	error = hijack_path_find(call->arg[0], (uint64_t)call->arg[1], follows(call), &place);
	if (error != 0)
		return error;
	if (place.inside)
		return at_place(call, &place, &call->arg[2]);
	if (place.renamed) {
		changed.arg[0] = AT_FDCWD;
		changed.arg[1] = (long)place.path;
	}
	return hijack_pass(&changed);
}

long
hijack_beyond_plain(const struct hijack_call *call)
{
	struct hijack_place place;
	struct hijack_call changed = *call;
	int at = call->number == SYS_inotify_add_watch ? 1 : 0;
	long error = hijack_path_find(AT_FDCWD, (uint64_t)call->arg[at], follows(call), &place);

	if (error != 0)
		return error;
	if (place.inside)
		return at_place(call, &place, &call->arg[at + 1]);
	if (place.renamed)
		changed.arg[at] = (long)place.path;
	error = hijack_pass(&changed);
	if (error == 0 && call->number == SYS_chdir)
		hijack_process()->cwd_inside = false;
	return error;
}
