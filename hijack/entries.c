/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dispatcher's decisions: which calls with a path or a descriptor concern the rump kernel. Older calls
 * are turned into their *at() forms first, so that beyond there is one of each kind.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "hijack/beyond.h"
#include "hijack/code.h"
#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/epoll.h"
#include "hijack/files.h"
#include "hijack/interface.h"
#include "hijack/path.h"
#include "hijack/shared_map.h"
#include "hijack/start.h"

/* A path that the host does not find may go through a link to where the rump kernel's part begins. */
static long
pass_path(const struct hijack_call *call, hijack_call_fn *entry, const struct hijack_call *form)
{
	bool at = entry == hijack_beyond_at;
	long result = hijack_pass(call);

	if (result != -ENOENT ||
	    !hijack_path_has_links(at ? form->arg[0] : AT_FDCWD, (uint64_t)form->arg[at]))
		return result;
	return hijack_beyond(entry, form);
}

long
hijack_at(const struct hijack_call *call)
{
	if (!hijack_path_concerns(call->arg[0], (uint64_t)call->arg[1]))
		return pass_path(call, hijack_beyond_at, call);
	return hijack_beyond(hijack_beyond_at, call);
}

/* Without a path it is the descriptor's times. */
long
hijack_utimensat(const struct hijack_call *call)
{
	if (call->arg[1] != 0)
		return hijack_at(call);
	return hijack_fd(call->arg[0]) >= 0 ? hijack_beyond(hijack_beyond_futimens, call) : hijack_pass(call);
}

long
hijack_plain(const struct hijack_call *call)
{
	if (!hijack_path_concerns(AT_FDCWD, (uint64_t)call->arg[0]))
		return pass_path(call, hijack_beyond_plain, call);
	return hijack_beyond(hijack_beyond_plain, call);
}

/* The call in its *at() form, relative to the current directory. */
static long
as_at(const struct hijack_call *call, long number, long a2, long a3, long a4)
{
	const struct hijack_call at = {number, {AT_FDCWD, call->arg[0], a2, a3, a4}, 0};

	if (!hijack_path_concerns(AT_FDCWD, (uint64_t)call->arg[0]))
		return pass_path(call, hijack_beyond_at, &at);
	return hijack_beyond(hijack_beyond_at, &at);
}

long
hijack_open(const struct hijack_call *call)
{
	return as_at(call, SYS_openat, call->arg[1], call->arg[2], 0);
}

long
hijack_creat(const struct hijack_call *call)
{
	return as_at(call, SYS_openat, O_CREAT | O_WRONLY | O_TRUNC, call->arg[1], 0);
}

long
hijack_stat(const struct hijack_call *call)
{
	return as_at(call, SYS_newfstatat, call->arg[1], 0, 0);
}

long
hijack_lstat(const struct hijack_call *call)
{
	return as_at(call, SYS_newfstatat, call->arg[1], AT_SYMLINK_NOFOLLOW, 0);
}

long
hijack_access(const struct hijack_call *call)
{
	return as_at(call, SYS_faccessat, call->arg[1], 0, 0);
}

long
hijack_unlink(const struct hijack_call *call)
{
	return as_at(call, SYS_unlinkat, 0, 0, 0);
}

long
hijack_rmdir(const struct hijack_call *call)
{
	return as_at(call, SYS_unlinkat, AT_REMOVEDIR, 0, 0);
}

long
hijack_mkdir(const struct hijack_call *call)
{
	return as_at(call, SYS_mkdirat, call->arg[1], 0, 0);
}

long
hijack_mknod(const struct hijack_call *call)
{
	return as_at(call, SYS_mknodat, call->arg[1], call->arg[2], 0);
}

long
hijack_readlink(const struct hijack_call *call)
{
	return as_at(call, SYS_readlinkat, call->arg[1], call->arg[2], 0);
}

long
hijack_chmod(const struct hijack_call *call)
{
	return as_at(call, SYS_fchmodat, call->arg[1], 0, 0);
}

