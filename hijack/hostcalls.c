/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's calls under libc's names, hidden in this library: what it consists of, the client library
 * included, enters the kernel through the gate and never comes back to the dispatcher, nor to another library
 * that is preloaded and has calls of these names.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "hijack/gate.h"
#include "hijack/thread.h"

static long
result_of(long result)
{
	if (result >= 0 || result < -4095)
		return result;
	errno = (int)-result;
	return -1;
}

#define HOST(type, name, number, parameters, ...) \
	type name parameters \
	{ \
		return (type)result_of(hijack_own(number, __VA_ARGS__)); \
	}

HOST(int, close, SYS_close, (int fd), fd, 0, 0, 0, 0, 0)
HOST(ssize_t, read, SYS_read, (int fd, void *data, size_t size), fd, (long)data, (long)size, 0, 0, 0)
HOST(ssize_t, write, SYS_write, (int fd, const void *data, size_t size), fd, (long)data, (long)size, 0, 0, 0)
HOST(int, ftruncate, SYS_ftruncate, (int fd, off_t size), fd, size, 0, 0, 0, 0)
HOST(int, fstat, SYS_fstat, (int fd, struct stat *status), fd, (long)status, 0, 0, 0, 0)
HOST(pid_t, getpid, SYS_getpid, (void), 0, 0, 0, 0, 0, 0)
HOST(int, kill, SYS_kill, (pid_t pid, int signal), pid, signal, 0, 0, 0, 0)
HOST(int, getrlimit, SYS_getrlimit, (__rlimit_resource_t which, struct rlimit *limit), (long)which,
    (long)limit, 0, 0, 0, 0)
HOST(int, sched_yield, SYS_sched_yield, (void), 0, 0, 0, 0, 0, 0)
HOST(ssize_t, getrandom, SYS_getrandom, (void *data, size_t size, unsigned int flags), (long)data, (long)size,
    flags, 0, 0, 0)
HOST(int, nanosleep, SYS_nanosleep, (const struct timespec *time, struct timespec *left), (long)time,
    (long)left, 0, 0, 0, 0)
HOST(int, execve, SYS_execve, (const char *path, char *const *arguments, char *const *environment),
    (long)path, (long)arguments, (long)environment, 0, 0, 0)

HOST(int, socket, SYS_socket, (int domain, int type, int protocol), domain, type, protocol, 0, 0, 0)
HOST(int, connect, SYS_connect, (int fd, const struct sockaddr *address, socklen_t size), fd, (long)address,
    size, 0, 0, 0)
HOST(int, getpeername, SYS_getpeername, (int fd, struct sockaddr *address, socklen_t *size), fd,
    (long)address, (long)size, 0, 0, 0)
HOST(int, shutdown, SYS_shutdown, (int fd, int how), fd, how, 0, 0, 0, 0)
HOST(ssize_t, send, SYS_sendto, (int fd, const void *data, size_t size, int flags), fd, (long)data,
    (long)size, flags, 0, 0)
HOST(ssize_t, recv, SYS_recvfrom, (int fd, void *data, size_t size, int flags), fd, (long)data, (long)size,
    flags, 0, 0)
HOST(ssize_t, sendmsg, SYS_sendmsg, (int fd, const struct msghdr *message, int flags), fd, (long)message,
    flags, 0, 0, 0)
HOST(ssize_t, recvmsg, SYS_recvmsg, (int fd, struct msghdr *message, int flags), fd, (long)message, flags, 0,
    0, 0)
HOST(int, getsockopt, SYS_getsockopt, (int fd, int level, int name, void *value, socklen_t *size), fd, level,
    name, (long)value, (long)size, 0)
HOST(int, setsockopt, SYS_setsockopt, (int fd, int level, int name, const void *value, socklen_t size), fd,
    level, name, (long)value, size, 0)

HOST(int, poll, SYS_poll, (struct pollfd * fds, nfds_t count, int timeout), (long)fds, (long)count, timeout,
    0, 0, 0)