long
hijack_chown(const struct hijack_call *call)
{
	return as_at(call, SYS_fchownat, call->arg[1], call->arg[2], 0);
}

long
hijack_lchown(const struct hijack_call *call)
{
	return as_at(call, SYS_fchownat, call->arg[1], call->arg[2], AT_SYMLINK_NOFOLLOW);
}

/* A call with two paths in its longest form; either may concern the rump kernel. */
static long
two_paths(const struct hijack_call *call, hijack_call_fn *entry, const struct hijack_call *at)
{
	long result;

	if (!hijack_path_concerns(at->arg[0], (uint64_t)at->arg[1]) &&
	    !hijack_path_concerns(at->arg[2], (uint64_t)at->arg[3])) {
		result = hijack_pass(call);
		if (result != -ENOENT || (!hijack_path_has_links(at->arg[0], (uint64_t)at->arg[1]) &&
					     !hijack_path_has_links(at->arg[2], (uint64_t)at->arg[3])))
			return result;
	}
	return hijack_beyond(entry, at);
}

long
hijack_rename(const struct hijack_call *call)
{
	const struct hijack_call at = {SYS_renameat2, {AT_FDCWD, call->arg[0], AT_FDCWD, call->arg[1], 0}, 0};

	return two_paths(call, hijack_beyond_rename, &at);
}

long
hijack_renameat(const struct hijack_call *call)
{
	struct hijack_call at = *call;

	if (call->number == SYS_renameat)
		at.arg[4] = 0;
	at.number = SYS_renameat2;
	return two_paths(call, hijack_beyond_rename, &at);
}

long
hijack_link(const struct hijack_call *call)
{
	const struct hijack_call at = {SYS_linkat, {AT_FDCWD, call->arg[0], AT_FDCWD, call->arg[1], 0}, 0};

	return two_paths(call, hijack_beyond_link, &at);
}

long
hijack_linkat(const struct hijack_call *call)
{
	return two_paths(call, hijack_beyond_link, call);
}

long
hijack_symlink(const struct hijack_call *call)
{
	const struct hijack_call at = {SYS_symlinkat, {call->arg[0], AT_FDCWD, call->arg[1]}, 0};

	return hijack_symlinkat(&at);
}

long
hijack_symlinkat(const struct hijack_call *call)
{
	long result;

	if (!hijack_path_concerns(call->arg[1], (uint64_t)call->arg[2])) {
		result = hijack_pass(call);
		if (result != -ENOENT || !hijack_path_has_links(call->arg[1], (uint64_t)call->arg[2]))
			return result;
	}
	return hijack_beyond(hijack_beyond_symlink, call);
}

/* A change of directory is of interest also when it leads back to the host. */
long
hijack_chdir(const struct hijack_call *call)
{
	long error;

	if (hijack_path_concerns(AT_FDCWD, (uint64_t)call->arg[0]))
		return hijack_beyond(hijack_beyond_plain, call);
	error = hijack_pass(call);
	if (error == -ENOENT && hijack_path_has_links(AT_FDCWD, (uint64_t)call->arg[0]))
		return hijack_beyond(hijack_beyond_plain, call);
	if (error == 0)
		hijack_process()->cwd_inside = false;
	return error;
}

long
hijack_fchdir(const struct hijack_call *call)
{
	long error;

	if (hijack_fd(call->arg[0]) >= 0)
		return hijack_beyond(hijack_beyond_fchdir, call);
	error = hijack_pass(call);
	if (error == 0)
		hijack_process()->cwd_inside = false;
	return error;
}

long
hijack_getcwd(const struct hijack_call *call)
{
	return hijack_process()->cwd_inside ? hijack_beyond(hijack_beyond_getcwd, call) : hijack_pass(call);
}

/* A call whose second argument is the path that counts. */
long
hijack_second(const struct hijack_call *call)
{
	hijack_call_fn *beyond = call->number == SYS_mount ? hijack_beyond_mount : hijack_beyond_plain;
	long error;

	if (hijack_path_concerns(AT_FDCWD, (uint64_t)call->arg[1]))
		return hijack_beyond(beyond, call);
	error = hijack_pass(call);
	if (error == -ENOENT && hijack_path_has_links(AT_FDCWD, (uint64_t)call->arg[1]))
		return hijack_beyond(beyond, call);
	return error;
}

long
hijack_umask(const struct hijack_call *call)
{
	return hijack_process()->context != NULL ? hijack_beyond(hijack_beyond_umask, call)
						 : hijack_pass(call);
}

/* A process that allows itself no more descriptors can still wait with those that are there. */
long
hijack_setrlimit(const struct hijack_call *call)
{
	return call->arg[0] == RLIMIT_NOFILE && hijack_waits() ? hijack_beyond(hijack_beyond_limit, call)
							       : hijack_pass(call);
}

long
hijack_prlimit64(const struct hijack_call *call)
{
	return call->arg[1] == RLIMIT_NOFILE && call->arg[2] != 0 && hijack_waits()
		   ? hijack_beyond(hijack_beyond_limit, call)
		   : hijack_pass(call);
}

long
hijack_close(const struct hijack_call *call)
{
	if (hijack_process()->context == NULL && !hijack_fd_is_epoll(call->arg[0]))
		return hijack_pass(call);
	return hijack_beyond(hijack_beyond_close, call);
}

long
hijack_dup2(const struct hijack_call *call)
{
	if (hijack_process()->context == NULL && !hijack_fd_is_epoll(call->arg[0]) &&
	    !hijack_fd_is_epoll(call->arg[1]))
		return hijack_pass(call);
	return hijack_beyond(hijack_beyond_dup2, call);
}

long
hijack_close_range(const struct hijack_call *call)
{
	if (hijack_process()->context == NULL && hijack_process()->fds == NULL)
		return hijack_pass(call);
	return hijack_beyond(hijack_beyond_close_range, call);
}

/* The domains that the configuration names; those that have no like in the rump kernel are the host's. */
long
hijack_socket(const struct hijack_call *call)
{
	unsigned int sockets = hijack_start.config.sockets, domain = 0;

	switch (call->arg[0]) {
	case AF_UNIX:
		domain = HIJACK_DOMAIN_LOCAL;
		break;
	case AF_INET:
		domain = HIJACK_DOMAIN_INET;
		break;
	case AF_INET6:
		domain = HIJACK_DOMAIN_INET6;
		break;
	default:
		break;
	}
	return sockets & domain ? hijack_beyond(hijack_beyond_socket, call) : hijack_pass(call);
}

/* bind and connect: a socket of the host's may get a name inside. */
long
hijack_name(const struct hijack_call *call)
{
	if (hijack_fd(call->arg[0]) < 0 && hijack_start.config.path != NULL)
		return hijack_beyond(hijack_beyond_local_name, call);
	return hijack_descriptor_call(call);
}

/* Whether a message, whose header is at that address, has room for descriptors. */
static bool
may_bring(uint64_t address)
{
	struct msghdr message;

	return hijack_start.server != NULL && hijack_copyin(&message, address, sizeof(message)) == 0 &&
	       message.msg_control != NULL && message.msg_controllen > sizeof(struct cmsghdr);
}

/* A message on the host's sockets may carry descriptors that are not, and one that comes may bring some. */
long
hijack_message(const struct hijack_call *call)
{
	bool sends = call->number == SYS_sendmsg || call->number == SYS_sendmmsg;

	if (hijack_fd(call->arg[0]) < 0 &&
	    (sends ? hijack_process()->context != NULL && hijack_process()->fds != NULL
		   : may_bring((uint64_t)call->arg[1])))
		return hijack_beyond(hijack_beyond_host_message, call);
	return hijack_descriptor_call(call);
}

/* Interfaces are the rump kernel's where Internet sockets are, also when a local socket of the host's is
 * asked. */