HOST(int, epoll_create1, SYS_epoll_create1, (int flags), flags, 0, 0, 0, 0, 0)
HOST(int, epoll_ctl, SYS_epoll_ctl, (int set, int operation, int fd, struct epoll_event *event), set,
    operation, fd, (long)event, 0, 0)
HOST(int, eventfd, SYS_eventfd2, (unsigned int value, int flags), value, flags, 0, 0, 0, 0)
HOST(int, memfd_create, SYS_memfd_create, (const char *name, unsigned int flags), (long)name, flags, 0, 0, 0,
    0)

HOST(void *, mmap, SYS_mmap, (void *address, size_t size, int protection, int flags, int fd, off_t offset),
    (long)address, (long)size, protection, flags, fd, offset)
HOST(int, munmap, SYS_munmap, (void *address, size_t size), (long)address, (long)size, 0, 0, 0, 0)
HOST(int, madvise, SYS_madvise, (void *address, size_t size, int advice), (long)address, (long)size, advice,
    0, 0, 0)

/*
 * The client library reads and writes its own memory so, for which a filter of the program's may kill it. A
 * bad address then faults in the program's place, see copy.c.
 */
static ssize_t
vm_copy(long number, pid_t pid, const struct iovec *local, const struct iovec *remote)
{
	const struct iovec *to = number == SYS_process_vm_readv ? local : remote;
	const struct iovec *from = number == SYS_process_vm_readv ? remote : local;

	if (!hijack_process()->sandboxed || pid != hijack_process()->pid)
		return result_of(hijack_own(number, pid, (long)local, 1, (long)remote, 1, 0));
	memcpy(to->iov_base, from->iov_base, local->iov_len);
	return (ssize_t)local->iov_len;
}

/* One range at a time, of one size. */
ssize_t
process_vm_readv(pid_t pid, const struct iovec *local, unsigned long locals, const struct iovec *remote,
    unsigned long remotes, unsigned long flags)
{
	(void)locals, (void)remotes, (void)flags;
	return vm_copy(SYS_process_vm_readv, pid, local, remote);
}

ssize_t
process_vm_writev(pid_t pid, const struct iovec *local, unsigned long locals, const struct iovec *remote,
    unsigned long remotes, unsigned long flags)
{
	(void)locals, (void)remotes, (void)flags;
	return vm_copy(SYS_process_vm_writev, pid, local, remote);
}

/* The kernel writes what is left of the time; libc's does not. */
int
ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	struct timespec left = timeout != NULL ? *timeout : (struct timespec){0};

	return (int)result_of(hijack_own(
	    SYS_ppoll, (long)fds, (long)count, timeout != NULL ? (long)&left : 0, (long)mask, 8, 0));
}

char *
getcwd(char *path, size_t size)
{
	return result_of(hijack_own(SYS_getcwd, (long)path, (long)size, 0, 0, 0, 0)) > 0 ? path : NULL;
}

#define VARIADIC(last, ...) \
	va_list list; \
	va_start(list, last); \
	__VA_ARGS__; \
	va_end(list)

int
fcntl(int fd, int command, ...)
{
	long argument;

	VARIADIC(command, argument = va_arg(list, long));
	return (int)result_of(hijack_own(SYS_fcntl, fd, command, argument, 0, 0, 0));
}

int
prctl(int option, ...)
{
	long a[4];

	VARIADIC(option, for (int i = 0; i < 4; i++) a[i] = va_arg(list, long));
	return (int)result_of(hijack_own(SYS_prctl, option, a[0], a[1], a[2], a[3], 0));
}

void *
mremap(void *address, size_t size, size_t wanted, int flags, ...)
{
	long new_address;

	VARIADIC(flags, new_address = va_arg(list, long));
	return (void *)result_of(
	    hijack_own(SYS_mremap, (long)address, (long)size, (long)wanted, flags, new_address, 0));
}

long
syscall(long number, ...)
{
	long a[6];

	VARIADIC(number, for (int i = 0; i < 6; i++) a[i] = va_arg(list, long));
	return result_of(hijack_own(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}