long
hijack_ioctl(const struct hijack_call *call)
{
	if (hijack_fd(call->arg[0]) < 0 && hijack_start.config.sockets & HIJACK_DOMAIN_INET &&
	    hijack_interface_concerns((unsigned int)call->arg[1]))
		return hijack_beyond(hijack_beyond_interface, call);
	return hijack_descriptor_call(call);
}

long
hijack_poll(const struct hijack_call *call)
{
	return hijack_poll_concerned() ? hijack_beyond(hijack_beyond_poll, call) : hijack_pass(call);
}

long
hijack_select(const struct hijack_call *call)
{
	return hijack_poll_concerned() ? hijack_beyond(hijack_beyond_select, call) : hijack_pass(call);
}

long
hijack_mmap(const struct hijack_call *call)
{
	long result;

	if (call->arg[3] & MAP_ANONYMOUS || hijack_fd(call->arg[4]) < 0)
		return hijack_code_map(call);
	result = hijack_beyond(hijack_beyond_mmap, call);
	if (call->arg[2] & PROT_EXEC && (result >= 0 || result < -4095))
		hijack_code_mapped(result, call);
	return result;
}

long
hijack_munmap(const struct hijack_call *call)
{
	return hijack_mapped() ? hijack_beyond(hijack_beyond_munmap, call) : hijack_pass(call);
}

long
hijack_mremap(const struct hijack_call *call)
{
	return hijack_mapped() ? hijack_beyond(hijack_beyond_mremap, call) : hijack_pass(call);
}

long
hijack_msync(const struct hijack_call *call)
{
	return hijack_mapped() ? hijack_beyond(hijack_beyond_msync, call) : hijack_pass(call);
}

long
hijack_exit_group(const struct hijack_call *call)
{
	return hijack_mapped() || hijack_may_wait() ? hijack_beyond(hijack_beyond_exit, call)
						    : hijack_pass(call);
}

long
hijack_sendfile(const struct hijack_call *call)
{
	if (hijack_fd(call->arg[0]) < 0 && hijack_fd(call->arg[1]) < 0)
		return hijack_pass(call);
	return hijack_beyond(hijack_beyond_sendfile, call);
}

/* copy_file_range and splice: (from, position, to, position, ...). */
long
hijack_copy_range(const struct hijack_call *call)
{
	if (hijack_fd(call->arg[0]) < 0 && hijack_fd(call->arg[2]) < 0)
		return hijack_pass(call);
	return hijack_beyond(
	    call->number == SYS_splice ? hijack_beyond_splice : hijack_beyond_copy_file_range, call);
}

#define CALL(name, entry)
#define FD(name, entry) [SYS_##name] = entry,
static hijack_call_fn *const inside[HIJACK_CALLS] = {
#include "hijack/calls.def"
    [SYS_bind] = hijack_inside_bind,
    [SYS_getdents64] = hijack_inside_getdents64,
    [SYS_connect] = hijack_inside_connect,
    [SYS_ioctl] = hijack_inside_ioctl,
    [SYS_sendmsg] = hijack_inside_sendmsg,
    [SYS_recvmsg] = hijack_inside_recvmsg,
    [SYS_recvmmsg] = hijack_inside_recvmmsg,
    [SYS_sendmmsg] = hijack_inside_sendmmsg,
};
#undef FD
#undef CALL

/* What is read or written may be an edge that an epoll set waits for. */
static long
inside_then_edges(const struct hijack_call *call)
{
	long result = inside[call->number](call);

	if (hijack_waits())
		hijack_epoll_used(call->shadow, call->number, result);
	return result;
}

long
hijack_descriptor_call(const struct hijack_call *call)
{
	int rump = hijack_fd(call->arg[0]);
	struct hijack_call changed = *call;

	if (rump < 0)
		return hijack_on_epoll(call);
	changed.shadow = call->arg[0];
	changed.arg[0] = rump;
	return hijack_beyond(inside_then_edges, &changed);
}
